"""What remembers a history outside the database, held against it: is its tail still there?

Checkpoint files lie beside the data, witnesses keep the last checkpoint they have signed, and a
running server knows how far it has seen each ledger. Where one of them remembers more than there
is, or another chain at the same place, events that were acknowledged are lost.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg

from ledger.account_set import DIVISIONS_BEGIN, ledger_text, parse_ledger
from ledger.deciding.losses import LOSSES, Losses
from ledger.deciding.settings import decoded
from ledger.errors import AccessError, GuokuError, IntegrityError
from ledger.integrity.note import PROVINCE_ORIGIN, decode_hash, parse_checkpoint, parse_note
from ledger.sealing.files import END, NoteFiles

_ORIGIN = "guoku/"
_FILES = "guoku_*-*.txt"
_HEADS = (
    "SELECT ledger_id, position, convert_to(settings::text, 'UTF8') FROM ledgers"
    " WHERE ledger_id = ANY(%s) OR ledger_id < %s"
)
_CHAINS = """
SELECT r.number, c.chain FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY
    AS r (ledger_id, size, number)
JOIN commits c ON c.ledger_id = r.ledger_id AND c.position = r.size"""


class RememberedHistory(NamedTuple):
    """That a ledger had ``size`` events; ``chain`` and ``root`` (b"" where not known) then."""

    ledger_id: int
    size: int
    chain: bytes
    root: bytes
    source: str


class LostTail(NamedTuple):
    """What is remembered of a ledger and is not there: its events from ``first`` on."""

    remembered: RememberedHistory
    first: int
    head: int

    @property
    def told(self) -> str:
        """The loss, for a person."""
        ledger, size = ledger_text(self.remembered.ledger_id), self.remembered.size
        have = f"has {self.head}" if self.head else "is not there"
        if self.head >= size:
            have = f"has others from {self.first} on"
        return f"{ledger} {have}, and {self.remembered.source} remembers {size} events"


def remembered_by(note: str, source: str) -> RememberedHistory | None:
    """What a checkpoint's note remembers; None for one that is not of a ledger.

    Raises:
        RequestError: ``malformed``: it is no checkpoint.
    """
    checkpoint = parse_checkpoint(parse_note(note).text)
    try:
        ledger_id = parse_ledger(checkpoint.origin.removeprefix(_ORIGIN))
    except AccessError:
        return None  # the province's head, which names what the others say
    words = (line.partition(" ") for line in checkpoint.extensions)
    chain = next((decode_hash(value) for word, _, value in words if word == "chain"), b"")
    return RememberedHistory(ledger_id, checkpoint.size, chain, checkpoint.root, source)


class FileMemory:
    """The last notes of all checkpoint files in a folder, read again where they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, NoteFiles(folder)
        self._read: dict[Path, tuple[tuple[int, int], RememberedHistory | None]] = {}

    def last(self) -> list[RememberedHistory]:
        """What each file remembers last.

        Raises:
            IntegrityError: a file does not end with a checkpoint.
        """
        found: dict[Path, tuple[tuple[int, int], RememberedHistory | None]] = {}
        for path in sorted(self._folder.glob(_FILES)):
            status = path.stat()
            seen = status.st_mtime_ns, status.st_size
            before = self._read.get(path)
            found[path] = before if before and before[0] == seen else (seen, self._last(path))
        self._read = found
        return [remembered for _, remembered in found.values() if remembered is not None]

    def _last(self, path: Path) -> RememberedHistory | None:
        note = self._files.last(path.stem.replace("_", "/", 1))
        try:
            return remembered_by(note, f"the file {path}") if note else None
        except GuokuError as error:
            raise IntegrityError(f"{path}: {error.detail}") from None

    def path(self, ledger_id: int) -> Path:
        return self._files.path(f"{_ORIGIN}{ledger_text(ledger_id)}")

    def all_of(self, ledger_id: int) -> list[RememberedHistory]:
        """Every checkpoint that the ledger's file has, in its order."""
        path = self.path(ledger_id)
        if not path.exists():
            return []
        notes = path.read_bytes().split(b"\n" + END)[:-1]
        found = (remembered_by(f"{note.decode()}\n", f"the file {path}") for note in notes)
        return [remembered for remembered in found if remembered is not None]

    def set_aside(self, ledger_id: int, name: str) -> Path:
        """Keeps a file that remembers what was lost, under another name; a new one is begun."""
        return _set_aside(self.path(ledger_id), name)

    def set_province_aside(self, name: str) -> None:
        """Likewise the province's heads, which name ledgers as they were."""
        if (path := self._files.path(PROVINCE_ORIGIN)).exists():
            _set_aside(path, name)


def _set_aside(path: Path, name: str) -> Path:
    aside = path.with_suffix(f".lost-{name}")
    path.replace(aside)
    return aside


class ComparedHistory(NamedTuple):
    """Memories held against the database: what is lost, what is known to be lost, the epochs."""

    lost: list[LostTail]
    explained: list[RememberedHistory]
    losses: Losses


def compare(
    connection: psycopg.Connection, remembered: Sequence[RememberedHistory], files: FileMemory
) -> ComparedHistory:
    """Holds memories against the database, in two queries."""
    keys = list({memory.ledger_id for memory in remembered})
    heads: dict[int, int] = {}
    known: dict[int, Losses] = {}
    for ledger_id, position, settings in connection.execute(_HEADS, (keys, DIVISIONS_BEGIN)):
        heads[ledger_id] = position
        known[ledger_id] = decoded(settings).get(LOSSES)
    of_system = [losses for key, losses in known.items() if key < DIVISIONS_BEGIN]
    epoch = max(of_system, key=lambda losses: losses.epoch, default=Losses())
    chains = _chains(connection, remembered)
    lost: list[LostTail] = []
    explained: list[RememberedHistory] = []
    for number, memory in enumerate(remembered, 1):
        head = heads.get(memory.ledger_id, 0)
        if memory.size <= head and (not memory.chain or chains.get(number) == memory.chain):
            continue
        ledger = ledger_text(memory.ledger_id)
        told = [known.get(memory.ledger_id, Losses()), *of_system]
        if any(losses.explain(ledger, memory.size) for losses in told):
            explained.append(memory)
            continue
        first = head + 1
        if memory.size <= head:
            first = _first_other(connection, files.all_of(memory.ledger_id), memory)
        lost.append(LostTail(memory, first, head))
    return ComparedHistory(lost, explained, epoch)


def _chains(
    connection: psycopg.Connection, remembered: Sequence[RememberedHistory]
) -> dict[int, bytes]:
    """The chain at each remembered place, by the memory's number."""
    places = [memory.ledger_id for memory in remembered], [memory.size for memory in remembered]
    return dict(connection.execute(_CHAINS.encode(), places).fetchall())


def _first_other(
    connection: psycopg.Connection, notes: Iterable[RememberedHistory], memory: RememberedHistory
) -> int:
    """The first position that may be another, by the checkpoints of the file: the one behind the
    last that agrees."""
    held = [note for note in notes if note.size < memory.size]
    chains = _chains(connection, held)
    agree = [note.size for number, note in enumerate(held, 1) if chains.get(number) == note.chain]
    return max(agree, default=0) + 1
