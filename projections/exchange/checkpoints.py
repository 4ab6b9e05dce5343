"""The checkpoints of an exported ledger: written from the record, and held against the history.

A checkpoint was signed when its part of the history was new. Its tree and chain are computed here
from the digests that are read, so an operator who writes history anew and signs the export again
is found by what he, or a witness, had signed before.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import psycopg

from ledger.errors import GuokuError, IntegrityError
from ledger.gm import Provider, PublicKey
from ledger.integrity.growth import GrowingTree
from ledger.integrity.note import (
    LOG_KEY_NAME,
    Checkpoint,
    ledger_checkpoint,
    parse_checkpoint,
    parse_note,
    verified_by,
)
from ledger.sealing.files import END
from ledger.sealing.register import RecordedNote, checkpoints_after, cosigned
from projections.exchange import files
from projections.exchange.files import HashedFile
from projections.exchange.format import CHECKPOINTS, FileEntry, moment_from
from projections.exchange.period import Period

HELPING = 1_000


def write_checkpoints(
    connection: psycopg.Connection, folder: Path, period: Period
) -> list[FileEntry]:
    """The notes whose size lies in the period, with all cosignatures; no file where there is none.

    A checkpoint of another size than a commit's end is nobody's, so what begins behind a commit
    takes every checkpoint behind it.
    """
    recorded = _recorded(connection, period)
    first = next(recorded, None)
    if first is None:
        return []
    file = HashedFile(folder, CHECKPOINTS)
    for found in chain([first], recorded):
        file.write(cosigned(connection, found).encode() + END)
    file.close()
    return [file.entry()]


def _recorded(connection: psycopg.Connection, period: Period) -> Iterator[RecordedNote]:
    size = period.first - 1
    while found := checkpoints_after(connection, period.ledger_id, size, HELPING):
        for recorded in found:
            if recorded.size > period.last:
                return
            yield recorded
        size = found[-1].size


class SealedHistory:
    """Holds a history that is read against the checkpoints beside it, as it goes by.

    Args:
        entry: the manifest's of the file; None where the export has none.
        keys: the log's keys, as the manifest names them.
    """

    def __init__(
        self,
        directory: Path,
        entry: FileEntry | None,
        ledger_id: int,
        keys: Sequence[PublicKey],
        provider: Provider,
    ) -> None:
        self._ledger_id = ledger_id
        self._keys = {LOG_KEY_NAME: keys}
        self._provider = provider
        self._tree = GrowingTree()
        self._notes = files.records(directory, entry, b"\n" + END) if entry else iter(())
        self._next = self._read() if entry else None

    def take(self, position: int, recorded_at: str, chain: bytes, digests: Sequence[bytes]) -> None:
        """The next commit. Raises IntegrityError where a checkpoint says otherwise."""
        if self._next is None:
            return
        self._tree.append(digests)
        while self._next is not None and self._next.size <= position:
            ours = ledger_checkpoint(
                self._ledger_id, position, self._tree.root, chain, moment_from(recorded_at)
            )
            if self._next.text != ours.text:
                raise _bad(self._next.size, "the history that was signed is another")
            self._next = self._read()

    def finish(self) -> None:
        """Raises IntegrityError for a checkpoint beyond the history."""
        if self._next is not None:
            raise _bad(self._next.size, "the history ends before it")

    def _read(self) -> Checkpoint | None:
        content = next(self._notes, None)
        if content is None:
            return None
        try:
            note = parse_note(content.decode() + "\n")
            checkpoint = parse_checkpoint(note.text)
        except (GuokuError, UnicodeDecodeError) as error:
            raise IntegrityError(f"{CHECKPOINTS}: {error}") from error
        if not verified_by(self._provider, note, self._keys):
            raise _bad(checkpoint.size, "no signature of the log verifies")
        return checkpoint


def _bad(size: int, problem: str) -> IntegrityError:
    return IntegrityError(f"{CHECKPOINTS}, position {size}: {problem}", position=size)
