"""A bank's messages overtake one another: a notice of money that came back before the receipt.

It waited in suspense, and persons had to say what the receipt, a moment later, said by itself.
"""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from ledger.deciding.approvals import SetApprovalPolicy
from ledger.writing.submitting import submit_to
from payments.payment import Payment
from payments.receipts.early_notices import EarlyNotices
from payments.refunds.resolving import ResolveSuspense
from tests.payments.test_refunds import held, notice, paid
from tests.support.bookkeeper import Bookkeeper
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B", "100.00")
    policy = {"suspense.resolve": ("accountant_checker",)}
    bookkeeper.do(SetApprovalPolicy(approval_policy=policy), "admin")
    return bookkeeper


@pytest.fixture
def early(b: Bookkeeper) -> Iterator[EarlyNotices]:
    early = EarlyNotices(b.pool, submit_to(b.sequencer))
    yield early
    early.stop()


def signed(b: Bookkeeper, number: str = "P1", amount: str = "40.00") -> Payment:
    b.apply(number, "B", amount)
    payment: Payment = b.approve(number)
    b.sign(number)
    return payment


def resolved(b: Bookkeeper) -> list[tuple[str, str]]:
    return [(event.suspense_no, event.by) for _, name, event in b.events() if "resolved" in name]


def test_it_is_booked_by_itself_when_the_receipt_is_there(
    b: Bookkeeper, early: EarlyNotices
) -> None:
    payment = signed(b)
    item = held(b, notice(b, payment, "40.00"))
    assert early.match() == 0  # not before the bank has said that it paid
    b.receipt(payment)
    assert b.figures("B")["paid"] == "40.00"
    assert early.match() == 1
    assert early.match() == 0
    assert b.figures("B")["available"] == "100.00"
    assert resolved(b) == [(item.held.suspense_no, "guoku")]
    again = b.do(ResolveSuspense(suspense_no=item.held.suspense_no, pay_app_no="P1"))
    assert again.replayed  # whoever says the same afterwards is told what there is
    assert b.figures("B")["available"] == "100.00"


def test_it_goes_on_by_itself(b: Bookkeeper, early: EarlyNotices) -> None:
    early.start()
    payment = signed(b)
    held(b, notice(b, payment, "15.00"))
    b.receipt(payment)
    wait_until(lambda: b.figures("B")["paid"] == "25.00", "the notice to be booked")


def test_what_persons_have_resolved_before_is_left(b: Bookkeeper, early: EarlyNotices) -> None:
    b.do(SetApprovalPolicy(approval_policy={"suspense.resolve": ()}), "admin")
    payment = signed(b)
    number = held(b, notice(b, payment, "40.00")).held.suspense_no
    b.receipt(payment)
    b.do(ResolveSuspense(suspense_no=number, is_none_of_ours=True, reason="他行误发"), "zhang")
    assert early.match() == 0
    assert resolved(b) == [(number, "zhang")]


def test_what_does_not_fit_is_left_to_persons_without_a_word(
    b: Bookkeeper, early: EarlyNotices
) -> None:
    """Of another account; and, of two, what would bring more back than was paid."""
    payment = signed(b)
    stray = notice(b, payment, "10.00")
    assert stray.noticed is not None
    [line] = stray.noticed.lines
    foreign = msgspec.structs.replace(line, payee_acct_no="6222000000000000002")
    noticed = msgspec.structs.replace(stray.noticed, lines=(foreign,))
    held(b, msgspec.structs.replace(stray, noticed=noticed))
    held(b, notice(b, payment, "30.00"))
    held(b, notice(b, payment, "30.00"))
    b.receipt(payment)
    assert early.match() == 1
    assert b.figures("B")["paid"] == "10.00"
    events = len(b.events())
    assert early.match() == 0
    assert len(b.events()) == events


def test_a_notice_that_came_behind_is_no_matter_of_it(b: Bookkeeper, early: EarlyNotices) -> None:
    payment = paid(b, "40.00")
    b.do(notice(b, payment, "10.00", day=date(2026, 3, 2)), "bank")
    assert early.match() == 0
    assert b.figures("B")["paid"] == "30.00"
