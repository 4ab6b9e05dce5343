"""报送目录: the files that were made for a receiver, and what it has answered to each.

Nothing but the folder says how far one is: the newest file, and the answer beside it. A file or an
answer stands there whole or not at all.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger.errors import Code, ConfigurationError, UnavailableError
from projections.collection.package import NAME_END, PARTIAL
from projections.collection.receiving import CollectionAnswer

ANSWER_END = ".answer.json"


class NextFile(NamedTuple):
    """Behind which position the next file begins, and the objects that it brings once more."""

    after: int
    again: tuple[str, ...] = ()


def answer_path(path: Path) -> Path:
    """Where the answer to a file stands."""
    return path.with_name(path.name + ANSWER_END)


def next_of(folder: Path, ledger: str) -> NextFile:
    """By the newest file: from where its receiver is, if that is known, else from its end.

    Raises:
        ConfigurationError: the answer beside it cannot be read.
    """
    names = sorted(path.name for path in folder.glob(f"{ledger}.*{NAME_END}"))
    if not names:
        return NextFile(0)
    answered = answer_path(folder / names[-1])
    if not answered.exists():
        return NextFile(int(names[-1].split(".")[1]))
    try:
        answer = msgspec.json.decode(answered.read_bytes(), type=CollectionAnswer)
        sources = {str(UUID(row.source)) for row in answer.rejected}
    except ValueError as error:  # what others have written
        raise ConfigurationError(f"{answered.name} is no answer: {error}") from error
    return NextFile(answer.position, tuple(sorted(sources)))


def write_answer(path: Path, answer: CollectionAnswer) -> Path:
    """Puts the answer beside its file, whole or not at all."""
    beside = answer_path(path)
    draft = beside.with_suffix(PARTIAL)
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(answer), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(beside)
    return beside


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two programs that write to one folder would make the same file twice. What a killed one has
    left there half done is cleared.

    Raises:
        UnavailableError: another one does.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            detail = f"another program writes to {folder}"
            raise UnavailableError(Code.UNAVAILABLE, detail) from error
        for left in folder.glob("*" + PARTIAL):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)
