"""退库更正、调库: a refund was of another code; income that is another treasury's goes to it."""

from datetime import date
from typing import Any

import pytest

from accounting.income_orders import INCOME_CORRECTION
from ledger.errors import RequestError
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.clearing.cash import CASH, Cash
from payments.messages import income_orders
from payments.messages.income_orders import IncomeOrder
from payments.signing.orders import order_document
from tests.accounting.test_income import FINES, FRIDAY, LAND, MONDAY, THURSDAY, VAT
from tests.support.bookkeeper import Bookkeeper
from tests.support.income_orders import answered, correction, refund, returned
from tests.support.openings import TREASURY, income

CITY = "4401000000"

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """1,000.00 增值税, 50.00 罚没 and 80.00 土地出让 came on Thursday."""
    came = (VAT, "111", "1000.00"), (FINES, "111", "50.00"), (LAND, "121", "80.00")
    bookkeeper.do(income("R1", THURSDAY, *came), "accountant")
    return bookkeeper


def cash(keeper: Bookkeeper, kind: str = "11") -> Cash:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH).get(f"{TREASURY}/{kind}", Cash())


def done(keeper: Bookkeeper, order: Any, day: date = FRIDAY, *, done: bool = True) -> Any:
    keeper.do(order, "accountant")
    receipt = answered(keeper.ledger_id, order, day, done=done)
    keeper.do(receipt, "pboc")
    return receipt


def taxes(keeper: Bookkeeper) -> tuple[str, str, str]:
    books = keeper.books()
    return books["税收收入"], books["非税收入"], books["国库存款"]


def of_refund(number: str, amt: str, to: str = FINES, **more: Any) -> Any:
    return correction(number, VAT, to, amt, FRIDAY, inc_refund_no="TF-1", **more)


def to_city(number: str, amt: str, day: date = FRIDAY) -> Any:
    return correction(number, VAT, VAT, amt, day, to_tre_code=CITY)


def written(keeper: Bookkeeper, number: str) -> IncomeOrder:
    with keeper.pool.connection() as connection:
        found = read_objects(connection, keeper.ledger_id, INCOME_CORRECTION, [number])
    document = order_document(keeper.ledger_id, found[number].ordered)
    order = income_orders.parse(document)
    assert income_orders.build(order) == document
    return order


def test_a_refund_was_of_another_code(b: Bookkeeper) -> None:
    """300.00 went back of 增值税, of which 40.00 were a fine; no cash moves by saying so."""
    done(b, refund("TF-1", VAT, "300.00", FRIDAY))
    assert taxes(b) == ("700.00", "130.00", "830.00")
    b.do(of_refund("SG-1", "40.00"), "accountant")
    order = written(b, "SG-1")
    assert order.ori_voucher_no == "5209:440000000-2026:income_refund:TF-1"
    b.do(answered(b.ledger_id, of_refund("SG-1", "40.00"), FRIDAY), "pboc")
    assert taxes(b) == ("740.00", "90.00", "830.00")
    assert cash(b) == Cash(free=75_000)
    said = (VAT, "111", "-260.00"), (FINES, "111", "-40.00")
    b.do(income("R2", FRIDAY, *said), "accountant")
    assert taxes(b) == ("740.00", "90.00", "830.00"), "the day's report has it all"


def test_never_more_than_was_refunded_and_is_not_back(b: Bookkeeper) -> None:
    assert b.refusal(of_refund("SG-0", "1.00"), "accountant") == "not_found"
    b.do(ordered := refund("TF-1", VAT, "30.00", FRIDAY), "accountant")
    assert b.refusal(of_refund("SG-00", "1.00"), "accountant") == "invalid_state"
    b.do(receipt := answered(b.ledger_id, ordered, FRIDAY), "pboc")
    b.do(returned(receipt, "5.00", FRIDAY), "pboc")
    b.do(of_refund("SG-1", "20.00"), "accountant")
    problem = b.ask(of_refund("SG-2", "5.01"), "accountant").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == (
        "correction_exceeds_paid",
        "5.00",
    )
    rejected = answered(b.ledger_id, of_refund("SG-1", "20.00"), FRIDAY, done=False)
    b.do(rejected, "pboc")
    done(b, of_refund("SG-3", "25.00"))
    assert taxes(b) == ("1000.00", "105.00", "1105.00")


def test_a_refund_is_not_corrected_to_what_was_never_received(b: Bookkeeper) -> None:
    done(b, refund("TF-1", VAT, "300.00", FRIDAY))
    assert b.refusal(of_refund("SG-1", "50.01"), "accountant") == "exceeds_received"
    other = correction("SG-2", FINES, LAND, "1.00", FRIDAY, inc_refund_no="TF-1")
    assert b.refusal(other, "accountant") == "element_mismatch"


def test_a_refund_of_another_kind_of_fund_takes_its_cash_there(b: Bookkeeper) -> None:
    done(b, refund("TF-1", VAT, "300.00", FRIDAY))
    to_land = {"to": LAND, "to_fund_type_code": "121"}
    done(b, of_refund("SG-1", "80.00", **to_land))
    assert (cash(b).free, cash(b, "12").free) == (83_000, 0)
    assert b.books()["国库存款"] == "830.00"


def test_income_of_another_treasury_goes_to_it(b: Bookkeeper) -> None:
    """调库: 200.00 of it was the city's; its cash is taken until the central bank answers."""
    b.do(order := to_city("DK-1", "200.00"), "accountant")
    assert cash(b) == Cash(free=85_000, claimed=20_000)
    assert taxes(b)[0] == "1000.00", "an order moves no book"
    message = written(b, "DK-1")
    assert (message.tre_code, message.cur_tre_code) == (TREASURY, CITY)
    b.do(answered(b.ledger_id, order, FRIDAY), "pboc")
    assert taxes(b) == ("800.00", "130.00", "930.00")
    assert cash(b) == Cash(free=85_000)
    b.do(income("R2", FRIDAY, (VAT, "111", "-200.00")), "accountant")
    assert taxes(b)[0] == "800.00"
    assert b.refusal(to_city("DK-2", "800.01", MONDAY), "accountant") == "exceeds_received"


def test_what_goes_to_another_treasury_is_booked_once(b: Bookkeeper) -> None:
    """The day's report was there first: the receipt ends the order and books nothing."""
    b.do(order := to_city("DK-1", "200.00"), "accountant")
    b.do(income("R2", FRIDAY, (VAT, "111", "-200.00")), "accountant")
    b.do(answered(b.ledger_id, order, FRIDAY), "pboc")
    assert taxes(b) == ("800.00", "130.00", "930.00")
    assert cash(b) == Cash(free=85_000)


def test_what_the_central_bank_leaves_here_is_free_again(b: Bookkeeper) -> None:
    done(b, to_city("DK-1", "1000.00"), done=False)
    assert (taxes(b)[0], cash(b)) == ("1000.00", Cash(free=105_000))


def test_it_goes_to_another_treasury_and_is_no_refund(b: Bookkeeper) -> None:
    same = correction("DK-1", VAT, FINES, "1.00", FRIDAY, to_tre_code=TREASURY)
    assert b.refusal(same, "accountant") == "element_mismatch"
    with pytest.raises(RequestError, match="not both"):
        of_refund("SG-1", "1.00", to_tre_code=CITY).check()


def test_a_5407_of_another_kind_is_none_of_ours(b: Bookkeeper) -> None:
    """3, 支出更正, was never ordered by this form."""
    b.do(to_city("DK-1", "1.00"), "accountant")
    document = income_orders.build(written(b, "DK-1"))
    other = document.replace(b"<EditTypeCode>4<", b"<EditTypeCode>3<")
    with pytest.raises(RequestError, match="更正类型 3"):
        income_orders.parse(other)
