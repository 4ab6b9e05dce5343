"""Large batches are written by a process of its own: same history, same promises."""

# ruff: noqa: F401, F811  (pytest finds the fixture `by_process` by its import)

import os
import signal
import subprocess
import sys

import psutil
import psycopg
import pytest

from ledger.deciding.command import Submission
from ledger.errors import UnavailableError
from ledger.postgres.database import Database
from payments.application import ApprovePayment
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S, wait_until
from tests.support.writer_processes import (
    MANY,
    applications,
    assert_chain_is_whole,
    by_process,
    code,
    held,
    submissions,
    waits_for_a_lock,
    writers_of_this_process,
)


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
