"""What a projection is: a pure fold of a ledger's events into rows.

A fold says which rows some events start from, takes the events in, and says what is to be written;
it never talks to the database. Following live is a short fold from the rows that a batch is about
(``projections.core.advance``); building anew is one fold of the whole history
(``projections.core.whole_history``).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
import psycopg

from ledger.errors import IntegrityError
from ledger.events import Event
from projections.core.tables import Key, Table

Rows = dict[Key, Any]
RowsByTable = Mapping[Table[Any], Collection[Any]]
NO_ROWS: RowsByTable = MappingProxyType({})


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event with its place and its two times; decoded whole, or as a projection's view of it."""

    position: int
    recorded_at: datetime
    effective_on: date
    event: Any


class BulkStatement(msgspec.Struct, frozen=True):
    """SQL over many rows at once, run after the rows are written.

    It is given ``ledger_id`` and ``generation`` beside its own parameters.
    """

    sql: str
    parameters: dict[str, Any]


class Writes(msgspec.Struct, frozen=True):
    """What is to be written, in this order.

    Attributes:
        new: rows whose keys the table does not hold.
        changed: rows that it holds, loaded before; their fixed columns stay as they are.
        added: rows of sums, which are added to those that the table holds.
        statements: in their order.
    """

    new: RowsByTable = NO_ROWS
    changed: RowsByTable = NO_ROWS
    added: RowsByTable = NO_ROWS
    statements: Sequence[BulkStatement] = ()


class Fold(ABC):
    """Rows in the making, over as many events as one likes.

    What stays in memory is bounded by the objects that the rows are about, not by the events.
    """

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        """First key columns of the rows that ``take`` starts from and that are not held yet."""
        return {}

    def needs_further(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        """The same of what is known only when :meth:`needs` is held."""
        return {}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        """Rows that it needs, as the table has them."""
        raise NotImplementedError("a fold that needs rows holds them")

    @abstractmethod
    def take(self, facts: Sequence[Fact]) -> None:
        """Takes in the facts behind those taken in before. Only events of ``follows`` come here.

        Raises:
            IntegrityError: the events do not agree with the rows.
        """

    def settled(self, upto: int) -> Writes:
        """What need not be held on to behind position ``upto``: it is forgotten."""
        return Writes()

    @abstractmethod
    def rest(self, upto: int) -> Writes:
        """All that was not given out before: at position ``upto``, where a commit ends."""


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

    @abstractmethod
    def fold(self, after: int) -> Fold:
        """A fold of the events behind ``after``, up to where the tables are written; from 0, over a
        whole history, they are empty."""

    def truncate(self, connection: psycopg.Connection, ledger_id: int, generation: int) -> None:
        """Removes one generation of a ledger's rows."""
        for table in self.tables:
            table.delete(connection, ledger_id, generation)


class AppendingFold(Fold):
    """A fold whose rows are never changed: each follows from one event."""

    def __init__(self, row: Callable[[Fact], Any], table: Table[Any]) -> None:
        self._row, self._table = row, table
        self._rows: list[Any] = []

    def take(self, facts: Sequence[Fact]) -> None:
        self._rows += map(self._row, facts)

    def settled(self, upto: int) -> Writes:
        return self.rest(upto)

    def rest(self, upto: int) -> Writes:
        rows, self._rows = self._rows, []
        return Writes({self._table: rows})


def known(rows: Rows, key: Key, fact: Fact) -> Any:
    """The row of ``key``; raises IntegrityError when the event is about something unknown."""
    row = rows.get(key)
    if row is None:
        raise IntegrityError(
            f"event {fact.position} is about {key[0]!r}, which no earlier event brought into being"
        )
    return row
