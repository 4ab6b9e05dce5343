"""记账凭证 over HTTP: one makes it, another checks it, and a red one takes it back."""

from typing import Any

import pytest

from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on

LINES = [
    {"acct_cls_code": "1002", "dr_cr": 1, "amt": "300.00"},
    {"acct_cls_code": "4605", "dr_cr": -1, "amt": "300.00"},
    {"acct_cls_code": "800102", "dr_cr": 1, "amt": "300.00"},
    {"acct_cls_code": "6609", "dr_cr": -1, "amt": "300.00"},
]


@pytest.fixture
def http(database: Database) -> Any:
    with http_treasury_on(database) as opened:
        yield opened


def voucher(http: HttpTreasury, **said: Any) -> dict[str, Any]:
    return {
        "voucher_no": http.number("JZ"),
        "agency_code": "101001",
        "acct_period": "2026-03",
        "voucher_abs": "房租到账",
        "lines": LINES,
        **said,
    }


def balances(http: HttpTreasury) -> dict[str, str]:
    accounts = http.ok(http.get("…/trial-balance", agency_code="101001"))["accounts"]
    return {a["acct_cls_name"]: a["closing"] for a in accounts if a["closing"] != "0.00"}


def test_a_voucher_is_made_by_one_and_checked_by_another(http: HttpTreasury) -> None:
    body = {"mof_div_code": "440000000", "fiscal_year": 2025, "name": "省本级"}
    http.ledger = http.ok(http.post("/v1/ledgers", body, "admin"))["ledger"]
    asked = voucher(http, acct_period="2025-12", vou_cnt=2)
    answer = http.post("…/accounting-vouchers", asked, "accountant")
    assert answer.status_code == 202
    waits = answer.json()
    assert (waits["kind"], waits["awaits"]) == ("voucher.enter", ["accountant_checker"])
    assert balances(http) == {}
    agree = f"…/documents/voucher.enter/{waits['number']}/approve"
    made = http.ok(http.post(agree, person="accountant_checker"))
    assert (made["voucher_no"], made["vou_cnt"], made["red_voucher_no"]) == (
        asked["voucher_no"],
        2,
        "",
    )
    assert balances(http) == {
        "银行存款": "300.00",
        "租金收入": "300.00",
        "资金结存—货币资金": "300.00",
        "其他预算收入": "300.00",
    }
    shown = http.ok(http.get(f"…/accounting-vouchers/{asked['voucher_no']}"))
    assert [line["acct_cls_id"] for line in shown["lines"]] == [
        "D1002",
        "D4605",
        "E800102",
        "E6609",
    ]


def test_a_red_voucher_names_the_journal_that_it_reverses(http: HttpTreasury) -> None:
    asked = voucher(http)
    http.ok(http.post("…/accounting-vouchers", asked, "accountant"))
    place = f"…/accounting-vouchers/{asked['voucher_no']}/reverse"
    red = {"red_voucher_no": http.number("JZ"), "reason": "重复入账"}
    back = http.ok(http.post(place, red, "accountant"))
    assert (back["red_voucher_no"], back["reversed_by"]) == (red["red_voucher_no"], "accountant")
    assert balances(http) == {}
    blue, reversal = http.get("…/journals", book="unit_budgetary").json()["items"]
    assert (blue["red_vou_no"], reversal["red_vou_no"]) == (None, blue["position"])
    assert (reversal["number"], reversal["red_flag"]) == (red["red_voucher_no"], 1)
    other = http.post(place, {"red_voucher_no": "JZ-0"}, "accountant")
    assert (other.status_code, other.json()["code"]) == (409, "invalid_state")
    again = http.post(place, red, "accountant")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_refusals_have_their_codes_and_places(http: HttpTreasury) -> None:
    def told(**said: Any) -> tuple[int, str, str]:
        problem = http.post("…/accounting-vouchers", voucher(http, **said), "accountant").json()
        return problem["status"], problem["code"], problem.get("pointer", "")

    short = [*LINES[:3], {**LINES[3], "amt": "299.99"}]
    cash = [
        {**LINES[0], "acct_cls_code": "1001"},
        {**LINES[1], "acct_cls_code": "", "acct_cls_id": "B81"},
    ]
    assert told(lines=short) == (422, "details_mismatch", "/lines")
    assert told(lines=LINES[:2]) == (422, "parallel_entry_missing", "/lines")
    assert told(lines=cash, agency_code="", book="treasury_financial") == (
        422,
        "account_invalid",
        "/lines/0/acct_cls_code",
    )
    assert told(acct_period="2025-12") == (409, "period_closed", "")
    assert told(lines=[{**LINES[0], "acct_cls_code": "8001"}]) == (
        422,
        "element_invalid",
        "/lines/0/acct_cls_code",
    )
    assert told(acct_period="March") == (400, "malformed", "/acct_period")
    assert told(agency_code="") == (400, "malformed", "")
    assert told(lines=[]) == (400, "malformed", "/lines")
    assert http.get("…/journals").json()["items"] == []
