"""库款控制、三保优先: cash that is controlled or not, and a reserve for the three guarantees."""

from datetime import date
from typing import Any

import pytest

from ledger.deciding.command import Outcome
from ledger.errors import GuokuError
from ledger.reading.loading import read_rows
from payments.application import ApprovePayment
from payments.clearing.cash_events import CashReserve, Guarantee
from payments.clearing.cash_policy import CashPolicy, SetCashPolicy
from payments.clearing.claims import RequestClearing
from payments.clearing.promised import PROMISED, Promised
from payments.delivery.held_by import read_spares
from payments.voiding import VoidPayment
from tests.support.advances import advance
from tests.support.allocations import allocation
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened

MARCH_2 = date(2026, 3, 2)
WAGES = Guarantee("wages", gov_bgt_eco_code="501")
SCHOOLS = Guarantee("livelihood", exp_func_code="205")
RESERVE_600 = SetCashPolicy(reserves=(CashReserve("11", "600.00"),), guarantees=(WAGES, SCHOOLS))

pytestmark = pytest.mark.usefixtures("decided_again")


def applied(keeper: Bookkeeper, number: str, amount: str, **codes: Any) -> None:
    keeper.issue(f"B{number}", amount, **codes)
    keeper.apply(number, f"B{number}", amount)


def wages(keeper: Bookkeeper, number: str, amount: str) -> None:
    applied(keeper, number, amount, gov_bgt_eco_code="50101", dep_bgt_eco_code="30101")


def approve(keeper: Bookkeeper, number: str) -> Outcome:
    return keeper.ask(ApprovePayment(pay_app_no=number), "checker")


def problem(outcome: Outcome) -> GuokuError:
    assert outcome.problem is not None
    assert outcome.problem.code.text == "insufficient_cash"
    return outcome.problem


def paid(keeper: Bookkeeper, number: str) -> None:
    keeper.receipt(keeper.sign(number).subjects[0])


def promised(keeper: Bookkeeper) -> dict[str, Promised]:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, PROMISED)


def claim(keeper: Bookkeeper, clear_no: str) -> Outcome:
    keeper.until(MARCH_2)
    return keeper.ask(RequestClearing(clear_no=clear_no, clear_date=MARCH_2, pay_bank_code="102"))


def test_what_is_for_a_guarantee_goes_first_when_cash_is_short(bookkeeper: Bookkeeper) -> None:
    """Of 1,000.00 there are 600.00 kept for the three guarantees."""
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.do(RESERVE_600, "admin")
    applied(bookkeeper, "P1", "400.01")
    refused = problem(approve(bookkeeper, "P1"))
    assert (refused.extra["available_amt"], refused.extra["requested_amt"]) == ("400.00", "400.01")
    assert (refused.extra["cash_acct"], refused.extra["fund_type_code"]) == (TREASURY, "11")
    wages(bookkeeper, "P2", "700.00")
    assert approve(bookkeeper, "P2").problem is None, "wages are paid of what is kept"
    assert promised(bookkeeper) == {"11": Promised(guaranteed=70_000)}
    applied(bookkeeper, "P3", "0.01")
    assert problem(approve(bookkeeper, "P3")).extra["available_amt"] == "0.00"
    wages(bookkeeper, "P4", "300.01")
    assert problem(approve(bookkeeper, "P4")).extra["available_amt"] == "300.00"


def test_what_banks_have_paid_is_claimed_of_the_reserve_too(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.do(RESERVE_600, "admin")
    applied(bookkeeper, "P1", "400.00")
    assert approve(bookkeeper, "P1").problem is None
    wages(bookkeeper, "P2", "600.00")
    assert approve(bookkeeper, "P2").problem is None
    paid(bookkeeper, "P1")
    assert promised(bookkeeper) == {"11": Promised(guaranteed=60_000)}
    applied(bookkeeper, "P3", "0.01", exp_func_code="2050202")
    assert problem(approve(bookkeeper, "P3")).extra["available_amt"] == "0.00", "a school's, too"
    paid(bookkeeper, "P2")
    assert promised(bookkeeper) == {}
    assert claim(bookkeeper, "QS-1").problem is None


def test_what_is_void_is_promised_no_longer(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.do(RESERVE_600, "admin")
    applied(bookkeeper, "P1", "400.00")
    approve(bookkeeper, "P1")
    bookkeeper.do(VoidPayment(pay_app_no="P1", reason="不再需要"))
    assert promised(bookkeeper) == {}


def test_nothing_is_there_before_an_account_is_named(bookkeeper: Bookkeeper) -> None:
    """Controlled by policy, with a reserve of 0.00: 1,000.00 were approved without any cash."""
    policy = CashPolicy(cash_control=True, reserves=(CashReserve("11", "0.00"),))
    bookkeeper.do(SetCashPolicy(cash_control=True, reserves=policy.reserves), "admin")
    applied(bookkeeper, "P1", "1000.00")
    assert problem(approve(bookkeeper, "P1")).extra["available_amt"] == "0.00"
    with bookkeeper.pool.connection() as connection:
        spares = read_spares(connection, bookkeeper.ledger_id, policy)
    assert [spare.left_for("") for spare in spares.values()] == [0]


def test_orders_leave_the_reserve_but_for_a_guarantee(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.do(RESERVE_600, "admin")
    bookkeeper.issue("B1", "1000.00")
    bookkeeper.issue("B2", "1000.00", exp_func_code="2050202")
    problem(bookkeeper.ask(advance("YB-1", "400.01"), "accountant"))
    problem(bookkeeper.ask(allocation("SB-1", "B1", "400.01"), "accountant"))
    assert bookkeeper.ask(allocation("SB-2", "B2", "400.01"), "accountant").problem is None
    problem(bookkeeper.ask(advance("YB-2", "0.01"), "accountant"))


def test_control_that_is_off_refuses_nothing_and_what_comes_in_pays_it(
    bookkeeper: Bookkeeper,
) -> None:
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    bookkeeper.do(SetCashPolicy(cash_control=False), "admin")
    bookkeeper.issue("B1", "1000.00")
    bookkeeper.pay("P1", "B1", "300.00")
    bookkeeper.clear("QS-1", MARCH_2)
    assert bookkeeper.books()["国库存款"] == "-200.00"
    bookkeeper.do(SetCashPolicy(cash_control=True), "admin")
    bookkeeper.pay("P2", "B1", "0.01")
    assert problem(claim(bookkeeper, "QS-2")).extra["available_amt"] == "0.00"


def test_control_that_is_on_claims_nothing_of_no_account(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(SetCashPolicy(cash_control=True), "admin")
    bookkeeper.issue("B1", "1000.00")
    bookkeeper.pay("P1", "B1", "300.00")
    refused = problem(claim(bookkeeper, "QS-1"))
    assert (refused.extra["cash_acct"], refused.extra["available_amt"]) == ("", "0.00")


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        (SetCashPolicy(reserves=(CashReserve("111", "1.00"),)), "/reserves/0/fund_type_code"),
        (SetCashPolicy(reserves=(CashReserve("11", "1.00"),) * 2), "/reserves/0/fund_type_code"),
        (SetCashPolicy(reserves=(CashReserve("11", "-1.00"),)), "/reserves/0/amt"),
        (SetCashPolicy(guarantees=(Guarantee("schools", "205"),)), "/guarantees/0/guarantee"),
        (SetCashPolicy(guarantees=(Guarantee("wages"),)), "/guarantees/0"),
        (
            SetCashPolicy(guarantees=(Guarantee("wages", gov_bgt_eco_code="50x"),)),
            "/guarantees/0/gov_bgt_eco_code",
        ),
    ],
)
def test_a_policy_that_says_nothing_clear(policy: SetCashPolicy, pointer: str) -> None:
    with pytest.raises(GuokuError) as refused:
        policy.check()
    assert refused.value.extra["pointer"] == pointer


def test_all_codes_of_a_guarantee_have_to_fit() -> None:
    wages_of_schools = Guarantee("wages", exp_func_code="205", gov_bgt_eco_code="501")
    policy = CashPolicy(guarantees=(wages_of_schools, SCHOOLS))
    paid_for = Guarantee("", "2050202", "50101", "30101")  # it has a payment's codes
    assert policy.guarantee_of(paid_for) == "wages"
    assert policy.guarantee_of(Guarantee("", "2050202", "50201", "30201")) == "livelihood"
    assert policy.guarantee_of(Guarantee("", "2010101", "50101", "30101")) == ""
