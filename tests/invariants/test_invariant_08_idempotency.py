"""Invariant 8: same number and body, same answer; other body, refused without effect."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from budget.issuing import IssueIndicator
from ledger.deciding.command import Submission
from payments.application import ApprovePayment
from tests.support.bookkeeper import ELEMENTS, Bookkeeper, payment
from tests.support.waiting import HANG_S


def test_the_same_application_50_times_at_once_is_one_payment(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    with ThreadPoolExecutor(50) as callers:
        outcomes = list(callers.map(lambda _: b.ask(payment("P", "B", "30.00")), range(50)))
    assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 49
    assert len({msgspec.json.encode(outcome.subjects[0]) for outcome in outcomes}) == 1
    assert len({outcome.commit for outcome in outcomes}) == 1
    assert b.figures("B")["occupied"] == "30.00"


def test_the_answer_is_that_of_then_not_of_now(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    first = b.apply("P", "B", "30.00")
    b.approve("P")
    b.sequencer.close()
    again = Bookkeeper(b.pool)  # a process that has seen none of it
    replay = again.ask(payment("P", "B", "30.00"))
    again.close()
    assert replay.replayed
    assert replay.subjects == first.subjects
    assert replay.subjects[0].status == "applied"


def test_another_body_under_the_number_is_refused_without_effect(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.apply("P", "B", "30.00")
    assert b.refusal(payment("P", "B", "31.00")) == "idempotency_conflict"
    assert b.refusal(payment("P", "B", "30.00", use_des="别的")) == "idempotency_conflict"
    assert b.figures("B")["occupied"] == "30.00"


def test_a_refusal_is_kept_under_its_number(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "10.00")
    assert b.refusal(payment("P", "B", "30.00")) == "insufficient_indicator"
    b.adjust("B", "90.00")
    again = b.ask(payment("P", "B", "30.00"))
    assert again.replayed
    assert again.problem is not None
    assert again.problem.extra["available_amt"] == "10.00"
    b.apply("P-again", "B", "30.00")


def test_a_key_is_its_callers_own(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P", "B", "30.00")
    first = b.ask(ApprovePayment(pay_app_no="P"), "checker", idempotency_key="k")
    again = b.ask(ApprovePayment(pay_app_no="P"), "checker", idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.subjects == first.subjects
    assert b.refusal(ApprovePayment(pay_app_no="P"), "other", idempotency_key="k") == (
        "invalid_state"
    )
    assert b.refusal(ApprovePayment(pay_app_no="Q"), "checker", idempotency_key="k") == (
        "idempotency_conflict"
    )


def test_numbers_are_scoped_to_the_operation(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("X", "100.00")
    b.apply("X", "X", "30.00")
    b.issue("Y", "100.00")


def test_an_atomic_batch_is_all_or_nothing(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    outcomes = b.submit(
        payment("P1", "B", "60.00"),
        payment("P2", "B", "60.00"),
        payment("P3", "B", "1.00"),
        atomic=True,
    )
    assert [outcome.problem.code.text for outcome in outcomes if outcome.problem] == [
        "batch_aborted",
        "insufficient_indicator",
        "batch_aborted",
    ]
    assert b.figures("B")["available"] == "100.00"
    outcomes = b.submit(payment("P1", "B", "60.00"), payment("P2", "B", "40.00"), atomic=True)
    assert [outcome.status for outcome in outcomes] == ["created", "created"]


def test_a_dry_run_answers_in_full_and_keeps_nothing(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    before = len(b.events())
    tried = b.ask(payment("P", "B", "60.00"), dry_run=True)
    assert tried.subjects[0].figures.canuse_amt == "40.00"
    assert tried.commit is None
    assert b.ask(payment("Q", "B", "100.01"), dry_run=True).problem is not None
    assert len(b.events()) == before
    b.apply("P", "B", "99.00")


def test_an_indicator_tried_out_beside_a_real_payment_does_not_disturb_it(
    bookkeeper: Bookkeeper,
) -> None:
    """What is tried out and what is meant may be decided in one batch: its balances are written,
    and those of an indicator that is not there must not be looked for."""
    b = bookkeeper
    b.issue("B", "100.00")
    tried = Submission(
        command=IssueIndicator(bgt_id="NEW", amount="5.00", **ELEMENTS), by="maker", dry_run=True
    )
    meant = Submission(command=payment("P", "B", "60.00"), by="maker")

    outcomes = b.sequencer.submit(b.ledger_id, [tried, meant]).result(HANG_S)

    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert [outcome.commit is None for outcome in outcomes] == [True, False]
    assert b.figures("B")["available"] == "40.00"
    assert b.sql("SELECT key FROM registers WHERE ledger_id = %s") == [("B",)]


def test_an_aborted_batch_that_issued_an_indicator_leaves_its_refusal_and_nothing_else(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    issue = IssueIndicator(bgt_id="NEW", amount="5.00", **ELEMENTS)

    outcomes = b.submit(issue, payment("P", "NEW", "6.00"), atomic=True)

    assert [outcome.problem.code.text for outcome in outcomes if outcome.problem] == [
        "batch_aborted",
        "insufficient_indicator",
    ]
    assert b.sql("SELECT key FROM registers WHERE ledger_id = %s") == []
    assert b.do(issue).status == "created"
