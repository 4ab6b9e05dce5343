"""Reports of the budget over HTTP: one content in three forms, and to a unit its own."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

import pytest

from ledger.postgres.database import Database
from tests.support.http_budgets import (
    SCHOOL,
    approval,
    ceiling,
    code_of,
    drafted,
    indicator,
    open_budget,
    project,
)
from tests.support.http_server import HttpTreasury

REPORT = "…/budget-reports/by_project"


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with open_budget(module_database) as opened:
        ceiling(opened, "1000.00")
        draft_nos = [drafted(opened, project(opened, amt), amt) for amt in ("500.00", "300.00")]
        for draft_no in draft_nos:
            opened.ok(opened.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
        opened.ok(opened.post("…/budget-approvals", approval(opened, *draft_nos)))
        yield opened


def test_a_report_in_three_forms(own: HttpTreasury) -> None:
    report = own.ok(own.get(REPORT))
    assert [row["cur_amt"] for row in report["rows"]] == ["500.00", "300.00"]
    assert report["totals"]["cur_amt"] == "800.00"
    answer = own.get(REPORT, format="csv")
    head, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head == report["columns"]
    assert [[cell.strip() for cell in line] for line in lines[:-1]] == [
        [row[column] for column in head] for row in report["rows"]
    ]
    assert (lines[-1][0], lines[-1][head.index("cur_amt")]) == ("合计", "800.00")
    assert answer.headers["X-Projection-Position"] == str(report["position"])
    book = zipfile.ZipFile(io.BytesIO(own.get(REPORT, format="xlsx").content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert len(re.findall("<row>", sheet)) == 4
    assert f'<t xml:space="preserve">{report["rows"][0]["pro_code"]}</t>' in sheet, "as text"
    assert "<v>800.00</v>" in sheet


def test_codes_have_their_names(own: HttpTreasury) -> None:
    for name in ("by_function", "by_economy", "by_fund"):
        [row] = own.ok(own.get(f"…/budget-reports/{name}"))["rows"]
        assert all(row.values()), row


def test_a_unit_has_its_own(own: HttpTreasury) -> None:
    assert own.ok(own.get(REPORT, person="unit", agency_code=SCHOOL))["totals"]["rest_amt"] == (
        "800.00"
    )
    hidden = own.ok(own.get(REPORT, person="other_unit"))
    assert (hidden["rows"], hidden["totals"]["cur_amt"]) == ([], "0.00")


def test_a_report_as_of_a_moment(own: HttpTreasury) -> None:
    before = own.ok(own.get(REPORT))
    pro_code = before["rows"][0]["pro_code"]
    own.ok(own.post("…/indicators", indicator(own, pro_code, "120.00")))
    assert own.ok(own.get(REPORT))["totals"]["issued_amt"] == "120.00"
    then = own.ok(own.get(REPORT, as_of_position=str(before["position"])))
    assert then == before
    empty = own.ok(own.get(REPORT, as_of_effective="2026-01-19"))
    assert empty["rows"] == []


def test_what_is_no_report(own: HttpTreasury) -> None:
    unknown = own.get("…/budget-reports/by_colour")
    assert (unknown.status_code, code_of(unknown)) == (404, "not_found")
    assert code_of(own.get(REPORT, format="pdf")) == "malformed"
