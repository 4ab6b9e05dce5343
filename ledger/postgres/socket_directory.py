"""Where an embedded server's socket lies."""

import hashlib
import os
from pathlib import Path

SOCKET_DIR_BYTES_MAX = 89  # sun_path holds 104 bytes on some systems; the socket's name takes 14


def socket_directory(data_dir: Path) -> Path:
    """Where the socket of a (resolved) data directory is, the same for every process: inside it,
    or, where that path is too long for a socket or has a comma (which libpq takes for the end of
    one host and the beginning of another), a directory under /tmp named by its hash.

    /tmp and not $TMPDIR, which differs between sessions.
    """
    inside = data_dir / "socket"
    if len(os.fsencode(inside)) <= SOCKET_DIR_BYTES_MAX and "," not in str(inside):
        return inside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:20]
    return Path("/tmp") / f"guoku-{name}"  # noqa: S108  private_directory checks whose it is
