"""项目库 on record: what persons did over HTTP verifies, leaves the house and comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.verification import Task, verify_one
from ledger.account_set import standing_ledger
from ledger.postgres.database import Database
from payments.verification.run import Options
from tests.api.test_http_projects import DIVISION, PROJECTS, agreed, reported, stored
from tests.support.bookkeeper import fresh_pool
from tests.support.exports import export, restore
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.redeciding import found, taken_again
from tests.verifier.test_offline_verifier import run

GUANGDONG = standing_ledger("440000000")


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    """A library with a project of every fate; others agree, as by default."""
    with http_treasury_on(module_database) as opened:
        one = f"{PROJECTS}/{stored(opened)}"
        rename = {
            "change_no": "TZ-1",
            "start_date": "2026-06-01",
            "reason": "更名",
            "pro_name": "新",
        }
        agreed(opened, opened.post(f"{one}/amend", rename, "unit"))
        agreed(opened, opened.post(f"{one}/suspend", {"change_no": "ZT-1", "reason": "核查"}))
        agreed(opened, opened.post(f"{one}/resume", {"change_no": "HF-1", "reason": "完毕"}))
        agreed(opened, opened.post(f"{one}/end"))
        back = f"{PROJECTS}/{reported(opened)}"
        opened.ok(opened.post(f"{back}/return", {"reason": "不实"}, "unit_checker"))
        mended = {"change_no": "XG-1", "reason": "核实", "pro_des": "120 公里"}
        opened.ok(opened.post(f"{back}/amend", mended, "unit"))
        running: dict[str, Any] = {
            "pro_cat_code": "21", "pro_total_amt": "300.00", "pro_term": 1, "standard_code": "GY",
            "standard_amt": "100.00", "head_count": 3, "goals": [],
            "years": [{"fiscal_year": 2026, "amt": "300.00"}],
        }  # fmt: skip
        computed = f"{PROJECTS}/{reported(opened, **running)}"
        agreed(opened, opened.post(f"{computed}/terminate", {"reason": "重复"}))
        reported(opened, **running)
        yield opened


def verified(database: Database, folder: Path) -> list[str]:
    """What a verification finds: history, approvals, registers, rows, and every decision."""
    options = Options(folder=folder)
    task = Task(conninfo=database.app_conninfo, charts=(), ledger_id=GUANGDONG, options=options)
    report = verify_one(task, lambda *_: None)
    assert report.counts["project"] == 5, "one of its projects has two versions"
    assert report.counts["approval"] > 0
    return [finding.detail for finding in report.findings]


def test_all_of_it_verifies(own: HttpTreasury, module_database: Database, tmp_path: Path) -> None:
    assert verified(module_database, tmp_path) == []
    assert found(taken_again(module_database.app_conninfo, GUANGDONG)) == []


def test_it_leaves_the_house_and_comes_back(
    own: HttpTreasury, module_database: Database, database: Database, tmp_path: Path
) -> None:
    pool = fresh_pool(module_database.app_conninfo)
    export(pool, GUANGDONG, tmp_path / "out")
    pool.close()
    code, output = run(str(tmp_path / "out"))
    assert code == 0, output
    elsewhere = fresh_pool(database.app_conninfo)
    restore(elsewhere, tmp_path / "out")
    elsewhere.close()
    with psycopg.connect(database.app_conninfo) as connection:
        rows = connection.execute("SELECT count(*) FROM projects").fetchone()
    assert rows == (5,)
    assert verified(database, tmp_path / "again") == []


def test_an_amendment_that_nobody_agreed_to_is_found(
    own: HttpTreasury, module_database: Database, tmp_path: Path
) -> None:
    """The canary: without the agreement the change stands alone, and every verification says so."""
    policy = own.ok(own.get(f"{DIVISION}/approval-policy"))["policy"]
    assert policy["project.*"] == ["treasury_checker"]
    forged = f"{PROJECTS}/{stored(own)}"
    with psycopg.connect(module_database.owner_conninfo) as owner:
        owner.execute("SET session_replication_role = replica")
        agreed(own, own.post(f"{forged}/suspend", {"change_no": "ZT-9", "reason": "核查"}))
        changed = owner.execute(
            "UPDATE events SET payload = convert_to(replace(convert_from(payload, 'UTF8'),"
            " '\"by\":\"maker\"', '\"by\":\"nobody\"'), 'UTF8') WHERE type = 'project.suspended'"
            " AND convert_from(payload, 'UTF8') LIKE '%%ZT-9%%'"
        )
        assert changed.rowcount == 1
    task = Task(
        conninfo=module_database.app_conninfo,
        charts=(),
        ledger_id=GUANGDONG,
        options=Options(folder=tmp_path),
    )
    told = [finding.detail for finding in verify_one(task, lambda *_: None).findings]
    assert any("project.suspend" in each for each in told)
