"""项目库清单: what of the library is found on which day, and rows that no event tells of."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from budget.projects.amending import AmendProject
from budget.projects.checking import CheckProject, StoreProject
from budget.projects.events import ProjectYear
from budget.projects.reporting import ReportProject
from division.imported import write_tables
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from ledger.verification.findings import Findings
from projections.project_lists import ProjectFilter, check_projects, read_page
from tests.support.at_machine import FREELY

GUANGDONG = standing_ledger("440000000")
MAY, JUNE = date(2026, 5, 31), date(2026, 6, 1)


def report(pro_code: str, agency_code: str, **more: Any) -> ReportProject:
    return ReportProject(
        pro_code=pro_code,
        pro_name="项目",
        agency_code=agency_code,
        pro_cat_code="22",
        pro_total_amt="1.00",
        pro_start_year=2026,
        pro_term=1,
        years=(ProjectYear(fiscal_year=2026, amt="1.00"),),
        **more,
    )


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """Three projects; A is stored, and from June on another unit's."""
    reports = [report(code, agency) for code, agency in (("A", "101"), ("B", "101"), ("C", "102"))]
    acts = [
        CheckProject(pro_code="A"),
        StoreProject(pro_code="A"),
        AmendProject(
            pro_code="A", change_no="1", start_date=JUNE, reason="划转", agency_code="102"
        ),
    ]
    with connect(database.app_conninfo) as connection:
        record(connection, GUANGDONG, reports, FREELY, by="migration")
        record(connection, GUANGDONG, acts, FREELY, by=OPERATOR)
        connection.commit()
        yield connection


def codes(conn: psycopg.Connection, asked: ProjectFilter, after: str = "", most: int = 9) -> str:
    return "".join(p.pro_code for p in read_page(conn, GUANGDONG, asked, after, most))


def found(conn: psycopg.Connection) -> list[str]:
    findings = Findings()
    check_projects(conn, GUANGDONG, findings)
    conn.rollback()
    return [finding.detail for finding in findings.all()]


def test_a_project_is_found_with_the_unit_whose_it_is_on_the_day(conn: psycopg.Connection) -> None:
    assert codes(conn, ProjectFilter(MAY)) == codes(conn, ProjectFilter(JUNE)) == "ABC"
    assert codes(conn, ProjectFilter(MAY, agency_code="101")) == "AB"
    assert codes(conn, ProjectFilter(JUNE, agency_code="101")) == "B"
    assert codes(conn, ProjectFilter(JUNE, agency_code="102")) == "AC"
    assert codes(conn, ProjectFilter(JUNE, state="in_library")) == "A"
    assert codes(conn, ProjectFilter(JUNE, pro_cat_code="3")) == ""
    assert codes(conn, ProjectFilter(MAY, prefixes=("101",))) == "AB"
    assert codes(conn, ProjectFilter(MAY, prefixes=("1", "9"))) == "ABC"


def test_a_page_goes_on_behind_the_last(conn: psycopg.Connection) -> None:
    assert codes(conn, ProjectFilter(MAY), most=2) == "AB"
    assert codes(conn, ProjectFilter(MAY), "B", 2) == "C"


def test_what_the_program_wrote_agrees(conn: psycopg.Connection) -> None:
    assert found(conn) == []


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE projects SET state = 'in_library' WHERE pro_code = 'B'", "state is in_library"),
        ("UPDATE projects SET agency_code = '999' WHERE pro_code = 'C'", "agency_code is 999"),
        ("DELETE FROM projects WHERE start_date = '2026-06-01'", "缺行"),
        (
            (
                "INSERT INTO projects SELECT ledger_id, 'Z', start_date, '101', '22', 'in_library'"
                " FROM projects WHERE pro_code = 'B'"
            ),
            "无据之行",
        ),
    ],
)
def test_a_row_that_no_event_tells_of_is_found(
    conn: psycopg.Connection, database: Database, tampering: str, told: str
) -> None:
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute(tampering.encode())
    [detail] = found(conn)
    assert told in detail


def test_an_imported_history_has_its_rows(conn: psycopg.Connection, database: Database) -> None:
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("DELETE FROM projects")
    write_tables(conn, GUANGDONG)
    conn.commit()
    assert found(conn) == []
