"""Checkpoints as append-only files: a memory of history outside the database.

``<folder>/guoku_440000000-2026.txt`` holds the notes of one origin, each followed by a line of
three dashes. What a kill has left of a torn note is cut off by the next writer. Several processes
may write: each appends, under a lock, what the file lacks.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import GuokuError, IntegrityError
from ledger.integrity.note import NOTE_BYTES_MAX, parse_note
from ledger.postgres.file_lock import open_lock, wait_for_lock

END = b"---\n"
LOCK_TIMEOUT_S = 10.0
_TAIL_BYTES = 2 * NOTE_BYTES_MAX


class NoteFiles:
    """The files of all origins in one folder, which is made when missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, origin: str) -> Path:
        return self._folder / f"{origin.replace('/', '_')}.txt"

    def last(self, origin: str) -> str | None:
        """The last whole note, None where there is none.

        Raises:
            IntegrityError: what stands there is no note.
        """
        try:
            with self.path(origin).open("rb") as file:
                return _last_note(_tail(file.fileno()), self.path(origin))
        except FileNotFoundError:
            return None

    def append(self, origin: str, following: Callable[[str | None], Sequence[str]]) -> None:
        """Adds what the file lacks.

        Args:
            following: gives the next notes after the last one that is there, none at the end.

        Raises:
            IntegrityError: what stands there is no note; or whatever ``following`` raises.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._opened(origin) as descriptor:
            tail = _tail(descriptor)
            last = _last_note(tail, self.path(origin))
            torn = len(tail) - _whole(tail)
            while notes := following(last):
                end = os.fstat(descriptor).st_size - torn
                os.ftruncate(descriptor, end)
                _write(descriptor, b"".join(note.encode() + END for note in notes), end)
                os.fsync(descriptor)
                last, torn = notes[-1], 0

    @contextmanager
    def _opened(self, origin: str) -> Iterator[int]:
        path = self.path(origin)
        new = not path.exists()
        with open_lock(path) as descriptor:
            if not wait_for_lock(descriptor, LOCK_TIMEOUT_S):
                raise IntegrityError(f"{path} is held by another process")
            if new:
                _sync(self._folder)
            yield descriptor


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, min(size, _TAIL_BYTES), max(0, size - _TAIL_BYTES))


def _whole(tail: bytes) -> int:
    """Where the last whole note ends."""
    at = tail.rfind(b"\n" + END)
    return at + 1 + len(END) if at >= 0 else 0


def _last_note(tail: bytes, path: Path) -> str | None:
    whole = tail[: _whole(tail)]
    if not whole:
        return None
    start = whole.rfind(b"\n" + END, 0, len(whole) - len(END) - 1)
    note = whole[start + 1 + len(END) if start >= 0 else 0 : -len(END)]
    try:
        text = note.decode()
        parse_note(text)
    except (GuokuError, UnicodeDecodeError):
        raise IntegrityError(f"{path}: what stands at the end is no checkpoint") from None
    return text


def _write(descriptor: int, data: bytes, place: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, place)
        data, place = data[written:], place + written


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
