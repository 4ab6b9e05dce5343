"""What a projection is: a pure fold of a ledger's events into rows.

A projection says which rows a batch of events starts from and what they become; it never talks to
the database. Whoever applies it (``projections.advance``) reads those rows once, writes the results
once, and moves the position in the same transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple

import msgspec
import psycopg

from ledger.errors import IntegrityError
from ledger.events import Event
from projections.tables import Key, Table

Rows = dict[Key, Any]


class Fact(NamedTuple):
    """A decoded event with its place and its two times."""

    position: int
    recorded_at: datetime
    effective_on: date
    event: Event


class Statement(msgspec.Struct, frozen=True):
    """SQL over many rows at once, run after the batch's rows are written.

    It is given ``ledger_id`` and ``generation`` beside its own parameters.
    """

    sql: str
    parameters: dict[str, Any]


class Writes(msgspec.Struct, frozen=True):
    """What a batch does: rows by table, then statements in order."""

    rows: dict[Table[Any], Collection[Any]]
    statements: Sequence[Statement] = ()


class Projection(ABC):
    """One read model.

    Attributes:
        name: its key in ``proj_positions``.
        version: raised when the same events would give other rows; older rows are built anew.
        tables: all it writes to.
        follows: the event types it looks at.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table[Any], ...]]
    follows: ClassVar[frozenset[type[Event]]]

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


def known(rows: Rows, key: Key, fact: Fact) -> Any:
    """The row of ``key``; raises IntegrityError when the event is about something unknown."""
    row = rows.get(key)
    if row is None:
        raise IntegrityError(
            f"event {fact.position} ({fact.event.TYPE}) is about {key[0]!r}, "
            "which no earlier event brought into being"
        )
    return row
