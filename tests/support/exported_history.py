"""A ledger with every kind of event, its export, and a database to bring it to."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from payments.clearing.cash_events import CashReserve, Guarantee
from payments.clearing.cash_policy import SetCashPolicy
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.orders.advance_policy import SetAdvancePolicy
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.signature_policy import SetSignaturePolicy
from tests.conftest import drop_database, new_database
from tests.support.advances import MARCH_2, advance, paid, returned
from tests.support.allocations import allocated, allocation, receipt_of, return_of
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.debts import owe
from tests.support.exports import (
    export,
)
from tests.support.histories import mixed_history
from tests.support.income_orders import answered, correction, refund
from tests.support.income_orders import returned as came_back
from tests.support.openings import cash_opened, income

EVENTS, COMMITS = "events.ndjson.gz", "commits.ndjson.gz"


@pytest.fixture(scope="module")
def keeper(module_database: Database) -> Iterator[Bookkeeper]:
    """A ledger with every kind of event, which the tests of this module only read."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        mixed_history(keeper)
        settle_otherwise(keeper)
        yield keeper
        keeper.close()


@pytest.fixture(scope="module")
def exported(keeper: Bookkeeper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "whole"
    export(keeper.pool, keeper.ledger_id, directory)
    return directory


@pytest.fixture(scope="module")
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[ConnectionPool]:
    """A database without the ledger; what is refused leaves it so."""
    made = new_database(cluster, template)
    with fresh_pool(made.app_conninfo) as pool:
        yield pool
    drop_database(cluster, made)


def order_income(keeper: Bookkeeper) -> None:
    """Income paid back, some of it come back; corrected; rejected; and one reported before."""
    told = refund("TF-1", "10101", "70.00", MARCH_2)
    keeper.do(told, "accountant")
    receipt = answered(keeper.ledger_id, told, MARCH_2)
    keeper.do(receipt, "pboc")
    keeper.do(came_back(receipt, "20.00", MARCH_2), "pboc")
    moved = correction("SG-1", "10101", "10305", "5.00", MARCH_2)
    keeper.do(moved, "accountant")
    keeper.do(answered(keeper.ledger_id, moved, MARCH_2), "pboc")
    rejected = refund("TF-2", "10101", "1.00", MARCH_2)
    keeper.do(rejected, "accountant")
    keeper.do(answered(keeper.ledger_id, rejected, MARCH_2, done=False), "pboc")
    reported = refund("TF-3", "10101", "9.00", date(2026, 1, 30))
    keeper.do(reported, "accountant")
    keeper.do(answered(keeper.ledger_id, reported, date(2026, 1, 30)), "pboc")


def settle_otherwise(keeper: Bookkeeper) -> None:
    """Every setting of the ledger changed, and money that another bank has paid ahead."""
    keeper.do(cash_opened(f111="1000000.00", f121="500000.00"), "accountant")
    # of January's last working day: its month is closed, and waits for the report of each one
    january_30 = income("R1", date(2026, 1, 30), ("10101", "111", "5000.00"))
    keeper.do(january_30, "accountant")
    order_income(keeper)
    owe(keeper)
    wages = Guarantee("wages", gov_bgt_eco_code="501")
    kept = CashReserve("11", "100.00")
    keeper.do(SetCashPolicy(cash_control=True, reserves=(kept,), guarantees=(wages,)), "admin")
    keeper.do(SetAdvancePolicy(limit_amt="5000.00"), "admin")
    keeper.do(SetClearingPolicy(claimed_by="banks", singly_from_amt="5000.00"), "admin")
    voucher_no = paid(keeper, "YB-1", "300.00", agency_code="101001").ordered.voucher_no
    step = ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="100.00")
    keeper.do(step, "accountant")
    keeper.do(RecoverAdvance(adv_no="YB-1", step_no="S2", amt="50.00"), "accountant")
    keeper.do(returned("YB-1", voucher_no, "20.00"), "pboc")
    keeper.do(advance("YB-2", "7.00"), "accountant")  # under way
    keeper.do(return_of(allocated(keeper, "SB-1", "B1", "30.00"), "10.00"), "pboc")
    rejected = keeper.do(allocation("SB-2", "B1", "3.00"), "accountant").subjects[0]
    keeper.do(receipt_of(rejected, paid=False), "pboc")
    roles = ("unit", "treasury")
    policy = SetSignaturePolicy(roles=roles, pay_bank_code="103", signing="manifest")
    keeper.do(policy, "admin")
    keeper.do(ClosePeriod(through="2026-01-31"), "admin")
    keeper.do(ReopenPeriod(from_month="2026-01", reason="漏记"), "admin")
    keeper.do(ClosePeriod(through="2026-01-31", reopened=1), "admin")
    keeper.apply("P-103", "B2", "12.00")
    approved = keeper.approve("P-103")
    keeper.sign("P-103", "unit", "unit")
    keeper.sign("P-103")
    keeper.receipt(approved)
