"""A long history from a short one: the same events over and over, with numbers of their own.

Each copy has indicators and payments of its own, so figures, journals and balances agree as in the
original; positions are gapless, digests and chain are computed. It goes in by COPY, ten times as
fast as deciding it would. Only what readers need goes in: events, commits, command keys, the head.
Business days are spread over the year; every twentieth stream is entered ten days late.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.deciding.state import EventRow
from ledger.events import Event, JournalPosted, decode, encode
from ledger.integrity.chain import extend, microseconds
from ledger.postgres.copying import copy
from ledger.writing.frames import COPY_EVENTS, packed_events

_NUMBERS = ("bgt_id", "pay_app_no", "pay_cert_no", "number")
_DAYS = 360
_LATE_ONE_IN, _LATE_DAYS = 20, 10
_KEYS = ("indicator.issue", "payment.apply")

_ROWS = """
SELECT e.position, e.stream_id, e.stream_version, e.type, e.payload, c.position
FROM events e JOIN commits c ON c.ledger_id = e.ledger_id
    AND e.position BETWEEN c.first_position AND c.position
WHERE e.ledger_id = %s AND e.position > %s ORDER BY e.position"""


class _Row(NamedTuple):
    offset: int
    stream: int
    version: int
    type_name: str
    event: Event
    commit: int


class Original:
    """The events after a position of a ledger, to be copied behind its end."""

    def __init__(self, connection: psycopg.Connection, ledger_id: int, after: int) -> None:
        self._ledger_id = ledger_id
        self._rows = [
            _Row(position - after, stream.int, version, name, decode(name, payload), commit)
            for position, stream, version, name, payload, commit in connection.execute(
                _ROWS, (ledger_id, after)
            )
        ]
        self._keys = connection.execute(
            "SELECT operation, number, fingerprint, stream_id, first_position, last_position"
            " FROM command_keys WHERE ledger_id = %s AND first_position > %s"
            " AND operation = ANY(%s)",
            (ledger_id, after, list(_KEYS)),
        ).fetchall()
        self._after = after

    @property
    def events(self) -> int:
        return len(self._rows)

    def append(self, connection: psycopg.Connection, number: int, day: date) -> int:
        """Writes copy ``number``, made on ``day``; gives the ledger's position after it."""
        position, chain, recorded_us = self._head(connection)
        shift = position - self._after
        recorded_us = max(
            recorded_us, microseconds(datetime(day.year, day.month, day.day, 2, tzinfo=UTC))
        )
        with connection.cursor() as cursor:
            for _, commit in groupby(self._rows, lambda row: row.commit):
                recorded_us += 1000
                rows = [_copied(row, number, shift + self._after, day) for row in commit]
                packed, digests = packed_events(self._ledger_id, recorded_us, rows)
                copy(connection, {COPY_EVENTS: packed})
                chain = extend(chain, digests)
                cursor.execute(
                    "INSERT INTO commits VALUES (%s, %s, %s,"
                    " 'epoch'::timestamptz + %s * interval '1 microsecond', %s)",
                    (self._ledger_id, rows[-1][0], rows[0][0], recorded_us, chain),
                )
            with cursor.copy("COPY command_keys FROM STDIN") as keys:
                for operation, key, fingerprint, stream, first, last in self._keys:
                    stream_id = _stream(stream.int, number)
                    keys.write_row(
                        (
                            self._ledger_id,
                            operation,
                            f"{key}-{number}",
                            fingerprint,
                            stream_id.hex(),
                            first + shift,
                            last + shift,
                        )
                    )
            cursor.execute(
                "UPDATE ledgers SET position = %s, chain = %s,"
                " recorded_at = 'epoch'::timestamptz + %s * interval '1 microsecond'"
                " WHERE ledger_id = %s",
                (rows[-1][0], chain, recorded_us, self._ledger_id),
            )
        return rows[-1][0]

    def _head(self, connection: psycopg.Connection) -> tuple[int, bytes, int]:
        row = connection.execute(
            "SELECT position, chain, recorded_at FROM ledgers WHERE ledger_id = %s FOR UPDATE",
            (self._ledger_id,),
        ).fetchone()
        assert row is not None
        return row[0], row[1], microseconds(row[2])


def days(year: int, share: float) -> date:
    """The day of the year at which this share of the history is made."""
    return date(year, 1, 1) + timedelta(days=int(_DAYS * share))


def _copied(row: _Row, copy: int, after: int, day: date) -> EventRow:
    changed: dict[str, Any] = {
        name: f"{value}-{copy}" for name in _NUMBERS if (value := getattr(row.event, name, ""))
    }
    if isinstance(row.event, JournalPosted):
        changed["source"] = after + row.offset - 1  # a journal stands behind its event
    event = msgspec.structs.replace(row.event, **changed)
    if row.stream % _LATE_ONE_IN == 0:
        day = max(date(day.year, 1, 1), day - timedelta(days=_LATE_DAYS))
    return (
        after + row.offset,
        _stream(row.stream, copy),
        row.version,
        day,
        row.type_name,
        encode(event),
    )


def _stream(stream: int, copy: int) -> bytes:
    return (stream ^ copy << 64).to_bytes(16, "big")
