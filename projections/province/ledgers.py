"""The ledgers of a year that the database shows a caller, and what they hold of one kind."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
from psycopg.sql import SQL

from ledger.account_set import YEARS
from ledger.deciding.objects import AnyKind
from ledger.reading.objects import all_numbers, read_objects

_AT_ONCE = 500
_LEDGERS = SQL("""
SELECT ledger_id FROM province_positions
WHERE projection = 'indicators' AND live AND ledger_id %% {years} = %s
ORDER BY ledger_id""").format(years=YEARS)


def ledgers_seen(connection: psycopg.Connection, fiscal_year: int) -> list[int]:
    """Their keys, within a block of ``seen_by``."""
    return [key for (key,) in connection.execute(_LEDGERS, (fiscal_year,))]


def objects_of(connection: psycopg.Connection, key: int, kind: AnyKind) -> Iterator[Any]:
    """All objects of a kind that a ledger has, folded from its events."""
    numbers = all_numbers(connection, key, kind, _AT_ONCE)
    while part := list(islice(numbers, _AT_ONCE)):
        yield from read_objects(connection, key, kind, part).values()
