"""A batch that follows one whose commit is still under way is decided on it, or anew."""

# ruff: noqa: F401, F811  (pytest finds the fixture `by_process` by its import)

import os
import signal
from concurrent.futures import Future
from contextlib import ExitStack

import pytest

from ledger.errors import UnavailableError
from ledger.postgres.database import Database
from ledger.reading.loading import LockedHead
from ledger.writing.writer_process import WriterProcess
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
