"""债务 from one year to the next: what is owed is owed on, within the limits, and told once.

Bonds were registered anew by hand: interest that last year had accrued was an expense of the new
year again, and nothing held what was owed against the year before.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from budget.debt_register import DEBT, DEBT_LIMIT, Debt, DebtLimit
from budget.debts import AccrueInterest
from budget.year_end.closing import CloseYear
from ledger.closing import ClosePeriod
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.orders.allocations import ALLOCATION
from tests.accounting.test_year_end import CLOSE_DECEMBER, NEW_YEAR, carry, handing_over, item
from tests.budget.test_verifying import tampered
from tests.invariants.test_invariant_17_years import both_years, exports
from tests.payments.test_prior_returns import this_year
from tests.support.allocations import receipt_of
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.debts import bond, limits, ordered, owe, paid
from tests.support.openings import cash_opened
from tests.verifier.test_offline_verifier import TRUSTED, run

BOND = "2605001"


def registers(b: Bookkeeper) -> tuple[dict[str, Debt], dict[str, DebtLimit]]:
    with b.pool.connection() as connection:
        owed = read_rows(connection, b.ledger_id, DEBT)
        return dict(owed), dict(read_rows(connection, b.ledger_id, DEBT_LIMIT))


def year_with_debts(b: Bookkeeper) -> None:
    """Of 900.00 of before 150.00 are repaid, and of 6.00 of accrued interest 4.00 paid: closed with
    350.00 of the principal's indicator and 45.20 of the interest's carried over."""
    b.do(cash_opened(f111="5000.00"), "accountant")
    owe(b)
    b.do(AccrueInterest(bond_code=BOND, int_accrual_no="JT-2", amt="2.00"), "accountant")
    with b.pool.connection() as connection:
        waiting = read_objects(connection, b.ledger_id, ALLOCATION, ["HB-3"])["HB-3"]
    b.do(receipt_of(waiting), "pboc")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("ZQ-1", "350.00"), item("ZQ-2", "45.20")), "accountant")
    b.do(CloseYear(), "accountant")


@pytest.mark.usefixtures("decided_again")
def test_what_is_owed_is_owed_on_and_accrued_interest_is_no_expense_again(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    year_with_debts(b)
    before = registers(b)
    assert before == (
        {BOND: Debt(owed=750_00, accrued=2_00, lendable=900_00, issued=900_00)},
        {"1": DebtLimit(free=250_00, limit=1000_00), "2": DebtLimit()},
    )
    assert (handing_over(b).look(), handing_over(b).look()) == (1, 0)
    this_year(b)
    assert registers(b) == before
    paid(b, "HB-1", "JZ2026-ZQ-2", "3.00", bond_code=BOND)
    assert b.books()["财务费用"] == "1.00", "2.00 of 3.00 were last year's"
    assert registers(b)[0][BOND].accrued == 0
    ordered(b, "HB-2", "JZ2026-ZQ-1", "350.00", bond_code=BOND)
    assert registers(b)[0][BOND].outstanding == 750_00
    assert b.refusal(limits("749.99", "0.00", "XE-2")) == "insufficient_ceiling"
    assert b.refusal(bond(BOND, "1", "2000.00")) == "idempotency_conflict"


def test_debts_that_were_told_by_hand_stay_as_they_are(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    year_with_debts(b)
    this_year(b)
    b.open()
    b.do(limits("1000.00", "0.00"))
    b.do(bond(BOND, "1", "2000.00", opening_amt="750.00"))
    by_hand = registers(b)
    b.year, b.ledger_id = b.year - 1, b.ledger_id - 1
    handing_over(b).look()
    this_year(b)
    assert registers(b) == by_hand


# ---- under audit


@pytest.fixture
def keeper(database: Database) -> Iterator[Bookkeeper]:
    """Of a bond of 300.00 all is owed, and 4.00 of interest, when 2024 ends."""
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool, year=2024)
        keeper.open()
        keeper.do(limits("1000.00", "0.00"))
        days = {"issue_date": date(2024, 1, 2), "due_date": date(2029, 1, 2)}
        keeper.do(bond(BOND, "1", "300.00", opening_amt="300.00", **days))
        accrued = AccrueInterest(bond_code=BOND, int_accrual_no="JT-1", amt="4.00")
        keeper.do(accrued, "accountant")
        keeper.clock.now = datetime(2025, 1, 4, 2, tzinfo=UTC)
        keeper.do(ClosePeriod(through="2024-12-31"), "accountant")
        keeper.do(CloseYear(), "accountant")
        handing_over(keeper).look()
        yield keeper
        keeper.close()


OTHERWISE = """UPDATE events SET payload = convert_to(
    replace(convert_from(payload, 'UTF8'), '{}', '{}'), 'UTF8') WHERE type = '{}'"""
MORE = {
    "bond.carried_in": ('"accrued_amt":"4.00"', '"accrued_amt":"3.00"', "does not begin with what"),
    "ledger.debts_carried_in": ('"1000.00"', '"2000.00"', "limits of"),
}


def test_two_years_hold_here_and_offline(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    assert both_years(database, keeper, tmp_path) == []
    before, after = exports(database, keeper, tmp_path)
    code, output = run(after, "--before", before, *TRUSTED)
    assert code == 0, output


@pytest.mark.parametrize("type_name", MORE)
def test_what_begins_otherwise_is_found_here_and_offline(
    keeper: Bookkeeper, database: Database, tmp_path: Path, type_name: str
) -> None:
    old, new, said = MORE[type_name]
    tampered(database, OTHERWISE.format(old, new, type_name))
    wrong = both_years(database, keeper, tmp_path)
    assert any(each.startswith("debts at") for each in wrong), wrong
    before, after = exports(database, keeper, tmp_path)
    code, output = run(after, "--before", before, *TRUSTED)
    assert code == 1
    assert said in output
