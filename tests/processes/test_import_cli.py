"""``guoku audit import``: an installation with code sets of its own, in a new home."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.verification import Task, verify_one
from division import code_sets
from division.adopting import adopt
from division.verification import NOTES
from ledger.account_set import ledger_text, standing_ledger
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.elements.files import parse_code_sets
from ledger.errors import Code, Refusal
from ledger.postgres.database import Database, connect
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.verification.redeciding import DecisionCheck
from payments.verification.run import Options
from tests.conftest import drop_database, new_database
from tests.support.at_machine import FREELY
from tests.support.budgets import BudgetKeeper, of_row
from tests.support.command_line import Guoku, guoku
from tests.support.exports import contents, export, restore
from tests.support.paths import ROOT

__all__ = ["guoku"]

ALL = standing_ledger("")
PAGE = (ROOT / "docs/export.md").read_text(encoding="utf-8")
IMPORTS = re.findall(
    r"^guoku audit import /audit/(installation|division|year)\b", PAGE, re.MULTILINE
)
OWN_NAME = "element,code,name,parent\nexp_func_code,2010102,一般行政管理 (本省口径),20101\n"
LATER = "element,code,name,parent\nexp_func_code,2010102,一般行政管理 (再改),20101\n"


def load(database: Database, text: str) -> CodeSets:
    """Loads a file of code sets, as at the machine; what is in force then."""
    with connect(database.app_conninfo) as connection:
        adopt(connection, FREELY)
        known = stored_code_sets.read(connection).codes()
        rows = parse_code_sets(io.StringIO(text, newline=""), known)
        code_sets.load(connection, rows, FREELY, loaded_by="cli/shen", file_name="own.csv")
        return stored_code_sets.read(connection)


@pytest.fixture
def exports(cluster: EmbeddedPostgres, template: str, tmp_path: Path) -> Iterator[dict[int, Path]]:
    """By ledger the exports of an installation that named a code itself and has budgeted by it."""
    made = new_database(cluster, template)
    codes = load(made, OWN_NAME)
    keeper = BudgetKeeper(made, lambda: codes)
    keeper.open()
    keeper.project()
    keeper.approved(("R1", "600.00"))
    keeper.do(of_row("B1", "R1", "500.00"))
    ledgers = keeper.ledger_id, standing_ledger(keeper.division), ALL
    folders = {each: tmp_path / ledger_text(each) for each in ledgers}
    for ledger_id, folder in folders.items():
        export(keeper.pool, ledger_id, folder)
    keeper.close()
    keeper.pool.close()
    yield folders
    drop_database(cluster, made)


def wrong(database: Database, ledger_id: int, folder: Path) -> set[str]:
    """The checks of a verification that do not hold, but for read models that no server follows."""
    task = Task(
        conninfo=database.app_conninfo,
        charts=(),
        ledger_id=ledger_id,
        options=Options(folder=folder),
        projections=False,
    )
    return {found.check for found in verify_one(task, lambda *_: None).findings}


def test_an_installation_with_code_sets_of_its_own_goes_on_elsewhere(
    guoku: Guoku, database: Database, exports: dict[int, Path], tmp_path: Path
) -> None:
    """Its standing ledger could not be brought, because the program had opened it: nothing that had
    been decided by the code sets could be taken again. And an approved budget was left out of the
    head by a program that knew no budgets yet, so that nothing more was committed."""
    year, division, _ = exports
    named = {"installation": ALL, "division": division, "year": year}
    imported = [named[name] for name in IMPORTS]
    assert sorted(imported) == sorted(exports), "the page imports each of them"
    for ledger_id in imported:
        done = guoku("audit", "import", str(exports[ledger_id]))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"已导入 {ledger_text(ledger_id)}: ")
    for ledger_id in exports:
        assert wrong(database, ledger_id, tmp_path) == set()
    with connect(database.app_conninfo) as connection:
        codes = stored_code_sets.read(connection)
    keeper = BudgetKeeper(database, lambda: codes)
    try:
        for ledger_id, folder in exports.items():
            again = tmp_path / f"again-{ledger_id}"
            export(keeper.pool, ledger_id, again)
            assert contents(again) == contents(folder)
        with pytest.raises(Refusal, match="imported before any other ledger") as refused:
            restore(keeper.pool, exports[ALL])
        assert refused.value.code == Code.INVALID_STATE
        keeper.do(of_row("B2", "R1", "100.00"))
        assert keeper.refusal(of_row("B3", "R1", "0.01")) == "insufficient_budget"
        load(database, LATER)
    finally:
        keeper.close()
        keeper.pool.close()
    for ledger_id in exports:
        assert wrong(database, ledger_id, tmp_path) == set()


def test_a_year_without_what_it_was_decided_by_does_not_verify(
    database: Database, exports: dict[int, Path], tmp_path: Path
) -> None:
    year, _, installation = exports
    keeper = BudgetKeeper(database)  # its pool alone: the year comes first
    try:
        restore(keeper.pool, exports[year])
        with pytest.raises(Refusal, match="something is on record here"):
            restore(keeper.pool, exports[installation])
    finally:
        keeper.close()
        keeper.pool.close()
    assert {NOTES, DecisionCheck.NAME} <= wrong(database, year, tmp_path)
