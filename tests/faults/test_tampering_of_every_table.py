"""Each table and each lock of the database, changed by a superuser: a verification says so.

Nothing is given to it beside the database and the files that lie there. The history itself is
tampered with in ``tests/projections/test_audit_verify.py``; here it is what lies beside it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.verification import Task, verify_one, verify_whole
from division import code_sets
from ledger.account_set import ledger_id
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.money import yuan
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.sealing.sealer import Sealer
from ledger.verification.checkpoints import KeptNote
from ledger.verification.checks import disposable, named_checks
from ledger.verification.findings import Findings
from ledger.verification.schema import check_schema
from payments import issued
from payments.clearing.claims import RequestClearing
from payments.delivery import outbox
from payments.disbursement.commands import ApproveRun, LoadLines
from payments.disbursement.loading import load_file
from payments.disbursement.opening import OpenRun
from payments.recalls import RecallPayment
from payments.receipts import early_notices
from payments.verification.run import Options, VerificationReport
from payments.voucher import RefuseVoucher
from projections.core.runner import Runner
from tests.conftest import drop_database, new_database
from tests.house.schema import schema_text
from tests.support.at_machine import FREELY
from tests.support.audited_books import AuditedBooks, audited_history
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.disbursement_runs import csv_of
from tests.support.paths import ROOT
from tests.support.tampered_tables import LOCKS, STORED

LEDGER = ledger_id("440000000", 2026)
SYSTEM = 2026
COMMAND_COUNT = 100  # so that the tree has a node of 256 events


def whole_history(books: AuditedBooks, checkpoints: Path) -> None:
    """All that a ledger can have: paid and refunded, due, claimed, a run, sealed, read models."""
    keeper = books.keeper
    audited_history(books)
    for number in range(COMMAND_COUNT):
        keeper.issue(f"I{number}", "1.00")
    keeper.apply("DUE", "B1", "3.00")
    keeper.approve("DUE")
    books.sign(["DUE"])
    keeper.apply("NO", "B1", "3.00", payee_acct_no="9993000000000001")
    keeper.approve("NO")
    books.sign(["NO"])
    refuse = RefuseVoucher(pay_app_no="NO", code="malformed", reason="收款账号无效")
    keeper.do(refuse, "dispatcher")
    books.pay(["LATE"], "B1", "2.00")
    keeper.do(RequestClearing(clear_no="C9", clear_date=date(2026, 3, 2), pay_bank_code="102"))
    books.pay(["OWED"], "B1", "4.00")
    keeper.ask_back("OWED", "1.00", refund_no="ASKED")
    keeper.do(RecallPayment(pay_app_no="DUE", reason="收款人有误"))
    run(keeper)
    with keeper.pool.connection() as connection:
        while outbox.consume(connection, keeper.ledger_id):
            pass
        issued.follow(connection, keeper.ledger_id)
    with keeper.pool.connection() as connection:
        shipped = stored_code_sets.shipped().rows()
        row = next(row for row in shipped if row.element == "fund_type_code")
        renamed = row._replace(name="另一名称")
        code_sets.load(connection, [renamed], FREELY, loaded_by="admin")
    sealer = Sealer(
        keeper.pool, keeper.sequencer, books.keys, default_provider(), checkpoints, keeper.clock
    )
    sealer.run_once()
    Runner(keeper.pool).catch_up()


def run(keeper: Bookkeeper) -> None:
    keeper.do(OpenRun(run_no="R1", bgt_id="B2", title="三月", use_des="工资"))
    with keeper.pool.connection() as connection:
        loaded = load_file(connection, keeper.ledger_id, "R1", BytesIO(csv_of(3)), "text/csv")
    keeper.do(
        LoadLines(
            run_no="R1",
            bgt_id="B2",
            line_count=loaded.pages.line_count,
            pay_amt=yuan(loaded.pay_fen),
            lines_sm3=loaded.pages.lines_sm3,
            file_sm3="00" * 32,
        )
    )
    keeper.do(ApproveRun(run_no="R1", bgt_id="B2", lines_sm3=loaded.pages.lines_sm3), "checker")


class Whole:
    """The database that is copied for each test, and where its files lie."""

    def __init__(self, dbname: str, checkpoints: Path) -> None:
        self.dbname, self.checkpoints = dbname, checkpoints


@pytest.fixture(scope="module")
def whole(
    cluster: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Whole:
    database, folder = new_database(cluster, template), tmp_path_factory.mktemp("whole")
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        whole_history(AuditedBooks(keeper, folder), folder / "checkpoints")
        keeper.close()
    dbname = str(conninfo_to_dict(database.owner_conninfo)["dbname"])
    return Whole(dbname, folder / "checkpoints")


@pytest.fixture(scope="module")
def kept(cluster: EmbeddedPostgres, whole: Whole) -> Iterator[Database]:
    """A copy to be tampered with, and in it what its tables held."""
    made = new_database(cluster, whole.dbname)
    with psycopg.connect(made.owner_conninfo) as connection:
        connection.execute("CREATE SCHEMA untouched")
        for table in tables_of(connection):
            connection.execute(
                f"CREATE TABLE untouched.{table} AS SELECT * FROM ONLY {table}".encode()
            )
    yield made
    drop_database(cluster, made)


@pytest.fixture
def tampered(kept: Database) -> Iterator[Database]:
    """The copy, as it was before any other test."""
    yield kept
    with psycopg.connect(kept.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in tables_of(connection):
            connection.execute(f"DELETE FROM ONLY {table}".encode())
            connection.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE untouched.{table}".encode()
            )


def tables_of(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') ORDER BY 1"
    )
    return [row[0] for row in rows]


def verified(
    database: Database,
    whole: Whole,
    folder: Path,
    *ledgers: int,
    projections: bool = False,
    share: float = 0.0,
) -> list[VerificationReport]:
    """What ``guoku audit verify`` makes of the database and these ledgers."""
    files = {path.stem: path.read_text().split("---\n") for path in whole.checkpoints.iterdir()}
    notes = {name: [note for note in each if note] for name, each in files.items()}
    last = [KeptNote("file", each[-1]) for each in notes.values()]
    reports = [verify_whole(database.owner_conninfo, last)]
    for each in ledgers:
        task = Task(
            conninfo=database.app_conninfo,
            charts=(),
            ledger_id=each,
            options=Options(
                folder=folder / str(each),
                files=notes.get(f"guoku_{each // 10000:09d}-{each % 10000}", ()),
                share=share,
            ),
            projections=projections,
        )
        reports.append(verify_one(task, lambda *_: None))
    return reports


def found(reports: list[VerificationReport]) -> dict[str, list[str]]:
    """What does not hold, by check."""
    told: dict[str, list[str]] = {}
    for report in reports:
        for finding in report.findings:
            told.setdefault(finding.check, []).append(f"{finding.position}: {finding.detail}")
    return told


def test_nothing_is_found_where_nothing_was_done(
    kept: Database, whole: Whole, tmp_path: Path
) -> None:
    reports = verified(kept, whole, tmp_path, LEDGER, projections=True, share=1)
    reports += verified(kept, whole, tmp_path, SYSTEM)
    assert found(reports) == {}
    counted = {name for report in reports for name, number in report.counts.items() if number}
    assert counted == named_checks().keys() - {
        "unfinished",
        "standing",  # there is no standing ledger
        "project",
        "noted",
        "approval",  # nobody else has to agree in this ledger
        *("carried", "debts"),  # no year was handed on
        "prior_return",  # nothing of the year before came back
        "reconciliation",  # no bank has sent its list
        "transfer",  # none goes to another ledger
        "tier_funds",  # likewise
        "closing",  # no year was closed
        "openings",  # nothing was sent to another tier
    }


# by what is done: the check that has to say so, and the statements

OF_DATABASE = {"codes", "certificate", "ledgers", "schema"}
OF_SYSTEM = {"reading"}


@pytest.mark.parametrize(("check", "statement"), STORED.values(), ids=STORED.keys())
def test_what_lies_beside_the_history_is_held_against_it(
    tampered: Database, whole: Whole, tmp_path: Path, check: str, statement: str
) -> None:
    tamper(tampered, statement)
    ledgers = [SYSTEM if check in OF_SYSTEM else LEDGER] if check not in OF_DATABASE else []
    told = found(verified(tampered, whole, tmp_path, *ledgers, projections=check == "projection"))
    assert check in told, told
    assert "unfinished" not in told, told


def tamper(database: Database, *statements: str) -> None:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert connection.execute(statement.encode()).rowcount, statement


@pytest.mark.parametrize("statement", LOCKS.values(), ids=LOCKS.keys())
def test_what_keeps_history_append_only_is_held_against_the_migrations(
    kept: Database, statement: str
) -> None:
    """In one transaction, which sees what it does, and which is taken back."""
    findings = Findings()
    with psycopg.connect(kept.owner_conninfo) as connection:
        check_schema(findings, connection)
        assert not findings.wrong, findings.all()
        connection.execute(statement.encode())
        check_schema(findings, connection)
        connection.rollback()
    assert findings.wrong.keys() == {"schema"}


def test_a_ledger_that_was_deleted_as_a_whole_is_missed(
    tampered: Database, whole: Whole, tmp_path: Path
) -> None:
    """By its checkpoints on record; and where those are deleted, too, by the files beside it."""
    with psycopg.connect(tampered.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        tables = [t for t in tables_of(connection) if t not in {"checkpoints", "schema_migrations"}]
        for table in tables:
            with suppress(psycopg.errors.UndefinedColumn), connection.transaction():
                connection.execute(f"DELETE FROM {table} WHERE ledger_id = {LEDGER}".encode())
    told = found(verified(tampered, whole, tmp_path))
    assert "440000000-2026 is not there" in str(told["ledgers"])
    tamper(tampered, *(f"DELETE FROM {t}" for t in ("checkpoints", "events", "ledgers", "commits")))
    told = found(verified(tampered, whole, tmp_path))
    assert "440000000-2026 is not there, and a file checkpoint" in str(told["ledgers"])


BROKEN_ROWS = {
    "a payload that is none": "payload = '\\xff'",
    "a payload of another shape": "payload = '[]'",
    "a type nobody knows": "type = 'payment.invented'",
    "a type that is another": "type = 'clearing.requested@2'",
    "an infinite time": "recorded_at = 'infinity'",
    "an infinite day": "effective_on = 'infinity'",
    "a day before all others": "effective_on = '-infinity'",
    "an empty digest": "digest = ''",
}


@pytest.mark.parametrize("change", BROKEN_ROWS.values(), ids=BROKEN_ROWS.keys())
def test_a_broken_row_ends_nothing(
    tampered: Database, whole: Whole, tmp_path: Path, change: str
) -> None:
    """It is named, and so is what was done far behind it; every check goes on to the end."""
    with psycopg.connect(tampered.owner_conninfo) as connection:
        [(first,)] = connection.execute(
            "SELECT min(position) FROM events WHERE type = 'payment.applied'"
        )
    tamper(
        tampered,
        f"UPDATE events SET {change} WHERE ledger_id = {LEDGER} AND position = {first}",
        "UPDATE registers SET amounts[1] = amounts[1] + 1 WHERE key = 'I99'",
        "UPDATE events SET effective_on = effective_on + 1"
        f" WHERE ledger_id = {LEDGER} AND position = 240",
        "DELETE FROM command_keys WHERE operation = 'indicator.issue' AND number = 'I98'",
        "UPDATE documents SET body = '\\x00' WHERE sm3 = (SELECT min(sm3) FROM documents)",
    )
    reports = verified(tampered, whole, tmp_path, LEDGER, projections=True)
    told = found(reports)
    assert f"{first}: " in told["digest"][0]
    assert told["digest"][1].startswith("240: ")
    assert any("indicator I99" in each for each in told["balance"])
    assert any("'I98'" in each for each in told["key"])
    assert "document" in told
    assert "unfinished" not in told
    [history] = [report for report in reports if report.ledger_id == LEDGER]
    assert history.counts["digest"] == history.position


@pytest.mark.parametrize("last", [350, 30, 0])
def test_a_lost_tail_hides_nothing(
    tampered: Database, whole: Whole, tmp_path: Path, last: int
) -> None:
    """Commits and numbers without their events went unread, and the whole report was lost with
    that: what else was done, and where the history ends."""
    tamper(
        tampered,
        f"DELETE FROM events WHERE ledger_id = {LEDGER} AND position > {last}",
        "UPDATE registers SET amounts[1] = amounts[1] + 1 WHERE key = 'B1'",
        "UPDATE outbox SET state = 'sent' WHERE number = 'DUE'",
    )
    told = found(verified(tampered, whole, tmp_path, LEDGER))
    assert told["position"][0].startswith(f"{last + 1}: ")
    assert told.keys() >= {"chain", "checkpoint", "balance", "outbox"}
    assert any("indicator B1" in each for each in told["balance"])
    assert "unfinished" not in told


# ---- every table is covered


def test_every_table_is_covered_by_a_check_or_said_to_be_disposable(
    owner_conn: psycopg.Connection,
) -> None:
    assert early_notices, "what stands beside a loop of the program says of its table what it is"
    tables = set(tables_of(owner_conn))
    covered = {table for check in named_checks().values() for table in check.tables}
    assert covered | disposable().keys() == tables
    assert covered & disposable().keys() == set()
    assert all(disposable().values())


def test_the_declared_schema_is_what_the_migrations_make(database: Database) -> None:
    declared = (ROOT / "ledger" / "data" / "schema.txt").read_text()
    assert schema_text(database.owner_conninfo) == declared, "run `make schema`"
