"""Verifications look at every business day: the program's own, and the offline verifier.

A core that looks at no day writes what no honest one does: a payment dated before the money that it
is made from.
"""

from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from budget.balances import BALANCES
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.deciding.registers import Register
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.verification.run import Options, VerificationReport, verify_ledger
from tests.invariants.test_invariant_13_every_day import stored
from tests.support.bookkeeper import Bookkeeper
from tests.support.exports import export, restore
from tests.support.histories import older_ledger
from tests.verifier.test_offline_verifier import run as run_offline

JAN_5, FEB_10, MAR_1 = (date(2026, *day) for day in ((1, 5), (2, 10), (3, 1)))
COPIED = "INSERT INTO register_days SELECT"
LEDGER = ledger_id("440000000", 2026)


def overdrawn_on_a_day(b: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> int:
    """The position of the journal that leaves -40.00 available from February 10 to March 1."""
    b.issue("B", "10.00", effective_on=JAN_5)
    b.adjust("B", "90.00", effective_on=MAR_1)
    with monkeypatch.context() as blind:
        blind.setattr(Register, "_check", lambda *_: None)
        b.apply("P1", "B", "50.00", effective_on=FEB_10)
    return b.events()[-1][0]


def verify(database: Database, folder: Path) -> VerificationReport:
    options = Options(folder=folder, signatures=False, resume=False)
    charts, provider = load_charts(), default_provider()
    return verify_ledger(database.app_conninfo, charts, provider, LEDGER, options)


def test_a_day_below_its_floor_is_found(
    bookkeeper: Bookkeeper, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at = overdrawn_on_a_day(bookkeeper, monkeypatch)
    report = verify(database, tmp_path)
    [finding] = report.findings
    assert (finding.check, finding.position) == ("day", at)
    assert "available -40.00 after it on 2026-02-10" in finding.detail
    assert report.counts["day"] > 0
    exported = tmp_path / "export"
    export(bookkeeper.pool, LEDGER, exported)
    code, output = run_offline(str(exported))
    assert code == 1
    assert "✗ 不符  逐日不透支" in output
    assert f"position {at}: indicator B has available below zero on 2026-02-10" in output


def test_an_older_ledger_may_have_such_days_and_they_are_told(
    pool: ConnectionPool, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keeper = older_ledger(pool, monkeypatch)
    try:
        at = overdrawn_on_a_day(keeper, monkeypatch)
        keeper.adjust("B", "1.00", effective_on=FEB_10)  # it may rise, and not fall
        report = verify(database, tmp_path)
        assert report.findings == []
        assert "day" not in report.counts
        [note] = report.notes
        assert (note.check, note.position) == ("day", at)
        exported = tmp_path / "export"
        export(pool, LEDGER, exported)
        _, output = run_offline(str(exported))
        assert "逐日不透支" not in output
        assert "1 times a balance was taken below zero on a day" in output
    finally:
        keeper.close()


def test_a_history_with_such_days_comes_in_as_it_is(
    pool: ConnectionPool, owner_conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path, database: Database,
) -> None:  # fmt: skip
    keeper = older_ledger(pool, monkeypatch)
    overdrawn_on_a_day(keeper, monkeypatch)
    keeper.close()
    due = stored(keeper, BALANCES)
    export(pool, LEDGER, tmp_path)
    with owner_conn:
        owner_conn.execute("SET session_replication_role = replica")
        for table in ("register_days", "registers", "command_keys", "commits", "events", "ledgers"):
            owner_conn.execute(f"DELETE FROM {table}".encode())
    restore(pool, tmp_path)
    assert stored(keeper, BALANCES) == due
    assert verify(database, tmp_path / "audit").findings == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE register_days SET amounts[1] = amounts[1] + 1",
        "DELETE FROM register_days WHERE day = '2026-01-05'",
        "UPDATE register_days SET day = '2026-01-06' WHERE day = '2026-01-05'",
        f"{COPIED} ledger_id, register, 'X', day, amounts FROM register_days LIMIT 1",
        f"{COPIED} ledger_id, 'stranger', key, day, amounts FROM register_days LIMIT 1",
        "UPDATE registers SET day = day + 1",
        "UPDATE registers SET day = NULL",
    ],
)
def test_days_that_somebody_has_changed_are_found(
    bookkeeper: Bookkeeper,
    database: Database,
    owner_conn: psycopg.Connection,
    tmp_path: Path,
    change: str,
) -> None:
    bookkeeper.issue("B", "10.00", effective_on=JAN_5)
    bookkeeper.adjust("B", "90.00", effective_on=MAR_1)
    (tmp_path / "before").mkdir()
    assert verify(database, tmp_path / "before").findings == []
    with owner_conn:
        owner_conn.execute(change.encode())
    findings = verify(database, tmp_path).findings
    assert [finding.check for finding in findings] == ["balance"]
