"""The bank's refusal of a voucher, as the books decide it."""

import pytest

from payments.voucher import MarkSent, RefuseVoucher
from tests.support.bookkeeper import Bookkeeper

REFUSE = RefuseVoucher(pay_app_no="P", code="account_invalid", reason="收款账号无效")


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P", "B", "40.00")
    return bookkeeper


def test_it_moves_nothing_and_names_the_bank(keeper: Bookkeeper) -> None:
    keeper.approve("P")
    keeper.sign("P")
    before = keeper.figures("B"), keeper.books()
    refused = keeper.do(REFUSE, "dispatcher").subjects[0]
    assert (refused.status, refused.refused.code) == ("signed", "account_invalid")
    assert refused.refused.pay_cert_no == refused.pay_cert_no
    assert (keeper.figures("B"), keeper.books()) == before


def test_only_a_signed_voucher_that_the_bank_has_not_taken_in_is_refused(
    keeper: Bookkeeper,
) -> None:
    """The first word of a bank that says yes and then no may have paid the voucher."""
    assert keeper.refusal(REFUSE, "dispatcher") == "invalid_state"
    keeper.approve("P")
    assert keeper.refusal(REFUSE, "dispatcher") == "invalid_state"
    keeper.sign("P")
    keeper.do(MarkSent(pay_app_no="P"), "dispatcher")
    assert keeper.refusal(REFUSE, "dispatcher") == "invalid_state"


def test_what_the_bank_says_later_goes_before(keeper: Bookkeeper) -> None:
    approved = keeper.approve("P")
    keeper.sign("P")
    keeper.do(REFUSE, "dispatcher")
    other = RefuseVoucher(pay_app_no="P", code="malformed", reason="摘要过长")
    assert keeper.do(other, "dispatcher").subjects[0].refused.reason == "摘要过长"
    taken_in = keeper.do(MarkSent(pay_app_no="P"), "dispatcher").subjects[0]
    assert (taken_in.status, taken_in.refused) == ("sent", None)
    paid = keeper.receipt(approved).subjects[0]
    assert (paid.status, paid.refused) == ("paid", None)


def test_a_signed_receipt_is_believed_before_a_refusal(keeper: Bookkeeper) -> None:
    approved = keeper.approve("P")
    keeper.sign("P")
    keeper.do(REFUSE, "dispatcher")
    paid = keeper.receipt(approved).subjects[0]
    assert (paid.status, paid.refused) == ("paid", None)
    assert keeper.figures("B")["paid"] == "40.00"
