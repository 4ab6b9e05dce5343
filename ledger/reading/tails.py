"""What was written to ledgers lately: where each stands, and its events of some types since."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

import psycopg

from ledger.account_set import DIVISIONS_BEGIN, STANDING_YEAR, YEARS
from ledger.events import Event, decode

_POSITIONS = (
    "SELECT ledger_id, position FROM ledgers WHERE ledger_id >= %s AND ledger_id %% %s <> %s"
)
_TAIL = (
    "SELECT position, effective_on, type, payload, digest FROM events WHERE ledger_id = %s"
    " AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"
)
_PLACED = (
    "SELECT e.position, e.effective_on, e.type, e.payload, e.digest, k.number"
    " FROM unnest(%s::text[]) AS w (number)"
    " JOIN command_keys k ON k.ledger_id = %s AND k.operation = %s AND k.number = w.number"
    " JOIN events e ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
)


class PlacedEvent(NamedTuple):
    """An event with its place and its digest (32 bytes)."""

    position: int
    effective_on: date
    event: Event
    digest: bytes


def read_positions(connection: psycopg.Connection) -> dict[int, int]:
    """Where the years of all divisions stand, by ledger."""
    rows = connection.execute(_POSITIONS, (DIVISIONS_BEGIN, YEARS, STANDING_YEAR))
    return dict(rows.fetchall())


def read_tail(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int, types: Collection[str]
) -> list[PlacedEvent]:
    """The events of these stored types behind one position, up to another."""
    rows = connection.execute(_TAIL, (ledger_id, after, upto, list(types)), binary=True)
    return [
        PlacedEvent(position, day, decode(name, payload), digest)
        for position, day, name, payload, digest in rows
    ]


def read_answers(
    connection: psycopg.Connection, ledger_id: int, operation: str, numbers: Sequence[str]
) -> dict[str, PlacedEvent]:
    """By its number, what first stands on record of each command of an operation that was asked
    for under it."""
    rows = connection.execute(_PLACED, (list(numbers), ledger_id, operation), binary=True)
    return {
        number: PlacedEvent(position, day, decode(name, payload), digest)
        for position, day, name, payload, digest, number in rows
    }


def read_operation(
    connection: psycopg.Connection, ledger_id: int, operation: str
) -> dict[str, PlacedEvent]:
    """The same of all numbers of an operation that was asked for seldom."""
    rows = connection.execute(
        "SELECT number FROM command_keys WHERE ledger_id = %s AND operation = %s",
        (ledger_id, operation),
    )
    return read_answers(connection, ledger_id, operation, [number for (number,) in rows])
