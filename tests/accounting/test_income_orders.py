"""收入退付、收入更正: never above what was received, booked once on the central bank's word."""

from datetime import date
from typing import Any

import psycopg
import pytest

from accounting.income import CorrectIncome
from accounting.income_events import IncomeLine
from accounting.income_register import INCOME
from api.upgrading import keep_registers
from ledger.books import load_charts
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH, Cash
from payments.clearing.cash_events import CashReserve
from payments.clearing.cash_policy import SetCashPolicy
from payments.clearing.claims import RequestClearing
from tests.accounting.test_income import (
    FINES,
    FRIDAY,
    LAND,
    MONDAY,
    SATURDAY,
    THURSDAY,
    VAT,
)
from tests.support.advances import advance
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.income_orders import answered, correction, refund, returned
from tests.support.openings import TREASURY, income

MARCH_2, MARCH_3 = date(2026, 3, 2), date(2026, 3, 3)

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """1,000.00 增值税 and 50.00 罚没 came on Thursday."""
    bookkeeper.do(
        income("R1", THURSDAY, (VAT, "111", "1000.00"), (FINES, "111", "50.00")), "accountant"
    )
    return bookkeeper


def cash(keeper: Bookkeeper, kind: str = "11") -> Cash:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH).get(f"{TREASURY}/{kind}", Cash())


def paid(keeper: Bookkeeper, order: Any, day: date, *, done: bool = True) -> Any:
    keeper.do(order, "accountant")
    receipt = answered(keeper.ledger_id, order, day, done=done)
    keeper.do(receipt, "pboc")
    return receipt


def test_a_refund_is_negative_income_once_the_central_bank_has_paid(b: Bookkeeper) -> None:
    order = refund("TF-1", VAT, "300.00", FRIDAY)
    b.do(order, "accountant")
    assert b.books()["税收收入"] == "1000.00", "an order moves no book"
    assert cash(b) == Cash(free=75_000, claimed=30_000)
    b.do(answered(b.ledger_id, order, FRIDAY), "pboc")
    assert b.books() == {
        "国库存款": "750.00",
        "税收收入": "700.00",
        "非税收入": "50.00",
        "资金结存—库款资金结存": "750.00",
        "一般公共预算收入": "750.00",
    }
    assert cash(b) == Cash(free=75_000)


def test_the_days_report_that_has_it_does_not_book_it_again(b: Bookkeeper) -> None:
    """Friday: 80.00 came of 增值税 and 300.00 went, so its report says -220.00."""
    paid(b, refund("TF-1", VAT, "300.00", FRIDAY), FRIDAY)
    b.do(income("R2", FRIDAY, (VAT, "111", "-220.00")), "accountant")
    assert b.books()["税收收入"] == "780.00"
    assert cash(b) == Cash(free=83_000)
    b.do(income("R3", MONDAY, (VAT, "111", "1.00")), "accountant")
    assert b.books()["税收收入"] == "781.00", "it was taken out once"


def test_a_receipt_behind_the_report_of_its_day_books_nothing(b: Bookkeeper) -> None:
    order = refund("TF-1", VAT, "300.00", FRIDAY)
    b.do(order, "accountant")
    b.do(income("R2", FRIDAY, (VAT, "111", "-220.00")), "accountant")
    b.do(answered(b.ledger_id, order, FRIDAY), "pboc")
    assert b.books()["税收收入"] == "780.00"
    assert cash(b) == Cash(free=83_000)
    over = refund("TF-2", VAT, "780.01", MONDAY)
    assert b.refusal(over, "accountant") == "exceeds_received"


@pytest.mark.parametrize("reported", [SATURDAY, MONDAY])
def test_what_is_paid_on_a_day_off_is_in_the_next_report(b: Bookkeeper, reported: date) -> None:
    """A receipt of Saturday behind the report that has it was booked as well: a day off was taken
    to be in no report."""
    first, second = (refund(f"TF-{n}", VAT, "300.00", FRIDAY) for n in (1, 2))
    b.do(income("R2", FRIDAY), "accountant")
    paid(b, first, SATURDAY)
    b.do(second, "accountant")
    b.do(income("R3", reported, (VAT, "111", "-300.00")), "accountant")
    assert b.books()["税收收入"] == "700.00", "taken out of Saturday's report, or of Monday's"
    right = CorrectIncome(
        report_no="R3",
        correct_no="C1",
        lines=(IncomeLine(inc_sort_code=VAT, fund_type_code="111", amt="-600.00"),),
        reason="漏报",
    )
    b.do(answered(b.ledger_id, second, SATURDAY), "pboc")
    assert b.books()["税收收入"] == "700.00", "the report has it, or is corrected"
    b.do(right, "accountant")
    assert b.books()["税收收入"] == "400.00"
    assert cash(b) == Cash(free=45_000)


@pytest.mark.parametrize("said", [date(2026, 12, 30), date(2027, 1, 4)])
def test_a_receipt_dated_ahead_is_in_the_report_of_the_day_it_is_learned(
    bookkeeper: Bookkeeper, said: date
) -> None:
    """It was told for 30 December, so that today's report booked it again; and one of the next year
    was left to a ledger whose reports would not have it."""
    b = bookkeeper
    b.do(income("R1", MARCH_2, (VAT, "111", "1000.00")), "accountant")
    b.until(MARCH_3)
    order = refund("TF-1", VAT, "300.00", MARCH_3)
    b.do(order, "accountant")
    b.do(answered(b.ledger_id, order, said), "pboc")
    assert b.books()["国库存款"] == "700.00"
    b.do(income("R2", MARCH_3, (VAT, "111", "-300.00")), "accountant")
    assert b.books()["国库存款"] == "700.00"


def test_a_refund_leaves_what_is_owed(bookkeeper: Bookkeeper) -> None:
    """300.00 were claimed before cash was controlled, and are to be paid of what came since."""
    b = bookkeeper
    b.issue("B1", "1000.00")
    b.pay("P1", "B1", "300.00")
    b.until(MARCH_2)
    [claim] = (
        b.do(RequestClearing(clear_no="Q1", clear_date=MARCH_2, pay_bank_code="102"))
        .subjects[0]
        .requested.claims
    )
    b.do(income("R1", MARCH_2, (VAT, "111", "300.00")), "accountant")
    b.do(claim_receipt("Q1", claim.voucher_no, claim.pay_amt, MARCH_2), "pboc")
    assert b.refusal(advance("YB-1", "0.01"), "accountant") == "insufficient_cash"
    assert b.refusal(refund("TF-1", VAT, "0.01", MARCH_2), "accountant") == "insufficient_cash"
    to_fund = correction("SG-1", VAT, LAND, "0.01", MARCH_2, to_fund_type_code="121")
    assert b.refusal(to_fund, "accountant") == "insufficient_cash"
    b.do(correction("SG-2", VAT, FINES, "0.01", MARCH_2), "accountant")


def test_the_reserve_is_left_by_refunds_and_by_corrections_to_another_fund(b: Bookkeeper) -> None:
    """They took what is kept for the three guarantees, and what was promised to them."""
    b.do(SetCashPolicy(reserves=(CashReserve("11", "600.00"),)), "admin")
    assert b.refusal(refund("TF-1", VAT, "450.01", FRIDAY), "accountant") == "insufficient_cash"
    to_fund = {"to_fund_type_code": "121"}
    over = correction("SG-1", VAT, LAND, "450.01", FRIDAY, **to_fund)
    assert b.refusal(over, "accountant") == "insufficient_cash"
    b.do(correction("SG-2", VAT, LAND, "50.00", FRIDAY, **to_fund), "accountant")
    b.do(correction("SG-3", VAT, FINES, "500.00", FRIDAY), "accountant")
    b.do(refund("TF-2", VAT, "450.00", FRIDAY), "accountant")


def test_a_report_is_not_corrected_below_what_is_ordered(b: Bookkeeper) -> None:
    """The report was corrected to nothing while its income was on its way back to who paid it."""
    b.do(refund("TF-1", VAT, "900.00", FRIDAY), "accountant")

    def says(number: str, amt: str) -> CorrectIncome:
        lines = (IncomeLine(inc_sort_code=VAT, fund_type_code="111", amt=amt),)
        return CorrectIncome(report_no="R1", correct_no=number, lines=lines, reason="重报")

    assert b.refusal(says("C1", "899.99"), "accountant") == "exceeds_received"
    b.do(says("C2", "900.00"), "accountant")


def test_what_is_paid_in_the_next_year_is_income_of_that_year(b: Bookkeeper) -> None:
    """Ordered on 31 December and paid on 4 January, it is in January's first report: booked here as
    well, it was taken from both years' income."""
    b.until(date(2027, 1, 5))
    order = refund("TF-1", VAT, "300.00", date(2026, 12, 31))
    b.do(order, "accountant")
    b.do(answered(b.ledger_id, order, date(2027, 1, 4)), "pboc")
    assert b.books()["税收收入"] == "1000.00"
    assert cash(b) == Cash(free=105_000)


def test_never_above_what_was_received_of_the_code_and_fund(b: Bookkeeper) -> None:
    over = refund("TF-1", VAT, "1000.01", FRIDAY)
    problem = b.ask(over, "accountant").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == ("exceeds_received", "1000.00")
    b.do(refund("TF-2", VAT, "900.00", FRIDAY), "accountant")
    assert b.refusal(refund("TF-3", VAT, "100.01", FRIDAY), "accountant") == "exceeds_received"
    assert b.refusal(refund("TF-4", LAND, "1.00", FRIDAY), "accountant") == "exceeds_received"
    before = refund("TF-5", VAT, "1.00", date(2026, 1, 14))
    assert b.refusal(before, "accountant") == "exceeds_received", "nothing was received by then"


def test_what_the_central_bank_rejects_is_there_again(b: Bookkeeper) -> None:
    paid(b, refund("TF-1", VAT, "1000.00", FRIDAY), FRIDAY, done=False)
    assert (b.books()["税收收入"], cash(b)) == ("1000.00", Cash(free=105_000))
    b.do(refund("TF-2", VAT, "1000.00", FRIDAY), "accountant")


def test_what_comes_back_of_a_refund_is_income_again(b: Bookkeeper) -> None:
    receipt = paid(b, refund("TF-1", VAT, "300.00", FRIDAY), FRIDAY)
    b.do(returned(receipt, "100.00", MONDAY), "pboc")
    assert (b.books()["税收收入"], cash(b).free) == ("800.00", 85_000)
    over = returned(receipt, "200.01", MONDAY, "T2")
    assert b.refusal(over, "pboc") == "refund_exceeds_paid"
    b.do(income("R2", FRIDAY, (VAT, "111", "-300.00")), "accountant")
    b.do(income("R3", MONDAY, (VAT, "111", "100.00")), "accountant")
    assert b.books()["税收收入"] == "800.00"


def test_a_correction_moves_income_to_another_code(b: Bookkeeper) -> None:
    paid(b, correction("SG-1", VAT, FINES, "200.00", FRIDAY), FRIDAY)
    books = b.books()
    assert (books["税收收入"], books["非税收入"]) == ("800.00", "250.00")
    assert (books["国库存款"], cash(b)) == ("1050.00", Cash(free=105_000))
    b.do(income("R2", FRIDAY, (VAT, "111", "-200.00"), (FINES, "111", "200.00")), "accountant")
    assert b.books()["非税收入"] == "250.00"
    assert b.refusal(refund("TF-1", VAT, "800.01", MONDAY), "accountant") == "exceeds_received"


def test_a_correction_to_another_fund_moves_its_cash(b: Bookkeeper) -> None:
    to_fund = {"to_fund_type_code": "121"}
    paid(b, correction("SG-1", VAT, LAND, "200.00", FRIDAY, **to_fund), FRIDAY)
    books = b.books()
    assert books["一般公共预算收入"] == "850.00"
    assert books["政府性基金预算收入"] == "200.00"
    assert (cash(b).free, cash(b, "12").free) == (85_000, 20_000)
    same = correction("SG-2", VAT, VAT, "1.00", FRIDAY)
    assert b.refusal(same, "accountant") == "element_mismatch"


def test_a_ledger_of_a_release_before_has_what_it_received_folded_once(
    b: Bookkeeper, database: Database
) -> None:
    b.do(CorrectIncome(report_no="R1", correct_no="C1", lines=(), reason="重报"), "accountant")
    b.do(income("R2", FRIDAY, (VAT, "111", "40.00")), "accountant")
    with b.pool.connection() as connection:
        due = read_rows(connection, b.ledger_id, INCOME)
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("DELETE FROM registers WHERE register = 'income'")
        connection.execute("DELETE FROM register_days WHERE register = 'income'")
    assert keep_registers(b.pool, load_charts()) == [b.ledger_id]
    with b.pool.connection() as connection:
        assert read_rows(connection, b.ledger_id, INCOME) == due
    assert keep_registers(b.pool, load_charts()) == []
    assert {row.received for row in due.values()} == {4_000}
