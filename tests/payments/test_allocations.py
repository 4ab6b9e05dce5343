"""实拨: an indicator's money goes into the unit's own account, on the central bank's word."""

from datetime import date

import msgspec
import pytest

from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH, Cash
from tests.support.allocations import allocated, allocation, receipt_of, return_of
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened, income

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.issue("B1", "500.00")
    return bookkeeper


def general(keeper: Bookkeeper) -> Cash:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH)[f"{TREASURY}/11"]


def test_an_allocation_occupies_and_is_booked_when_it_is_paid(b: Bookkeeper) -> None:
    ordered = b.do(allocation("SB-1", "B1", "300.00"), "accountant").subjects[0]
    assert ordered.ordered.voucher_no == "5207:440000000-2026:allocation:SB-1"
    assert b.figures("B1")["occupied"] == "300.00"
    assert general(b) == Cash(free=70_000, claimed=30_000)
    assert b.books()["国库存款"] == "1000.00"
    b.do(receipt_of(ordered), "pboc")
    assert b.figures("B1")["paid"] == "300.00"
    assert general(b) == Cash(free=70_000)
    books = b.books()
    assert (books["国库存款"], books["政府机关商品和服务拨款费用"]) == ("700.00", "300.00")
    assert (books["一般公共预算支出"], books["资金结存—库款资金结存"]) == ("300.00", "-300.00")
    assert (books["银行存款"], books["财政拨款收入"]) == ("300.00", "300.00")
    assert (books["资金结存—货币资金"], books["财政拨款预算收入"]) == ("300.00", "300.00")
    assert (books["支付"], books["支出指标"]) == ("300.00", "200.00")
    assert "零余额账户" not in books, "no bank has paid ahead"


def test_not_above_the_indicator_nor_above_cash(b: Bookkeeper) -> None:
    assert b.refusal(allocation("SB-1", "B1", "500.01"), "accountant") == "insufficient_indicator"
    b.issue("B2", "2000.00")
    assert b.refusal(allocation("SB-2", "B2", "1000.01"), "accountant") == "insufficient_cash"
    b.do(allocation("SB-3", "B2", "1000.00"), "accountant")
    assert b.refusal(allocation("SB-4", "B1", "0.01"), "accountant") == "insufficient_cash"


def test_what_is_rejected_is_free_again(b: Bookkeeper) -> None:
    ordered = b.do(allocation("SB-1", "B1", "300.00"), "accountant").subjects[0]
    rejected = b.do(receipt_of(ordered, paid=False), "pboc").subjects[0]
    assert rejected.status == "rejected"
    assert b.figures("B1")["available"] == "500.00"
    assert general(b) == Cash(free=100_000)
    assert "银行存款" not in b.books()


def test_what_comes_back_restores_the_indicator(b: Bookkeeper) -> None:
    done = allocated(b, "SB-1", "B1", "300.00")
    part = b.do(return_of(done, "100.00"), "pboc").subjects[0]
    assert (part.status, part.left_fen) == ("paid", 20_000)
    assert b.figures("B1") == {
        "available": "300.00",
        "frozen": "0.00",
        "occupied": "0.00",
        "paid": "200.00",
        "plan": "0.00",
    }
    assert general(b) == Cash(free=80_000)
    assert (b.books()["银行存款"], b.books()["国库存款"]) == ("200.00", "800.00")
    assert b.refusal(return_of(done, "200.01", "T10"), "pboc") == "refund_exceeds_paid"
    assert b.do(return_of(done, "200.00", "T11"), "pboc").subjects[0].status == "returned"


def test_one_movement_at_the_bank_is_booked_once(b: Bookkeeper) -> None:
    """A second notice under the serial of the first restored the indicator once more."""
    done = allocated(b, "SB-1", "B1", "300.00")
    b.do(return_of(done, "100.00", "T1", serial="SB7"), "pboc")
    assert b.refusal(return_of(done, "100.00", "T2", serial="SB7"), "pboc") == "receipt_mismatch"
    assert b.figures("B1")["paid"] == "200.00"
    b.do(return_of(done, "100.00", "T3", serial="SB8"), "pboc")
    assert b.figures("B1")["paid"] == "100.00"


def test_it_comes_back_to_the_account_that_paid_it(b: Bookkeeper) -> None:
    """It came back to the account with most free."""
    done = allocated(b, "SB-1", "B1", "300.00")
    more = income("R1", date(2026, 3, 2), ("10101", "111", "5000.00"))
    b.do(msgspec.structs.replace(more, tre_code="4400000002"), "accountant")
    b.do(return_of(done, "100.00"), "pboc")
    assert general(b) == Cash(free=80_000)


def test_within_the_plan(b: Bookkeeper) -> None:
    b.issue("B2", "100.00", is_contrlbyplan=True)
    assert b.refusal(allocation("SB-1", "B2", "1.00"), "accountant") == "insufficient_plan"
    b.plan("B2", "10.00")
    b.do(allocation("SB-2", "B2", "10.00"), "accountant")
    assert b.refusal(allocation("SB-3", "B2", "0.01"), "accountant") == "insufficient_plan"
