"""对账 under audit: comparisons on record are made again, and one that says otherwise is found by
both verifiers."""

from datetime import date
from pathlib import Path

import pytest

from ledger.postgres.database import Database
from tests.accounting.test_verifying_signed import found, offline, rewrite
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, told
from tests.support.channel_parties import CENTRAL_BANK, SigningTreasury
from tests.support.histories import MARCH_2
from tests.support.reconciliations import ReconcilingBank, package, packages

COMPARED, DIFFERENCES = "reconciliation.compared", "reconciliation.differences"
RECEIVED = "reconciliation.package_received"


MARCH_3 = date(2026, 3, 3)


@pytest.fixture
def reconciled(bookkeeper: Bookkeeper, tmp_path: Path) -> Bookkeeper:
    """Two reconciliations of a bank, one of them of three packages with each kind of difference,
    and one of the central bank."""
    books = AuditedBooks(bookkeeper, tmp_path / "books")
    bookkeeper.issue("B1", "100000.00")
    amounts = {"P1": "100.00", "P2": "200.00", "P3": "300.00", "P4": "400.00"}
    for number, amt in amounts.items():
        books.pay([number], "B1", amt)
    bookkeeper.until(MARCH_3)
    books.pay(["P5"], "B1", "500.00")
    paid = {number: each.pay_cert_no for number, each in books.payments([*amounts, "P5"]).items()}
    parties = SigningCentralBank(SigningTreasury(bookkeeper, tmp_path / "keys"))
    bank, central = ReconcilingBank(parties), ReconcilingBank(parties, CENTRAL_BANK)
    twice, early = (paid["P3"], "300.00"), (paid["P5"], "500.00")
    lines = [
        [(paid["P1"], "100.00"), (paid["P2"], "200.01"), twice],
        [twice, early],
        [("9" * 35, "600.00")],
    ]
    assert told(bank.send(*packages("D1", lines, MARCH_2))) == ["created"] * 3
    assert told(bank.send(package("D2", [early], MARCH_3))) == ["created"]
    said = {"vt_code": "3501", "pay_bank_code": "", "e_voucher_type": "2301"}
    assert told(central.send(package("D1", [], MARCH_2, **said))) == ["created"]
    of_period = {**said, "vt_code": "3507", "e_voucher_type": "2301,2302"}
    lost = packages("M1", [[("no claim of ours", "8.00")]], MARCH_2, **of_period)
    assert told(central.send(*lost)) == ["created"]
    return bookkeeper


def test_it_holds(reconciled: Bookkeeper, database: Database, tmp_path: Path) -> None:
    assert found(database, reconciled, tmp_path / "audit") == []
    assert offline(database, reconciled, tmp_path / "export") == []


CHANGED = {
    "a difference hidden": (DIFFERENCES, b'"kind":"missing_here"', b'"kind":"doubled"'),
    "how many agree": (COMPARED, b'"matched_num":2', b'"matched_num":3'),
}


@pytest.mark.parametrize(("type_", "old", "new"), CHANGED.values(), ids=list(CHANGED))
def test_canary_a_comparison_that_says_otherwise(
    reconciled: Bookkeeper, database: Database, tmp_path: Path, type_: str, old: bytes, new: bytes
) -> None:
    rewrite(database, reconciled, type_, old, new)
    online = found(database, reconciled, tmp_path / "audit")
    assert any(each.startswith("reconciliation: ") for each in online), online
    outside = offline(database, reconciled, tmp_path / "export")
    assert [line for line in outside if "对账 comparisons" in line], outside


def test_canary_a_package_that_says_otherwise(
    reconciled: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    rewrite(database, reconciled, RECEIVED, b'"all_num":6', b'"all_num":7')
    assert any("AllNum" in each for each in found(database, reconciled, tmp_path / "audit"))
    outside = offline(database, reconciled, tmp_path / "export")
    assert [line for line in outside if "凭证与事件" in line], outside


def test_canary_another_bank_than_signed(
    reconciled: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    rewrite(database, reconciled, RECEIVED, b'"sender":"bank/102"', b'"sender":"bank/105"')
    assert any("签章人不符" in each for each in found(database, reconciled, tmp_path / "audit"))
    outside = offline(database, reconciled, tmp_path / "export")
    assert [line for line in outside if "签章 signatures" in line], outside


def test_the_table_of_movements_is_not_believed(
    reconciled: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    """Whoever owns the database may empty it, and whatever is said on it."""
    with reconciled.pool.connection() as connection:
        connection.execute("UPDATE bank_movements SET fen = fen + 1")
    assert found(database, reconciled, tmp_path / "audit") == []
