"""收入: a day's report is booked by kind and fund, one a day, each working day, and corrected."""

from datetime import date

import pytest

from accounting.income import CorrectIncome
from accounting.income_events import IncomeLine
from division.calendar import SetCalendar, WorkingDay
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from ledger.reading.loading import read_rows
from ledger.writing.conditions import Conditions
from payments.clearing.cash import CASH, Cash
from tests.division.test_banks import KnowingBookkeeper
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened, income

THURSDAY, FRIDAY, SATURDAY = date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 17)
MONDAY, TUESDAY = date(2026, 1, 19), date(2026, 1, 20)
VAT, FINES, LAND = "10101", "10305", "10301"

pytestmark = pytest.mark.usefixtures("decided_again")


def cash(keeper: Bookkeeper) -> dict[str, Cash]:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH)


def test_taxes_and_fines_of_a_day(bookkeeper: Bookkeeper) -> None:
    """Scenario 25: 增值税 2,000,000.00 and 罚没 345,678.90 of 15 January."""
    day = income("R1", THURSDAY, (VAT, "111", "2000000.00"), (FINES, "111", "345678.90"))
    bookkeeper.do(day, "accountant")
    assert bookkeeper.books() == {
        "国库存款": "2345678.90",
        "税收收入": "2000000.00",
        "非税收入": "345678.90",
        "资金结存—库款资金结存": "2345678.90",
        "一般公共预算收入": "2345678.90",
    }
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=234_567_890)}
    [journal] = bookkeeper.journals()
    assert {codes["inc_sort_code"] for codes in journal.line_codes} == {VAT, FINES}
    assert all(codes["tre_code"] == TREASURY for codes in journal.line_codes)


def test_each_fund_has_its_budget_income(bookkeeper: Bookkeeper) -> None:
    lines = (VAT, "111", "5.00"), (LAND, "121", "3.00"), ("10306", "13", "2.00")
    bookkeeper.do(income("R1", THURSDAY, *lines), "accountant")
    books = bookkeeper.books()
    assert books["一般公共预算收入"] == "5.00"
    assert books["政府性基金预算收入"] == "3.00"
    assert books["国有资本经营预算收入"] == "2.00"
    assert {key: row.free for key, row in cash(bookkeeper).items()} == {
        f"{TREASURY}/11": 500,
        f"{TREASURY}/12": 300,
        f"{TREASURY}/13": 200,
    }


def test_what_is_returned_is_less_income(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(income("R1", THURSDAY, (VAT, "111", "100.00")), "accountant")
    bookkeeper.do(income("R2", FRIDAY, (VAT, "111", "-30.00")), "accountant")
    assert bookkeeper.books()["税收收入"] == "70.00"
    more = income("R3", MONDAY, (VAT, "111", "-70.01"))
    assert bookkeeper.refusal(more, "accountant") == "insufficient_cash"


def test_one_report_a_day_and_treasury(bookkeeper: Bookkeeper) -> None:
    first = income("R1", THURSDAY, (VAT, "111", "1.00"))
    bookkeeper.do(first, "accountant")
    other = income("R2", THURSDAY, (VAT, "111", "1.00"))
    assert bookkeeper.refusal(other, "accountant") == "already_reported"
    assert bookkeeper.ask(first, "accountant").replayed
    assert bookkeeper.books()["国库存款"] == "1.00"


def test_a_missing_day_is_refused_and_told(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(income("R1", THURSDAY, (VAT, "111", "1.00")), "accountant")
    monday = income("R3", MONDAY, (VAT, "111", "3.00"))
    problem = bookkeeper.ask(monday, "accountant").problem
    assert problem is not None
    assert problem.code.text == "invalid_state"
    assert problem.extra["missing_days"] == ["2026-01-16"]
    bookkeeper.do(income("R2", FRIDAY), "accountant")  # nothing came
    bookkeeper.do(monday, "accountant")


def test_a_day_off_may_have_a_report_and_need_not(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(income("R1", FRIDAY, (VAT, "111", "1.00")), "accountant")
    bookkeeper.do(income("R2", SATURDAY, (VAT, "111", "1.00")), "accountant")
    bookkeeper.do(income("R3", MONDAY, (VAT, "111", "1.00")), "accountant")


def test_a_holiday_that_the_division_has_told_is_not_missing(database: Database) -> None:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    holiday = SetCalendar(days=(WorkingDay(date=FRIDAY, is_workday=False),))
    with connect(database.app_conninfo) as connection:
        conditions = Conditions(keeper.clock)
        record(connection, standing_ledger("440000000"), [holiday], conditions, by=OPERATOR)
    keeper.do(income("R1", THURSDAY, (VAT, "111", "1.00")), "accountant")
    keeper.do(income("R2", MONDAY, (VAT, "111", "1.00")), "accountant")
    keeper.close()
    keeper.pool.close()


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        (("101", "111", "1.00"), "/lines/0/inc_sort_code"),  # a class
        (("99999", "111", "1.00"), "/lines/0/inc_sort_code"),
        (("11002", "111", "1.00"), "/lines/0/inc_sort_code"),  # a transfer is none of the day's
        ((VAT, "11", "1.00"), "/lines/0/fund_type_code"),  # a class
        ((VAT, "2", "1.00"), "/lines/0/fund_type_code"),
    ],
)
def test_what_has_no_account_is_refused(
    bookkeeper: Bookkeeper, line: tuple[str, str, str], pointer: str
) -> None:
    problem = bookkeeper.ask(income("R1", THURSDAY, line), "accountant").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["pointer"]) == ("element_invalid", pointer)


def test_a_correction_books_what_differs(bookkeeper: Bookkeeper) -> None:
    lines = (VAT, "111", "100.00"), (FINES, "111", "7.00")
    bookkeeper.do(income("R1", THURSDAY, *lines), "accountant")
    right = (
        IncomeLine(inc_sort_code=VAT, fund_type_code="111", amt="90.00"),
        IncomeLine(inc_sort_code=FINES, fund_type_code="111", amt="7.00"),
        IncomeLine(inc_sort_code=LAND, fund_type_code="121", amt="10.00"),
    )
    correction = CorrectIncome(report_no="R1", correct_no="C1", lines=right, reason="科目有误")
    outcome = bookkeeper.do(correction, "accountant")
    assert outcome.subjects[0].lines == right
    books = bookkeeper.books()
    assert (books["国库存款"], books["税收收入"], books["非税收入"]) == ("107.00", "90.00", "17.00")
    assert (books["一般公共预算收入"], books["政府性基金预算收入"]) == ("97.00", "10.00")
    again = CorrectIncome(report_no="R1", correct_no="C2", lines=right, reason="再报")
    assert bookkeeper.refusal(again, "accountant") == "invalid_state"
    unknown = CorrectIncome(report_no="R9", correct_no="C3", lines=(), reason="无")
    assert bookkeeper.refusal(unknown, "accountant") == "not_found"


def test_income_covers_what_is_claimed_from_its_day_on(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="10.00"), "accountant")
    bookkeeper.do(income("R1", date(2026, 3, 2), (VAT, "111", "90.00")), "accountant")
    bookkeeper.issue("B1", "100.00")
    bookkeeper.pay("P1", "B1", "100.00")
    bookkeeper.clear("QS-1", date(2026, 3, 2))
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash()}
    assert "国库存款" not in bookkeeper.books()
