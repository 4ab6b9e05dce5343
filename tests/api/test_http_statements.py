"""报表 over HTTP: as JSON, as a workbook, as a page to print, and what is under a cell."""

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from lxml import html

from api.tokens import create_token
from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on

SHEET = "…/statements/unit_balance_sheet"
IN_AND_OUT = "…/statements/unit_income_expense"


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    """A school with a building, paid for twice; only for looking at."""
    with http_treasury_on(module_database) as opened:
        rows = [
            {"acct_cls_code": "1601", "dr_cr": 1, "amt": "8000.00", "agency_code": "101001"},
            {"acct_cls_code": "3001", "dr_cr": -1, "amt": "8000.00", "agency_code": "101001"},
        ]
        opened.ok(opened.post("…/openings", {"book": "unit_financial", "rows": rows}, "accountant"))
        bgt_id = opened.indicator()
        opened.paid(bgt_id, "100.00")
        opened.paid(bgt_id, "1234.50")
        yield opened


def test_a_statement_with_its_checks(http: HttpTreasury) -> None:
    shown = http.ok(http.get(SHEET, agency_code="101001"))
    assert (shown["title"], shown["form"]) == ("资产负债表", "会政财01")
    assert [column["name"] for column in shown["columns"]] == ["amt", "opening_amt"]
    rows = {row["name"]: row for row in shown["rows"]}
    assert rows["资产总计"]["amt"] == rows["负债和净资产总计"]["amt"] == "8000.00"
    assert (rows["固定资产原值"]["opening_amt"], rows["固定资产原值"]["depth"]) == ("8000.00", 2)
    assert (rows["资产"]["line"], "amt" in rows["资产"]) == ("", False)
    assert all(check["holds"] for check in shown["checks"])
    assert {check["name"] for check in shown["checks"]} == {
        "资产总计 = 负债和净资产总计",
        "财政应返还额度 = 资金结存—财政应返还额度",
    }
    before = http.ok(http.get(SHEET, as_of_effective="2025-12-31"))
    assert all(row.get("amt", "0.00") == "0.00" for row in before["rows"])


def test_what_is_under_a_cell(http: HttpTreasury) -> None:
    line = next(
        row["line"] for row in http.get(IN_AND_OUT).json()["rows"] if row["name"] == "三、本期盈余"
    )
    asked: dict[str, Any] = {"explain": "true", "line": line, "page_size": "1"}
    first = http.ok(http.get(IN_AND_OUT, **asked))
    assert [row["line"] for row in first["rows"]] == [line]
    under = first["explained"]
    assert under["amt"] == "0.00", "an appropriation for what was spent"
    subtracted = {a["acct_cls_id"] for a in under["accounts"] if a["times"] == -1}
    assert {"D1", "D5101"} <= subtracted
    assert [entry["amt"] for entry in under["journals"]["items"]] == ["-100.00", "100.00"]
    then = http.ok(http.get(IN_AND_OUT, cursor=under["journals"]["next_cursor"], **asked))
    second = then["explained"]["journals"]
    assert [entry["amt"] for entry in second["items"]] == ["-1234.50", "1234.50"]
    assert second["next_cursor"] is None


def test_a_workbook_in_the_usual_layout(http: HttpTreasury) -> None:
    answer = http.get(SHEET, agency_code="101001", format="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet.title == sheet["A1"].value == "资产负债表"
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:D1"]
    assert sheet["D2"].value == "会政财01"
    assert (sheet["A3"].value[:11], sheet["D3"].value) == ("编制单位：101001", "单位：元")
    assert [cell.value for cell in sheet[4]] == ["项目", "行次", "期末余额", "年初余额"]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=5)}
    total = rows["资产总计"]
    assert (total[2].value, total[2].number_format) == (8000, "#,##0.00")
    assert rows["固定资产原值"][0].alignment.indent == 2
    assert total[0].border.left.style == "thin"
    assert sheet.freeze_panes == "A5"


def test_a_page_to_print(http: HttpTreasury) -> None:
    answer = http.get(SHEET, agency_code="101001", format="html")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = html.fromstring(answer.content.decode())
    assert page.findtext(".//h1") == "资产负债表"
    cells = {tr[0].text: [td.text for td in tr[1:]] for tr in page.findall(".//tbody/tr")}
    assert cells["资产总计"][1:] == ["8,000.00", "8,000.00"]


def test_which_statements_there_are(http: HttpTreasury) -> None:
    listed = http.ok(http.get("…/statements"))["statements"]
    names = {each["name"] for each in listed}
    assert {"balance_sheet", "income_expense", "cash_position", "unit_net_assets"} <= names
    for name in names:
        assert http.ok(http.get(f"…/statements/{name}"))["rows"]


def test_a_unit_has_its_own(http: HttpTreasury) -> None:
    with http.treasury.pool.connection() as connection:
        http.tokens["school"] = create_token(
            connection,
            "school",
            ["unit"],
            "44",
            http.treasury.sequencer.conditions,
            agency_prefixes=("101",),
        )
    assert http.ok(http.get(SHEET, "school", agency_code="101001"))["rows"]
    for path, of in (
        (SHEET, {}),
        (SHEET, {"agency_code": "102001"}),
        ("…/statements/balance_sheet", {}),
    ):
        assert http.get(path, "school", **of).json()["code"] == "forbidden"


@pytest.mark.parametrize(
    ("path", "asked", "status", "pointer"),
    [
        ("…/statements/none", {}, 404, None),
        ("…/statements/balance_sheet", {"agency_code": "101001"}, 400, "/agency_code"),
        (SHEET, {"format": "pdf"}, 400, "/format"),
        (SHEET, {"explain": "true"}, 400, "/line"),
        (SHEET, {"explain": "true", "line": "999"}, 400, "/line"),
        (SHEET, {"explain": "true", "line": "1", "column": "none"}, 400, "/column"),
        (SHEET, {"as_of_position": "999999"}, 400, "/as_of_position"),
    ],
)
def test_what_is_no_statement(
    http: HttpTreasury, path: str, asked: dict[str, str], status: int, pointer: str | None
) -> None:
    refused = http.get(path, **asked)
    assert (refused.status_code, refused.json().get("pointer")) == (status, pointer)
