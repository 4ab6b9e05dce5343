"""Locks between processes: ``flock`` on files, released by the kernel however a process ends.

A lock belongs to the open file, not to the process: a program started with the descriptor
(``pass_fds``) holds it too, until the last of them has closed it. Local file systems only; over
NFS Linux turns ``flock`` into another kind of lock, and a database does not belong there either.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import ConfigurationError

POLL_MIN_S, POLL_MAX_S = 0.01, 0.25


@contextmanager
def open_lock(path: Path) -> Iterator[int]:
    """The descriptor of a lock file, made when missing; not locked yet, released at the end.

    Raises:
        ConfigurationError: the file cannot be opened.
    """
    try:
        # Close-on-exec is Python's default: no program we start holds a lock by accident.
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be used: {error.strerror}") from error
    try:
        yield lock
    finally:
        os.close(lock)


def try_lock(lock: int) -> bool:
    """Takes the lock exclusively if that can be had at once."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(lock: int, timeout_s: float) -> bool:
    """Takes the lock exclusively; False if it could not be had within ``timeout_s``."""
    return any(try_lock(lock) for _ in polls(timeout_s))


def share_lock(lock: int) -> None:
    """Holds the lock together with others; waits for an exclusive holder."""
    fcntl.flock(lock, fcntl.LOCK_SH)


def release_lock(lock: int) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)


def polls(timeout_s: float) -> Iterator[None]:
    """Yields at once, then at growing intervals, the last time when ``timeout_s`` have passed."""
    deadline = time.monotonic() + timeout_s
    interval_s = POLL_MIN_S
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(interval_s)
        interval_s = min(interval_s * 1.5, POLL_MAX_S)
