"""One act on a run at a time: loading, approving and executing exclude each other, everywhere.

The lock is a session's advisory lock in the database, so it holds against every process and ends
with the one that held it, also by kill −9.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg_pool import ConnectionPool

from ledger.errors import Code, Refusal
from ledger.gm import sm3


def lock_key(ledger_id: int, run_no: str) -> int:
    """The 64 bits that stand for a run in the database's table of locks."""
    digest = sm3(f"disbursement\0{ledger_id}\0{run_no}".encode())
    return int.from_bytes(digest[:8], "big", signed=True)


def hold(pool: ConnectionPool, ledger_id: int, run_no: str) -> psycopg.Connection:
    """A connection, in autocommit, that holds the run's lock until :func:`release`.

    Raises:
        Refusal: ``invalid_state`` when another act on the run is under way.
    """
    connection = pool.getconn()
    try:
        connection.autocommit = True
        row = connection.execute(
            "SELECT pg_try_advisory_lock(%s)", (lock_key(ledger_id, run_no),)
        ).fetchone()
        if row == (True,):
            return connection
        connection.autocommit = False
    except BaseException:
        connection.close()  # never back into the pool with a lock or in autocommit
        pool.putconn(connection)
        raise
    pool.putconn(connection)
    raise Refusal(Code.INVALID_STATE, f"another act on run {run_no} is under way")


def release(
    pool: ConnectionPool, connection: psycopg.Connection, ledger_id: int, run_no: str
) -> None:
    """Gives lock and connection back; a broken connection has given up its lock already."""
    try:
        connection.execute("SELECT pg_advisory_unlock(%s)", (lock_key(ledger_id, run_no),))
        connection.autocommit = False
    except psycopg.Error:
        with suppress(psycopg.Error):
            connection.close()
    pool.putconn(connection)


@contextmanager
def held(pool: ConnectionPool, ledger_id: int, run_no: str) -> Iterator[psycopg.Connection]:
    """The same for the length of a block."""
    connection = hold(pool, ledger_id, run_no)
    try:
        yield connection
    finally:
        release(pool, connection, ledger_id, run_no)


def is_held(connection: psycopg.Connection, ledger_id: int, run_no: str) -> bool:
    """Whether somebody is at work on the run."""
    key = lock_key(ledger_id, run_no) % 2**64
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = %s::bigint::oid AND objid = %s::bigint::oid)",
        (key >> 32, key & 0xFFFFFFFF),
    ).fetchone()
    return row == (True,)
