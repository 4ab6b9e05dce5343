# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)
"""Dates over HTTP: nothing is paid before its day, and no receipt is lost for its date."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ledger.deciding.state import BEIJING
from tests.support.http_server import HttpTreasury, http

TODAY = min(datetime.now(BEIJING).date(), date(2026, 12, 31))  # in the ledger's year
YESTERDAY, LONG_AGO = TODAY - timedelta(days=1), TODAY - timedelta(days=30)
NEVER = date(9999, 12, 31)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_what_is_dated_ahead_is_neither_paid_nor_cleared(http: HttpTreasury) -> None:
    tomorrow = (datetime.now(BEIJING).date() + timedelta(days=1)).isoformat()
    if not tomorrow.startswith("2026"):
        pytest.skip("the ledger's year has no day that has not come")
    bgt_id = http.indicator("100.00")
    body = http.payment(bgt_id, "1.00", effective_on=tomorrow)
    assert refused(http.post("…/payments", body)) == (409, "future_date")
    number = http.applied(bgt_id, "1.00")
    path = f"…/payments/{number}/approve"
    answer = http.post(path, {"effective_on": tomorrow}, "checker")
    assert refused(answer) == (409, "future_date")
    claim = {"clear_no": "ahead", "clear_date": tomorrow, "pay_bank_code": "102"}
    assert refused(http.post("…/clearings", claim)) == (409, "future_date")


def test_an_indicator_dated_ahead_is_issued_and_not_executable(http: HttpTreasury) -> None:
    last = date(2026, 12, 31).isoformat()
    if TODAY.isoformat() == last:
        pytest.skip("it is executable today")
    bgt_id = http.indicator("100.00", effective_on=last)
    answer = http.post("…/payments", http.payment(bgt_id, "1.00"))
    assert refused(answer) == (409, "indicator_not_executable")
    assert answer.json()["on"] == last


def test_a_payment_is_not_made_before_the_money_is_there(http: HttpTreasury) -> None:
    bgt_id = http.indicator("10.00", effective_on=LONG_AGO.isoformat())
    more = {"adj_no": http.number("A"), "adj_amt": "90.00", "reason": "追加"}
    http.ok(http.post(f"…/indicators/{bgt_id}/adjustments", more))
    early = http.payment(bgt_id, "10.01", effective_on=YESTERDAY.isoformat())
    answer = http.post("…/payments", early)
    assert refused(answer) == (422, "insufficient_indicator")
    assert answer.json()["on"] == YESTERDAY.isoformat()
    assert answer.json()["available_amt"] == "10.00"
    http.applied(bgt_id, "10.00", effective_on=YESTERDAY.isoformat())
    before = http.payment(bgt_id, "1.00", effective_on=(LONG_AGO - timedelta(days=1)).isoformat())
    assert refused(http.post("…/payments", before)) == (409, "indicator_not_executable")


def test_an_approval_is_not_dated_before_its_application(http: HttpTreasury) -> None:
    """Its voucher bore the date, and was to be paid from the account, of a day before it."""
    bgt_id = http.indicator("10.00", effective_on=LONG_AGO.isoformat())
    number = http.applied(bgt_id, "1.00", effective_on=YESTERDAY.isoformat())
    path = f"…/payments/{number}/approve"
    before = (YESTERDAY - timedelta(days=1)).isoformat()
    answer = http.post(path, {"effective_on": before}, "checker")
    assert refused(answer) == (409, "invalid_state")
    done = http.ok(http.post(path, {"effective_on": YESTERDAY.isoformat()}, "checker"))
    assert done["vou_date"] == YESTERDAY.isoformat()


@pytest.mark.parametrize(
    ("said", "booked"),
    [
        (NEVER, TODAY),
        (TODAY + timedelta(days=1), TODAY),
        (TODAY, TODAY),
        (YESTERDAY, YESTERDAY),
        (LONG_AGO, TODAY),  # before the payment was applied for
        (date(2025, 12, 31), TODAY),
    ],
)
def test_a_receipt_is_taken_cleared_and_refunded_whatever_its_date(
    http: HttpTreasury, said: date, booked: date
) -> None:
    bgt_id = http.indicator("100.00", effective_on=LONG_AGO.isoformat())
    day = YESTERDAY.isoformat()
    number = http.signed(bgt_id, "100.00", effective_on=day)
    [result] = http.ok(http.deliver(http.receipt_for(number, day=said)))["results"]
    assert result["status"] == "created", result
    payment = http.ok(http.get(f"…/payments/{number}"))
    assert payment["status"] == "paid"
    shown = payment["receipt"]
    assert (shown["xpay_date"], shown["booked_on"]) == (said.isoformat(), booked.isoformat())
    clear = {"clear_no": http.number("C"), "clear_date": TODAY.isoformat(), "pay_bank_code": "102"}
    claims = http.ok(http.post("…/clearings", clear))["claims"]
    assert [claim["pay_amt"] for claim in claims] == ["100.00"]
    assert http.returned(number, "100.00", day=TODAY)["status"] == "refunded"
    assert http.figures(bgt_id)["canuse_amt"] == "100.00"
    # so that the next case finds nothing that waits
    http.ok(http.post("…/clearings", {**clear, "clear_no": http.number("C")}))
