"""库款控制、库款保障 over HTTP: a reserve is kept, a payment waits for cash, and wages do not."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.postgres.database import Database
from tests.api.test_http_cash import claim, opening
from tests.scenarios.test_cash_in_numbers import answered
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY

POLICY = {
    "cash_control": True,
    "reserves": [{"fund_type_code": "11", "amt": "600.00"}],
    "guarantees": [
        {
            "guarantee": "wages",
            "exp_func_code": "",
            "gov_bgt_eco_code": "501",
            "dep_bgt_eco_code": "",
        }
    ],
}
WAGES = {"gov_bgt_eco_code": "50101", "dep_bgt_eco_code": "30101"}


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def applied(http: HttpTreasury, amount: str, **codes: str) -> str:
    return http.applied(http.indicator(amount, **codes), amount)


def approve(http: HttpTreasury, number: str) -> Any:
    return http.post(f"…/payments/{number}/approve", {}, "checker")


def test_who_waits_and_who_goes_first_when_cash_is_short(http: HttpTreasury) -> None:
    none = {"ledger": http.ledger, "cash_control": None, "reserves": [], "guarantees": []}
    assert http.ok(http.get("…/cash-policy")) == none
    http.ok(http.post("…/openings", opening("1000.00"), "accountant"))
    put = http.call("PUT", "…/cash-policy", "admin", json=POLICY)
    shown = {name: value for name, value in http.ok(put).items() if name != "commit"}
    assert shown == {"ledger": http.ledger, **POLICY} == http.ok(http.get("…/cash-policy"))

    waits, goes = applied(http, "400.01"), applied(http, "700.00", **WAGES)
    assert http.get(f"…/payments/{waits}").json()["held_by"]["code"] == "insufficient_cash"
    assert http.get(f"…/payments/{goes}").json()["held_by"]["code"] == "awaiting_approval"
    refused = approve(http, waits)
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    assert refused.json()["available_amt"] == "400.00"
    http.ok(approve(http, goes))

    report = http.ok(http.get("…/cash/coverage"))
    assert (report["balance"], report["average_outlay"]) == ("1000.00", "0.00")
    assert (report["cover_months"], report["cover_days"], report["level"]) == (None, None, None)
    [fund] = report["funds"]
    assert fund == {
        "fund_type_code": "11",
        "acct": TREASURY,
        "balance": "1000.00",
        "claimed": "0.00",
        "uncleared": "0.00",
        "promised_guaranteed": "700.00",
        "promised_other": "0.00",
        "applied_guaranteed": "0.00",
        "applied_other": "400.01",
        "reserve": "600.00",
        "left_for_guarantees": "300.00",
        "left_for_others": "-300.00",
    }
    off = {"cash_control": False}
    http.ok(http.call("PUT", "…/cash-policy", "admin", json=off))
    assert http.get(f"…/payments/{waits}").json()["held_by"]["code"] == "awaiting_approval"
    assert http.ok(http.get("…/cash"))["cash_control"] is False
    http.ok(approve(http, waits))


def test_how_long_cash_lasts(http: HttpTreasury) -> None:
    """Of 1,000.00 there went out 800.00 this month: 200.00 last a quarter of a month."""
    http.ok(http.post("…/openings", opening("1000.00"), "accountant"))
    http.paid(http.indicator("800.00"), "800.00")
    http.ok(claim(http, "QS-1"))
    answered(http, "QS-1")
    report = http.ok(http.get("…/cash/coverage"))
    assert (report["balance"], report["average_outlay"]) == ("200.00", "800.00")
    assert (report["cover_months"], report["cover_days"], report["level"]) == ("0.25", 7, "low")
    assert [each["amt"] for each in report["outlays"]] == ["800.00"]
    # income that is returned was counted as an outlay
    line = {"inc_sort_code": "10101", "fund_type_code": "111", "amt": "-50.00"}
    said = {"report_no": "R1", "report_date": "2026-01-15", "tre_code": TREASURY}
    http.ok(http.post("…/income-reports", {**said, "lines": [line]}, "accountant"))
    report = http.ok(http.get("…/cash/coverage"))
    assert (report["balance"], report["average_outlay"]) == ("150.00", "800.00")
    assert [each["amt"] for each in report["outlays"]] == ["800.00"]


def test_the_policy_wants_another_person(http: HttpTreasury) -> None:
    agreed = {"cash_policy.set": ["security_officer"]}
    http.ok(http.call("PUT", "…/approval-policy", "admin", json=agreed))
    put = http.call("PUT", "…/cash-policy", "admin", json=POLICY)
    assert (put.status_code, put.json()["state"]) == (202, "submitted")
    assert put.json()["awaits"] == ["security_officer"]
    assert http.ok(http.get("…/cash-policy"))["cash_control"] is None
