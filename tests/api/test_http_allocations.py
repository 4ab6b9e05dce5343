"""实拨 over HTTP: ordered, agreed to by another person, paid, listed, in the unit's books."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.postgres.database import Database
from payments.orders.allocations import ALLOCATION
from tests.api.test_http_advances import OPENED
from tests.support.bookkeeper import PAYEE
from tests.support.http_orders import order_answered
from tests.support.http_server import HttpTreasury, http_treasury_on


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        opened.ok(opened.post("…/openings", OPENED, "accountant"))
        yield opened


def allocation(alloc_no: str, bgt_id: str, amt: str) -> dict[str, Any]:
    return {"alloc_no": alloc_no, "bgt_id": bgt_id, "amt": amt, **PAYEE}


def test_an_allocation_is_paid_into_the_units_account(http: HttpTreasury) -> None:
    bgt_id = http.indicator("500.00")
    asked = allocation("SB-1", bgt_id, "300.00")
    ordered = http.ok(http.post("…/allocations", asked, "accountant"))
    assert (ordered["status"], ordered["paid_on"]) == ("ordered", "")
    assert http.figures(bgt_id)["pay_app_amt"] == "300.00"
    assert http.post("…/allocations", asked, "accountant").headers["Idempotent-Replayed"] == "true"
    assert order_answered(http, ALLOCATION, "SB-1") == "created"
    shown = http.ok(http.get("…/allocations/SB-1"))
    assert (shown["status"], shown["returned_amt"]) == ("paid", "0.00")
    assert http.figures(bgt_id)["pay_amt"] == "300.00"
    of_unit = http.get("…/trial-balance", agency_code=shown["agency_code"]).json()["accounts"]
    closing = {a["acct_cls_name"]: (a["acct_cls_code"], a["closing"]) for a in of_unit}
    assert closing["银行存款"] == ("1002", "300.00")
    assert closing["财政拨款收入"] == ("4001", "300.00")
    assert closing["资金结存—货币资金"] == ("800102", "300.00")
    assert closing["国库存款"] == ("1001", "300.00")
    listed = http.ok(http.get("…/allocations"))["items"]
    assert [item["alloc_no"] for item in listed] == ["SB-1"]


def test_above_cash(http: HttpTreasury) -> None:
    bgt_id = http.indicator("5000.00")
    asked = allocation("SB-1", bgt_id, "1000.01")
    refused = http.post("…/allocations", asked, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    assert http.figures(bgt_id)["pay_app_amt"] == "0.00"


def test_what_the_central_bank_cannot_be_told_is_not_ordered(http: HttpTreasury) -> None:
    """It was ordered and could never be sent: the indicator stayed occupied, its cash claimed."""
    bgt_id = http.indicator("500.00")
    names = [
        "alloc_no",
        "payee_acct_name",
        "payee_acct_no",
        "payee_acct_bank_name",
        "payee_bank_no",
    ]
    for name in (*names, "use_des"):
        asked = {**allocation("SB-1", bgt_id, "1.00"), name: "王𠮷"}
        refused = http.post("…/allocations", asked, "accountant")
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed"), name
        assert refused.json()["pointer"] == f"/{name}"
    assert http.figures(bgt_id)["pay_app_amt"] == "0.00"


def test_another_accountant_has_to_agree(http: HttpTreasury) -> None:
    bgt_id = http.indicator("500.00")
    two_persons = {"allocation.order": ["accountant_checker"]}
    http.ok(http.call("PUT", "…/approval-policy", "admin", json=two_persons))
    answer = http.post("…/allocations", allocation("SB-1", bgt_id, "1.00"), "accountant")
    assert (answer.status_code, answer.json()["awaits"]) == (202, ["accountant_checker"])
    assert http.figures(bgt_id)["pay_app_amt"] == "0.00", "nothing is ordered yet"
    agree = "…/documents/allocation.order/SB-1/approve"
    assert http.post(agree, person="accountant").status_code == 403
    assert http.ok(http.post(agree, person="accountant_checker"))["status"] == "ordered"


def test_what_the_central_bank_rejects_is_free_again(http: HttpTreasury) -> None:
    bgt_id = http.indicator("500.00")
    http.ok(http.post("…/allocations", allocation("SB-1", bgt_id, "300.00"), "accountant"))
    assert order_answered(http, ALLOCATION, "SB-1", paid=False) == "created"
    shown = http.ok(http.get("…/allocations/SB-1"))
    assert (shown["status"], shown["rejected"]) == ("rejected", "库款余额不足")
    assert http.figures(bgt_id)["canuse_amt"] == "500.00"
