"""Hashing documents of a few kilobytes without letting go of the interpreter's lock.

Python lets go of it for every 2,048 bytes or more that are hashed at once. For the 10 µs that a
voucher takes, handing the lock over and getting it back costs more than the hash, and whoever waits
for it is woken for nothing. What is long is still hashed beside other threads.
"""

import hashlib

_KEPT_BYTES_MAX = 2_047  # hashed at once with the lock held
_LONG_BYTES = 32 * 1024


def absorb(digest: "hashlib._Hash", data: bytes) -> None:
    """Feeds the data to the digest."""
    if len(data) <= _KEPT_BYTES_MAX or len(data) >= _LONG_BYTES:
        digest.update(data)
        return
    for start in range(0, len(data), _KEPT_BYTES_MAX):
        digest.update(data[start : start + _KEPT_BYTES_MAX])
