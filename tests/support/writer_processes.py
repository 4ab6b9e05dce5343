"""A ledger whose large batches a process of its own writes, and how it is held up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.deciding.command import Command, Outcome, Submission
from ledger.integrity.chain import day_number, event_digest, extend, genesis, microseconds
from ledger.postgres.database import Database
from ledger.writing.committer import WRITER_PROCESS_SUBMISSIONS_MIN
from payments.application import ApplyPayment
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import lock_waiters

MANY = WRITER_PROCESS_SUBMISSIONS_MIN + 100


@pytest.fixture
def by_process(pool: ConnectionPool, database: Database) -> Iterator[Bookkeeper]:
    """An open ledger whose large batches go through a writer process."""
    keeper = Bookkeeper(pool, writer_conninfo=database.app_conninfo)
    keeper.open()
    keeper.issue("B", "1000000.00")
    yield keeper
    keeper.close()


def applications(first: int = 0) -> list[ApplyPayment]:
    return [payment(f"P{n}", "B", "1.00") for n in range(first, first + MANY)]


def writers_of_this_process() -> list[int]:
    """Pids of the writer processes that this process has started."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended, and its command line with it
            if "ledger.writing.writer_process" in child.cmdline():
                found.append(child.pid)
    return found


@contextmanager
def held(table: str, keeper: Bookkeeper, database: Database) -> Iterator[None]:
    """Another process holds rows that a batch will need: whoever writes waits for it."""
    with psycopg.connect(database.owner_conninfo) as other:
        query = sql.SQL("SELECT FROM {} WHERE ledger_id = %s FOR UPDATE")
        other.execute(query.format(sql.Identifier(table)), [keeper.ledger_id])
        yield


def assert_chain_is_whole(keeper: Bookkeeper) -> None:
    """Every digest and the chain of commits, computed anew from the rows."""
    chain = genesis(keeper.ledger_id)
    with keeper.pool.connection() as connection:
        commits = connection.execute(
            "SELECT first_position, position, chain FROM commits WHERE ledger_id = %s"
            " ORDER BY position",
            [keeper.ledger_id],
        ).fetchall()
        for first, last, stored in commits:
            rows = connection.execute(
                "SELECT position, stream_id, stream_version, recorded_at, effective_on, type,"
                " payload, digest FROM events WHERE ledger_id = %s AND position BETWEEN %s AND %s"
                " ORDER BY position",
                [keeper.ledger_id, first, last],
            ).fetchall()
            assert [row[0] for row in rows] == list(range(first, last + 1))
            digests = [
                event_digest(
                    keeper.ledger_id,
                    position,
                    stream.bytes,
                    version,
                    microseconds(recorded_at),
                    day_number(day),
                    type_name.encode(),
                    payload,
                )
                for position, stream, version, recorded_at, day, type_name, payload, _ in rows
            ]
            assert digests == [row[-1] for row in rows]
            chain = extend(chain, digests)
            assert chain == stored


def code(outcome: Outcome) -> str:
    assert outcome.problem is not None
    return outcome.problem.code.text


def waits_for_a_lock(database: Database) -> bool:
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        return len(lock_waiters(connection, "guoku writer")) == 1


def submissions(commands: Sequence[Command], by: str = "maker") -> list[Submission]:
    return [Submission(command=command, by=by) for command in commands]
