"""Writing a batch: events by binary COPY, everything else in one pipelined round trip.

The COPY frame is packed here in one buffer, because a generic encoder costs more than the rest of
the write path together; the column order is the one of ``COPY_EVENTS``.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from struct import Struct

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ledger.events import encode
from ledger.integrity.chain import day_number, event_digest, extend, moment_of
from ledger.state import LedgerState, Row

PIPELINED_ROWS_MAX = 200
COPY_EVENTS = (
    "COPY events (ledger_id, position, stream_id, stream_version, type, recorded_at, effective_on,"
    " payload, digest) FROM STDIN (FORMAT BINARY)"
)
COPY_KEYS = (
    "COPY command_keys (ledger_id, operation, number, fingerprint, stream_id, first_position,"
    " last_position) FROM STDIN (FORMAT BINARY)"
)
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_FIELDS = 9
# field count, then each field as length and value, up to the type; then the two times
_PLACE = Struct(">h iq iq i16s ii i")
_TIMES = Struct(">iq ii i")
_DOCUMENT = Struct(">h iq i")
_KEY_FIELDS = 7
_KEY_LEDGER = Struct(">h iq i")
_KEY_PLACE = Struct(">i32s i16s iq iq")
_DIGEST_LENGTH = (32).to_bytes(4, "big")
_POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_POSTGRES_EPOCH_DAY = 10_957


class CommandKey(msgspec.Struct, frozen=True):
    """A number that was used, and where its events are."""

    operation: str
    number: str
    fingerprint: bytes
    stream_id: bytes
    first_position: int
    last_position: int


def encoded_rows(rows: Sequence[Row]) -> list[tuple[int, bytes, int, date, bytes, bytes]]:
    """Rows with type name and payload as the bytes that are hashed and stored."""
    return [
        (
            position,
            stream_id,
            version,
            day,
            event.TYPE.encode(),
            encode(event),
        )
        for position, stream_id, version, day, event in rows
    ]


def copy_events(
    cursor: psycopg.Cursor,
    ledger_id: int,
    recorded_us: int,
    rows: Sequence[tuple[int, bytes, int, date, bytes, bytes]],
) -> list[bytes]:
    """Appends rows (position, stream, version, effective_on, type, payload); gives digests."""
    parts = [_SIGNATURE]
    digests = []
    recorded = recorded_us - _POSTGRES_EPOCH_US
    for position, stream_id, version, day, type_name, payload in rows:
        days = day_number(day)
        digest = event_digest(
            ledger_id, position, stream_id, version, recorded_us, days, type_name, payload
        )
        digests.append(digest)
        parts += (
            _PLACE.pack(
                _FIELDS, 8, ledger_id, 8, position, 16, stream_id, 4, version, len(type_name)
            ),
            type_name,
            _TIMES.pack(8, recorded, 4, days - _POSTGRES_EPOCH_DAY, len(payload)),
            payload,
            _DIGEST_LENGTH,
            digest,
        )
    parts.append(_TRAILER)
    with cursor.copy(COPY_EVENTS) as copy:
        copy.write(b"".join(parts))
    return digests


def write_batch(
    connection: psycopg.Connection, state: LedgerState, keys: Sequence[CommandKey]
) -> list[bytes]:
    """Writes all that a batch's decisions did to ``state``; the caller commits.

    Returns:
        The digests of the batch's events, in order. ``state.chain`` is extended by them.
    """
    first_position = state.rows[0].position
    with connection.cursor() as cursor:
        digests = copy_events(cursor, state.ledger_id, state.recorded_us, encoded_rows(state.rows))
        if keys:
            _copy_keys(cursor, state.ledger_id, keys)
        if state.documents:
            _copy_documents(cursor, state)
        if state.shared_documents:
            _insert_shared_documents(cursor, state)
    state.chain = extend(state.chain, digests)
    # a pipeline saves round trips for the few, but may stall on messages of half a megabyte
    few = len(state.changed_balances) + len(state.changed_uncleared) <= PIPELINED_ROWS_MAX
    with connection.pipeline() if few else nullcontext(), connection.cursor() as cursor:
        if state.changed_balances:
            _upsert_balances(cursor, state)
        if state.changed_uncleared:
            _write_uncleared(cursor, state)
        advance_head(cursor, state, first_position)
    return digests


def advance_head(cursor: psycopg.Cursor, state: LedgerState, first_position: int) -> None:
    """Moves the head to the state's position and records the commit."""
    recorded_at = moment_of(state.recorded_us)
    cursor.execute(
        "INSERT INTO commits (ledger_id, position, first_position, recorded_at, chain)"
        " VALUES (%s, %s, %s, %s, %s)",
        (state.ledger_id, state.position, first_position, recorded_at, state.chain),
    )
    cursor.execute(
        "UPDATE ledgers SET position = %s, chain = %s, recorded_at = %s, stream_version = %s,"
        " settings = %s WHERE ledger_id = %s",
        (
            state.position,
            state.chain,
            recorded_at,
            state.stream_version,
            Jsonb(msgspec.to_builtins(state.settings)),
            state.ledger_id,
        ),
    )


def _copy_keys(cursor: psycopg.Cursor, ledger_id: int, keys: Sequence[CommandKey]) -> None:
    parts = [_SIGNATURE]
    for key in keys:
        operation, number = key.operation.encode(), key.number.encode()
        parts += (
            _KEY_LEDGER.pack(_KEY_FIELDS, 8, ledger_id, len(operation)),
            operation,
            len(number).to_bytes(4, "big"),
            number,
            _KEY_PLACE.pack(
                32, key.fingerprint, 16, key.stream_id, 8, key.first_position, 8, key.last_position
            ),
        )
    parts.append(_TRAILER)
    with cursor.copy(COPY_KEYS) as copy:
        copy.write(b"".join(parts))


def _upsert_balances(cursor: psycopg.Cursor, state: LedgerState) -> None:
    bgt_ids = list(state.changed_balances)
    changed = [state.balance(bgt_id) for bgt_id in bgt_ids]
    cursor.execute(
        "INSERT INTO controlled_balances (ledger_id, bgt_id, available_fen, frozen_fen,"
        " occupied_fen, paid_fen, plan_fen)"
        " SELECT %s, b.* FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[],"
        " %b::bigint[], %b::bigint[]) AS b"
        " ON CONFLICT (ledger_id, bgt_id) DO UPDATE SET available_fen = excluded.available_fen,"
        " frozen_fen = excluded.frozen_fen, occupied_fen = excluded.occupied_fen,"
        " paid_fen = excluded.paid_fen, plan_fen = excluded.plan_fen",
        (
            state.ledger_id,
            bgt_ids,
            [b.available for b in changed],
            [b.frozen for b in changed],
            [b.occupied for b in changed],
            [b.paid for b in changed],
            [b.plan for b in changed],
        ),
    )


def _write_uncleared(cursor: psycopg.Cursor, state: LedgerState) -> None:
    assert state.uncleared is not None
    zero = [key for key in state.changed_uncleared if not state.uncleared.get(key)]
    kept = [key for key in state.changed_uncleared if state.uncleared.get(key)]
    if kept:
        cursor.execute(
            "INSERT INTO uncleared (ledger_id, pay_bank_code, effective_on, vt_code,"
            " fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code, amount_fen)"
            " SELECT %s, u.* FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[], %b::numeric[]) AS u"
            " ON CONFLICT ON CONSTRAINT uncleared_pkey"
            " DO UPDATE SET amount_fen = excluded.amount_fen",
            (
                state.ledger_id,
                *map(list, zip(*kept, strict=True)),
                [state.uncleared[k] for k in kept],
            ),
        )
    if zero:
        cursor.execute(
            "DELETE FROM uncleared WHERE ledger_id = %s AND (pay_bank_code, effective_on,"
            " vt_code, fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code) IN"
            " (SELECT * FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[]))",
            (state.ledger_id, *map(list, zip(*zero, strict=True))),
        )
        for key in zero:
            state.uncleared.pop(key, None)


def _copy_documents(cursor: psycopg.Cursor, state: LedgerState) -> None:
    parts = [_SIGNATURE]
    head = _DOCUMENT.pack(3, 8, state.ledger_id, 32)
    for sm3, body in state.documents.items():
        parts += (head, sm3, len(body).to_bytes(4, "big"), body)
    parts.append(_TRAILER)
    with cursor.copy("COPY documents (ledger_id, sm3, body) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join(parts))


def _insert_shared_documents(cursor: psycopg.Cursor, state: LedgerState) -> None:
    """Few and seldom, so they may go the slow way that passes over what is there."""
    cursor.execute(
        "INSERT INTO documents (ledger_id, sm3, body)"
        " SELECT %s, d.* FROM unnest(%b::bytea[], %b::bytea[]) AS d ON CONFLICT DO NOTHING",
        (state.ledger_id, list(state.shared_documents), list(state.shared_documents.values())),
    )
