"""What a projection is: a pure fold of a ledger's events into rows.

A projection says which rows a batch of events starts from and what they become; it never talks to
the database. Whoever applies it (``projections.advance``) reads those rows once, writes the results
once, and moves the position in the same transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
import psycopg

from ledger.errors import IntegrityError
from ledger.events import Event
from projections.tables import Key, Table

Rows = dict[Key, Any]
RowsByTable = dict[Table[Any], Collection[Any]]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event with its place and its two times; decoded whole, or as a projection's view of it."""

    position: int
    recorded_at: datetime
    effective_on: date
    event: Any


class Statement(msgspec.Struct, frozen=True):
    """SQL over many rows at once, run after the batch's rows are written.

    It is given ``ledger_id`` and ``generation`` beside its own parameters.
    """

    sql: str
    parameters: dict[str, Any]


class Writes(msgspec.Struct, frozen=True):
    """What a batch does: rows by table, then statements in order."""

    rows: RowsByTable
    statements: Sequence[Statement] = ()


class Projection(ABC):
    """One read model.

    Attributes:
        name: its key in ``proj_positions``.
        version: raised when the same events would give other rows; older rows are built anew.
        tables: all it writes to.
        follows: the event types it looks at.
        views: structs with those fields of an event that it reads, for types it reads few of.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table[Any], ...]]
    follows: ClassVar[frozenset[type[Event]]]
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = MappingProxyType({})

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        """First key columns of the rows that ``apply`` starts from, by table."""
        return {}

    @abstractmethod
    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        """What the events make of the rows. Only events of ``follows`` come here, in order.

        Raises:
            IntegrityError: the events do not agree with the rows.
        """

    def truncate(self, connection: psycopg.Connection, ledger_id: int, generation: int) -> None:
        """Removes one generation of a ledger's rows."""
        for table in self.tables:
            table.delete(connection, ledger_id, generation)


class Fold(ABC):
    """Rows in the making, over as many events as one likes; what is given out is not touched again.

    What stays in memory is bounded by the objects that the rows are about, not by the events.
    """

    @abstractmethod
    def take(self, facts: Sequence[Fact]) -> None:
        """Takes in the facts behind those taken in before."""

    @abstractmethod
    def settled(self, upto: int) -> RowsByTable:
        """Rows that no event behind position ``upto`` changes; each is given out once."""

    @abstractmethod
    def rest(self) -> RowsByTable:
        """All others: of a position where a commit ends."""


class Folded(Projection):
    """A projection that can be built anew without reading its own rows."""

    @abstractmethod
    def fold(self, rows: Mapping[Table[Any], Rows]) -> Fold:
        """A fold that starts from these rows; from none, over a whole history."""

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        fold = self.fold(rows)
        fold.take(facts)
        return Writes(fold.rest())


def known(rows: Rows, key: Key, fact: Fact) -> Any:
    """The row of ``key``; raises IntegrityError when the event is about something unknown."""
    row = rows.get(key)
    if row is None:
        raise IntegrityError(
            f"event {fact.position} is about {key[0]!r}, which no earlier event brought into being"
        )
    return row
