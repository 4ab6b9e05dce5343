"""库表 of a year's end, filled from events: 结转, 结余, and the rows that they were of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from ledger.postgres.database import Database
from tests.accounting.test_year_end import CLOSE_DECEMBER, LAST_DAY, NEW_YEAR, carry, item
from tests.support.budgets import BudgetKeeper, of_row
from tests.support.exports import export


@pytest.fixture
def year(database: Database) -> Iterator[BudgetKeeper]:
    """Of a row of 900.00, 700.00 were issued as B1 and 300.00 paid; 320.00 go on, 80.00 back."""
    b = BudgetKeeper(database)
    b.open()
    b.project()
    b.approved(("R1", "900.00"))
    b.do(of_row("B1", "R1", "700.00"))
    b.pay("P1", "B1", "300.00")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B1", "300.00", "80.00")), "accountant")
    b.do(carry("JZ-2", item("B1", "20.00")), "accountant")
    yield b
    b.close()
    b.pool.close()


def records(directory: Path, file: str, element: str) -> list[dict[str, str | None]]:
    root = etree.parse(directory / "xml" / f"{file}.xml").getroot()
    return [{str(child.tag): child.text for child in record} for record in root.iter(element)]


def test_what_goes_on_and_what_goes_back(year: BudgetKeeper, tmp_path: Path) -> None:
    directory = tmp_path / "e"
    export(year.pool, year.ledger_id, directory)
    [row] = records(directory, "budget", "BGT_PM_ANNUAL")
    assert [row[name] for name in ("BGT_PMAN_ID", "REPLY_AMT", "CUR_AMT")] == [
        "R1", "900.00", "900.00"
    ]  # fmt: skip
    [carried] = records(directory, "final", "BA_BGT_CARRYOVERS")
    told = ("CARRYOVERS_BGT_ID", "ORI_BGT_ID", "BGT_TYPE_CODE", "APPROVE_AMT", "CARRYOVERS_AMT")
    assert [carried[name] for name in told] == ["JZ2026-B1", "B1", "22", "700.00", "320.00"]
    assert carried["FIRST_YEAR"] == "2026"
    assert carried["IS_DELETED"] == "2"
    [back] = records(directory, "final", "BA_BGT_BALANCE")
    told = ("BALANCE_BGT_ID", "APPROVE_AMT", "BALANCE", "BACK_BALANCE", "IS_REC_EXP")
    assert [back[name] for name in told] == ["B1", "700.00", "80.00", "80.00", "2"]
