"""Twelve of the largest amounts of each kind of order, income, debt and money between tiers.

Every single amount is as large as an amount can be. What they add up to in a register, an account
or a read model is bounded by nothing, and exact; readiness, a restart and the verification hold.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from budget.debts import AccrueInterest
from ledger.money import AMOUNT_MAX_FEN
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from ledger.writing.submitting import submit_to
from payments.clearing.cash import CASH
from payments.clearing.cash_events import CashReserve
from payments.clearing.cash_policy import SetCashPolicy
from payments.orders.placements import PLACED
from payments.special_accounts.cash import SPECIAL_CASH
from projections.catalogue import PROJECTIONS
from projections.core.rebuild import verify
from projections.core.runner import Runner
from tests.payments.test_placements import placed
from tests.payments.test_special_accounts import SCHOOLS, SchoolFees
from tests.scenarios.test_largest_amounts import LARGEST, closings, times
from tests.support.advances import paid as advanced
from tests.support.allocations import allocated
from tests.support.bookkeeper import Bookkeeper
from tests.support.command_line import clean_environment, run
from tests.support.debts import bond, limits
from tests.support.income_orders import answered, refund
from tests.support.openings import TREASURY, income
from tests.support.tier_cash import dispatched
from tests.support.tiers import CITY, PROVINCE, tiers_on
from transfers.bringing_funds import BringingFunds
from transfers.tier_funds import TIER_FUNDS

pytestmark = pytest.mark.slow

TWELVE = range(12)
NEW_YEAR, MARCH_2 = date(2026, 1, 1), date(2026, 3, 2)
# the central bank's words are made up here: that they are signed, and say what is booked of them,
# is held where it really signs
MADE_UP = ("signatures", "signed documents say what their events say")


def is_sound(b: Bookkeeper, database: Database, folder: Path) -> None:
    """Ready, ready again after a restart, equal to a rebuild, and verified by the command."""
    for runner in (Runner(b.pool), Runner(b.pool)):
        runner.catch_up()
        assert runner.health().stopped == ()
    assert verify(b.pool, b.ledger_id, PROJECTIONS).equal
    variables = clean_environment(GUOKU_DSN=database.owner_conninfo, GUOKU_DATA=str(folder))
    done = run("audit", "verify", environment=variables)
    failed = [line for line in done.stdout.splitlines() if "✗" in line]
    assert "读模型 read models against a rebuild" in done.stdout
    assert [line for line in failed if not any(check in line for check in MADE_UP)] == []


def rows(b: Bookkeeper, register: Any) -> dict[str, Any]:
    with b.pool.connection() as connection:
        return dict(read_rows(connection, b.ledger_id, register))


def funded(b: Bookkeeper, days: int) -> None:
    """The largest income on each of so many days."""
    for number in range(days):
        day = NEW_YEAR + timedelta(number)
        b.do(income(f"R{number}", day, ("10101", "111", LARGEST)), "accountant")


def test_what_the_treasury_orders_of_its_own(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    """Of 49 incomes 12 are placed, 12 paid ahead, 12 allocated and 12 given back: one is left."""
    b = bookkeeper
    funded(b, 49)
    b.do(SetCashPolicy(reserves=(CashReserve("11", "0.01"),)), "admin")
    for n in TWELVE:
        placed(b, f"XJ-{n}", LARGEST)
        advanced(b, f"YB-{n}", LARGEST)
        b.issue(f"B{n}", LARGEST)
        allocated(b, f"SB-{n}", f"B{n}", LARGEST)
        order = refund(f"TF-{n}", "10101", LARGEST, MARCH_2)
        b.do(order, "accountant")
        b.do(answered(b.ledger_id, order, MARCH_2), "pboc")
    assert rows(b, CASH)[f"{TREASURY}/11"].free == AMOUNT_MAX_FEN
    assert sum(row.left for row in rows(b, PLACED).values()) == 12 * AMOUNT_MAX_FEN
    Runner(b.pool).catch_up()
    books = closings(b)
    assert (books["国库存款"], books["国库现金管理资产"]) == (LARGEST, times(12))
    assert books["预拨经费"] == times(12)
    assert (books["指标来源"], books["支付"]) == (times(12), times(12))
    assert books["税收收入"] == times(37)
    is_sound(b, database, tmp_path)


def test_what_comes_to_a_special_account(database: Database, tmp_path: Path) -> None:
    fees = SchoolFees(database)
    for n in TWELVE:
        fees.came(f"ZH-{n}", NEW_YEAR + timedelta(n), LARGEST)
    assert rows(fees, SPECIAL_CASH)[SCHOOLS].free == 12 * AMOUNT_MAX_FEN
    Runner(fees.pool).catch_up()
    books = closings(fees)
    assert (books["其他财政存款"], books["财政专户管理资金收入"]) == (times(12), times(12))
    is_sound(fees, database, tmp_path)
    fees.close()
    fees.pool.close()


def test_what_is_sent_to_another_tier(database: Database, tmp_path: Path) -> None:
    with tiers_on(database) as tiers:
        province, city = tiers.province, tiers.city
        funded(province, 13)
        for n in TWELVE:
            dispatched(province, city, f"DD-{n}", CITY, LARGEST)
        BringingFunds(province.pool, submit_to(province.sequencer)).look()
        assert rows(province, TIER_FUNDS)[f"{CITY}/11/"].sent == 12 * AMOUNT_MAX_FEN
        assert rows(city, TIER_FUNDS)[f"{PROVINCE}/11/"].arrived == 12 * AMOUNT_MAX_FEN
        Runner(province.pool).catch_up()
        assert closings(province)["国库存款"] == LARGEST
        assert closings(province)["与下级往来"] == times(12)
        assert closings(city)["与上级往来"] == times(12)
        is_sound(province, database, tmp_path)


def test_what_is_owed(bookkeeper: Bookkeeper, database: Database, tmp_path: Path) -> None:
    """A limit is one amount, so one bond may be of the largest; its interest is not bounded."""
    b = bookkeeper
    b.do(limits(LARGEST, LARGEST))
    b.do(bond("2605001", "1", LARGEST, opening_amt=LARGEST))
    for n in TWELVE:
        accrued = AccrueInterest(bond_code="2605001", int_accrual_no=f"JT-{n}", amt=LARGEST)
        b.do(accrued, "accountant")
    Runner(b.pool).catch_up()
    books = closings(b)
    assert (books["财务费用"], books["应付利息"]) == (times(12), times(12))
    is_sound(b, database, tmp_path)
