"""Openings and cash under audit: a history holds as it is, and what is changed is found."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from accounting.openings import OPENING, OPENINGS
from accounting.vouchers import ReverseVoucher
from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from payments.clearing.cash import CASH, Cash
from payments.clearing.cash_events import CashReserve
from payments.clearing.cash_policy import SetCashPolicy
from payments.verification.run import Options, verify_ledger
from projections.core.runner import Runner
from tests.conftest import drop_database, new_database
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.exports import export, restore
from tests.support.openings import TREASURY, cash_opened, debit, income, opening
from tests.support.redeciding import taken_again
from tests.support.tampering import rewritten
from tests.support.vouchers import cr, dr, voucher
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

OPENED = cash_opened(f111="500.00")
JANUARY_15, MARCH_2 = date(2026, 1, 15), date(2026, 3, 2)


@pytest.fixture
def books(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.do(OPENED, "accountant")
    bookkeeper.do(income("R1", JANUARY_15, ("10101", "111", "40.00")), "accountant")
    kept = SetCashPolicy(cash_control=True, reserves=(CashReserve("11", "240.00"),))
    bookkeeper.do(kept, "admin")
    bookkeeper.issue("B1", "300.00")
    bookkeeper.pay("P1", "B1", "300.00")
    bookkeeper.clear("QS-1", MARCH_2)
    for number in ("JZ-1", "JZ-2"):
        lines = dr("70.00", "5001"), cr("70.00", "1602")
        bookkeeper.do(voucher(number, *lines), "accountant")
    bookkeeper.do(ReverseVoucher(voucher_no="JZ-1", reason="重复"), "accountant")
    return bookkeeper


@pytest.fixture
def other_database(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


def found(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    """What the audit of the year's history finds."""
    report = verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=folder, signatures=False),  # made up, as all of a bookkeeper's
    )
    again = taken_again(database.app_conninfo, keeper.ledger_id).all()
    every = (*report.findings, *again)
    return [f"{each.check} at {each.position}: {each.detail}" for each in every]


def test_it_holds(books: Bookkeeper, database: Database, tmp_path: Path) -> None:
    assert found(database, books, tmp_path) == []


def test_it_holds_offline(books: Bookkeeper, database: Database, tmp_path: Path) -> None:
    audited = audited_as_it_stands(database, books)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    _, output = run(str(folder), *TRUSTED, *WITNESSED)
    wrong = [line for line in output.splitlines() if line.startswith("✗")]
    assert [line.split()[2] for line in wrong] == ["凭证与事件", "签章"], output  # made up
    assert "✓ 相符  库款" in output
    assert "✓ 相符  手工凭证" in output


TAMPERED = {
    "opening": ("opening.loaded", b'"500.00"', b'"900.00"', "裁定不符"),
    "journal": ("journal.posted", b'"B71",-1,"500.00"', b'"B71",-1,"400.00"', "借贷不平"),
    "cash": ("cash.moved", b'"500.00"', b'"900.00"', "cash "),
    "account": ("clearing.requested@2", b'"4400000000"', b'"4400000001"', "cash "),
    "income": ("income.reported", b'"40.00"', b'"41.00"', "裁定不符"),
    "voucher": ("accounting_voucher.entered", b'"70.00"', b'"71.00"', "裁定不符"),
    "reserve": ("ledger.cash_policy_set", b'"240.00"', b'"240.01"', "裁定不符"),
    "side": ("journal.posted", b'"B71",-1', b'"B17",-1', "裁定不符"),
}


@pytest.mark.parametrize(("type_", "old", "new", "told"), TAMPERED.values(), ids=list(TAMPERED))
def test_what_is_rewritten_is_found(
    books: Bookkeeper,
    database: Database,
    tmp_path: Path,
    type_: str,
    old: bytes,
    new: bytes,
    told: str,
) -> None:
    """With digests and chain made to fit, as whoever owns the database can."""
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rewritten(type_, 0, old, new)(connection, books.ledger_id)
    assert any(told in each for each in found(database, books, tmp_path))


OFFLINE = {
    "cash": ("cash.moved", b'"500.00"', b'"900.00"', "库款不符"),
    "less": ("cash.moved", b'"500.00"', b'"200.00"', "库款透支"),
    "control": ("ledger.cash_policy_set", b"true", b"false", "库款控制"),
    "promise": ("payment.approved", b'"300.00"', b'"200.00"', "三保优先"),
    "voucher": ("accounting_voucher.entered", b'"70.00"', b'"71.00"', "账证不符"),
    "account": ("accounting_voucher.entered", b'["D1602"', b'["F1"', "受控科目"),
    "twice": ("accounting_voucher.reversed", b'"JZ-1","red', b'"JZ-9","red', "重复冲销"),
}


@pytest.mark.parametrize(("type_", "old", "new", "told"), OFFLINE.values(), ids=list(OFFLINE))
def test_canary_what_is_rewritten_is_found_offline(
    books: Bookkeeper,
    database: Database,
    tmp_path: Path,
    type_: str,
    old: bytes,
    new: bytes,
    told: str,
) -> None:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rewritten(type_, 0, old, new)(connection, books.ledger_id)
    audited = audited_as_it_stands(database, books)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    _, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert told in output


def test_it_is_brought_elsewhere_and_goes_on(
    books: Bookkeeper, tmp_path: Path, other_database: Database
) -> None:
    export(books.pool, books.ledger_id, tmp_path / "out")
    with fresh_pool(other_database.app_conninfo) as pool:
        restore(pool, tmp_path / "out")
        Runner(pool).catch_up()
        with pool.connection() as connection:
            head = read_head(connection, books.ledger_id)
            opened = read_objects(connection, books.ledger_id, OPENING, [OPENED.number])
            rows = read_rows(connection, books.ledger_id, CASH)
        assert head is not None
        assert head.settings.get(OPENINGS).books == ("treasury_financial",)
        assert opened[OPENED.number].loaded.by == "accountant"
        assert rows == {f"{TREASURY}/11": Cash(free=24_000)}
        keeper = Bookkeeper(pool)
        other = opening("treasury_financial", debit("1.00", acct_cls_id="B2"))
        assert keeper.refusal(other) == "already_opened"
        keeper.close()
