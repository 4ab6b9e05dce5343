"""作废 and 撤销 over HTTP, by two persons."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.http_server import HttpTreasury, http

__all__ = ["http"]

REASON = {"reason": "收款人有误"}


def approved(http: HttpTreasury, bgt_id: str, amount: str) -> str:
    number = http.applied(bgt_id, amount)
    http.ok(http.post(f"…/payments/{number}/approve", {}, "checker"))
    return number


@pytest.fixture
def two_persons(http: HttpTreasury) -> Iterator[None]:
    for roles in (["treasury_checker"], []):
        http.ok(http.call("PUT", "…/approval-policy", "admin", json={"payment.void": roles}))
        if roles:
            yield


@pytest.mark.usefixtures("two_persons")
def test_a_void_waits_for_another_person_and_gives_all_back(http: HttpTreasury) -> None:
    """Indicator 100.00, 60.00 approved to be paid, void: 100.00 again."""
    bgt_id = http.indicator("100.00")
    number = approved(http, bgt_id, "60.00")
    waits = http.post(f"…/payments/{number}/void", REASON, "unit")
    assert waits.status_code == 202
    shown = waits.json()
    assert (shown["kind"], shown["number"], shown["awaits"]) == (
        "payment.void",
        number,
        ["treasury_checker"],
    )
    assert http.figures(bgt_id)["canuse_amt"] == "40.00"
    asked = f"payment.void {number}: treasury_checker 待同意"
    held = http.get(f"…/payments/{number}").json()["held_by"]
    assert (held["code"], held["detail"]) == ("awaiting_agreement", asked)
    assert datetime.fromisoformat(held["since"]) <= datetime.now(UTC)
    own = http.post(f"…/documents/payment.void/{number}/approve", {}, "unit")
    assert own.status_code == 403
    voided = http.ok(http.post(f"…/documents/payment.void/{number}/approve", {}, "checker"))
    assert (voided["status"], voided["reason"]) == ("voided", "收款人有误")
    assert http.figures(bgt_id)["canuse_amt"] == "100.00"
    assert http.get(f"…/payments/{number}").json()["held_by"] is None
    again = http.post(f"…/payments/{number}/void", REASON, "unit")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert http.get(f"…/payments/{number}").json()["status"] == "voided"


def test_a_dry_run_voids_nothing(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    number = approved(http, bgt_id, "60.00")
    would = http.ok(http.post(f"…/payments/{number}/void?dry_run=true", REASON))
    assert would["status"] == "voided"
    assert http.figures(bgt_id)["canuse_amt"] == "40.00"
    assert http.get(f"…/payments/{number}").json()["status"] == "approved"


def test_what_is_approved_is_void_and_not_recalled(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    number = approved(http, bgt_id, "60.00")
    refused = http.post(f"…/payments/{number}/recall", REASON)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")


def test_a_recall_is_shown_with_its_payment(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    number = approved(http, bgt_id, "60.00")
    http.ok(http.post("…/payments:sign", {"pay_app_nos": [number], "role": "treasury"}, "signer"))
    asked = http.ok(http.post(f"…/payments/{number}/recall", REASON))
    [recall] = asked["recalls"]
    assert (recall["recall_no"], recall["state"], recall["by"]) == (number, "asked", "maker")
    assert asked["status"] == "signed"
