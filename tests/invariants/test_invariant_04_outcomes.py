"""Invariant 4: one outcome a line, one effective receipt, Σ details = voucher, refunds <= paid."""

from datetime import date

import msgspec
import pytest

from payments.refunds.requests import RefundPayment
from tests.support.bookkeeper import Bookkeeper, detail, payment, receipt


def refund(pay_app_no: str, number: str, amount: str, detail_id: str = "") -> RefundPayment:
    return RefundPayment(
        pay_app_no=pay_app_no,
        refund_no=number,
        refund_amt=amount,
        reason="退票",
        pay_detail_id=detail_id,
    )


@pytest.mark.parametrize(
    "details",
    [
        (detail("1", "1.00"), detail("2", "1.00")),
        (detail("1", "1.00"), detail("1", "2.00")),
        (detail("1", "1.00"), detail("", "2.00")),
        tuple(detail(str(i), "1.00") for i in range(500)),
    ],
    ids=["sum", "repeated id", "empty id", "500 details"],
)
def test_details_make_up_the_amount(bookkeeper: Bookkeeper, details: tuple[object, ...]) -> None:
    bookkeeper.issue("B", "1000.00")
    amount = "500.00" if len(details) == 500 else "3.00"
    assert bookkeeper.refusal(payment("P", "B", amount, details=details)) == "details_mismatch"


def test_499_details_are_one_voucher(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1000.00")
    details = tuple(detail(str(i), "1.00") for i in range(499))
    outcome = bookkeeper.pay("P", "B", "499.00", "7", details=details)
    assert outcome.subjects[0].status == "partially_paid"
    assert bookkeeper.figures("B")["paid"] == "498.00"


def test_a_receipt_counts_once(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P", "B", "40.00")
    approved = b.approve("P")
    b.sign("P")
    first = b.receipt(approved)
    again = b.receipt(approved)
    assert again.replayed
    assert again.commit == first.commit
    other = receipt(approved, "1", agent_business_no="other")
    assert b.refusal(other, "bank") == "invalid_state"
    assert b.figures("B")["paid"] == "40.00"


def test_a_receipt_that_does_not_fit_its_voucher_changes_nothing(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P", "B", "40.00", details=(detail("1", "30.00"), detail("2", "10.00")))
    approved = b.approve("P")
    assert b.refusal(receipt(approved), "bank") == "invalid_state"  # not signed yet
    b.sign("P")
    lines = receipt(approved).lines
    for wrong in (
        receipt(approved, xpay_fen=3_999),
        receipt(approved, lines=(msgspec.structs.replace(lines[0], payee_acct_no="1"), lines[1])),
        receipt(approved, pay_cert_no="44000000020260000000099"),
        receipt(approved, lines=lines[:1], xpay_fen=3_000),
        receipt(approved, lines=(lines[0], lines[0]), xpay_fen=6_000),
        receipt(
            approved,
            lines=(lines[0], msgspec.structs.replace(lines[1], xpay_fen=999)),
            xpay_fen=3_999,
        ),
    ):
        assert b.refusal(wrong, "bank") == "receipt_mismatch"
    assert b.figures("B")["occupied"] == "40.00"
    assert b.receipt(approved).subjects[0].status == "paid"


def test_refunds_never_exceed_what_was_paid(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.pay("P", "B", "40.00", "2", details=(detail("1", "30.00"), detail("2", "10.00")))
    assert b.refusal(refund("P", "r0", "30.01")) == "refund_exceeds_paid"
    assert b.refusal(refund("P", "r1", "0.01", "2")) == "refund_exceeds_paid"  # it had failed
    assert b.refusal(refund("P", "r2", "1.00", "9")) == "details_mismatch"
    assert b.refund("P", "10.00", pay_detail_id="1").subjects[0].status == "partially_paid"
    assert b.refusal(refund("P", "r4", "20.01", "1")) == "refund_exceeds_paid"
    assert b.refund("P", "20.00").subjects[0].status == "refunded"
    assert b.refusal(refund("P", "r6", "0.01")) == "refund_exceeds_paid"
    assert b.figures("B")["available"] == "100.00"


def test_only_what_was_paid_can_come_back(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P", "B", "40.00")
    assert b.refusal(refund("P", "r1", "1.00")) == "invalid_state"
    assert b.refusal(refund("none", "r2", "1.00")) == "payment_not_found"


def test_a_claim_is_receipted_once_and_for_its_amount(bookkeeper: Bookkeeper) -> None:
    from payments.clearing.claims import RequestClearing
    from tests.support.bookkeeper import claim_receipt

    b, day = bookkeeper, date(2026, 3, 31)
    b.issue("B", "100.00")
    b.pay("P", "B", "40.00")
    b.until(day)
    asked = b.do(RequestClearing(clear_no="C", clear_date=day, pay_bank_code="102"))
    [claim] = asked.subjects[0].requested.claims
    assert (claim.vt_code, claim.pay_amt) == ("2301", "40.00")
    assert b.refusal(claim_receipt("C", claim.voucher_no, "39.99", day), "pboc") == (
        "receipt_mismatch"
    )
    done = b.do(claim_receipt("C", claim.voucher_no, "40.00", day), "pboc")
    assert done.subjects[0].status == "cleared"
    assert b.do(claim_receipt("C", claim.voucher_no, "40.00", day), "pboc").replayed
