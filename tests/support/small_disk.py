"""A disk of its own for a data directory, small enough to be filled by a test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SMALL_DISK_BYTES = 768 * 1024 * 1024  # a cluster, its log, and some payments

needs_a_small_disk = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="a disk of its own can be mounted by root on Linux only",
)


class SmallDisk:
    """A file system in memory; what fills it lies beside the data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def free_bytes(self) -> int:
        disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a page is left, for the length of the block."""
        self._fill()
        try:
            yield
        finally:
            self._ballast.unlink()

    def _fill(self) -> None:
        """While others write and delete, too."""
        with self._ballast.open("ab") as ballast:
            while (free := self.free_bytes()) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.tell(), free)
                except OSError:  # somebody was faster: what is left now
                    continue
                ballast.seek(0, os.SEEK_END)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    with TemporaryDirectory(prefix="guoku-disk-") as directory:
        root = Path(directory).resolve()
        size = f"size={SMALL_DISK_BYTES},mode=0711"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "guoku", root], check=True)
        try:
            yield SmallDisk(root)
        finally:
            subprocess.run(["umount", "-l", root], check=True)
