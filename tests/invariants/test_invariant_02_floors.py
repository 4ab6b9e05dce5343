"""Invariant 2: no controlled balance is below its floor at any prefix of the history."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from budget import indicators
from ledger.books import shipped_books
from ledger.money import parse_yuan
from tests.support.bookkeeper import Bookkeeper, payment


def assert_floors(b: Bookkeeper) -> None:
    """Folds the journals one by one; every prefix must keep every controlled account at >= 0."""
    accounts = shipped_books().accounts
    balances: dict[tuple[str, str], int] = {}
    for journal in b.journals():
        for line in journal.lines:
            if accounts[line.account].control:
                key = (line.bgt_id or journal.bgt_id, line.account)
                balances[key] = balances.get(key, 0) - line.dr_cr * parse_yuan(line.amt)
        assert min(balances.values(), default=0) >= 0, journal


def test_64_callers_racing_for_one_indicator_never_overdraw_it(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    with ThreadPoolExecutor(64) as callers:
        codes = list(callers.map(lambda i: b.refusal(payment(f"P{i}", "B", "30.00")), range(64)))
    assert codes.count("") == 33
    assert codes.count("insufficient_indicator") == 31
    assert b.figures("B")["available"] == "10.00"
    assert_floors(b)


def test_an_indicator_is_not_cut_below_what_is_used_of_it(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.apply("P", "B", "600.00")
    cut = indicators.AdjustIndicator(bgt_id="B", adj_no="1", adj_amt="-400.01", reason="追减")
    assert b.refusal(cut) == "insufficient_indicator"
    b.adjust("B", "-400.00")
    assert b.figures("B")["available"] == "0.00"


def test_what_is_frozen_cannot_be_applied_for(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.do(indicators.FreezeIndicator(bgt_id="B", freeze_no="1", amt="60.00"))
    assert b.refusal(payment("P1", "B", "40.01")) == "insufficient_indicator"
    b.apply("P2", "B", "40.00")
    unfreeze = indicators.UnfreezeIndicator(bgt_id="B", freeze_no="2", amt="60.01")
    assert b.refusal(unfreeze) == "insufficient_indicator"
    b.do(indicators.UnfreezeIndicator(bgt_id="B", freeze_no="3", amt="60.00"))
    assert b.figures("B") == {
        "available": "60.00",
        "frozen": "0.00",
        "occupied": "40.00",
        "paid": "0.00",
        "plan": "0.00",
    }


def test_a_plan_controls_payment_where_it_is_asked_to(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00", is_contrlbyplan=True)
    assert b.refusal(payment("P1", "B", "1.00")) == "insufficient_plan"
    b.plan("B", "50.00")
    assert b.refusal(payment("P2", "B", "50.01")) == "insufficient_plan"
    b.apply("P3", "B", "50.00")
    cut = indicators.SetPlan(bgt_id="B", plan_voucher_no="c", plan_month=1, plan_amt="-0.01")
    assert b.refusal(cut) == "insufficient_plan"
    over = indicators.SetPlan(bgt_id="B", plan_voucher_no="o", plan_month=1, plan_amt="50.01")
    assert b.refusal(over) == "insufficient_indicator"


def test_a_reallocation_moves_and_never_creates(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("A", "100.00")
    b.issue("B", "10.00")

    def reallocate(number: str, amount: str) -> indicators.ReallocateIndicator:
        return indicators.ReallocateIndicator(
            bgt_id="A", to_bgt_id="B", adj_no=number, amt=amount, reason="调剂"
        )

    assert b.refusal(reallocate("1", "100.01")) == "insufficient_indicator"
    outcome = b.do(reallocate("2", "99.00"))
    assert [subject.bgt_id for subject in outcome.subjects] == ["A", "B"]
    assert b.figures("A")["available"] == "1.00"
    assert b.figures("B")["available"] == "109.00"
    assert b.books()["支出指标"] == "110.00"


def test_the_database_itself_refuses_a_balance_below_zero(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1.00")
    with pytest.raises(psycopg.errors.CheckViolation):
        bookkeeper.sql(
            "UPDATE registers SET amounts[1] = -1 WHERE ledger_id = %s AND register = 'indicator'"
            " RETURNING 1"
        )
