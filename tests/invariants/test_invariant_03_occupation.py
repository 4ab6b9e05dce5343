"""Invariant 3: no payment without occupation; available = amount - frozen - occupied - paid."""

from ledger.money import parse_yuan
from payments.application import RejectPayment, WithdrawPayment
from tests.support.bookkeeper import Bookkeeper, payment


def test_without_an_indicator_nothing_is_paid(bookkeeper: Bookkeeper) -> None:
    assert bookkeeper.refusal(payment("P", "nowhere", "1.00")) == "indicator_not_found"


def test_an_indicator_not_to_be_executed_pays_nothing(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1.00", bgt_exe_flag=2)
    assert bookkeeper.refusal(payment("P", "B", "1.00")) == "indicator_not_executable"


def test_what_ends_without_payment_gives_the_amount_back(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P1", "B", "60.00")
    assert b.refusal(payment("P2", "B", "60.00")) == "insufficient_indicator"
    b.do(RejectPayment(pay_app_no="P1", reason="附件不全"), "checker")
    b.apply("P3", "B", "60.00")
    b.do(WithdrawPayment(pay_app_no="P3"))
    b.pay("P4", "B", "60.00", "1")
    assert b.figures("B")["available"] == "100.00"
    assert b.books() == {"指标来源": "100.00", "支出指标": "100.00"}


def test_figures_in_events_are_those_of_the_books(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.pay("P1", "B", "30.00")
    b.refund("P1", "5.00")
    for _, _, event in b.events():
        if (figures := getattr(event, "figures", None)) is not None:
            fen = {
                name: parse_yuan(getattr(figures, name), zero=True)
                for name in ("amount", "frozen_amt", "pay_app_amt", "pay_amt", "canuse_amt")
            }
            used = fen["frozen_amt"] + fen["pay_app_amt"] + fen["pay_amt"]
            assert fen["canuse_amt"] == fen["amount"] - used
    assert b.figures("B")["available"] == "75.00"
