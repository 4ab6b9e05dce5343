"""Reading outside the write path: heads, objects, balances, events, documents.

Nothing here locks; what is read is what was committed. Objects are folded from the same streams by
the same functions as in the write path, so a read can never disagree with a decision. Every query
begins with the ledger's key, as the schema does.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from ledger.account_set import DIVISION_DIGITS, DIVISIONS_BEGIN, STANDING_YEAR, YEARS
from ledger.account_set import ledger_id as ledger_key
from ledger.deciding.objects import AnyKind
from ledger.deciding.settings import LedgerSettings, decoded
from ledger.events import CommandRefused, Event, JournalPosted, decode
from ledger.reading.documents import open_document
from ledger.reading.loading import read_keys
from ledger.reading.object_streams import read_streams

EVENTS_MAX = 10_000  # of one read; whoever wants more asks again after the last position

_POSITION_MAX = 2**63 - 1
_HEAD = (
    "SELECT ledger_id, position, chain, recorded_at, convert_to(settings::text, 'UTF8')"
    " FROM ledgers"
)
_EVENTS = """
SELECT position, stream_id, stream_version, type, recorded_at, effective_on, payload, digest
FROM events WHERE ledger_id = %(ledger_id)s AND position > %(after)s AND position <= %(upto)s
ORDER BY position LIMIT %(limit)s"""
# Within a stream versions grow with positions; asked so, the stream's own index gives the order.
# The fence (OFFSET 0) keeps a planner without statistics from looking for it among all positions.
_EVENTS_OF_STREAM = """
SELECT * FROM (
    SELECT position, stream_id, stream_version, type, recorded_at, effective_on, payload, digest
    FROM events WHERE ledger_id = %(ledger_id)s AND stream_id = %(stream_id)s
    ORDER BY stream_version OFFSET 0) AS stream
WHERE position > %(after)s AND position <= %(upto)s
ORDER BY stream_version LIMIT %(limit)s"""

_KEYS_OF_KIND = """
SELECT number, stream_id FROM command_keys
WHERE ledger_id = %s AND operation = %s AND number > %s AND first_position <= %s
ORDER BY number LIMIT 500"""
_EVENTS_OF_KEYS = """
SELECT stream_id, position, effective_on, type, payload FROM events
WHERE ledger_id = %s AND stream_id = ANY(%s) AND position <= %s AND type <> %s
ORDER BY stream_id, stream_version"""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ledger stands, and its own settings."""

    ledger_id: int
    position: int
    chain: bytes
    recorded_at: datetime
    settings: LedgerSettings


class StoredRow(NamedTuple):
    """An event as it is stored; ``payload`` are the bytes that were hashed."""

    position: int
    stream_id: UUID
    stream_version: int
    type: str
    recorded_at: datetime
    effective_on: date
    payload: bytes
    digest: bytes


def read_head(connection: psycopg.Connection, ledger_id: int) -> Head | None:
    """The ledger's head, or None when there is no such ledger."""
    row = connection.execute(f"{_HEAD} WHERE ledger_id = %s", (ledger_id,)).fetchone()
    return _head(row) if row else None


def list_heads(connection: psycopg.Connection, division_prefix: str = "") -> list[Head]:
    """Heads of all divisions' years whose division begins so, by division and year.

    Neither the system ledgers nor the standing ones are among them. A prefix that no division has
    (other than up to nine digits) finds nothing.
    """
    digits = division_prefix.isascii() and division_prefix.isdigit()
    if len(division_prefix) > DIVISION_DIGITS or (division_prefix and not digits):
        return []
    # The key begins with the division's digits, so a prefix is a range of the primary key.
    first = ledger_key(division_prefix.ljust(DIVISION_DIGITS, "0"), 0)
    last = ledger_key(division_prefix.ljust(DIVISION_DIGITS, "9"), 9999)
    rows = connection.execute(
        f"{_HEAD} WHERE ledger_id BETWEEN %s AND %s AND ledger_id %% %s <> %s ORDER BY ledger_id",
        (max(first, DIVISIONS_BEGIN), last, YEARS, STANDING_YEAR),
    )
    return [_head(row) for row in rows]


def list_standing_heads(connection: psycopg.Connection) -> list[Head]:
    """Heads of all standing ledgers, that of all divisions first."""
    rows = connection.execute(
        f"{_HEAD} WHERE ledger_id %% %s = %s ORDER BY ledger_id", (YEARS, STANDING_YEAR)
    )
    return [_head(row) for row in rows]


def _head(row: tuple[Any, ...]) -> Head:
    ledger_id, position, chain, recorded_at, settings = row
    return Head(
        ledger_id=ledger_id,
        position=position,
        chain=chain,
        recorded_at=recorded_at,
        settings=decoded(settings),
    )


def read_objects(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, numbers: Iterable[str]
) -> dict[str, Any]:
    """The objects that exist among ``numbers``, folded, by number: two queries for all of them.

    Several numbers may be of one object, as those of a payment's refunds are.
    """
    keys = read_keys(connection, ledger_id, [(kind.opened_by, number) for number in set(numbers)])
    streams = {key.stream_id for key in keys.values()}
    folded = {
        stream_id: kind.folded(event for _, _, event in rows)
        for stream_id, rows in read_streams(connection, ledger_id, list(streams))
    }
    return {
        number: found
        for (_, number), key in keys.items()
        # a refused opening leaves a stream without an object
        if (found := folded.get(key.stream_id)) is not None
    }


class StreamEvent(NamedTuple):
    """An event of an object's stream."""

    position: int
    effective_on: date
    event: Event


def streams_of(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, upto: int
) -> Iterator[list[StreamEvent]]:
    """The events of each object of a kind up to a position, in the order of the numbers under which
    they were opened; some at a time, without journals. A refused opening has a stream, too."""
    after = ""
    while True:
        keys = connection.execute(
            _KEYS_OF_KIND, (ledger_id, kind.opened_by, after, upto)
        ).fetchall()
        if not keys:
            return
        streams: dict[UUID, list[StreamEvent]] = {stream_id: [] for _, stream_id in keys}
        for stream_id, position, day, type_name, payload in connection.execute(
            _EVENTS_OF_KEYS, (ledger_id, list(streams), upto, JournalPosted.TYPE), binary=True
        ):
            streams[stream_id].append(StreamEvent(position, day, decode(type_name, payload)))
        yield from streams.values()
        after = keys[-1][0]


def numbers_of(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, after: str, most: int
) -> list[str]:
    """Numbers under which objects of a kind were asked for, in order, at most so many behind one;
    of those that were refused there is no object."""
    rows = connection.execute(
        "SELECT number FROM command_keys WHERE ledger_id = %s AND operation = %s AND number > %s"
        " ORDER BY number LIMIT %s",
        (ledger_id, kind.opened_by, after, most),
    )
    return [number for (number,) in rows]


def all_numbers(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, at_once: int = 500
) -> Iterator[str]:
    """The same, all of them."""
    after = ""
    while found := numbers_of(connection, ledger_id, kind, after, at_once):
        yield from found
        after = found[-1]


def stream_of(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, number: str
) -> UUID | None:
    """The id of an object's stream, or None when there is no such object."""
    row = connection.execute(
        "SELECT k.stream_id FROM command_keys k JOIN events e"
        " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
        " WHERE k.ledger_id = %s AND k.operation = %s AND k.number = %s AND e.type <> %s",
        (ledger_id, kind.opened_by, number, CommandRefused.TYPE),
    ).fetchone()
    return row[0] if row else None


def read_events(
    connection: psycopg.Connection,
    ledger_id: int,
    after: int,
    limit: int,
    *,
    stream_id: UUID | None = None,
    upto: int | None = None,
) -> list[StoredRow]:
    """At most ``limit`` (and ``EVENTS_MAX``) events after a position, in order.

    Positions are gapless and in commit order, so the last one read is a sound place to go on from.

    Args:
        stream_id: only the events of one stream.
        upto: no event beyond this position.
    """
    values = {
        "ledger_id": ledger_id,
        "after": after,
        "upto": _POSITION_MAX if upto is None else upto,
        "stream_id": stream_id,
        "limit": max(0, min(limit, EVENTS_MAX)),
    }
    rows = connection.execute(_EVENTS if stream_id is None else _EVENTS_OF_STREAM, values)
    return [StoredRow(*row) for row in rows]


def read_payloads(
    connection: psycopg.Connection, ledger_id: int, positions: Collection[int]
) -> dict[int, tuple[str, bytes]]:
    """(type, payload) of the events at these positions."""
    if not positions:
        return {}
    rows = connection.execute(
        "SELECT position, type, payload FROM events WHERE ledger_id = %s AND position = ANY(%s)",
        (ledger_id, list(positions)),
        binary=True,
    )
    return {position: (type_name, payload) for position, type_name, payload in rows}


def read_document(connection: psycopg.Connection, ledger_id: int, digest: bytes) -> bytes | None:
    """The exact bytes of the voucher or receipt with this SM3, or None.

    Raises:
        IntegrityError: the stored bytes are not those that were signed or received.
    """
    body = read_bodies(connection, ledger_id, [digest]).get(digest)
    return None if body is None else open_document(digest, body)


def read_bodies(
    connection: psycopg.Connection, ledger_id: int, digests: Collection[bytes]
) -> dict[bytes, bytes]:
    """The documents that exist among these SM3s, by SM3, still compressed: a bulk of long vouchers
    fills gigabytes when it is opened. ``documents.open_document`` opens and checks one."""
    if not digests:
        return {}
    rows = connection.execute(
        "SELECT sm3, body FROM documents WHERE ledger_id = %s AND sm3 = ANY(%s)",
        (ledger_id, list(digests)),
        binary=True,
    )
    return {row[0]: row[1] for row in rows}
