"""Dates that Postgres has and Python has no place for: infinite, or behind the year 9999.

No program of ours writes one. Whoever verifies a database reads it all the same, as a day that no
other stands for: else the one row would end the check that reads it, and hide every other.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.datetime import (
    DateBinaryLoader,
    DateLoader,
    TimestamptzBinaryLoader,
    TimestamptzLoader,
)

# not the first and the last of all, which code sets have for «ever»
BEFORE, BEHIND = date.min + timedelta(days=1), date.max - timedelta(days=1)
BEFORE_TIME, BEHIND_TIME = (datetime.combine(d, datetime.min.time(), UTC) for d in (BEFORE, BEHIND))
_SMALL = "too small"  # as the library says it; everything else that it cannot read is too large


class _FarDate(DateLoader):
    def load(self, data: Any) -> date:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            return BEFORE if _SMALL in str(error) else BEHIND


class _FarBinaryDate(DateBinaryLoader):
    def load(self, data: Any) -> date:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            return BEFORE if _SMALL in str(error) else BEHIND


class _FarTime(TimestamptzLoader):
    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            return BEFORE_TIME if _SMALL in str(error) else BEHIND_TIME


class _FarBinaryTime(TimestamptzBinaryLoader):
    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            return BEFORE_TIME if _SMALL in str(error) else BEHIND_TIME


def read_far_dates(connection: psycopg.Connection) -> None:
    """Has this connection read what it else could not: as ``BEFORE`` or ``BEHIND``, or their
    midnights, UTC."""
    for name, loader in (("date", _FarDate), ("date", _FarBinaryDate)):
        connection.adapters.register_loader(name, loader)
    for name, time_loader in (("timestamptz", _FarTime), ("timestamptz", _FarBinaryTime)):
        connection.adapters.register_loader(name, time_loader)
