"""预拨、暂付 over HTTP: ordered, agreed to by another person, shown by age and as of a day."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ledger.postgres.database import Database
from payments.orders.advance import ADVANCE
from tests.support.advances import LENT
from tests.support.bookkeeper import PAYEE
from tests.support.http_orders import order_answered, order_returned
from tests.support.http_server import ONE_PERSON, HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY

OPENED = {
    "book": "treasury_financial",
    "rows": [
        {
            "acct_cls_code": "1001",
            "dr_cr": 1,
            "amt": "1000.00",
            "tre_code": TREASURY,
            "fund_type_code": "111",
        },
        {"acct_cls_id": "B71", "dr_cr": -1, "amt": "1000.00"},
    ],
}


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        opened.ok(opened.post("…/openings", OPENED, "accountant"))
        yield opened


def advance(adv_no: str, amt: str, **more: Any) -> dict[str, Any]:
    given = {"acct_cls_code": "B37", "object": "样例单位", **PAYEE, **more}
    return {"adv_no": adv_no, "amt": amt, **given}


def paid(http: HttpTreasury, adv_no: str, amt: str, day: str, **more: Any) -> None:
    http.ok(http.post("…/advances", advance(adv_no, amt, effective_on=day, **more), "accountant"))
    assert order_answered(http, ADVANCE, adv_no) == "created"


def test_an_advance_is_ordered_paid_and_comes_down(http: HttpTreasury) -> None:
    bgt_id = http.indicator("500.00")
    ordered = http.ok(http.post("…/advances", advance("YB-1", "300.00"), "accountant"))
    assert (ordered["status"], ordered["left_amt"]) == ("ordered", "0.00")
    assert http.ok(http.get("…/cash"))["accounts"][0]["claimed"] == "300.00"
    early = {"step_no": "S0", "amt": "1.00"}
    refused = http.post("…/advances/YB-1/recover", early, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    assert order_answered(http, ADVANCE, "YB-1") == "created"
    assert order_answered(http, ADVANCE, "YB-1") == "replayed"
    shown = http.ok(http.get("…/advances/YB-1"))
    assert (shown["status"], shown["left_amt"]) == ("paid", "300.00")
    expensed = {"step_no": "S1", "bgt_id": bgt_id, "amt": "200.00"}
    http.ok(http.post("…/advances/YB-1/to-expense", expensed, "accountant"))
    recovered = {"step_no": "S2", "amt": "60.00", "reason": "归还"}
    shown = http.ok(http.post("…/advances/YB-1/recover", recovered, "accountant"))
    assert shown["left_amt"] == "40.00"
    assert [step["kind"] for step in shown["steps"]] == ["expensed", "recovered"]
    over = http.post("…/advances/YB-1/recover", {"step_no": "S3", "amt": "40.01"}, "accountant")
    assert (over.status_code, over.json()["code"]) == (422, "exceeds_advance")
    assert over.json()["available_amt"] == "40.00"
    accounts = {a["acct_cls_name"]: a for a in http.get("…/trial-balance").json()["accounts"]}
    assert accounts["预拨经费"]["closing"] == "40.00"
    assert accounts["国库存款"]["closing"] == "760.00"
    assert http.figures(bgt_id)["pay_amt"] == "200.00"


def test_more_than_lies_there(http: HttpTreasury) -> None:
    refused = http.post("…/advances", advance("YB-1", "1000.01"), "accountant")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    assert refused.json()["available_amt"] == "1000.00"


def test_what_the_central_bank_cannot_be_told_is_not_ordered(http: HttpTreasury) -> None:
    """It was ordered and could never be sent: its cash stayed claimed, and its month open."""
    unheard = {
        "adv_no": "YB-😀",
        "reason": "😀付款",
        "object": "样例\x01单位",
        "payee_acct_name": "王𠮷",
        "payee_acct_no": "6222😀",
        "payee_acct_bank_name": "𠮷银行",
        "payee_bank_no": "😀",
    }
    for name, text in unheard.items():
        asked = {**advance("YB-1", "1.00"), name: text}
        refused = http.post("…/advances", asked, "accountant")
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed"), name
        assert refused.json()["pointer"] == f"/{name}"
    assert http.ok(http.get("…/cash"))["accounts"][0]["claimed"] == "0.00"


def test_what_stands_out_by_age_and_as_of_a_day(http: HttpTreasury) -> None:
    paid(http, "YB-1", "300.00", "2026-01-15", due_on="2026-03-31")
    paid(http, "YB-2", "100.00", "2026-06-01", acct_cls_code="B39")
    later = {"step_no": "S1", "amt": "50.00", "effective_on": "2026-07-01"}
    http.ok(http.post("…/advances/YB-1/recover", later, "accountant"))
    then = http.ok(http.get("…/advance-ageing", as_of_effective="2026-06-30"))
    assert (then["on"], then["total"]) == ("2026-06-30", "400.00")
    assert [(a["adv_no"], a["days"], a["age"]) for a in then["advances"]] == [
        ("YB-1", 166, "within_180_days"),
        ("YB-2", 29, "within_30_days"),
    ]
    assert [a["is_overdue"] for a in then["advances"]] == [True, False]
    july = http.ok(http.get("…/advance-ageing", as_of_effective="2026-07-31"))
    assert july["total"] == "350.00"
    assert {(s["acct_cls_name"], s["age"]): s["left_amt"] for s in july["sums"]} == {
        ("预拨经费", "over_180_days"): "250.00",
        ("其他应收款", "within_90_days"): "100.00",
    }
    before = http.ok(http.get("…/cash", as_of_effective="2026-01-14"))
    assert before["total"] == "1000.00"
    listed = http.ok(http.get("…/advances", page_size="1"))
    assert [item["adv_no"] for item in listed["items"]] == ["YB-1"]
    following = http.ok(http.get("…/advances", page_size="1", cursor=listed["next_cursor"]))
    assert [item["adv_no"] for item in following["items"]] == ["YB-2"]
    assert following["next_cursor"] is None


def test_a_unit_has_it_in_its_own_books(http: HttpTreasury) -> None:
    paid(http, "YB-1", "300.00", "2026-03-02", agency_code="101001")
    books = http.get("…/trial-balance", agency_code="101001").json()["accounts"]
    closing = {a["acct_cls_name"]: a["closing"] for a in books if a["closing"] != "0.00"}
    assert closing["银行存款"] == "300.00"
    assert closing["其他应付款"] == "300.00"


def test_slices_cancel_what_was_turned_into_an_expense(http: HttpTreasury) -> None:
    """预拨经费 was lowered under the indicator's elements, so that slices of it did not cancel."""
    paid(http, "YB-1", "300.00", "2026-03-02")
    bgt_id = http.indicator("500.00")
    expensed = {"step_no": "S1", "bgt_id": bgt_id, "amt": "300.00"}
    http.ok(http.post("…/advances/YB-1/to-expense", expensed, "accountant"))

    def closings(**sliced: str) -> dict[str, str]:
        books = http.ok(http.get("…/trial-balance", **sliced))["accounts"]
        return {a["acct_cls_name"]: a["closing"] for a in books if a["closing"] != "0.00"}

    for sliced in ({}, {"agency_code": "101001"}, {"exp_func_code": "2010102"}):
        assert "预拨经费" not in closings(**sliced), sliced
        assert closings(**sliced)["一般公共预算支出"] == "300.00", sliced
    listed = http.ok(http.get("…/journals", agency_code="101001", book="treasury_financial"))
    assert [journal["number"] for journal in listed["items"]] == ["S1"]


def test_a_limit_for_all_together(http: HttpTreasury) -> None:
    assert http.ok(http.get("…/advance-policy"))["limit_amt"] is None
    limit = http.call("PUT", "…/advance-policy", "admin", json={"limit_amt": "100.00"})
    assert http.ok(limit)["limit_amt"] == "100.00"
    refused = http.post("…/advances", advance("YB-1", "100.01"), "accountant")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_ceiling")


def test_another_accountant_has_to_agree(http: HttpTreasury) -> None:
    opened = {"mof_div_code": "440000000", "fiscal_year": 2025, "name": "省本级"}
    http.ledger = http.ok(http.post("/v1/ledgers", opened, "admin"))["ledger"]
    answer = http.post("…/advances", advance("YB-1", "5.00"), "accountant")
    assert (answer.status_code, answer.json()["awaits"]) == (202, ["accountant_checker"])
    agree = "…/documents/advance.pay/YB-1/approve"
    assert http.post(agree, person="accountant").status_code == 403


def test_an_order_that_is_not_answered_blocks_its_month(http: HttpTreasury) -> None:
    body = advance("YB-1", "5.00", effective_on="2026-01-15")
    http.ok(http.post("…/advances", body, "accountant"))
    month = http.ok(http.get("…/periods/2026-01"))
    assert [(b["kind"], b["number"], b["amt"]) for b in month["blockers"]] == [
        ("ordered", "YB-1", "5.00")
    ]
    assert order_answered(http, ADVANCE, "YB-1") == "created"
    assert http.ok(http.get("…/periods/2026-01"))["blockers"] == []


def test_what_comes_back_when_the_year_is_handed_over_waits_in_the_next_one(
    http: HttpTreasury,
) -> None:
    """It stood in the closed year's books, behind the openings that the next one had from them."""
    next_ledger = http.ledger
    opened = {"mof_div_code": "440000000", "fiscal_year": 2025, "name": "省本级", **ONE_PERSON}
    http.ledger = http.ok(http.post("/v1/ledgers", opened, "admin"))["ledger"]
    http.ok(http.post("…/openings", OPENED, "accountant"))
    lent = advance("YB-1", "300.00", acct_cls_code=LENT, effective_on="2025-12-30")
    http.ok(http.post("…/advances", lent, "accountant"))
    assert order_answered(http, ADVANCE, "YB-1") == "created"
    taken = order_returned(http, ADVANCE, "YB-1", "T0", 100_00, date(2025, 12, 31))
    assert taken == "created"
    http.ok(http.post("…/periods:close", {"through": "2025-12-31"}, "accountant"))
    http.ok(http.post("…/year-end:close", {}, "accountant"))
    cash = http.ok(http.get("…/cash"))["total"]
    late = ADVANCE, "YB-1", "T1", 200_00, date(2026, 1, 5)
    assert order_returned(http, *late) == "created"
    assert order_returned(http, *late) == "replayed"
    again = order_returned(http, ADVANCE, "YB-1", "T0", 100_00, date(2025, 12, 31))
    assert again == "replayed", "that it stands in the books already is not forgotten"
    assert http.ok(http.get("…/cash"))["total"] == cash == "800.00"
    http.ledger = next_ledger
    [item] = http.ok(http.get("…/suspense", state="waiting"))["items"]
    assert (item["refund_amt"], item["pay_date"]) == ("200.00", "2026-01-05")
    assert "closed for good" in item["reason"]
    month = http.ok(http.get("…/periods/2026-01"))
    assert "suspense_waiting" in [each["kind"] for each in month["blockers"]]
    where = f"…/suspense/{item['suspense_no']}/resolve"
    number = http.paid(http.indicator("500.00"), "200.00")
    assert http.post(where, {"pay_app_no": number}).json()["code"] == "receipt_mismatch"
    http.ok(http.post(where, {"is_none_of_ours": True, "reason": "上年借出款项收回"}))
