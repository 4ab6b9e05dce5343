"""Writing a batch: pages of events, then what closes it, in the transaction that holds the head.

A page and a closing are plain data, so that another process can write them as well as this one
(``ledger.writing.writer_process``). The head is locked before the first page and moved by the
closing.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from datetime import date
from functools import cache, lru_cache
from typing import Protocol

import msgspec
import psycopg

from ledger.deciding.fingerprints import DIGEST_BYTES, FINGERPRINT_BYTES, fingerprint
from ledger.deciding.rows import ChangedDay, ChangedRow
from ledger.deciding.state import EventRow, LedgerState
from ledger.deciding.tables import ShownRows
from ledger.integrity.chain import day_number, extend
from ledger.postgres.copying import copy
from ledger.postgres.round_trip import (
    BYTEA,
    COMMIT,
    DATE,
    INT4,
    POSTGRES_EPOCH_DAY,
    POSTGRES_EPOCH_US,
    UUID,
    IoSteps,
    Query,
    Statement,
    array,
    fixed_array,
    integer,
    integers,
    round_trip,
    round_trip_steps,
    texts,
)
from ledger.writing.frames import (
    COPY_DOCUMENTS,
    COPY_EVENTS,
    COPY_KEYS,
    UsedNumber,
    event_digests,
    packed_documents,
    packed_events,
    packed_keys,
)

DAYS_KNOWN_MAX = 1_000  # days as the server takes them
PACKED_ROWS = 4_000  # of a longer page at a time
SHORT_ROWS_MAX = 400  # a page up to this length is no dearer without COPY, and needs no round trip

_EVENTS = Statement(
    "INSERT INTO events (ledger_id, position, stream_id, stream_version, type, recorded_at,"
    " effective_on, payload, digest)"
    " SELECT $1::bigint, $2::bigint + e.place - 1, e.stream_id, e.version, e.type,"
    " $3::timestamptz, e.day, e.payload, e.digest"
    " FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::date[], $8::bytea[], $9::bytea[])"
    " WITH ORDINALITY AS e (stream_id, version, type, day, payload, digest, place)"
)
_COMMAND_KEYS = Statement(
    "INSERT INTO command_keys (ledger_id, operation, number, fingerprint, stream_id,"
    " first_position, last_position)"
    " SELECT $1::bigint, k.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::uuid[],"
    " $6::bigint[], $7::bigint[]) AS k"
)
_DOCUMENTS = Statement(
    "INSERT INTO documents (ledger_id, sm3, body)"
    " SELECT $1::bigint, d.* FROM unnest($2::bytea[], $3::bytea[]) AS d"
)
_SHARED_DOCUMENTS = Statement(
    "INSERT INTO documents (ledger_id, sm3, body)"
    " SELECT $1::bigint, d.* FROM unnest($2::bytea[], $3::bytea[]) AS d ON CONFLICT DO NOTHING"
)
_ROWS = Statement(
    "INSERT INTO registers (ledger_id, register, key, floored, amounts, day)"
    " SELECT $1::bigint, r.register, r.key, r.floored, r.amounts::numeric[], r.day"
    " FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::date[])"
    " AS r (register, key, floored, amounts, day) ON CONFLICT (ledger_id, register, key)"
    " DO UPDATE SET amounts = excluded.amounts, day = excluded.day"
)
_GONE = Statement(
    "DELETE FROM registers WHERE ledger_id = $1::bigint AND (register, key) IN"
    " (SELECT * FROM unnest($2::text[], $3::text[]))"
)
_DAYS = Statement(
    "INSERT INTO register_days (ledger_id, register, key, day, amounts)"
    " SELECT $1::bigint, d.register, d.key, d.day, d.amounts::numeric[]"
    " FROM unnest($2::text[], $3::text[], $4::date[], $5::text[])"
    " AS d (register, key, day, amounts)"
    " ON CONFLICT (ledger_id, register, key, day) DO UPDATE SET amounts = excluded.amounts"
)
_DAYS_GONE = Statement(
    "DELETE FROM register_days WHERE ledger_id = $1::bigint AND (register, key) IN"
    " (SELECT * FROM unnest($2::text[], $3::text[]))"
)
_HEAD = Statement(
    "WITH made AS (INSERT INTO commits (ledger_id, position, first_position, recorded_at, chain)"
    " VALUES ($1::bigint, $2::bigint, $3::bigint, $4::timestamptz, $5::bytea))"
    " UPDATE ledgers SET position = $2::bigint, chain = $5::bytea, recorded_at = $4::timestamptz,"
    " stream_version = $6::integer, settings = $7::jsonb WHERE ledger_id = $1::bigint"
)
_JSONB_VERSION = b"\x01"

Closed = tuple[bytes, Sequence[bytes]]  # the chain after a batch, and its events' digests


class BatchPage(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Some of a batch's events in order, with the numbers and documents that came with them."""

    ledger_id: int
    recorded_us: int
    rows: list[EventRow]
    keys: list[UsedNumber]
    documents: dict[bytes, bytes]


class Closing(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What a batch leaves behind besides its events.

    Attributes:
        settings: as the head's row keeps them.
        rows, days: those of registers that changed, as they are now, and closings of their days.
        shared_documents: documents that an earlier batch may have brought already.
        shown: rows of tables of objects.
    """

    ledger_id: int
    first_position: int
    position: int
    recorded_us: int
    stream_version: int
    settings: bytes
    rows: list[ChangedRow]
    days: list[ChangedDay]
    shared_documents: list[tuple[bytes, bytes]]
    shown: list[ShownRows] = []


class Writer(Protocol):
    """Takes the pages of one batch in order, and its closing."""

    def write(self, page: BatchPage) -> None:
        """Writes a page, or sends it on its way."""
        ...

    def close(self, closing: Closing) -> Future[Closed]:
        """Has what closes the batch written."""
        ...


class LocalWriter:
    """Writes on a connection of this process: what is short in one round trip with its closing.

    Args:
        chain: before the batch.
    """

    def __init__(self, connection: psycopg.Connection, chain: bytes) -> None:
        self._connection = connection
        self._chain = chain
        self._queries: list[Query] = []
        self._digests: list[bytes] = []
        self._closed: Future[Closed] = Future()

    def write(self, page: BatchPage) -> None:
        if len(page.rows) > SHORT_ROWS_MAX:
            self._copy(page)
        else:
            digests = event_digests(page.ledger_id, page.recorded_us, page.rows)
            self._queries += page_queries(page, digests)
            self._digests += digests

    def _copy(self, page: BatchPage) -> None:
        """Copies a long page, which may be what one decision has made: its rows are packed, copied
        and let go some at a time."""
        keys, documents = page.keys, page.documents
        for start in range(0, len(page.rows), PACKED_ROWS):
            rows = page.rows[start : start + PACKED_ROWS]
            some = BatchPage(page.ledger_id, page.recorded_us, rows, keys, documents)
            packs, digests = packed(some)
            copy(self._connection, packs)
            self._digests += digests
            keys, documents = [], {}

    def close(self, closing: Closing) -> Future[Closed]:
        """Nothing is on its way before :meth:`send`, but what a long closing has of rows."""
        closing = write_rows_ahead(self._connection, closing)
        self._chain = extend(self._chain, self._digests)
        self._queries += closing_queries(closing, self._chain)
        return self._closed

    def send(self, *, commits: bool) -> IoSteps[None]:
        """Has it written what closes the batch; ``commits``: along with the commit."""
        if commits:
            self._queries.append(COMMIT)
        yield from round_trip_steps(self._connection, self._queries)
        self._closed.set_result((self._chain, self._digests))


def page_of(state: LedgerState, keys: list[UsedNumber]) -> BatchPage:
    """What the state has to write by now, taken from it."""
    rows, documents = state.take()
    return BatchPage(state.ledger_id, state.recorded_us, rows, keys, documents)


def closing_of(state: LedgerState, first_position: int) -> Closing:
    """What the state leaves behind after a batch that began at this position."""
    return Closing(
        ledger_id=state.ledger_id,
        first_position=first_position,
        position=state.position,
        recorded_us=state.recorded_us,
        stream_version=state.stream_version,
        settings=state.settings.encoded(),
        rows=state.registers.changed_rows(),
        days=state.registers.changed_days(),
        shared_documents=list(state.shared_documents.items()),
        shown=state.shown_rows(),
    )


def packed(page: BatchPage) -> tuple[dict[str, bytes], list[bytes]]:
    """A page as COPY takes it, by statement, its events first; and the digests of its events."""
    events, digests = packed_events(page.ledger_id, page.recorded_us, page.rows)
    rows = {
        COPY_EVENTS: events,
        COPY_KEYS: packed_keys(page.ledger_id, page.keys),
        COPY_DOCUMENTS: packed_documents(page.ledger_id, page.documents),
    }
    return rows, digests


def write_closing(
    connection: psycopg.Connection, closing: Closing, chain: bytes, digests: Sequence[bytes]
) -> bytes:
    """Writes what closes a batch; gives the chain after ``chain``."""
    closing = write_rows_ahead(connection, closing)
    chain = extend(chain, digests)
    round_trip(connection, list(closing_queries(closing, chain)))
    return chain


def write_rows_ahead(connection: psycopg.Connection, closing: Closing) -> Closing:
    """Writes the rows of a long closing some at a time, in the transaction that it ends, and gives
    what is left of it: the connection never gives back the room that one message has taken."""
    if len(closing.rows) <= PACKED_ROWS:
        return closing
    ledger_id = integer(closing.ledger_id)
    for start in range(0, len(closing.rows), PACKED_ROWS):
        some = closing.rows[start : start + PACKED_ROWS]
        round_trip(connection, list(_row_queries(ledger_id, some)))
    return msgspec.structs.replace(closing, rows=[])


# ---- statements


def page_queries(page: BatchPage, digests: Sequence[bytes]) -> Iterator[Query]:
    """What appends the rows of a short page, which may have none."""
    ledger_id = integer(page.ledger_id)
    if page.rows:
        positions, streams, versions, days, types, payloads = zip(*page.rows, strict=True)
        yield (
            _EVENTS,
            (
                ledger_id,
                integer(positions[0]),
                _moment(page.recorded_us),
                fixed_array(UUID, 16, streams),
                fixed_array(INT4, 4, [version.to_bytes(4, "big") for version in versions]),
                texts(types),
                fixed_array(DATE, 4, list(map(_day, days))),
                array(BYTEA, payloads),
                fixed_array(BYTEA, DIGEST_BYTES, digests),
            ),
        )
    if page.keys:
        keys = page.keys
        yield (
            _COMMAND_KEYS,
            (
                ledger_id,
                texts([key.operation for key in keys]),
                texts([key.number for key in keys]),
                fixed_array(BYTEA, FINGERPRINT_BYTES, [fingerprint(key.asked) for key in keys]),
                fixed_array(UUID, 16, [key.stream_id for key in keys]),
                integers([key.first_position for key in keys]),
                integers([key.last_position for key in keys]),
            ),
        )
    if page.documents:
        bodies = page.documents
        yield _DOCUMENTS, (ledger_id, array(BYTEA, bodies), array(BYTEA, bodies.values()))


def closing_queries(closing: Closing, chain: bytes) -> Iterator[Query]:
    """What closes a batch: documents that may be there, registers, the head and its commit."""
    ledger_id = integer(closing.ledger_id)
    if closing.shared_documents:
        digests, bodies = zip(*closing.shared_documents, strict=True)
        yield _SHARED_DOCUMENTS, (ledger_id, array(BYTEA, digests), array(BYTEA, bodies))
    if closing.rows:
        yield from _row_queries(ledger_id, closing.rows)
    if closing.days:
        yield from _day_queries(ledger_id, closing.days)
    for table in closing.shown:
        yield _showing(table.statement), (_JSONB_VERSION + table.rows,)
    yield (
        _HEAD,
        (
            ledger_id,
            integer(closing.position),
            integer(closing.first_position),
            _moment(closing.recorded_us),
            chain,
            closing.stream_version.to_bytes(4, "big"),
            _JSONB_VERSION + closing.settings,
        ),
    )


def _row_queries(ledger_id: bytes, rows: Sequence[ChangedRow]) -> Iterator[Query]:
    """Rows of registers: those that are kept, and those that go."""
    if kept := [row for row in rows if row.amounts is not None]:
        yield (
            _ROWS,
            (
                ledger_id,
                texts([row.register for row in kept]),
                texts([row.key for row in kept]),
                fixed_array(INT4, 4, [row.floored.to_bytes(4, "big") for row in kept]),
                texts([_as_array(row.amounts) for row in kept if row.amounts is not None]),
                fixed_array(DATE, 4, [_day(row.day) for row in kept]),
            ),
        )
    if gone := [row for row in rows if row.amounts is None]:
        names = texts([row.register for row in gone])
        yield _GONE, (ledger_id, names, texts([row.key for row in gone]))


def _day_queries(ledger_id: bytes, days: Sequence[ChangedDay]) -> Iterator[Query]:
    """Closings of days: those that go first."""
    if gone := [each for each in days if not each.amounts]:
        names = texts([each.register for each in gone])
        yield _DAYS_GONE, (ledger_id, names, texts([each.key for each in gone]))
    if kept := [each for each in days if each.amounts]:
        yield (
            _DAYS,
            (
                ledger_id,
                texts([each.register for each in kept]),
                texts([each.key for each in kept]),
                fixed_array(DATE, 4, [_day(each.day) for each in kept]),
                texts([_as_array(each.amounts) for each in kept]),
            ),
        )


@cache
def _showing(text: str) -> Statement:
    """The statement of a table of objects: of each table there is one."""
    return Statement(text)


def _moment(recorded_us: int) -> bytes:
    return integer(recorded_us - POSTGRES_EPOCH_US)


@lru_cache(DAYS_KNOWN_MAX)
def _day(day: date) -> bytes:
    return (day_number(day) - POSTGRES_EPOCH_DAY).to_bytes(4, "big", signed=True)


def _as_array(amounts: Iterable[int]) -> str:
    """Numbers as the text of an array, which may be wider than any integer of the server's."""
    return "{" + ",".join(map(str, amounts)) + "}"
