"""What operators would otherwise use, on the same server, in the same run.

* raw COPY: the very same rows, commit by commit, into a table with the same indexes: the limit;
* the recorder of the ``eventsourcing`` package, with its lock on the table (without which its
  positions are not in commit order), saving the same payloads;
* a plain double-entry ledger in SQL functions (plain_sql_ledger.sql).
"""

import gc
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from bench.measure import Stopwatch
from ledger.postgres.database import PREPARE_THRESHOLD, Database

COLUMNS = (
    "ledger_id, position, stream_id, stream_version, type, recorded_at, effective_on, payload,"
    " digest"
)
ACCOUNTS = 1_000
SEND_BUFFER_BYTES = 4 * 1024 * 1024


class Timed(NamedTuple):
    """Items done and how long they took, with the wait of each request."""

    items: int
    elapsed_s: float
    waits_s: list[float]


# ---- raw COPY


class RawCopy:
    """Copies events of a ledger into a table of the same shape, in the commits they came in."""

    def __init__(self, database: Database) -> None:
        self._connection = psycopg.connect(database.owner_conninfo)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS copy_of_events (LIKE events INCLUDING ALL)"
        )
        self._connection.commit()

    def __enter__(self) -> "RawCopy":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, ledger_id: int, first: int, last: int) -> Timed:
        """The clock runs over COPY and commit; the frames are there before."""
        frames = list(self._frames(ledger_id, first, last))
        waits_s = []
        gc.collect()
        for frame in frames:
            began = perf_counter()
            with self._connection.cursor() as cursor:
                into = f"COPY copy_of_events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
                with cursor.copy(into.encode()) as copy:
                    copy.write(frame)
            self._connection.commit()
            waits_s.append(perf_counter() - began)
        return Timed(last - first + 1, sum(waits_s), waits_s)

    def _frames(self, ledger_id: int, first: int, last: int) -> Iterator[bytes]:
        commits = self._connection.execute(
            "SELECT first_position, position FROM commits WHERE ledger_id = %s"
            " AND position BETWEEN %s AND %s ORDER BY position",
            (ledger_id, first, last),
        ).fetchall()
        for begin, end in commits:
            with self._connection.cursor() as cursor:
                rows = (
                    f"COPY (SELECT {COLUMNS} FROM events WHERE ledger_id = {int(ledger_id)}"
                    f" AND position BETWEEN {int(begin)} AND {int(end)} ORDER BY position)"
                    " TO STDOUT (FORMAT BINARY)"
                )
                with cursor.copy(rows.encode()) as copy:
                    yield b"".join(bytes(part) for part in copy)
        self._connection.commit()


# ---- the eventsourcing package


def stored_events(connection: psycopg.Connection, ledger_id: int, after: int, limit: int) -> Any:
    """The ledger's own events as that library stores them: same streams, versions and bytes."""
    rows = connection.execute(
        "SELECT stream_id, stream_version, type, payload FROM events"
        " WHERE ledger_id = %s AND position > %s ORDER BY position LIMIT %s",
        (ledger_id, after, limit),
    ).fetchall()
    return [StoredEvent(*row) for row in rows]


@dataclass(frozen=True)
class PeerEvent(DomainEvent):
    """An event of ours as an application of that library has it, with what it says."""

    content: dict[str, Any]


def domain_mapper() -> Mapper[UUID]:
    """The mapper of an application of that library with all its defaults."""
    return Application[UUID]().mapper


def domain_events(
    mapper: Mapper[UUID], connection: psycopg.Connection, ledger_id: int, after: int, limit: int
) -> list[StoredEvent]:
    """The ledger's own events as the library stores domain events of its own."""
    rows = connection.execute(
        "SELECT stream_id, stream_version, recorded_at, payload FROM events"
        " WHERE ledger_id = %s AND position > %s ORDER BY position LIMIT %s",
        (ledger_id, after, limit),
    ).fetchall()
    return [
        mapper.to_stored_event(PeerEvent(stream_id, version, recorded_at, json.loads(payload)))
        for stream_id, version, recorded_at, payload in rows
    ]


class _Datastore(PostgresDatastore):
    """With a larger send buffer on its sockets.

    A save of 1,000 events is one message of half a megabyte in a psycopg pipeline. With the default
    buffer one was seen to stand still: the client waited for an answer, the server for the rest.
    """

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        configure = super().after_connect_func()

        def with_large_buffer(connection: psycopg.Connection[Any]) -> None:
            configure(connection)
            with socket.socket(fileno=os.dup(connection.fileno())) as shared:
                shared.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

        return with_large_buffer


@contextmanager
def eventsourcing_recorder(database: Database) -> Iterator[PostgresApplicationRecorder]:
    """Its own Postgres recorder with its defaults, but a pool for 64 callers."""
    parts = conninfo_to_dict(database.owner_conninfo)
    names = ("dbname", "host", "port", "user")
    dbname, host, port, user = (str(parts[name]) for name in names)
    datastore = _Datastore(dbname, host, port, user, "", pool_size=4, max_overflow=64)
    try:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        yield recorder
    finally:
        datastore.close()


def save_events(
    recorder: PostgresApplicationRecorder,
    events: Sequence[StoredEvent],
    batch: int,
    callers: int = 1,
) -> Timed:
    """Saves events in batches, each in its own transaction; closed loop."""
    batches = [events[i : i + batch] for i in range(0, len(events), batch)]
    waits_s = _in_turn(batches, recorder.insert_events, callers)
    return Timed(len(events), waits_s.elapsed_s, waits_s.waits_s)


# ---- plain SQL


class PlainSqlLedger:
    """Transfers from 1,000 floored accounts (available) to 1,000 others (occupied)."""

    def __init__(self, database: Database, pool: ConnectionPool) -> None:
        self._pool = pool
        self._serial = count(1)
        script = Path(__file__).with_name("plain_sql_ledger.sql").read_text(encoding="utf-8")
        with psycopg.connect(database.owner_conninfo) as connection:
            connection.execute(script.encode())
            connection.execute(
                "INSERT INTO accounts (account_id, name, floored, balance_fen)"
                " SELECT n, 'account ' || n, true, CASE WHEN n <= %(half)s"
                " THEN 900000000000000 ELSE 0 END FROM generate_series(1, 2 * %(half)s) AS n",
                {"half": ACCOUNTS},
            )

    def run(self, transfers: int, batch: int, callers: int = 1) -> Timed:
        """Transfers in calls of ``batch``, each its own transaction; closed loop."""
        calls = [self._call(min(batch, transfers - n)) for n in range(0, transfers, batch)]
        done = _in_turn(calls, self._post, callers)
        return Timed(transfers, done.elapsed_s, done.waits_s)

    def _call(self, transfers: int) -> tuple[list[str], list[int], list[int], list[int]]:
        serials = [next(self._serial) for _ in range(transfers)]
        from_ids = [serial % ACCOUNTS + 1 for serial in serials]
        return (
            [f"SQ-440000-2026-{serial:08d}" for serial in serials],
            from_ids,
            [account + ACCOUNTS for account in from_ids],
            [100 + serial % 900 for serial in serials],
        )

    def _post(self, call: tuple[list[str], list[int], list[int], list[int]]) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "SELECT post_transfers(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])", call
            ).fetchall()


@contextmanager
def plain_sql_ledger(database: Database) -> Iterator[PlainSqlLedger]:
    arguments = {"prepare_threshold": PREPARE_THRESHOLD}
    with ConnectionPool(database.owner_conninfo, min_size=2, max_size=64, kwargs=arguments) as pool:
        yield PlainSqlLedger(database, pool)


def _in_turn(requests: Sequence[Any], send: Any, callers: int) -> Timed:
    """Callers that each send the next request when their last one is done."""
    waits_s = [0.0] * len(requests)
    left = iter(range(len(requests)))

    def caller() -> None:
        for index in left:
            began = perf_counter()
            send(requests[index])
            waits_s[index] = perf_counter() - began

    watch = Stopwatch()
    gc.collect()
    with ThreadPoolExecutor(callers) as threads, watch.running():
        for future in [threads.submit(caller) for _ in range(callers)]:
            future.result()
    return Timed(len(requests), watch.elapsed_s, waits_s)
