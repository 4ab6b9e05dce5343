"""Reports of the budget over HTTP: one content in three forms, and to a unit its own."""

import csv
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest
from lxml import etree

from api.http.report_files import write_json
from ledger.postgres.database import Database
from projections.reports.catalogue import OF_DIVISION, OF_YEAR
from projections.reports.report import Report
from tests.support.http_budgets import (
    DIVISION,
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


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("name", [*OF_YEAR, *OF_DIVISION])
def test_every_report_says_the_same_in_three_forms(own: HttpTreasury, name: str) -> None:
    """The files are opened as a spreadsheet would, and read row by row."""
    path = f"…/budget-reports/{name}" if name in OF_YEAR else f"{DIVISION}/project-reports/{name}"
    report = own.ok(own.get(path))
    assert report["name"] == name
    head, *lines = csv.reader(io.StringIO(own.get(path, format="csv").content.decode("utf-8-sig")))
    told = [[row[column] for column in report["columns"]] for row in report["rows"]]
    assert head == report["columns"]
    assert [[cell.strip().lstrip("'") for cell in line] for line in lines[:-1]] == told
    book = zipfile.ZipFile(io.BytesIO(own.get(path, format="xlsx").content))
    assert book.testzip() is None
    sheet = etree.fromstring(book.read(SHEET))
    rows = [["".join(cell.itertext()) for cell in row] for row in sheet.iter("{*}row")]
    assert rows[:-1] == [report["columns"], *told]
    assert dict(zip(report["columns"][1:], rows[-1][1:], strict=True)) == {
        column: report["totals"].get(column, "") for column in report["columns"][1:]
    }


def test_projects_and_the_three_years_before_them(own: HttpTreasury) -> None:
    years = [{"fiscal_year": year, "amt": f"{year - 2000}.00"} for year in range(2026, 2031)]
    total = f"{sum(range(26, 31))}.00"
    pro_code = project(own, total, years=years, pro_term=5)
    place = f"{DIVISION}/project-reports"
    listed = own.ok(own.get(f"{place}/project_list"))
    assert (pro_code, "in_library") in [(row["pro_code"], row["state"]) for row in listed["rows"]]
    rolled = own.ok(own.get(f"{place}/three_year_roll", first_year=2027))
    [row] = [row for row in rolled["rows"] if row["pro_code"] == pro_code]
    shown = [row[name] for name in ("before_amt", "amt_2027", "amt_2028", "amt_2029", "after_amt")]
    assert shown == ["26.00", "27.00", "28.00", "29.00", "30.00"]
    assert own.ok(own.get(f"{place}/three_year_roll", person="other_unit"))["rows"] == []
    then = own.ok(own.get(f"{place}/project_list", as_of_position=listed["position"] - 1))
    assert len(then["rows"]) == len(listed["rows"])
    states = {row["pro_code"]: row["state"] for row in then["rows"]}
    assert states[pro_code] == "dept_checked", "it was stored with the last step"
    assert code_of(own.get(f"{place}/three_year_roll", first_year="soon")) == "malformed"


def test_a_long_report_is_written_some_rows_at_a_time() -> None:
    """200,000 rows are 30 MB of JSON; what is kept of them at once are a thousand rows."""
    opened = Report(
        "long", "长表", 1, ("bgt_id", "amount"), frozenset({"amount"}),
        ((f"B-{number:0100d}", 100) for number in range(200_000)),
    )  # fmt: skip
    with TemporaryFile() as file:
        tracemalloc.start()
        write_json(opened, "440000000-2026", file)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert file.tell() > 25_000_000
        assert peak_bytes < 4_000_000
        file.seek(0)
        told = json.load(file)
    assert (len(told["rows"]), told["totals"]) == (200_000, {"amount": "200000.00"})


def test_replies_are_put_on_record_and_reported(database: Database) -> None:
    with open_budget(database) as opened:
        ceiling(opened, "50.00")
        draft_no = drafted(opened, project(opened, "50.00"), "50.00")
        opened.ok(opened.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
        opened.ok(opened.post("…/budget-approvals", approval(opened, draft_no)))
        body = {"doc_no": "财预〔2026〕1号", "agency_code": "101", "replied_on": "2026-02-09"}
        told = opened.ok(opened.post("…/budget-replies", body))
        assert (told["agency_code"], told["replied_on"]) == ("101", "2026-02-09")
        again = opened.post("…/budget-replies", body)
        assert again.headers["Idempotent-Replayed"] == "true"
        report = opened.ok(opened.get("…/budget-reports/replies", as_of_effective="2026-03-01"))
        states = {row["agency_code"]: (row["state"], row["days_late"]) for row in report["rows"]}
        assert states["101"] == ("in_time", "0")
        assert states["101001"] == ("overdue", "5")
