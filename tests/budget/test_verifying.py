"""A budget's history under audit: it holds as it is, and what is taken from it is found."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from budget.approved import BUDGET
from budget.rows import BUDGET_ROW, ROWS
from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from payments.verification.run import Options, verify_ledger
from tests.conftest import drop_database, new_database
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import fresh_pool
from tests.support.budgets import BudgetKeeper, approval, of_row, row
from tests.support.exports import export, restore
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project(amt="1000.00")
    keeper.ceiling("1000.00")
    keeper.draft("YS-1", row("R1", "900.00"), of_round=1)
    keeper.draft("ES-1", row("R1", "600.00"), row("R2", "400.00"))
    keeper.check("ES-1")
    keeper.do(approval("PF-1", "ES-1"), "treasury")
    keeper.do(of_row("B1", "R1", "500.00"))
    yield keeper
    keeper.close()
    keeper.pool.close()


@pytest.fixture
def other_database(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


def found(database: Database, keeper: BudgetKeeper, folder: Path) -> list[str]:
    """What the audit of the year's history finds."""
    report = verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=folder),
    )
    return [
        f"{finding.check} at {finding.position}: {finding.detail}" for finding in report.findings
    ]


def tampered(database: Database, sql: str) -> None:
    """By somebody who owns the database."""
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(sql.encode()).rowcount > 0


def test_a_budget_holds(budgets: BudgetKeeper, database: Database, tmp_path: Path) -> None:
    assert found(database, budgets, tmp_path) == []


def test_a_budget_holds_offline(budgets: BudgetKeeper, database: Database, tmp_path: Path) -> None:
    audited = audited_as_it_stands(database, budgets)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output


KEY_OF_R2 = "WHERE operation = 'budget_row.open' AND number = 'R2'"
RAISED = "UPDATE registers SET amounts[1] = amounts[1] + 1 WHERE register ="
TAMPERED = {
    f"DELETE FROM command_keys {KEY_OF_R2}": "the number 'R2' of budget_row.open is not kept",
    f"UPDATE command_keys SET number = 'R9' {KEY_OF_R2}": "there opens budget_row.open 'R2'",
    f"UPDATE command_keys SET last_position = 99 {KEY_OF_R2}": "another stream or span",
    f"{RAISED} 'budget_row' AND key = 'R1'": "budget_row",
    f"{RAISED} 'ceiling'": "ceiling",
    f"{RAISED} 'project_budget'": "project_budget",
    f"{RAISED} 'fund_budget'": "fund_budget",
}


@pytest.mark.parametrize(("sql", "told"), TAMPERED.items(), ids=list(TAMPERED))
def test_what_is_taken_from_a_budget_is_found(
    budgets: BudgetKeeper, database: Database, tmp_path: Path, sql: str, told: str
) -> None:
    tampered(database, sql)
    assert any(told in each for each in found(database, budgets, tmp_path))


def test_a_budget_is_brought_elsewhere_and_goes_on(
    budgets: BudgetKeeper, database: Database, tmp_path: Path, other_database: Database
) -> None:
    export(budgets.pool, budgets.ledger_id, tmp_path / "out")
    with fresh_pool(other_database.app_conninfo) as pool:
        restore(pool, tmp_path / "out")
        with pool.connection() as connection:
            rows = read_rows(connection, budgets.ledger_id, ROWS)
            head = read_head(connection, budgets.ledger_id)
            row_1 = read_objects(connection, budgets.ledger_id, BUDGET_ROW, ["R1"])["R1"]
    assert {key: row.rest for key, row in rows.items()} == {"R1": 100_00, "R2": 400_00}
    assert row_1.approve_doc_no == "PF-1"
    assert head is not None
    assert head.settings.get(BUDGET).approvals == 1
