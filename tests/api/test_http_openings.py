"""期初 over HTTP: an accountant enters a book's balances, and another one agrees."""

from typing import Any

import pytest

from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on

TREASURY = [
    {"acct_cls_id": "B2", "dr_cr": 1, "amt": "500.00", "fund_type_code": "2"},
    {"acct_cls_id": "B71", "dr_cr": -1, "amt": "500.00"},
]
UNIT = [
    {"acct_cls_code": "1601", "dr_cr": 1, "amt": "80.00", "agency_code": "101001"},
    {"acct_cls_code": "4001", "dr_cr": -1, "amt": "80.00", "agency_code": "101001"},
]


@pytest.fixture
def http(database: Database) -> Any:
    with http_treasury_on(database) as opened:
        yield opened


def opening(book: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"book": book, "rows": rows}


def test_an_opening_is_entered_by_one_person_and_takes_effect_by_another(
    http: HttpTreasury,
) -> None:
    body = {"mof_div_code": "440000000", "fiscal_year": 2025, "name": "省本级"}
    http.ledger = http.ok(http.post("/v1/ledgers", body, "admin"))["ledger"]
    asked = opening("treasury_financial", TREASURY)
    answer = http.post("…/openings", asked, "accountant")
    assert answer.status_code == 202
    waits = answer.json()
    assert (waits["kind"], waits["awaits"]) == ("opening.load", ["accountant_checker"])
    assert waits["number"].startswith("treasury_financial-")
    assert http.get("…/trial-balance").json()["accounts"] == []

    agree = f"…/documents/opening.load/{waits['number']}/approve"
    opened = http.ok(http.post(agree, person="accountant_checker"))
    assert (opened["opening_no"], opened["amt"]) == (waits["number"], "500.00")
    shown = http.ok(http.get(f"…/openings/{waits['number']}"))
    assert [(row["acct_cls_id"], row["acct_cls_name"]) for row in shown["rows"]] == [
        ("B2", "其他财政存款"),
        ("B71", "累计盈余"),
    ]


def test_the_books_show_what_they_began_with(http: HttpTreasury) -> None:
    http.ok(http.post("…/openings", opening("treasury_financial", TREASURY), "accountant"))
    opened = http.ok(http.post("…/openings", opening("unit_financial", UNIT), "accountant"))
    balances = {a["acct_cls_name"]: a for a in http.get("…/trial-balance").json()["accounts"]}
    assert {name: a["closing"] for name, a in balances.items()} == {
        "其他财政存款": "500.00",
        "累计盈余": "500.00",
        "固定资产": "80.00",
        "财政拨款收入": "80.00",
    }
    [journal] = http.get("…/journals", book="unit_financial").json()["items"]
    assert (journal["event"], journal["rule"]) == ("opening.loaded", "")
    assert journal["effective_on"] == "2026-01-01"
    assert journal["number"] == opened["opening_no"]
    assert [line["dimensions"] for line in journal["lines"]] == [{"agency_code": "101001"}] * 2


def test_what_is_told_of_an_opening_that_is_none(http: HttpTreasury) -> None:
    unbalanced = [TREASURY[0], {**TREASURY[1], "amt": "499.99"}]
    refused = http.post("…/openings", opening("treasury_financial", unbalanced), "accountant")
    assert (refused.status_code, refused.json()["code"]) == (422, "details_mismatch")
    http.ok(http.post("…/openings", opening("treasury_financial", TREASURY), "accountant"))
    other = opening("treasury_financial", [{**row, "amt": "1.00"} for row in TREASURY])
    refused = http.post("…/openings", other, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_opened")
    again = http.post("…/openings", opening("treasury_financial", TREASURY), "accountant")
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amt": "1.0"}, "/rows/0/amt"),
        ({"dr_cr": 0}, "/rows/0/dr_cr"),
        ({"acct_cls_code": "1001"}, "/rows/0/acct_cls_code"),
        ({"fund": "111"}, "/rows/0/fund"),
    ],
)
def test_a_malformed_row_is_told_with_its_place(
    http: HttpTreasury, change: dict[str, Any], pointer: str
) -> None:
    rows = [{**TREASURY[0], **change}, TREASURY[1]]
    refused = http.post("…/openings", opening("treasury_financial", rows), "accountant")
    assert (refused.status_code, refused.json()["pointer"]) == (400, pointer)
