"""单位资金 from one year to the next: a unit has what it had, and what comes back to it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from budget.year_end.closing import CloseYear
from ledger.closing import ClosePeriod
from ledger.postgres.database import Database
from payments.special_accounts.cash import SpecialCash
from tests.accounting.test_special_accounts_carried import change, found
from tests.accounting.test_year_end import carry, handing_over, item
from tests.payments.test_prior_returns import bring, entered, this_year
from tests.payments.test_special_accounts import MARCH_2
from tests.payments.test_unit_funds import (
    FUND,
    HOSPITAL,
    OF_HOSPITAL,
    OF_SCHOOL,
    OF_THE_HOSPITAL,
    OTHER,
    OWN,
    SCHOOL,
    UnitMoney,
)
from tests.projections.test_export_year import records
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import payment, refund_notice
from tests.support.exports import export
from tests.support.vouchers import cr, dr, voucher
from tests.verifier.test_offline_verifier import run

pytestmark = pytest.mark.usefixtures("decided_again")

NEW_YEAR, JANUARY = datetime(2027, 1, 4, 2, tzinfo=UTC), date(2027, 1, 20)
LEFT = {OF_SCHOOL: SpecialCash(free=700_00), OF_THE_HOSPITAL: SpecialCash(free=9_00)}


@pytest.fixture
def units(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[UnitMoney]:
    """The school has earned 1,000.00 and paid 300.00, and has 5.00 elsewhere; the hospital has
    9.00. The year is closed, and handed over; 200.00 of B1 go on."""
    monkeypatch.setattr("tests.support.audited_books.END", datetime(2027, 12, 31, tzinfo=UTC))
    u = UnitMoney(database, bank="102")
    books = AuditedBooks(u, tmp_path)
    u.earned("DW-1", MARCH_2, "1000.00")
    u.earned("DW-2", MARCH_2, "9.00", acct_no=OF_HOSPITAL, agency_code=HOSPITAL, fund=OTHER)
    u.issue("B1", "500.00", **FUND)
    books.pay(["P1"], "B1", "300.00")
    by_hand = dr("5.00", "1002"), cr("5.00", "4609"), dr("5.00", "E800102"), cr("5.00", "6609")
    u.do(voucher("V1", *by_hand, agency_code=SCHOOL), "accountant")
    u.clock.now = NEW_YEAR
    u.do(ClosePeriod(through="2026-12-31"), "accountant")
    u.do(carry("JZ-1", item("B1", "200.00")), "accountant")
    u.do(CloseYear(), "accountant")
    assert handing_over(u).look() == 1
    u.until(JANUARY)
    books.take(refund_notice(books.payments(["P1"])["P1"], [("1", 100_00)], JANUARY, "N1"))
    yield u
    u.close()
    u.pool.close()


def test_a_unit_has_in_its_account_what_it_had_and_pays_of_it(units: UnitMoney) -> None:
    this_year(units)
    assert units.cash() == LEFT
    told = {
        tuple(at.get(name, "") for name in ("agency_code", "acct_no", "fund_type_code")): of.amt
        for journal in units.journals()
        if journal.event == "opening.carried"
        for of, at in zip(journal.lines, journal.line_codes, strict=True)
        if of.account == "D1002"
    }
    assert told == {
        (SCHOOL, OWN, "3"): "700.00",
        (SCHOOL, "", ""): "5.00",
        (HOSPITAL, OF_HOSPITAL, "3"): "9.00",
    }
    units.issue("B2", "5000.00", **FUND)
    assert units.refusal(payment("P8", "B2", "700.01")) == "insufficient_cash"
    units.pay("P9", "JZ2026-B1", "200.00")
    assert units.cash() == {**LEFT, OF_SCHOOL: SpecialCash(free=500_00)}


def test_what_comes_back_is_the_units_again(units: UnitMoney) -> None:
    """The carried indicator may pay it again; its outlay of last year was too high by it."""
    assert bring(units) == 1
    this_year(units)
    assert units.cash() == {**LEFT, OF_SCHOOL: SpecialCash(free=800_00)}
    assert units.figures("JZ2026-B1")["available"] == "300.00"
    assert entered(units) == {
        "指标来源": "100.00",
        "支出指标": "100.00",
        "银行存款": "100.00",
        "以前年度盈余调整": "100.00",
        "资金结存—货币资金": "100.00",
        "非财政拨款结余—年初余额调整": "100.00",
    }


OTHERWISE = (  # of the school's opening, which is the first that moves an account
    (b'"amt":"700.00"', b'"amt":"700.01"'),
    (b'"agency_code":"101001"', b'"agency_code":"102001"'),
)


def test_two_years_hold_and_a_fen_more_in_a_units_account_is_found(
    units: UnitMoney, database: Database, tmp_path: Path
) -> None:
    bring(units)
    this_year(units)

    def offline(name: str) -> tuple[int, str]:
        before, now = tmp_path / name / "before", tmp_path / name / "now"
        before.parent.mkdir()
        export(units.pool, units.ledger_id - 1, before)
        export(units.pool, units.ledger_id, now)
        return run(str(now), "--before", str(before), "--other", str(before))

    code, output = offline("whole")
    assert code == 0, output
    of_2026 = tmp_path / "whole" / "before"
    [paid] = records(of_2026, "expenditure", "INC_APPLY")
    assert (paid["FUND_TYPE_CODE"], paid["XPAY_AMT"]) == ("31", "300.00")
    [bill] = records(of_2026, "expenditure", "INC_CERT")
    [line] = records(of_2026, "expenditure", "INC_DETAIL")
    assert bill["PAY_APP_NO"] == line["PAY_APP_NO"] == paid["PAY_APP_NO"]
    assert bill["PAY_CERT_NO"] == line["PAY_CERT_NO"] == paid["PAY_CERT_NO"]
    for table in ("PAY_VOUCHER", "PAY_VOUCHER_BILL", "PAY_DETAIL"):
        assert records(of_2026, "expenditure", table) == [], "it is no payment of the treasury"
    assert records(of_2026, "revenue", "AGENCY_FISCAL_REVENUE") == [], "it is no 财政拨款"
    assert found(database, units, tmp_path / "audit") == set()
    for n, (old, new) in enumerate(OTHERWISE):
        change(database, units, "special_cash.moved", 0, old, new)
        assert found(database, units, tmp_path / f"audit-{n}"), new
        code, output = offline(f"changed-{n}")
        assert (code, "专户资金不符" in output) == (1, True), new
        change(database, units, "special_cash.moved", 0, new, old)
