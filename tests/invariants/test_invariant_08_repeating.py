"""Whoever got no answer asks again, and is answered as the first time: every command there is.

A command with a business number is known again by it, one without by what it left on its object.
A command that is asked by nobody here yet needs its example in tests/support/repeated_commands.py.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger.closing import ClosePeriod
from ledger.deciding.command import Outcome, commands
from payments.application import ApprovePayment, RejectPayment
from payments.signature_policy import SetSignaturePolicy
from tests.support.bookkeeper import (
    Bookkeeper,
    payment,
)
from tests.support.command_examples import MARCH_2
from tests.support.commands_on_file import LINES, TODAY, every_command
from tests.support.repeated_commands import EXAMPLES
from tests.support.repeated_payments import START, STOP, run_until


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B1", "100000.00")
    return bookkeeper


@pytest.fixture
def later(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """Another process on the same ledger: it has nothing at hand."""
    made = Bookkeeper(pool)
    yield made
    made.close()


# what stands in no year's ledger, or on no record of its own: by other tests
ELSEWHERE = {
    "refusal.record": "nobody asks for it",
    "project.check": "api/test_http_projects",
    "project.store": "api/test_http_projects",
    "project.return": "api/test_http_projects",
    "project.suspend": "api/test_http_projects",
    "project.resume": "api/test_http_projects",
    "project.terminate": "api/test_http_projects",
    "project.end": "api/test_http_projects",
    "income_budget.set": "api/test_http_budget",
}


def told(outcome: Outcome) -> tuple[Any, ...]:
    """All that an answer says, but for whether it is the first: of a refusal, what it is."""
    if outcome.problem is not None:
        return (str(outcome.problem), outcome.problem.extra)
    return outcome.subjects[:1], outcome.commit


def test_every_command_without_a_number_has_an_example() -> None:
    told_by_number = {line.command for line in LINES[TODAY] if line.read().number}
    for command in every_command():
        told = command.__name__ in told_by_number or command.OPERATION in ELSEWHERE
        if not told:
            assert command.OPERATION in EXAMPLES, f"say how {command.OPERATION} comes about"
    assert EXAMPLES.keys() <= commands().keys()


@pytest.mark.parametrize("operation", EXAMPLES)
def test_a_command_that_is_repeated_is_answered_as_the_first_time(
    keeper: Bookkeeper, later: Bookkeeper, operation: str
) -> None:
    """Directly, from the history, as a rehearsal, and in one commit with others."""
    command, by = EXAMPLES[operation](keeper)
    first = keeper.do(command, by)
    events = keeper.events()
    for again in (keeper, later):
        repeated = again.ask(command, by)
        assert told(repeated) == told(first)
        assert repeated.replayed
    assert later.ask(command, by, dry_run=True).replayed
    assert [each.replayed for each in later.submit(command, command, by=by, atomic=True)] == [
        True
    ] * 2
    assert keeper.events() == events


@pytest.mark.parametrize("operation", EXAMPLES)
def test_asked_twice_at_once_it_is_done_once(keeper: Bookkeeper, operation: str) -> None:
    """Both in one commit: the first is not yet in the history when the second is decided."""
    command, by = EXAMPLES[operation](keeper)
    before = len(keeper.events())
    first, second = keeper.submit(command, command, by=by)
    assert told(first) == told(second)
    assert second.replayed
    done = 0 if first.replayed else first.last_position - first.first_position + 1
    assert len(keeper.events()) == before + done


ANOTHER = {
    "payment.approve": "invalid_state",
    "payment.reject": "invalid_state",
    "payment.withdraw": "invalid_state",
    "voucher.sign": "signature_order",
    "disbursement.approve": "invalid_state",
    "disbursement.draw": "invalid_state",
    "disbursement.stop": "invalid_state",
    "disbursement.close": "invalid_state",
}


@pytest.mark.parametrize("operation", ANOTHER)
def test_another_caller_is_refused_by_the_state(keeper: Bookkeeper, operation: str) -> None:
    command, by = EXAMPLES[operation](keeper)
    keeper.do(command, by)
    other = keeper.ask(command, "somebody else")
    assert other.problem is not None
    assert other.problem.code.text == ANOTHER[operation]
    assert not other.replayed


def test_another_act_is_refused_by_the_state(keeper: Bookkeeper) -> None:
    command, by = EXAMPLES["payment.reject"](keeper)
    keeper.do(command, by)
    assert keeper.refusal(RejectPayment(pay_app_no="P1", reason="金额不符"), by) == "invalid_state"
    assert keeper.refusal(ApprovePayment(pay_app_no="P1"), by) == "invalid_state"


def test_another_date_is_another_act(keeper: Bookkeeper, later: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    dated = ApprovePayment(pay_app_no="P1", effective_on=MARCH_2)
    other = ApprovePayment(pay_app_no="P1", effective_on=date(2026, 3, 1))
    first, refused = keeper.submit(dated, other, by="checker")
    assert refused.problem is not None
    for again in (keeper, later):
        assert again.ask(dated, "checker").replayed
        assert again.ask(ApprovePayment(pay_app_no="P1"), "checker").replayed
        assert again.refusal(other, "checker") == "invalid_state"
    assert first.problem is None


def test_an_approval_is_replayed_after_all_that_came_of_it(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    """The answer of then: approved, whatever has been signed and paid since."""
    keeper.pay("P1", "B1", "100.00")
    repeated = later.ask(ApprovePayment(pay_app_no="P1"), "checker")
    assert repeated.replayed
    assert repeated.subjects[0].status == "approved"


def test_a_rejection_is_replayed_when_its_period_is_closed_by_now(keeper: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    dated = RejectPayment(pay_app_no="P1", reason="缺附件", effective_on=MARCH_2)
    first = keeper.do(dated, "checker")
    keeper.clock.now += timedelta(days=40)
    keeper.do(ClosePeriod(through="2026-03-31"))
    assert told(keeper.ask(dated, "checker")) == told(first)


def test_a_run_that_was_stopped_meanwhile_is_started_anew(keeper: Bookkeeper) -> None:
    run_until(keeper, STOP)
    for command in (STOP, START, STOP):
        assert not keeper.do(command, "signer").replayed
        assert keeper.do(command, "signer").replayed


def test_a_policy_that_was_changed_meanwhile_is_set_anew(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    two, one = (SetSignaturePolicy(roles=roles) for roles in (("unit", "treasury"), ("treasury",)))
    for command in (two, one, two):
        assert not keeper.do(command, "admin").replayed
        assert later.do(command, "admin").replayed
    assert not later.do(two, "another admin").replayed


def test_a_rolled_back_group_leaves_nothing_to_repeat(keeper: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    approve, impossible = ApprovePayment(pay_app_no="P1"), ApprovePayment(pay_app_no="P2")
    keeper.submit(approve, impossible, by="checker", atomic=True)
    assert not keeper.do(approve, "checker").replayed


# ---- what one is refused is not another's


TOO_MUCH = payment("P9", "B1", "100000.01")


def test_a_refusal_is_its_callers_and_leaves_the_number_to_others(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    """SQUAT: a unit's refused application made the maker's own number unusable."""
    refused = keeper.ask(TOO_MUCH, "unit")
    assert str(refused.problem).startswith("insufficient_indicator")
    accepted = keeper.do(payment("P9", "B1", "10.00"), "maker")
    assert not accepted.replayed
    for again in (keeper, later):
        assert told(again.ask(TOO_MUCH, "unit")) == told(refused)
        assert again.ask(payment("P9", "B1", "10.00"), "maker").replayed
        # the number belongs to whoever's command was accepted
        assert again.refusal(payment("P9", "B1", "11.00"), "third") == "idempotency_conflict"


def test_a_refusal_stays_whatever_the_books_say_since(keeper: Bookkeeper) -> None:
    refused = keeper.ask(TOO_MUCH, "unit")
    keeper.adjust("B1", "1.00")
    again = keeper.ask(TOO_MUCH, "unit")
    assert again.replayed
    assert told(again) == told(refused)
    assert keeper.refusal(payment("P9", "B1", "1.00"), "unit") == "idempotency_conflict"


def test_refused_and_accepted_in_one_commit(keeper: Bookkeeper, later: Bookkeeper) -> None:
    outcomes = keeper.submit(TOO_MUCH, payment("P10", "B1", "1.00"), TOO_MUCH, by="unit")
    assert [each.status for each in outcomes] == ["refused", "created", "refused"]
    assert outcomes[2].replayed
    assert not later.do(payment("P9", "B1", "10.00"), "maker").replayed
