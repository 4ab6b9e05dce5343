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
from payments.disbursement.commands import ApproveRun, LoadLines, OpenRun
from payments.disbursement.loading import load_file
from payments.recalls import RecallPayment
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
            connection.execute(f"CREATE TABLE untouched.{table} AS TABLE {table}".encode())
    yield made
    drop_database(cluster, made)


@pytest.fixture
def tampered(kept: Database) -> Iterator[Database]:
    """The copy, as it was before any other test."""
    yield kept
    with psycopg.connect(kept.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in tables_of(connection):
            connection.execute(f"DELETE FROM {table}".encode())
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
        "noted",
        "approval",  # nobody else has to agree in this ledger
    }


# by what is done: the check that has to say so, and the statements
STORED: dict[str, tuple[str, str]] = {
    "the policy signs with one": (
        "head",
        ("UPDATE ledgers SET settings = jsonb_set(settings, '{signature_policy,roles}',"
        " '[\"unit\"]') WHERE ledger_id > 10000"),
    ),
    "a period is open again": (
        "head",
        ("UPDATE ledgers SET settings = jsonb_set(settings, '{periods,closed_through}',"
        " '\"2026-01-31\"') WHERE ledger_id > 10000"),
    ),
    "settings that nobody can read": (
        "head",
        "UPDATE ledgers SET settings = '5' WHERE ledger_id > 10000",
    ),
    "the head's time": (
        "head",
        "UPDATE ledgers SET recorded_at = recorded_at + interval '1 day' WHERE ledger_id > 10000",
    ),
    "the head's infinite time": ("head", "UPDATE ledgers SET recorded_at = 'infinity'"),
    "the head's stream": (
        "head",
        "UPDATE ledgers SET stream_version = stream_version + 1 WHERE ledger_id > 10000",
    ),
    "uncleared doubled": (
        "balance",
        "UPDATE registers SET amounts = ARRAY[amounts[1] * 2] WHERE register = 'uncleared'",
    ),
    "an uncleared row removed": ("balance", "DELETE FROM registers WHERE register = 'uncleared'"),
    "an indicator removed": (
        "balance",
        "DELETE FROM registers WHERE register = 'indicator' AND key = 'B1'",
    ),
    "an indicator made up": (
        "balance",
        "INSERT INTO registers VALUES (4400000002026, 'indicator', 'B77', 5, '{1,0,0,0,0}')",
    ),
    "an indicator's paid and available": (
        "balance",
        ("UPDATE registers SET amounts[1] = amounts[1] + 1, amounts[4] = amounts[4] - 1"
        " WHERE key = 'B1'"),
    ),
    "no amount at all": (
        "balance",
        "UPDATE registers SET amounts[1] = 'NaN' WHERE register = 'indicator' AND key = 'B1'",
    ),
    "a field too many": (
        "balance",
        "UPDATE registers SET amounts = amounts || 7::numeric WHERE key = 'B1'",
    ),
    "an amount that is null": (
        "balance",
        "UPDATE registers SET amounts[2] = NULL WHERE register = 'indicator' AND key = 'B1'",
    ),
    "no floor": ("balance", "UPDATE registers SET floored = 0 WHERE key = 'B1'"),
    "a register nobody knows": (
        "balance",
        "INSERT INTO registers VALUES (4400000002026, 'gift', 'B1', 0, '{1}')",
    ),
    "an earlier day made up": (
        "balance",
        (
            "INSERT INTO register_days (ledger_id, register, key, day, amounts)"
            " VALUES (4400000002026, 'indicator', 'B1', '2026-01-05', '{1,0,0,0,0}')"
        ),
    ),
    "the zero-balance account spared": (
        "clearing",
        (
            "UPDATE events SET payload = convert_to(replace(convert_from(payload, 'UTF8'),"
            " '[\"F1\"', '[\"F2\"'), 'UTF8') WHERE position = (SELECT min(position) FROM events"
            " WHERE type = 'journal.posted' AND convert_from(payload, 'UTF8') LIKE '%[\"F1\",%')"
        ),
    ),
    "a node changed": ("node", "UPDATE merkle_nodes SET root = decode(repeat('00', 32), 'hex')"),
    "a node removed": ("node", "DELETE FROM merkle_nodes"),
    "a node made up": (
        "node",
        ("INSERT INTO merkle_nodes VALUES"
        " (4400000002026, 7, 8, decode(repeat('00', 32), 'hex'))"),
    ),
    "sealed less": ("node", "UPDATE sealed SET size = 1 WHERE ledger_id > 10000"),
    "sealed more": ("checkpoint", "UPDATE sealed SET size = size + 1 WHERE ledger_id > 10000"),
    "another root sealed": (
        "checkpoint",
        "UPDATE sealed SET root = decode(repeat('00', 32), 'hex') WHERE ledger_id > 10000",
    ),
    "sealed at an infinite time": ("node", "UPDATE sealed SET recorded_at = '-infinity'"),
    "a checkpoint's place removed": ("reading", "DELETE FROM checkpoints"),
    "a checkpoint's place changed": ("reading", "UPDATE checkpoints SET size = size + 1"),
    "a checkpoint's place made up": (
        "reading",
        "INSERT INTO checkpoints VALUES (4400000002026, 3, 2026, 1)",
    ),
    "a cosignature made up": (
        "reading",
        "INSERT INTO cosignatures VALUES (2026, 2, 'witness/audit', 3)",
    ),
    "a key made up": (
        "reading",
        "INSERT INTO note_keys VALUES (2026, 3, 'guoku/log', decode(repeat('07', 64), 'hex'))",
    ),
    "a key removed": ("reading", "DELETE FROM note_keys"),
    "a province head removed": ("reading", "DELETE FROM province_heads"),
    "read beyond the end": ("reading", "UPDATE system_positions SET position = 1000"),
    "a due voucher removed": ("outbox", "DELETE FROM outbox WHERE number = 'DUE'"),
    "a refused voucher removed": ("outbox", "DELETE FROM outbox WHERE number = 'NO'"),
    "a due recall removed": ("outbox", "DELETE FROM outbox WHERE kind = 'recall'"),
    "a due refund removed": ("outbox", "DELETE FROM outbox WHERE kind = 'refund'"),
    "a void voucher due again": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P14', 20, 'due', 0, now())",
    ),
    "a due claim removed": ("outbox", "DELETE FROM outbox WHERE kind = 'claim'"),
    "a voucher sent again": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P1', 20, 'due', 0, now())",
    ),
    "a dead one made up": (
        "outbox",
        "INSERT INTO outbox VALUES (4400000002026, 'voucher', 'P2', 20, 'dead', 0, now())",
    ),
    "said to be sent": ("outbox", "UPDATE outbox SET state = 'sent' WHERE number = 'DUE'"),
    "due since another event": ("outbox", "UPDATE outbox SET position = position - 1"),
    "the outbox read beyond the end": ("outbox", "UPDATE outbox_positions SET position = 100000"),
    "a voucher's issue removed": (
        "issued",
        "DELETE FROM issued_vouchers WHERE position = (SELECT min(position) FROM issued_vouchers)",
    ),
    "a voucher's issue moved": ("issued", "UPDATE issued_vouchers SET position = position + 1"),
    "a run's line changed": (
        "lines",
        "UPDATE disbursement_lines SET payee_acct_no = '6222000000000000666' WHERE line_no = 2",
    ),
    "a run's line removed": ("lines", "DELETE FROM disbursement_lines WHERE line_no = 3"),
    "lines of no run": (
        "lines",
        ("INSERT INTO disbursement_lines SELECT ledger_id, 'R9', line_no, file_line, pay_detail_id,"
        " payee_acct_name, payee_acct_no, payee_acct_bank_name, payee_bank_no, pay_fen, iden_no,"
        " remark FROM disbursement_lines"),
    ),
    "a document removed": (
        "document",
        "DELETE FROM documents WHERE sm3 = (SELECT min(sm3) FROM documents)",
    ),
    "a document changed": ("document", "UPDATE documents SET body = '\\x00'"),
    "a document made up": (
        "unnamed",
        "INSERT INTO documents VALUES (4400000002026, decode(repeat('07', 32), 'hex'), '\\x00')",
    ),
    "a commit removed": (
        "chain",
        ("DELETE FROM commits WHERE position = (SELECT max(position) FROM commits"
        " WHERE ledger_id > 10000)"),
    ),
    "a commit's time": (
        "chain",
        "UPDATE commits SET recorded_at = 'infinity' WHERE ledger_id > 10000 AND position = 1",
    ),
    "a number removed": (
        "key",
        "DELETE FROM command_keys WHERE operation = 'payment.apply' AND number = 'P2'",
    ),
    "a number made up": (
        "key",
        ("INSERT INTO command_keys SELECT ledger_id, operation, 'P-NEW', fingerprint, stream_id,"
        " first_position, last_position FROM command_keys WHERE operation = 'payment.apply'"
        " AND number = 'P2'"),
    ),
    "a read model's row": (
        "projection",
        "UPDATE proj_payments SET pay_fen = 7 WHERE pay_app_no = 'P2'",
    ),
    "a certificate's key": (
        "certificate",
        "UPDATE certificates SET public_key = decode(repeat('07', 64), 'hex')",
    ),
    "a code added to a load": (
        "codes",
        ("INSERT INTO code_sets SELECT element, '999', '新', parent, is_leaf, is_enabled,"
        " is_standard, start_date, end_date, mof_div_code, fiscal_year, load_id FROM code_sets"),
    ),
    "a code of no load": (
        "codes",
        ("INSERT INTO code_sets SELECT element, '999', '新', parent, is_leaf, is_enabled,"
        " is_standard, start_date, end_date, mof_div_code, fiscal_year, 99 FROM code_sets"),
    ),
    "a migration forgotten": ("schema", "DELETE FROM schema_migrations WHERE version = 11"),
    "another migration": ("schema", "UPDATE schema_migrations SET sm3 = 'x' WHERE version = 1"),
    "a ledger's head removed": ("ledgers", "DELETE FROM ledgers WHERE ledger_id > 10000"),
    "rows of a ledger that nobody opened": (
        "ledgers",
        "INSERT INTO registers VALUES (1100000002026, 'indicator', 'B1', 5, '{1,0,0,0,0}')",
    ),
}  # fmt: skip


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


def tamper(database: Database, *statements: str) -> None:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert connection.execute(statement.encode()).rowcount, statement


LOCKS: dict[str, str] = {
    "a trigger dropped": "DROP TRIGGER append_only ON events",
    "a trigger disabled": "ALTER TABLE command_keys DISABLE TRIGGER append_only",
    "all triggers disabled": "ALTER TABLE events DISABLE TRIGGER ALL",
    "a trigger for replicas alone": "ALTER TABLE events ENABLE REPLICA TRIGGER append_only",
    "a trigger replaced": (
        "CREATE OR REPLACE TRIGGER append_only BEFORE DELETE ON events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    ),
    "a trigger made up": (
        "CREATE TRIGGER more BEFORE INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "the function replaced": (
        "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$"
    ),
    "a function beside it": "CREATE FUNCTION digest() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a right to rewrite": "GRANT UPDATE ON events TO guoku_app",
    "a right of everybody": "GRANT INSERT ON registers TO PUBLIC",
    "a right on one column": "GRANT UPDATE (payload) ON events TO guoku_app",
    "a right taken": "REVOKE INSERT ON command_keys FROM guoku_app",
    "another owner": "ALTER TABLE events OWNER TO guoku_app",
    "a column's type": "ALTER TABLE outbox ALTER attempts TYPE bigint",
    "a check dropped": "ALTER TABLE registers DROP CONSTRAINT registers_check",
    "a key dropped": "ALTER TABLE command_keys DROP CONSTRAINT command_keys_pkey",
    "an index dropped": "DROP INDEX outbox_due",
    "row security": "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
    "a policy": "CREATE POLICY hide ON events USING (position <> 7)",
    "a rule": "CREATE RULE none AS ON INSERT TO outbox DO INSTEAD NOTHING",
    "a child": "CREATE TABLE more () INHERITS (outbox)",
    "a view for a table": (
        "ALTER TABLE tokens RENAME TO hidden; CREATE VIEW tokens AS SELECT * FROM hidden"
    ),
    "a view changed": (
        "CREATE OR REPLACE VIEW division_ledgers AS SELECT * FROM ledgers WHERE"
        " ledger_id > 5000000000000"
    ),
    "a default that loads": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',"
        " current_database()); END $$"
    ),
    "rights to come": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO guoku_app",
}


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


# ---- every table is covered


def test_every_table_is_covered_by_a_check_or_said_to_be_disposable(
    owner_conn: psycopg.Connection,
) -> None:
    tables = set(tables_of(owner_conn))
    covered = {table for check in named_checks().values() for table in check.tables}
    assert covered | disposable().keys() == tables
    assert covered & disposable().keys() == set()
    assert all(disposable().values())


def test_the_declared_schema_is_what_the_migrations_make(database: Database) -> None:
    declared = (ROOT / "ledger" / "data" / "schema.txt").read_text()
    assert schema_text(database.owner_conninfo) == declared, "run `make schema`"
