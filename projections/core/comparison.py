"""Live rows against rebuilt ones: both read in key order as canonical text, their SM3 compared."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any, NamedTuple

import msgspec
import psycopg

from projections.core.advance import RowsPosition, RowsTarget
from projections.core.tables import Table

_PIECE_ROWS = 1_000


STOPPED_AFTER_S = 60  # a projector that runs, runs behind for seconds


class SnapshotHead(NamedTuple):
    """Where a ledger stands in a snapshot: its position, and when each commit came that some read
    model may not have seen, as (position, seconds ago)."""

    position: int
    commits: Sequence[tuple[int, float]]

    def waiting_s(self, position: int) -> float:
        """How long the first commit behind a position has been waiting; 0 where there is none."""
        return next((ago for at, ago in self.commits if at > position), 0.0)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The live rows of a projection and the rebuilt ones, at the same position.

    Attributes:
        behind: events of the ledger that the live rows have not seen.
        waiting_s: how long the first of these has been waiting; 0 where there is none.
        rows: of the rebuilt ones, over all tables.
        live_digest, rebuilt_digest: SM3 over the canonical rows, hex.
        difference: the first row that differs, "" when none does.
        event: position of the last event that shaped that row; 0 where a row does not tell.
    """

    projection: str
    position: int
    behind: int
    waiting_s: float
    rows: int
    live_digest: str
    rebuilt_digest: str
    difference: str
    event: int = 0

    @property
    def equal(self) -> bool:
        return self.live_digest == self.rebuilt_digest

    @property
    def stopped(self) -> bool:
        """Whether nobody brings the live rows forward: equal as they may be, they are not what the
        ledger is."""
        return self.waiting_s > STOPPED_AFTER_S

    @property
    def verdict(self) -> str:
        """In words: what differs, that it has stopped, how far it is behind, or equal."""
        if not self.equal:
            return f"differs: {self.difference}"
        if self.stopped:
            return (
                f"stopped at position {self.position}: {self.behind} events behind it are not in"
                " it 读模型停止"
            )
        return f"equal, {self.behind} events on their way" if self.behind else "equal"


def compare_rows(
    ours: psycopg.Connection,
    theirs: psycopg.Connection,
    ledger_id: int,
    place: RowsPosition,
    shadow: RowsTarget,
    head: SnapshotHead,
) -> Comparison:
    """Reads both generations in key order, each through its own connection."""
    live_digest = rebuilt_digest = hashlib.new("sm3")  # one and the same until they part
    rows, difference, event = 0, "", 0
    for table in shadow.projection.tables:
        for digest in {live_digest, rebuilt_digest}:
            digest.update(table.name.encode() + b"\n")
        live_rows = table.canonical_rows(ours, ledger_id, place.generation)
        rebuilt_rows = table.canonical_rows(theirs, ledger_id, shadow.generation)
        for live, rebuilt in _pieces(live_rows, rebuilt_rows):
            rows += len(rebuilt)
            if live == rebuilt and live_digest is rebuilt_digest:
                live_digest.update(b"".join(live))
                continue
            if live_digest is rebuilt_digest:
                rebuilt_digest = live_digest.copy()
                difference, event = _first_difference(table, live, rebuilt)
            live_digest.update(b"".join(live))
            rebuilt_digest.update(b"".join(rebuilt))
    return Comparison(
        projection=shadow.projection.name,
        position=place.position,
        behind=head.position - place.position,
        waiting_s=head.waiting_s(place.position),
        rows=rows,
        live_digest=live_digest.hexdigest(),
        rebuilt_digest=rebuilt_digest.hexdigest(),
        difference=difference,
        event=event,
    )


def _pieces(
    live_rows: Iterator[bytes], rebuilt_rows: Iterator[bytes]
) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Both side by side, some rows at a time; the last pieces may be of unequal length."""
    while True:
        piece = list(islice(live_rows, _PIECE_ROWS)), list(islice(rebuilt_rows, _PIECE_ROWS))
        if piece == ([], []):
            return
        yield piece


def _first_difference(
    table: Table[Any], live: Sequence[bytes], rebuilt: Sequence[bytes]
) -> tuple[str, int]:
    """What differs in the first of these rows that does, and which event shaped it."""
    pairs = zip_longest(live, rebuilt, fillvalue=b"")
    ours, theirs = next(pair for pair in pairs if pair[0] != pair[1])
    return _difference(table, ours, theirs), _event_of(_fields(table, theirs or ours))


def _difference(table: Table[Any], live: bytes, rebuilt: bytes) -> str:
    """One sentence on the first row that differs."""
    ours, theirs = _fields(table, live), _fields(table, rebuilt)
    if not theirs:
        return f"{table.name}: live row {_key(table, ours)} follows from no event"
    if not ours:
        return f"{table.name}: row {_key(table, theirs)} is missing in the live ones"
    if _key(table, ours) != _key(table, theirs):
        return f"{table.name}: live row {_key(table, ours)} where {_key(table, theirs)} is due"
    column = next(name for name in table.columns if ours[name] != theirs[name])
    return (
        f"{table.name}: row {_key(table, ours)} has {column} {ours[column]!r}, "
        f"the events say {theirs[column]!r}"
    )


def _fields(table: Table[Any], line: bytes) -> dict[str, str]:
    values = line.decode().rstrip("\n").split("\t")
    return dict(zip(table.columns, values, strict=True)) if line else {}


def _event_of(fields: dict[str, str]) -> int:
    return int(fields.get("last_position") or fields.get("position") or 0)


def _key(table: Table[Any], fields: dict[str, str]) -> str:
    return " ".join(fields[name] for name in table.key)
