"""What an event loop asks is decided on its own thread, as a worker would decide it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from threading import get_ident
from time import monotonic
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_id
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenLedger
from ledger.errors import GuokuError
from ledger.integrity.chain import extend, genesis
from ledger.postgres.database import Database, make_pool
from ledger.writing.loop_committer import LOOP_SUBMISSIONS_MAX, LoopCommitter
from payments.application import ApprovePayment
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S, POLL_S, lock_waiters


class Clerk:
    """Asks from an event loop; ``threads`` are those that have committed."""

    _serial = count(1)

    def __init__(self, keeper: Bookkeeper) -> None:
        self.keeper = keeper
        self.loop_committer: LoopCommitter
        self.threads: list[int] = []
        keeper.sequencer.on_commit(lambda _ledger, _position: self.threads.append(get_ident()))

    def send(
        self, *commands: Command, atomic: bool = False, **how: Any
    ) -> Awaitable[list[Outcome]]:
        submissions = [Submission(command=c, **{"by": "maker", **how}) for c in commands]
        sequencer = self.keeper.sequencer
        future = sequencer.submit(self.keeper.ledger_id, submissions, atomic=atomic)
        return asyncio.wrap_future(future)

    async def ask(self, command: Command, **how: Any) -> Outcome:
        [outcome] = await self.send(command, **how)
        return outcome

    async def sit_down(self) -> None:
        """Until the loop committer has its connection and has written a batch itself."""
        before, deadline = self.threads.count(get_ident()), monotonic() + HANG_S
        while self.threads.count(get_ident()) == before:
            assert monotonic() < deadline, "the loop committer never took anything"
            await self.ask(payment(f"{next(self._serial)}", "W", "0.01"))

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def on_the_loop() -> None:
            self.loop_committer = self.keeper.sequencer.open_loop_committer()
            await self.sit_down()
            await work()
            self.keeper.sequencer.close_loop_committer()

        asyncio.run(on_the_loop())

    async def until(self, true: Callable[[], bool]) -> None:
        deadline = monotonic() + HANG_S
        while not true():
            assert monotonic() < deadline, "it never came to that"
            await asyncio.sleep(POLL_S)


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    """The server's, which looks at a connection before it gives it out."""
    with make_pool(database.app_conninfo, 1, 6, "loop") as pool:
        yield pool


@pytest.fixture
def clerk(bookkeeper: Bookkeeper) -> Clerk:
    bookkeeper.issue("B", "1000.00")
    bookkeeper.issue("W", "1000.00")  # for getting to the loop committer
    return Clerk(bookkeeper)


@pytest.fixture
def other(database: Database) -> Iterator[psycopg.Connection]:
    """Another session of the same database, of somebody who may lock and end others."""
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        yield connection


def require_sound(keeper: Bookkeeper) -> None:
    """Positions without a gap, digests and chain as the format says."""
    rows = keeper.sql(
        "SELECT position, stream_id, stream_version, type, recorded_at, effective_on, payload,"
        " digest FROM events WHERE ledger_id = %s ORDER BY position"
    )
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    digests = [row[-1] for row in rows]
    chain, done = genesis(keeper.ledger_id), 0
    for position, stored in keeper.sql(
        "SELECT position, chain FROM commits WHERE ledger_id = %s ORDER BY position"
    ):
        chain, done = extend(chain, digests[done:position]), position
        assert chain == stored
    assert done == len(rows)


def lock_head(connection: psycopg.Connection, keeper: Bookkeeper) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM ledgers WHERE ledger_id = %s FOR UPDATE", (keeper.ledger_id,))


def test_what_comes_while_a_batch_is_written_is_the_next_batch(clerk: Clerk) -> None:
    async def work() -> None:
        before = len(clerk.threads)
        asked = [clerk.send(payment(f"P{n}", "B", "1.00")) for n in range(40)]
        answers = [outcome for answer in asked for outcome in await answer]
        assert [outcome.status for outcome in answers] == ["created"] * 40
        assert all(outcome.commit is not None for outcome in answers)
        assert clerk.threads[before:] == [get_ident()] * 2  # the first alone, the others together

    clerk.run(work)
    require_sound(clerk.keeper)


def test_outcomes_are_those_of_a_worker(clerk: Clerk, pool: ConnectionPool) -> None:
    asked: list[tuple[list[Command], dict[str, Any]]] = [
        ([payment("P1", "B", "30.00"), payment("P2", "B", "30.00")], {}),
        ([payment("P1", "B", "30.00")], {}),
        ([payment("P1", "B", "31.00")], {}),
        ([payment("P3", "B", "5000.00")], {}),
        ([payment("P3", "B", "5000.00")], {}),
        ([payment("P4", "nowhere", "1.00")], {}),
        ([payment("P5", "B", "1.00")], {"dry_run": True}),
        ([payment("P6", "B", "1.00"), payment("P7", "B", "5000.00")], {"atomic": True}),
        ([payment("P8", "B", "1.00")], {"idempotency_key": "k"}),
        ([payment("P8", "B", "1.00")], {"idempotency_key": "k"}),
        ([ApprovePayment(pay_app_no="P1")], {"by": "checker"}),
        ([ApprovePayment(pay_app_no="P1")], {"by": "checker"}),
    ]
    worker = Bookkeeper(pool, division="330000000")
    worker.open()
    worker.issue("B", "1000.00")
    by_loop: list[Outcome] = []

    async def work() -> None:
        for commands, how in asked:
            by_loop.extend(await clerk.send(*commands, **how))

    clerk.run(work)
    by_worker = [o for commands, how in asked for o in worker.submit(*commands, **how)]
    worker.close()

    assert told(by_loop) == told(by_worker)
    assert {o.status for o in by_loop} == {"created", "replayed", "refused"}
    assert clerk.keeper.figures("B") == worker.figures("B")
    require_sound(clerk.keeper)


def told(outcomes: list[Outcome]) -> list[tuple[object, ...]]:
    """What callers were told, places counted from the first."""
    first = outcomes[0].first_position
    return [
        (
            outcome.status,
            outcome.problem and (outcome.problem.code, outcome.problem.detail),
            outcome.first_position and outcome.first_position - first,
            outcome.last_position and outcome.last_position - first,
        )
        for outcome in outcomes
    ]


def test_a_ledger_is_opened_and_an_object_read_that_is_not_cached(
    clerk: Clerk, pool: ConnectionPool
) -> None:
    clerk.keeper.apply("old", "B", "1.00")
    fresh = Clerk(Bookkeeper(pool))  # a process that has seen none of it
    opening = OpenLedger(mof_div_code="440100000", fiscal_year=2026, name="市本级")

    async def work() -> None:
        outcome = await fresh.ask(ApprovePayment(pay_app_no="old"), by="checker")
        assert outcome.subjects[0].status == "approved"
        await fresh.sit_down()  # the worker that has read it has given the queue back
        key = ledger_id("440100000", 2026)
        submission = Submission(command=opening, by="admin")
        future = fresh.keeper.sequencer.submit(key, [submission])
        [opened] = await asyncio.wrap_future(future)
        assert (opened.status, opened.first_position) == ("created", 1)

    fresh.run(work)
    fresh.keeper.close()
    require_sound(clerk.keeper)


def test_another_process_writes_in_between(clerk: Clerk, pool: ConnectionPool) -> None:
    another = Bookkeeper(pool)

    async def work() -> None:
        for n, status in enumerate(("created", "created", "refused")):
            another.apply(f"theirs-{n}", "B", "250.00")
            assert (await clerk.ask(payment(f"ours-{n}", "B", "100.00"))).status == status

    clerk.run(work)
    another.close()
    require_sound(clerk.keeper)


def test_what_the_database_will_not_have_does_not_fail_its_neighbours(clerk: Clerk) -> None:
    async def work() -> None:
        first = clerk.send(payment("P1", "B", "1.00"))
        bad = clerk.send(payment("P\0", "B", "1.00"))  # no text of the database's
        good = clerk.send(payment("P2", "B", "1.00"))
        assert [o.status for answer in (first, good) for o in await answer] == ["created"] * 2
        with pytest.raises(GuokuError) as refused:
            await bad
        assert refused.value.code.text == "internal"
        await clerk.sit_down()

    clerk.run(work)
    require_sound(clerk.keeper)


def test_more_than_the_loop_takes_goes_to_a_worker(clerk: Clerk) -> None:
    async def work() -> None:
        before = len(clerk.threads)
        many = [payment(f"P{n}", "B", "1.00") for n in range(LOOP_SUBMISSIONS_MAX + 1)]
        assert {outcome.status for outcome in await clerk.send(*many)} == {"created"}
        await clerk.until(lambda: len(clerk.threads) > before)  # who is told after the caller
        assert clerk.threads[-1] != get_ident()
        await clerk.sit_down()

    clerk.run(work)


def test_an_idle_connection_that_ends_is_replaced(clerk: Clerk, other: psycopg.Connection) -> None:
    async def work() -> None:
        end_all_but(other)
        await clerk.until(lambda: clerk.loop_committer.lacks_connection)
        assert (await clerk.ask(payment("P1", "B", "1.00"))).status == "created"
        await clerk.sit_down()

    clerk.run(work)


def end_all_but(connection: psycopg.Connection) -> None:
    """Ends every other session of the database, and waits for it."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_connection_that_ends_at_work_leaves_the_outcome_unknown(
    clerk: Clerk, other: psycopg.Connection
) -> None:
    async def work() -> None:
        lock_head(other, clerk.keeper)
        asked = clerk.send(payment("P1", "B", "1.00"))
        await clerk.until(lambda: bool(lock_waiters(other)))
        end_all_but(other)
        with pytest.raises(GuokuError) as unknown:
            await asked
        assert unknown.value.code.text == "unavailable"
        other.execute("ROLLBACK")
        repeated = await clerk.ask(payment("P1", "B", "1.00"))
        assert repeated.status == "created"  # it had not been
        await clerk.sit_down()

    clerk.run(work)
    require_sound(clerk.keeper)


def test_what_is_under_way_when_the_loop_ends_is_finished(
    clerk: Clerk, other: psycopg.Connection
) -> None:
    async def work() -> None:
        before = len(clerk.threads)
        lock_head(other, clerk.keeper)
        asked = [clerk.send(payment(f"P{n}", "B", "1.00")) for n in range(3)]
        await clerk.until(lambda: bool(lock_waiters(other)))
        clerk.keeper.sequencer.close_loop_committer()
        other.execute("ROLLBACK")
        assert [o.status for answer in asked for o in await answer] == ["created"] * 3
        await clerk.until(lambda: len(clerk.threads) > before)
        assert clerk.threads[-1] != get_ident()

    clerk.run(work)
    require_sound(clerk.keeper)


def test_every_connection_goes_back(clerk: Clerk, pool: ConnectionPool) -> None:
    async def work() -> None:
        await clerk.ask(payment("P1", "B", "1.00"))
        await clerk.ask(payment("P1", "B", "1.00"))  # by a worker: the answer is read

    clerk.run(work)
    clerk.keeper.sequencer.close()
    stats = pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"]
