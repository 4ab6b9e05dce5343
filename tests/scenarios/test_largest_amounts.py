"""Amounts that add up beyond what a machine's integers hold: a division of the largest indicators.

Ten indicators of 9999999999999999.99 in one ledger once stopped a projection for ever ("bigint out
of range"): readiness went for every division, the server could not start again, and the
verification said that all held.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

from ledger.books import load_charts
from ledger.money import AMOUNT_MAX_FEN, yuan
from ledger.postgres.database import Database
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING
from projections.catalogue import PROJECTIONS
from projections.core.rebuild import verify
from projections.core.runner import Runner
from projections.trial_balance import trial_balance
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import Bookkeeper
from tests.support.command_line import clean_environment, run

LARGEST = yuan(AMOUNT_MAX_FEN)
INDICATORS, PAID = 12, 11
MARCH_2 = date(2026, 3, 2)


def times(number: int) -> str:
    """So many of the largest amounts."""
    return str(number * Decimal(LARGEST))


def closings(b: Bookkeeper) -> dict[str, str]:
    """Every account's closing balance as the read model has it."""
    with b.pool.connection() as connection:
        balance = trial_balance(connection, b.ledger_id, load_charts())
    assert all(total["debit"] == total["credit"] for total in balance.totals)
    return {account["acct_cls_name"]: account["closing"] for account in balance.accounts}


def test_twelve_of_the_largest_indicators_are_budgeted_paid_and_cleared(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    b, audited = bookkeeper, AuditedBooks(bookkeeper, tmp_path / "books")
    for number in range(INDICATORS):
        b.issue(f"B{number}", LARGEST)
    for number in range(PAID):
        audited.pay([f"P{number}"], f"B{number}", LARGEST)
    audited.clear("C1", MARCH_2)
    with b.pool.connection() as connection:
        cleared = read_objects(connection, b.ledger_id, CLEARING, ["C1"])["C1"]
    # no claim says more than an amount can: one for each of the largest
    assert [claim.pay_amt for claim in cleared.requested.claims] == [LARGEST] * PAID
    Runner(b.pool).catch_up()
    books = closings(b)
    assert books["指标来源"] == times(INDICATORS)
    assert books["支出指标"] == LARGEST
    assert books["支付"] == times(PAID)
    assert books["国库存款"] == times(PAID)
    again = Runner(b.pool)  # as a server that starts again
    again.catch_up()
    assert again.health().stopped == ()
    assert verify(b.pool, b.ledger_id, PROJECTIONS).equal
    b.adjust("B11", "-0.01")
    Runner(b.pool).catch_up()
    assert closings(b)["支出指标"] == str(Decimal(LARGEST) - Decimal("0.01"))
    variables = clean_environment(GUOKU_DSN=database.owner_conninfo, GUOKU_DATA=str(tmp_path))
    done = run("audit", "verify", environment=variables)
    assert done.returncode == 0, done.stdout + done.stderr
