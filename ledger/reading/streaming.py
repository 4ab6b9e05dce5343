"""A ledger's history as streams of columns, by binary COPY: bounded memory, no object per event.

What is read may have been tampered with, so nothing is assumed of it but the types of its columns.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from struct import Struct
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from ledger.postgres.database import connect
from ledger.postgres.far_dates import read_far_dates

CHUNK_EVENTS = 4_096  # whole blocks of the tree

_POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_POSTGRES_EPOCH_DAY = 10_957
_HEADER_BYTES = 19  # signature, flags, length of an extension that nobody uses
_TRAILER_BYTES = 2
# field count, then length and value of each column, up to the length of the type
_FIXED = Struct(">hiqi16siiiqiii")
_LENGTH = Struct(">i")
_CONTENT = Struct(">hiqiqiii")
_TYPE = Struct(">hi")
_COMMIT = Struct(">hiqiqiqi")
_KEY = Struct(">hiqiqi16si")

_EVENTS = (
    "COPY (SELECT position, stream_id, stream_version, recorded_at, effective_on, type, payload,"
    " digest FROM events WHERE ledger_id = {} AND position > {} AND position <= {}"
    " ORDER BY position) TO STDOUT (FORMAT BINARY)"
)
_CONTENTS = (
    "COPY (SELECT position, recorded_at, effective_on, type, payload FROM events"
    " WHERE ledger_id = {} AND position > {} AND position <= {} AND type <> ALL({}::text[])"
    " ORDER BY position) TO STDOUT (FORMAT BINARY)"
)
_OF_TYPES = (
    "COPY (SELECT type, payload FROM events WHERE ledger_id = {} AND position > {}"
    " AND position <= {} AND type = ANY({}::text[]) ORDER BY position) TO STDOUT (FORMAT BINARY)"
)
_COMMITS = (
    "COPY (SELECT first_position, position, recorded_at, chain FROM commits WHERE ledger_id = {}"
    " AND position > {} ORDER BY position) TO STDOUT (FORMAT BINARY)"
)
_KEYS = (
    "COPY (SELECT first_position, last_position, stream_id, fingerprint, operation, number"
    " FROM command_keys WHERE ledger_id = {} AND first_position > {}"
    " ORDER BY first_position, operation, number) TO STDOUT (FORMAT BINARY)"
)


class Chunk(NamedTuple):
    """Consecutive rows of the event table, column by column, in order of position.

    ``recorded_us`` are microseconds since 1970 UTC, ``days`` days since 1970-01-01; stream ids are
    16 bytes; types and payloads are the bytes that were hashed.
    """

    positions: list[int]
    stream_ids: list[bytes]
    versions: list[int]
    recorded_us: list[int]
    days: list[int]
    types: list[bytes]
    payloads: list[bytes]
    digests: list[bytes]


class StoredCommit(NamedTuple):
    """A row of the table of commits."""

    first_position: int
    position: int
    recorded_us: int
    chain: bytes


class StoredKey(NamedTuple):
    """A row of the table of command keys."""

    first_position: int
    last_position: int
    stream_id: bytes
    fingerprint: bytes
    operation: str
    number: str


@contextmanager
def snapshot(conninfo: str, connections: int) -> Iterator[list[psycopg.Connection]]:
    """Connections that all see the database as it was at one moment; they only read.

    They are closed in whatever they are, for there is nothing to commit: a stream that nobody read
    to its end would else turn what was found until then into an error.
    """
    with ExitStack() as stack:
        opened: list[psycopg.Connection] = []
        shared = ""
        for _ in range(connections):
            connection = connect(conninfo, application_name="guoku audit")
            stack.callback(connection.close)
            read_far_dates(connection)
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if shared:
                connection.execute(
                    sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(shared))
                )
            else:
                row = connection.execute("SELECT pg_export_snapshot()").fetchone()
                assert row is not None
                shared = row[0]
            opened.append(connection)
        yield opened


def stream_events(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> Iterator[Chunk]:
    """The events ``after < position <= upto``, as they are stored; a chunk holds until the next."""
    chunk = Chunk([], [], [], [], [], [], [], [])
    positions, stream_ids, versions, recorded_us, days, types, payloads, digests = chunk
    unpack, length, fixed = _FIXED.unpack_from, _LENGTH.unpack_from, _FIXED.size
    for row in _rows(connection, _EVENTS, ledger_id, after, upto):
        _, _, position, _, stream_id, _, version, _, recorded, _, day, type_end = unpack(row)
        type_end += fixed
        [payload_end] = length(row, type_end)
        payload_end += type_end + 4
        positions.append(position)
        stream_ids.append(stream_id)
        versions.append(version)
        recorded_us.append(recorded + _POSTGRES_EPOCH_US)
        days.append(day + _POSTGRES_EPOCH_DAY)
        types.append(row[fixed:type_end])
        payloads.append(row[type_end + 4 : payload_end])
        digests.append(row[payload_end + 4 :])
        if len(positions) == CHUNK_EVENTS:
            yield chunk
            for column in chunk:
                column.clear()
    if positions:
        yield chunk


def stream_contents(
    connection: psycopg.Connection,
    ledger_id: int,
    after: int,
    upto: int,
    passed_over: Sequence[str],
) -> Generator[tuple[int, int, int, bytes, bytes]]:
    """What the events ``after < position <= upto`` say, but for those of some types: position,
    ``recorded_us``, day, type, payload, each as in ``Chunk``.

    The connection serves nothing else until the last one was read, or the iterator was closed.
    """
    unpack, fixed = _CONTENT.unpack_from, _CONTENT.size
    for row in _rows(connection, _CONTENTS, ledger_id, after, upto, list(passed_over)):
        _, _, position, _, recorded, _, day, type_size = unpack(row)
        type_end = fixed + type_size
        yield (
            position,
            recorded + _POSTGRES_EPOCH_US,
            day + _POSTGRES_EPOCH_DAY,
            row[fixed:type_end],
            row[type_end + 4 :],
        )


def stream_of_types(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int, types: Sequence[str]
) -> Generator[tuple[bytes, bytes]]:
    """Type and payload of the events ``after < position <= upto`` of some types, in order; the
    connection is taken as by :func:`stream_contents`."""
    unpack, fixed = _TYPE.unpack_from, _TYPE.size
    for row in _rows(connection, _OF_TYPES, ledger_id, after, upto, list(types)):
        type_end = fixed + unpack(row)[1]
        yield row[fixed:type_end], row[type_end + 4 :]


def stream_commits(
    connection: psycopg.Connection, ledger_id: int, after: int
) -> Generator[StoredCommit]:
    """The commits that end after a position, in order."""
    for row in _rows(connection, _COMMITS, ledger_id, after):
        _, _, first, _, position, _, recorded, _ = _COMMIT.unpack_from(row)
        yield StoredCommit(first, position, recorded + _POSTGRES_EPOCH_US, row[_COMMIT.size :])


def stream_keys(connection: psycopg.Connection, ledger_id: int, after: int) -> Generator[StoredKey]:
    """The command keys of events after a position, in order of first position."""
    for row in _rows(connection, _KEYS, ledger_id, after):
        _, _, first, _, last, _, stream_id, size = _KEY.unpack_from(row)
        fingerprint_end = _KEY.size + size
        [size] = _LENGTH.unpack_from(row, fingerprint_end)
        operation_end = fingerprint_end + 4 + size
        yield StoredKey(
            first,
            last,
            stream_id,
            row[_KEY.size : fingerprint_end],
            row[fingerprint_end + 4 : operation_end].decode(),
            row[operation_end + 4 :].decode(),
        )


def _rows(connection: psycopg.Connection, statement: str, *values: object) -> Iterator[bytes]:
    """The rows of a COPY in binary, each in its binary form; the connection is in a transaction."""
    copying = sql.SQL(statement).format(*map(sql.Literal, values))
    return copied_rows(connection, copying, before=_HEADER_BYTES, behind=_TRAILER_BYTES)


def copied_rows(
    connection: psycopg.Connection, copying: sql.Composable, *, before: int = 0, behind: int = 0
) -> Iterator[bytes]:
    """Begins a ``COPY … TO STDOUT``; gives what it sends, row by row.

    libpq is asked directly: going through a cursor takes longer than all that is done with a row.
    Whoever breaks off has the rest discarded and the transaction failed; the connection lives.

    Args:
        before: bytes of a header that stands before the first row.
        behind: bytes of a trailer that comes as if it were the last one.
    """
    libpq = connection.pgconn
    begun = libpq.exec_(copying.as_bytes(connection))
    if begun.status != ExecStatus.COPY_OUT:
        raise psycopg.OperationalError(begun.get_error_message())
    return _received(libpq, before, behind)


def _received(libpq: PGconn, before: int, behind: int) -> Iterator[bytes]:
    get, ended = libpq.get_copy_data, False
    try:
        while True:
            size, row = get(0)
            if size < 0:
                break
            if size > before + behind:
                yield row[before:].tobytes() if before else row.tobytes()
            before = 0
        ended = True
    finally:
        if not ended:
            libpq.get_cancel().cancel()
        results = _remaining_results(libpq)
    if not results or results[0].status != ExecStatus.COMMAND_OK:
        message = results[0].get_error_message() if results else "the connection is lost"
        raise psycopg.OperationalError(message)


def _remaining_results(libpq: PGconn) -> list[PGresult]:
    """Results until there are none; what a cancelled COPY still sends is passed over."""
    results = []
    while (result := libpq.get_result()) is not None:
        if result.status == ExecStatus.COPY_OUT:
            with suppress(psycopg.Error):
                while libpq.get_copy_data(0)[0] >= 0:
                    pass
        else:
            results.append(result)
    return results
