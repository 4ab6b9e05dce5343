"""收入日报 over HTTP: entered by one accountant, agreed to by another, shown by books and cash."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounting.income_orders import INCOME_CORRECTION, INCOME_REFUND
from ledger.deciding.objects import AnyKind
from ledger.postgres.database import Database
from tests.support.bookkeeper import PAYEE
from tests.support.http_orders import order_answered
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def line(code: str, amt: str, fund: str = "111") -> dict[str, str]:
    return {"inc_sort_code": code, "fund_type_code": fund, "budget_level_code": "2", "amt": amt}


def report(report_no: str, day: str, *lines: dict[str, str]) -> dict[str, Any]:
    named = {"report_no": report_no, "report_date": day, "tre_code": TREASURY}
    return {**named, "lines": list(lines)}


JANUARY_15 = report("R1", "2026-01-15", line("10101", "2000000.00"), line("10305", "345678.90"))


def test_a_day_is_booked_and_the_cash_is_there(http: HttpTreasury) -> None:
    """Scenario 25."""
    booked = http.ok(http.post("…/income-reports", JANUARY_15, "accountant"))
    assert booked["amt"] == "2345678.90"
    accounts = {a["acct_cls_name"]: a for a in http.get("…/trial-balance").json()["accounts"]}
    assert accounts["国库存款"]["closing"] == "2345678.90"
    assert (accounts["国库存款"]["dr_cr"], accounts["税收收入"]["dr_cr"]) == (1, -1)
    assert accounts["税收收入"]["closing"] == "2000000.00"
    assert accounts["非税收入"]["closing"] == "345678.90"
    assert accounts["一般公共预算收入"]["closing"] == "2345678.90"
    shown = http.ok(http.get("…/cash"))
    assert (shown["cash_control"], shown["total"]) == (True, "2345678.90")
    [journal] = http.get("…/journals", book="treasury_budgetary").json()["items"]
    assert (journal["event"], journal["effective_on"]) == ("income.reported", "2026-01-15")
    assert journal["lines"][0]["dimensions"]["inc_sort_code"] == "10101"
    before = http.get("…/cash", as_of_effective="2026-01-14").json()
    assert before["accounts"] == []


def test_another_number_for_the_day_and_a_missing_day(http: HttpTreasury) -> None:
    http.ok(http.post("…/income-reports", JANUARY_15, "accountant"))
    other = report("R2", "2026-01-15", line("10101", "1.00"))
    refused = http.post("…/income-reports", other, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_reported")
    monday = report("R3", "2026-01-19", line("10101", "1.00"))
    refused = http.post("…/income-reports", monday, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    again = http.post("…/income-reports", JANUARY_15, "accountant")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_month_says_which_reports_it_waits_for(http: HttpTreasury) -> None:
    http.ok(http.post("…/income-reports", JANUARY_15, "accountant"))
    shown = http.ok(http.get("…/periods/2026-01"))["blockers"]
    first: dict[str, Any] = {
        "kind": "income_missing",
        "number": f"{TREASURY}/2026-01-16",
        "amt": "0.00",
    }
    first["acts"] = ["bank.receipts"]
    assert shown == [first]
    refused = http.post("…/periods:close", {"through": "2026-01-31"}, "accountant").json()
    assert (refused["code"], refused["blockers"]) == ("period_not_ready", shown)


def test_a_report_is_corrected(http: HttpTreasury) -> None:
    http.ok(http.post("…/income-reports", JANUARY_15, "accountant"))
    right = {"correct_no": "C1", "reason": "罚没多计", "lines": [line("10101", "2000000.00")]}
    corrected = http.ok(http.post("…/income-reports/R1/correct", right, "accountant"))
    assert (corrected["amt"], corrected["correct_nos"]) == ("2000000.00", ["C1"])
    assert http.ok(http.get("…/income-reports/R1"))["amt"] == "2000000.00"
    assert http.ok(http.get("…/cash"))["total"] == "2000000.00"


def test_a_receipt_repeats_its_order(http: HttpTreasury) -> None:
    """One of another code, fund or payee was believed: its number, account and amount were ours."""
    http.ok(http.post("…/income-reports", JANUARY_15, "accountant"))
    of = {"inc_sort_code": "10101", "fund_type_code": "111", "budget_level_code": "2"}
    asked = {**of, "amt": "100.00", "reason": "误缴", "effective_on": "2026-01-15"}
    http.ok(http.post("…/income-refunds", {**asked, "inc_refund_no": "T1", **PAYEE}, "accountant"))
    to = {"inc_cor_no": "S1", "to_inc_sort_code": "10305", "to_fund_type_code": "111"}
    http.ok(http.post("…/income-corrections", {**asked, **to}, "accountant"))
    otherwise: dict[tuple[AnyKind, str], tuple[dict[str, str], ...]] = {
        (INCOME_REFUND, "T1"): (
            {"income_sort_code": "10305"},
            {"fund_type_code": "121"},
            {"budget_level_code": "3"},
            {"payee_acct_name": "别人"},
        ),
        (INCOME_CORRECTION, "S1"): (
            {"cur_income_sort_code": "10301", "cur_fund_type_code": "121"},
            {"tre_code": "4400000009"},
        ),
    }
    for (kind, number), changes in otherwise.items():
        for change in changes:
            assert order_answered(http, kind, number, otherwise=change) == "receipt_mismatch"
        assert order_answered(http, kind, number) == "created"


def test_another_accountant_has_to_agree(http: HttpTreasury) -> None:
    opened = {"mof_div_code": "440000000", "fiscal_year": 2025, "name": "省本级"}
    http.ledger = http.ok(http.post("/v1/ledgers", opened, "admin"))["ledger"]
    day = report("R1", "2025-01-15", line("10101", "5.00"))
    answer = http.post("…/income-reports", day, "accountant")
    assert (answer.status_code, answer.json()["awaits"]) == (202, ["accountant_checker"])
    agree = "…/documents/income.load/R1/approve"
    assert http.post(agree, person="accountant").status_code == 403
    http.ok(http.post(agree, person="accountant_checker"))
    right = {"correct_no": "C1", "reason": "更正", "lines": [line("10101", "4.00")]}
    answer = http.post("…/income-reports/R1/correct", right, "accountant")
    assert (answer.status_code, answer.json()["awaits"]) == (202, ["accountant_checker"])


def test_a_balance_report_that_nobody_has_sent(http: HttpTreasury) -> None:
    assert http.get("…/balance-reports/Y1").json()["code"] == "not_found"
    settle = http.post("…/balance-reports/Y1/settle", {"reason": "无"}, "accountant")
    assert (settle.status_code, settle.json()["code"]) == (404, "not_found")
