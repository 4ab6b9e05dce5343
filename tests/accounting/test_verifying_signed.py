"""What the central bank has signed, under audit: it holds, and an event that says otherwise is
found by both verifiers (invariant 14)."""

from pathlib import Path

import psycopg
import pytest

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.verification.run import Options, verify_ledger
from tests.accounting.test_income import LAND, THURSDAY, VAT
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, balance_day, income_day, told
from tests.support.channel_parties import SigningTreasury
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run


@pytest.fixture
def reported(bookkeeper: Bookkeeper, tmp_path: Path) -> Bookkeeper:
    """A ledger with a signed day of income, and what the central bank says there was."""
    pboc = SigningCentralBank(SigningTreasury(bookkeeper, tmp_path / "keys"))
    day = income_day("R1", THURSDAY, (VAT, "111", "40.00"), (LAND, "121", "2.00"))
    balance = balance_day("Y1", THURSDAY, "40.00", "2.00")
    assert told(pboc.report(day, balance)) == ["created", "created"]
    return bookkeeper


def found(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    report = verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=folder),
    )
    assert report.counts["signature"] > 0
    return [f"{each.check}: {each.detail}" for each in report.findings]


def offline(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    """What the offline verifier finds in the exported evidence."""
    audited = audited_as_it_stands(database, keeper)
    exported = export_audited(database, audited.ledger_id, folder, audited.notes)
    _, output = run(str(exported), *TRUSTED, *WITNESSED)
    assert "签章" in output
    return [line for line in output.splitlines() if line.startswith("✗")]


def rewrite(database: Database, keeper: Bookkeeper, type_: str, old: bytes, new: bytes) -> None:
    """With digests and chain made to fit, as whoever owns the database can."""
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rewritten(type_, 0, old, new)(connection, keeper.ledger_id)


def test_it_holds(reported: Bookkeeper, database: Database, tmp_path: Path) -> None:
    assert found(database, reported, tmp_path / "audit") == []
    assert offline(database, reported, tmp_path / "export") == []


INCOME, BALANCE = "income.received", "balance.reported"
CHANGED = {
    "amount": (INCOME, b'"40.00"', b'"41.00"', "DetailList"),
    "kind": (INCOME, b'"10101"', b'"10305"', "DetailList"),
    "account": (INCOME, b'"4400000000"', b'"4400000001"', "TreCode"),
    "day": (INCOME, b'"2026-01-15"', b'"2026-01-14"', "ReportDate"),
    "number": (INCOME, b'"R1"', b'"R2"', "VoucherNo"),
    "balance": (BALANCE, b'"42.00"', b'"43.00"', "TodayBalance"),
    "line of a balance": (BALANCE, b'"2.00"', b'"1.00"', "DetailList"),
}


@pytest.mark.parametrize(("type_", "old", "new", "tag"), CHANGED.values(), ids=list(CHANGED))
def test_canary_an_event_that_says_otherwise(
    reported: Bookkeeper,
    database: Database,
    tmp_path: Path,
    type_: str,
    old: bytes,
    new: bytes,
    tag: str,
) -> None:
    rewrite(database, reported, type_, old, new)
    evidence = [each for each in found(database, reported, tmp_path) if "凭证与事件不符" in each]
    assert len(evidence) == 1
    assert tag in evidence[0]


OFFLINE = {"income": (INCOME, b'"40.00"', b'"41.00"'), "balance": (BALANCE, b'"42.00"', b'"43.00"')}


@pytest.mark.parametrize(("type_", "old", "new"), OFFLINE.values(), ids=list(OFFLINE))
def test_canary_offline(
    reported: Bookkeeper, database: Database, tmp_path: Path, type_: str, old: bytes, new: bytes
) -> None:
    rewrite(database, reported, type_, old, new)
    assert any("凭证与事件" in line for line in offline(database, reported, tmp_path / "export"))
