"""库存日报: a 3402 is held against 国库存款, and what differs keeps its month open."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from accounting.balances import BALANCE_REPORT, BalanceReport, SettleBalance
from ledger.closing import ClosePeriod
from ledger.reading.objects import read_objects
from tests.accounting.test_income import FRIDAY, LAND, MONDAY, THURSDAY, VAT
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import (
    SigningCentralBank,
    balance_day,
    income_day,
    told,
)
from tests.support.channel_parties import BANK, ReceiptServer, SigningTreasury, central_bank
from tests.support.openings import TREASURY, cash_opened
from tests.support.waiting import wait_until

JANUARY_30 = date(2026, 1, 30)
CLOSE = ClosePeriod(through="2026-01-31")

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def pboc(treasury: SigningTreasury) -> SigningCentralBank:
    return SigningCentralBank(treasury)


def reports(keeper: Bookkeeper, *numbers: str) -> list[BalanceReport]:
    with keeper.pool.connection() as connection:
        found = read_objects(connection, keeper.ledger_id, BALANCE_REPORT, numbers)
    return [found[number] for number in numbers]


def blockers(keeper: Bookkeeper) -> list[tuple[str, str, str]]:
    """What keeps January open."""
    problem = keeper.ask(CLOSE, "accountant").problem
    assert problem is not None
    assert problem.code.text == "period_not_ready"
    return [(each["kind"], each["number"], each["amt"]) for each in problem.extra["blockers"]]


def test_the_balance_of_a_day_agrees_with_the_books_of_that_day(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    """Whatever has come since: Friday's income is booked before Thursday's balance arrives."""
    thursday = income_day("R1", THURSDAY, (VAT, "111", "40.00"), (LAND, "121", "2.00"))
    pboc.report(thursday, income_day("R2", FRIDAY, (VAT, "111", "1.00")))
    balance = balance_day("Y1", THURSDAY, "40.00", "2.00", came="1.00")
    assert told(pboc.report(balance)) == ["created"]
    assert told(pboc.report(balance)) == ["replayed"]
    [report] = reports(bookkeeper, "Y1")
    assert (report.reported.balance_amt, report.reported.booked_amt) == ("42.00", "42.00")
    assert report.state == "agrees"


def test_a_difference_keeps_the_month_open_until_it_is_settled(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    pboc.report(balance_day("Y1", JANUARY_30, "99.99"))
    [report] = reports(bookkeeper, "Y1")
    assert (report.state, report.difference_fen) == ("differs", 1)
    assert blockers(bookkeeper) == [("balance_differs", "Y1", "0.01")]
    settle = SettleBalance(report_no="Y1", reason="在途凭证一分")
    outcome = bookkeeper.do(settle, "accountant")
    assert outcome.subjects[0].state == "settled"
    assert bookkeeper.ask(settle, "accountant").replayed
    bookkeeper.do(CLOSE, "accountant")
    unknown = SettleBalance(report_no="Y9", reason="无")
    assert bookkeeper.refusal(unknown, "accountant") == "not_found"


def test_what_agrees_has_nothing_to_settle(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    pboc.report(balance_day("Y1", JANUARY_30, "100.00"))
    settle = SettleBalance(report_no="Y1", reason="无差异")
    assert bookkeeper.refusal(settle, "accountant") == "invalid_state"
    bookkeeper.do(CLOSE, "accountant")


def test_a_missing_working_day_is_refused_and_keeps_the_month_open(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    pboc.report(income_day("R1", THURSDAY, (VAT, "111", "40.00")))
    pboc.report(balance_day("Y1", THURSDAY, "40.00"))
    [missing] = pboc.report(balance_day("Y3", MONDAY, "40.00"))
    assert missing.problem is not None
    assert missing.problem.extra["missing_days"] == ["2026-01-16"]
    assert told(pboc.report(balance_day("Y2", THURSDAY, "40.00"))) == ["already_reported"]
    assert blockers(bookkeeper) == [
        ("balance_missing", f"{TREASURY}/2026-01-16", "0.00"),
        ("income_missing", f"{TREASURY}/2026-01-16", "0.00"),
    ]


def test_only_the_central_bank_tells_a_balance_and_not_one_that_contradicts_itself(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    day = balance_day("Y1", THURSDAY, "40.00")
    assert told(pboc.hand_in([pboc.signed(day, BANK)])) == ["signature_invalid"]
    wrong = day.voucher.replace(b"<TodayReceipt>0.00", b"<TodayReceipt>1.00")
    assert told(pboc.report(msgspec.structs.replace(day, voucher=wrong))) == ["receipt_mismatch"]
    [held] = pboc.report(msgspec.structs.replace(day, voucher=day.voucher.replace(b"40.00", b"40")))
    assert held.subjects[0].held.vt_code == "3402"
    assert told(pboc.report(day)) == ["created"]
    assert reports(bookkeeper, "Y1")[0].state == "differs"


def test_the_simulated_central_bank_sends_it_when_it_is_told(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    body = {"report_date": "2026-01-30", "tre_code": TREASURY, "today_balance": "100.00"}
    with ReceiptServer(treasury) as server, central_bank(treasury, server.url) as simulated:
        answer = asking.post(f"{simulated.url}/sim/balance", json=body).json()
        number = answer["report_no"]
        assert number == "3402-4400000000-20260130"
        wait_until(lambda: any(e.TYPE == "balance.reported" for _, _, e in bookkeeper.events()))
    assert reports(bookkeeper, number)[0].state == "agrees"
