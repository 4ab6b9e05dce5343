"""Writing a history that exists already: an import's rows, by binary COPY.

The write path makes digests and chain as it goes; here they are given and were checked by the
caller, so the frames are packed anew. Everything happens in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from struct import Struct
from typing import Any

import msgspec
import psycopg
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from ledger.account_set import ledger_text
from ledger.deciding.command import CommandKey
from ledger.deciding.dated import DatedRow
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import AnyRegister
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.tables import shown
from ledger.errors import Code, RequestError
from ledger.integrity.chain import genesis
from ledger.postgres.copying import copy
from ledger.postgres.round_trip import POSTGRES_EPOCH_DAY, POSTGRES_EPOCH_US
from ledger.writing.frames import COPY_DOCUMENTS, COPY_EVENTS, COPY_KEYS

_COPY_COMMITS = (
    "COPY commits (ledger_id, position, first_position, recorded_at, chain) FROM STDIN"
    " (FORMAT BINARY)"
)
_EVENT = Struct(">h iq iq i16s ii i")
_EVENT_TIMES = Struct(">iq ii i")
_DIGEST = Struct(">i32s")
_COMMIT = Struct(">h iq iq iq iq i32s")
_KEY = Struct(">h iq i")
_KEY_PLACE = Struct(">i16s iq iq")
_DOCUMENT = Struct(">h iq i32s i")


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """A row of ``events``; times as the digest counts them (µs and days since 1970)."""

    position: int
    stream_id: bytes
    stream_version: int
    type_name: bytes
    recorded_us: int
    effective_day: int
    payload: bytes
    digest: bytes


class CommitRow(msgspec.Struct, frozen=True, gc=False):
    """A row of ``commits``."""

    first_position: int
    position: int
    recorded_us: int
    chain: bytes


def begin_ledger(connection: psycopg.Connection, ledger_id: int, at: datetime) -> None:
    """Takes the ledger's place, so that nobody else can open it meanwhile.

    Raises:
        RequestError: ``malformed``: there is such a ledger.
    """
    try:
        connection.execute(
            "INSERT INTO ledgers (ledger_id, chain, recorded_at, settings) VALUES (%s, %s, %s, %s)",
            (ledger_id, genesis(ledger_id), at, Jsonb({})),
        )
    except UniqueViolation:
        text = ledger_text(ledger_id)
        raise RequestError(
            Code.MALFORMED, f"ledger {text} exists: history is imported where there is none"
        ) from None


def copy_events(
    connection: psycopg.Connection, ledger_id: int, rows: Sequence[StoredEvent]
) -> None:
    parts: list[bytes] = []
    for r in rows:
        parts += (
            _EVENT.pack(
                9, 8, ledger_id, 8, r.position, 16, r.stream_id, 4, r.stream_version,
                len(r.type_name),
            ),
            r.type_name,
            _EVENT_TIMES.pack(
                8, r.recorded_us - POSTGRES_EPOCH_US, 4, r.effective_day - POSTGRES_EPOCH_DAY,
                len(r.payload),
            ),
            r.payload,
            _DIGEST.pack(32, r.digest),
        )  # fmt: skip
    copy(connection, {COPY_EVENTS: b"".join(parts)})


def copy_commits(connection: psycopg.Connection, ledger_id: int, rows: Sequence[CommitRow]) -> None:
    parts: list[bytes] = []
    for r in rows:
        recorded = r.recorded_us - POSTGRES_EPOCH_US
        parts.append(
            _COMMIT.pack(
                5, 8, ledger_id, 8, r.position, 8, r.first_position, 8, recorded, 32, r.chain
            )
        )
    copy(connection, {_COPY_COMMITS: b"".join(parts)})


def copy_keys(connection: psycopg.Connection, ledger_id: int, keys: Sequence[CommandKey]) -> None:
    parts: list[bytes] = []
    for key in keys:
        operation, number = key.operation.encode(), key.number.encode()
        parts += (
            _KEY.pack(7, 8, ledger_id, len(operation)),
            operation,
            len(number).to_bytes(4, "big"),
            number,
            len(key.fingerprint).to_bytes(4, "big"),
            key.fingerprint,
            _KEY_PLACE.pack(16, key.stream_id, 8, key.first_position, 8, key.last_position),
        )
    copy(connection, {COPY_KEYS: b"".join(parts)})


def copy_documents(
    connection: psycopg.Connection, ledger_id: int, documents: Sequence[tuple[bytes, bytes]]
) -> None:
    """Documents as (SM3, stored bytes)."""
    parts: list[bytes] = []
    for sm3, body in documents:
        parts += (_DOCUMENT.pack(3, 8, ledger_id, 32, sm3, len(body)), body)
    copy(connection, {COPY_DOCUMENTS: b"".join(parts)})


def write_rows(
    connection: psycopg.Connection,
    ledger_id: int,
    register: AnyRegister,
    rows: Mapping[str, DatedRow[Any]],
) -> None:
    """A register as it was folded from the events, with what it was on each day."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO registers (ledger_id, register, key, floored, amounts, day)"
            " VALUES (%s, %s, %s, %s, %s::numeric[], %s)",
            [
                (ledger_id, register.name, key, len(register.floored), list(amounts), dated.day)
                for key, dated in rows.items()
                if (amounts := register.stored(dated.row)) is not None
            ],
        )
    _write_closings(connection, ledger_id, register, rows)


def write_days(
    connection: psycopg.Connection,
    ledger_id: int,
    register: AnyRegister,
    rows: Mapping[str, DatedRow[Any]],
) -> None:
    """What a register was on each day, where its rows are there and tell nothing of days."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE registers SET day = %s WHERE ledger_id = %s AND register = %s AND key = %s",
            [(dated.day, ledger_id, register.name, key) for key, dated in rows.items()],
        )
        cursor.execute(
            "DELETE FROM register_days WHERE ledger_id = %s AND register = %s",
            (ledger_id, register.name),
        )
    _write_closings(connection, ledger_id, register, rows)


def _write_closings(
    connection: psycopg.Connection,
    ledger_id: int,
    register: AnyRegister,
    rows: Mapping[str, DatedRow[Any]],
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO register_days (ledger_id, register, key, day, amounts)"
            " VALUES (%s, %s, %s, %s, %s::numeric[])",
            [
                (ledger_id, register.name, key, day, list(msgspec.structs.astuple(row)))
                for key, dated in rows.items()
                for day, row in dated.earlier or ()
            ],
        )


def write_tables(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, objects: Sequence[Any]
) -> None:
    """The rows that show these objects of a kind."""
    for table in kind.tables:
        rows = shown(table, ledger_id, objects)
        psycopg.RawCursor(connection).execute(rows.statement.encode(), [rows.rows.decode()])


def finish_ledger(
    connection: psycopg.Connection,
    ledger_id: int,
    *,
    position: int,
    chain: bytes,
    recorded_at: datetime,
    stream_version: int,
    settings: LedgerSettings,
) -> None:
    """Sets the head behind the last commit."""
    connection.execute(
        "UPDATE ledgers SET position = %s, chain = %s, recorded_at = %s, stream_version = %s,"
        " settings = %s::jsonb WHERE ledger_id = %s",
        (
            position,
            chain,
            recorded_at,
            stream_version,
            settings.encoded().decode(),
            ledger_id,
        ),
    )


def broken_stream(connection: psycopg.Connection, ledger_id: int) -> tuple[str, int] | None:
    """(stream, position) of a stream whose versions have a gap, or None."""
    row = connection.execute(
        "SELECT stream_id::text, max(position) FROM events WHERE ledger_id = %s"
        " GROUP BY stream_id HAVING max(stream_version) <> count(*) ORDER BY 2 LIMIT 1",
        (ledger_id,),
    ).fetchone()
    return (row[0], row[1]) if row else None


def stray_key(connection: psycopg.Connection, ledger_id: int) -> tuple[str, str] | None:
    """(operation, number) of a key whose events are not where it says, or None."""
    row = connection.execute(
        "SELECT k.operation, k.number FROM command_keys k LEFT JOIN events e"
        " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
        " WHERE k.ledger_id = %s AND (e.stream_id IS DISTINCT FROM k.stream_id"
        " OR k.last_position < k.first_position) LIMIT 1",
        (ledger_id,),
    ).fetchone()
    return (row[0], row[1]) if row else None
