"""Large batches are written by a process of its own: same history, same promises."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.deciding.command import Command, Outcome, Submission
from ledger.errors import UnavailableError
from ledger.integrity.chain import day_number, event_digest, extend, genesis, microseconds
from ledger.postgres.database import Database
from ledger.reading.loading import LockedHead
from ledger.writing.committer import WRITER_PROCESS_SUBMISSIONS_MIN
from ledger.writing.writer_process import WriterProcess
from payments.application import ApplyPayment, ApprovePayment
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S, lock_waiters, wait_until

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


def test_a_large_batch_is_in_the_books_as_a_small_one_is(by_process: Bookkeeper) -> None:
    applied = by_process.submit(*applications())
    approved = by_process.submit(*[ApprovePayment(pay_app_no=f"P{n}") for n in range(MANY)], by="c")

    assert writers_of_this_process()
    assert {outcome.status for outcome in applied + approved} == {"created"}
    assert all(outcome.subjects[0].status == "approved" for outcome in approved)
    assert by_process.figures("B")["occupied"] == f"{MANY}.00"
    last = approved[-1].commit
    assert last is not None
    assert last.position == approved[-1].last_position
    assert_chain_is_whole(by_process)


def test_a_small_batch_goes_on_where_a_large_one_ended(by_process: Bookkeeper) -> None:
    by_process.submit(*applications())

    small = by_process.do(ApprovePayment(pay_app_no="P7"), "checker")

    assert small.subjects[0].status == "approved"
    assert_chain_is_whole(by_process)


def test_each_item_of_a_large_batch_has_its_own_answer(by_process: Bookkeeper) -> None:
    by_process.do(payment("P1", "B", "1.00"))
    by_process.do(payment("P2", "B", "9.00"))
    too_much = payment("too-much", "B", "99999999.00")

    outcomes = by_process.submit(*applications(), too_much)

    told = {n: outcome for n, outcome in enumerate(outcomes) if outcome.status != "created"}
    assert {n: outcome.status for n, outcome in told.items()} == {
        1: "replayed",
        2: "refused",
        MANY: "refused",
    }
    assert [code(told[n]) for n in (2, MANY)] == ["idempotency_conflict", "insufficient_indicator"]
    assert_chain_is_whole(by_process)


def code(outcome: Outcome) -> str:
    assert outcome.problem is not None
    return outcome.problem.code.text


def test_a_batch_of_replays_writes_nothing_and_lets_the_head_go(by_process: Bookkeeper) -> None:
    first = by_process.submit(*applications())

    again = by_process.submit(*applications())

    assert {outcome.status for outcome in again} == {"replayed"}
    assert [outcome.commit for outcome in again] == [outcome.commit for outcome in first]
    assert by_process.do(payment("next", "B", "1.00")).commit is not None


@pytest.mark.fault
def test_a_writer_process_killed_between_batches_is_replaced(by_process: Bookkeeper) -> None:
    by_process.submit(*applications())
    (pid,) = writers_of_this_process()
    # the answer comes before the worker's turn is over: until then a batch would follow at once
    wait_until(lambda: not by_process.sequencer._queue(by_process.ledger_id).running)

    os.kill(pid, signal.SIGKILL)

    outcomes = by_process.submit(*applications(MANY))
    assert {outcome.status for outcome in outcomes} == {"created"}
    assert pid not in writers_of_this_process()


@pytest.mark.fault
def test_a_writer_process_killed_at_work_leaves_nothing_half_done(
    by_process: Bookkeeper, database: Database
) -> None:
    by_process.submit(*applications())
    (pid,) = writers_of_this_process()
    submissions = [Submission(command=command, by="maker") for command in applications(MANY)]

    with held("registers", by_process, database):  # the last that a batch writes
        answer = by_process.sequencer.submit(by_process.ledger_id, submissions)
        wait_until(lambda: waits_for_a_lock(database))
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="repeat it with the same number"):
            answer.result(HANG_S)

    repeated = by_process.sequencer.submit(by_process.ledger_id, submissions).result(HANG_S)
    assert {outcome.status for outcome in repeated} == {"created"}
    assert by_process.figures("B")["occupied"] == f"{2 * MANY}.00"
    assert_chain_is_whole(by_process)


def waits_for_a_lock(database: Database) -> bool:
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        return len(lock_waiters(connection, "guoku writer")) == 1


@pytest.mark.fault
def test_a_writer_process_ends_with_the_process_that_started_it(
    by_process: Bookkeeper, database: Database
) -> None:
    program = (
        "import sys; from ledger.writing.writer_process import WriterProcess;"
        "writer = WriterProcess(sys.argv[1]); writer.begin(int(sys.argv[2]));"
        "print(writer.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, database.app_conninfo, str(by_process.ledger_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())

    parent.kill()
    parent.communicate()

    wait_until(lambda: not psutil.pid_exists(pid))
    assert by_process.do(payment("P1", "B", "1.00")).commit is not None  # the head is free


@pytest.mark.fault
def test_a_writer_process_ends_with_its_parent_also_while_it_copies(
    by_process: Bookkeeper, database: Database
) -> None:
    """Its connection is then at work on a page; nothing of it may stay, nor the lock."""
    program = (
        "import sys; from datetime import date; from ledger.writing.local_writer import BatchPage;"
        "from ledger.writing.writer_process import WriterProcess;"
        "writer = WriterProcess(sys.argv[1]);"
        "ledger_id = int(sys.argv[2]); writer.begin(ledger_id);"
        "row = (1_000, bytes(16), 1, date(2026, 3, 2), 'test', b'x' * 4_000);"
        "writer.write(BatchPage(ledger_id, 0, [row] * 2_000, [], {}));"
        "print(writer.pid, flush=True); sys.stdin.read()"
    )
    with psycopg.connect(database.owner_conninfo) as other:
        other.execute("LOCK TABLE events IN SHARE MODE")  # no row can be added
        parent = subprocess.Popen(
            [sys.executable, "-c", program, database.app_conninfo, str(by_process.ledger_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_until(lambda: waits_for_a_lock(database))
        parent.kill()
        parent.wait()

    parent.communicate()
    wait_until(lambda: not psutil.pid_exists(pid))
    assert by_process.do(payment("P1", "B", "1.00")).commit is not None
    assert_chain_is_whole(by_process)


def test_what_the_database_will_not_have_takes_no_other_group_down(
    by_process: Bookkeeper, database: Database
) -> None:
    good = [Submission(command=command, by="maker") for command in applications()]
    bad = [Submission(command=payment("P\0", "B", "1.00"), by="maker")]

    with held("ledgers", by_process, database):
        first = by_process.sequencer.submit(
            by_process.ledger_id, [Submission(command=payment("first", "B", "1.00"), by="maker")]
        )
        answers = [
            by_process.sequencer.submit(by_process.ledger_id, group) for group in (good, bad)
        ]

    assert first.result(HANG_S)[0].status == "created"
    assert {outcome.status for outcome in answers[0].result(HANG_S)} == {"created"}
    with pytest.raises(Exception, match="the books did not take the command"):
        answers[1].result(HANG_S)
    assert_chain_is_whole(by_process)


# ---- a batch that follows one whose commit is still under way


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each batch that they were given: whether it followed one that was under way."""
    begun: list[bool] = []
    begin = WriterProcess.begin

    def noted(
        self: WriterProcess,
        ledger_id: int,
        *,
        follows: bool = False,
        tolerance_us: int | None = None,
    ) -> Future[LockedHead | None]:
        begun.append(follows)
        return begin(self, ledger_id, follows=follows, tolerance_us=tolerance_us)

    monkeypatch.setattr(WriterProcess, "begin", noted)
    return begun


def submissions(commands: Sequence[Command], by: str = "maker") -> list[Submission]:
    return [Submission(command=command, by=by) for command in commands]


def approvals() -> list[ApprovePayment]:
    return [ApprovePayment(pay_app_no=f"P{n}") for n in range(MANY)]


def test_a_batch_is_decided_on_one_that_is_still_being_committed(
    by_process: Bookkeeper, database: Database, begun: list[bool]
) -> None:
    with held("registers", by_process, database):
        applied = by_process.sequencer.submit(by_process.ledger_id, submissions(applications()))
        wait_until(lambda: begun == [False])
        approved = by_process.sequencer.submit(
            by_process.ledger_id, submissions(approvals(), "checker")
        )
        wait_until(lambda: begun == [False, True])
        assert not applied.done()
        assert not approved.done()

    assert {outcome.status for outcome in applied.result(HANG_S)} == {"created"}
    assert {outcome.status for outcome in approved.result(HANG_S)} == {"created"}
    assert {outcome.subjects[0].status for outcome in approved.result()} == {"approved"}
    assert_chain_is_whole(by_process)


def test_a_number_used_by_the_batch_before_is_answered_as_it_was(
    by_process: Bookkeeper, database: Database, begun: list[bool]
) -> None:
    with held("registers", by_process, database):
        first = by_process.sequencer.submit(by_process.ledger_id, submissions(applications()))
        wait_until(lambda: begun == [False])
        again = by_process.sequencer.submit(by_process.ledger_id, submissions(applications()))
        wait_until(lambda: begun == [False, True])

    assert {outcome.status for outcome in again.result(HANG_S)} == {"replayed"}
    commits = [outcome.commit for outcome in first.result(HANG_S)]
    assert [outcome.commit for outcome in again.result()] == commits
    assert by_process.figures("B")["occupied"] == f"{MANY}.00"


@pytest.mark.fault
def test_what_followed_a_batch_that_failed_is_decided_anew(
    by_process: Bookkeeper, database: Database, begun: list[bool]
) -> None:
    other = [payment(f"Q{n}", "B", "1.00") for n in range(MANY)]
    with held("registers", by_process, database):
        lost = by_process.sequencer.submit(by_process.ledger_id, submissions(applications()))
        wait_until(lambda: begun == [False])
        followed = by_process.sequencer.submit(
            by_process.ledger_id, submissions([*other, *approvals()], "checker")
        )
        wait_until(lambda: begun == [False, True] and waits_for_a_lock(database))
        (pid,) = writers_of_this_process()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="repeat it with the same number"):
            lost.result(HANG_S)

    outcomes = followed.result(HANG_S)
    assert {outcome.status for outcome in outcomes[:MANY]} == {"created"}
    assert {code(outcome) for outcome in outcomes[MANY:]} == {"payment_not_found"}
    assert by_process.figures("B")["occupied"] == f"{MANY}.00"
    assert_chain_is_whole(by_process)


def test_a_batch_does_not_follow_where_another_process_has_written(
    by_process: Bookkeeper,
    database: Database,
    begun: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other one takes the last of the money in between; who followed must see that."""
    elsewhere = Bookkeeper(by_process.pool)  # as another server: it shares nothing but the database
    by_process.do(payment("rest", "B", f"{1_000_000 - 2 * MANY}.00"))
    with ExitStack() as before_it_commits:
        before_it_commits.enter_context(held("registers", by_process, database))
        first = by_process.sequencer.submit(by_process.ledger_id, submissions(applications()))
        wait_until(lambda: begun == [False])
        begin = WriterProcess.begin

        def overtaken(
            self: WriterProcess,
            ledger_id: int,
            *,
            follows: bool = False,
            tolerance_us: int | None = None,
        ) -> Future[LockedHead | None]:
            if follows:
                before_it_commits.close()
                first.result(HANG_S)
                elsewhere.do(payment("between", "B", f"{MANY}.00"))
            return begin(self, ledger_id, follows=follows, tolerance_us=tolerance_us)

        monkeypatch.setattr(WriterProcess, "begin", overtaken)
        followed = by_process.sequencer.submit(
            by_process.ledger_id, submissions(applications(MANY))
        )
        outcomes = followed.result(HANG_S)

    assert {code(outcome) for outcome in outcomes} == {"insufficient_indicator"}
    assert begun == [False, True, False]
    assert by_process.figures("B")["available"] == "0.00"
    assert_chain_is_whole(by_process)
    elsewhere.close()
