"""Refunds over HTTP: a person announces, the bank's notice books, the rest is in suspense."""

import base64
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http_server import HttpTreasury, http

__all__ = ["http"]

JUNE = date(2026, 6, 1)


def refund(http: HttpTreasury, amount: str, **more: str) -> dict[str, str]:
    return {"refund_no": http.number("R"), "refund_amt": amount, "reason": "收款人退回", **more}


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["announce", "batch", "resolve", "withdraw"]),
        st.sampled_from(["0.01", "50.00", "100.00", "100.01"]),
        st.sampled_from(["", "1", "2"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=_ACTS)
def test_a_unit_alone_moves_nothing_by_any_sequence_of_refund_calls(
    http: HttpTreasury, acts: list[tuple[str, str, str]]
) -> None:
    """By a unit's token alone 500.00 were once paid out of an indicator of 100.00."""
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")
    books = http.get("…/trial-balance").json()
    for act, amount, line in acts:
        body = refund(http, amount, pay_detail_id=line)
        if act == "announce":
            http.post(f"…/payments/{number}/refunds", body, "unit")
        elif act == "batch":
            http.post("…/refunds:batch", [{"pay_app_no": number, **body}], "unit")
        elif act == "withdraw":
            http.post(f"…/payments/{number}/withdraw", {}, "unit")
        else:
            resolve = {"pay_app_no": number, "pay_detail_id": line or "1"}
            http.post("…/suspense/102-1/resolve", resolve, "unit")
    figures = http.figures(bgt_id)
    assert (figures["canuse_amt"], figures["pay_amt"]) == ("0.00", "100.00")
    assert http.get("…/trial-balance").json()["accounts"] == books["accounts"]
    refused = http.post("…/payments", http.payment(bgt_id, "0.01"))
    assert refused.json()["code"] == "insufficient_indicator"


def test_scenario_14_an_announced_refund_waits_for_the_bank(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    number = http.paid(bgt_id, "1000.00")
    body = refund(http, "400.00")
    asked = http.ok(http.post(f"…/payments/{number}/refunds", body, "unit"))
    [waiting] = asked["refunds"]
    assert waiting == {
        "refund_no": body["refund_no"],
        "state": "approved",
        "refund_amt": "400.00",
        "pay_detail_id": "",
        "notice_no": None,
        "received_on": None,
        "reason": "收款人退回",
        "booked_in": None,
        "by": "unit",
    }
    assert http.figures(bgt_id)["canuse_amt"] == "0.00"
    payment = http.returned(number, "400.00")
    [received] = payment["refunds"]
    assert (received["state"], received["refund_no"]) == ("received", body["refund_no"])
    assert received["received_on"] == payment["receipt"]["xpay_date"]
    assert received["notice_no"].startswith("102")
    assert http.figures(bgt_id)["canuse_amt"] == "400.00"


def test_a_notice_that_nobody_announced_is_booked(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")
    payment = http.returned(number, "30.00", vt_code="2252")
    [received] = payment["refunds"]
    assert (received["state"], received["refund_amt"]) == ("received", "30.00")
    assert (payment["status"], payment["refund_amt"]) == ("paid", "30.00")
    assert http.figures(bgt_id)["canuse_amt"] == "30.00"


def test_a_notice_told_again_is_replayed_and_another_for_the_same_money_refused(
    http: HttpTreasury,
) -> None:
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")
    message = http.notice_for(number, "60.00", serial="S-1")
    first, again = http.deliver(message), http.deliver(message)
    assert [r.json()["results"][0]["status"] for r in (first, again)] == ["created", "replayed"]
    second = http.deliver(http.notice_for(number, "60.00", serial="S-1"))
    assert (second.status_code, second.json()["code"]) == (422, "receipt_mismatch")
    over = http.deliver(http.notice_for(number, "40.01"))
    assert (over.status_code, over.json()["code"]) == (422, "refund_exceeds_paid")
    on_record = http.get("…/refusals", operation="bank.notice").json()["items"]
    assert [item["code"] for item in on_record][-2:] == ["receipt_mismatch", "refund_exceeds_paid"]
    assert http.figures(bgt_id)["canuse_amt"] == "60.00"


@pytest.mark.parametrize("bank", ["103"])
def test_only_the_bank_that_paid_says_that_money_came_back(http: HttpTreasury, bank: str) -> None:
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")
    forged = http.deliver(http.notice_for(number, "100.00", bank=bank))
    assert (forged.status_code, forged.json()["code"]) == (422, "signature_invalid")
    message = http.notice_for(number, "100.00")
    spoilt = message.replace(b"<Signature No", b"<Signature  No", 1)
    assert http.ok(http.deliver(spoilt))["results"][0]["status"] == "created"  # only white space
    changed = http.notice_for(number, "50.00")
    [at] = [changed.index(b"<Voucher>") + 400]
    flipped = changed[:at] + (b"A" if changed[at : at + 1] != b"A" else b"B") + changed[at + 1 :]
    assert http.deliver(flipped).status_code in (400, 422)
    assert http.figures(bgt_id)["canuse_amt"] == "100.00"


def waiting(http: HttpTreasury) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = http.get("…/suspense", state="waiting").json()["items"]
    return items


def test_what_matches_nothing_waits_with_its_document_and_is_resolved(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")
    message = http.notice_for(number, "60.00", ori_bill_no="X-1", original_voucher_no="",
                              details=_line("1", 6000, "X-3"))  # fmt: skip
    [result] = http.ok(http.deliver(message))["results"]
    assert result["status"] == "created"
    assert http.figures(bgt_id)["canuse_amt"] == "0.00"
    item = waiting(http)[-1]
    assert (item["state"], item["refund_amt"], item["pay_app_no"]) == ("waiting", "60.00", None)
    assert item["originals"] == ["X-1", "X-3"]
    document = base64.b64decode(item["document"])
    assert document.startswith(b"<?xml")
    assert http.treasury.provider.sm3(document).hex() == item["notice_sm3"]
    where = f"…/suspense/{item['suspense_no']}"
    assert http.get(where).json() == item
    assert http.get("…/suspense/none").json()["code"] == "not_found"
    denied = http.post(f"{where}/resolve", {"pay_app_no": number}, "unit")
    assert denied.json()["code"] == "forbidden"
    assert http.post(f"{where}/resolve", {}).json()["code"] == "malformed"
    both = {"pay_app_no": number, "is_none_of_ours": True}
    assert http.post(f"{where}/resolve", both).json()["code"] == "malformed"
    done = http.ok(http.post(f"{where}/resolve", {"pay_app_no": number, "pay_detail_id": "1"}))
    assert (done["state"], done["pay_app_no"], done["resolved_by"]) == ("booked", number, "maker")
    assert http.figures(bgt_id)["canuse_amt"] == "60.00"
    assert item["suspense_no"] not in [i["suspense_no"] for i in waiting(http)]
    booked = http.get("…/suspense", state="booked").json()["items"]
    assert booked[-1]["suspense_no"] == item["suspense_no"]


def _line(line: str, fen: int, voucher_no: str = "") -> tuple[Any, ...]:
    from payments.messages.refund_notices import NoticeLine

    return (NoticeLine(id=line, pay_amt=fen, voucher_no=voucher_no),)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<PayDate>20260302</PayDate>", b"<PayDate></PayDate>", "PayDate is empty"),
        (b"<PayDate>20260302</PayDate>", b"<PayDate>soon</PayDate>", "PayDate is not a date"),
        (b"<PayAmt>60.00</PayAmt>", b"<PayAmt>60</PayAmt>", "PayAmt: an amount is"),
        (b"<DetailList>", b"<DetailList><More>", "not well-formed"),
    ],
)
def test_a_notice_that_cannot_be_read_waits_with_its_reason(
    http: HttpTreasury, old: bytes, new: bytes, reason: str
) -> None:
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "100.00")

    def change(document: bytes) -> bytes:
        paid_on = http.get(f"…/payments/{number}").json()["receipt"]["xpay_date"]
        day = paid_on.replace("-", "").encode()
        return document.replace(old.replace(b"20260302", day), new)

    [result] = http.ok(http.deliver(http.notice_for(number, "60.00", change=change)))["results"]
    assert result["status"] == "created"
    item = waiting(http)[-1]
    assert reason in item["reason"]
    assert item["refund_amt"] is None
    where = f"…/suspense/{item['suspense_no']}/resolve"
    assert http.post(where, {"pay_app_no": number}).json()["code"] == "invalid_state"
    aside = {"is_none_of_ours": True, "reason": "银行另发"}
    assert http.ok(http.post(where, aside))["state"] == "none_of_ours"
    assert http.figures(bgt_id)["canuse_amt"] == "0.00"


def test_a_refund_that_waits_for_another_person_is_shown(http: HttpTreasury) -> None:
    """Who had asked for it did not find it again, and asked a second time."""
    number = http.paid(http.indicator("100.00"), "100.00")
    other = http.paid(http.indicator("100.00"), "100.00")

    def policy(*roles: str) -> None:
        body = {"payment.refund": list(roles)}
        http.ok(http.call("PUT", "…/approval-policy", "admin", json=body))

    def shown(of: str = number) -> list[tuple[str, str, str]]:
        refunds = http.ok(http.get(f"…/payments/{of}"))["refunds"]
        return [(each["refund_no"], each["state"], each["refund_amt"]) for each in refunds]

    policy("treasury_checker")
    first, second = refund(http, "30.00"), refund(http, "20.00", pay_detail_id="1")
    for body in (first, second):
        waits = http.post(f"…/payments/{number}/refunds", body, "unit")
        assert waits.status_code == 202
        assert (first["refund_no"], "requested", "30.00") in shown()  # at once
    path = "…/documents/payment.refund/"
    http.ok(http.post(f"{path}{second['refund_no']}/return", {"reason": "重复"}, "checker"))
    assert shown() == [(first["refund_no"], "requested", "30.00")]
    assert shown(other) == []
    held = http.ok(http.get(f"…/payments/{number}"))["held_by"]  # though it is paid
    asked = f"payment.refund {first['refund_no']}: treasury_checker 待同意"
    assert (held["code"], held["detail"]) == ("awaiting_agreement", asked)
    assert http.ok(http.get(f"…/payments/{other}"))["held_by"] is None
    listed = http.ok(http.get("…/documents", state="submitted"))["items"]
    assert [each["about"] for each in listed] == [f"payment/{number}"]
    for about, numbers in ((number, [first, second]), (other, [])):
        listed = http.ok(http.get("…/documents", about=f"payment/{about}"))["items"]
        assert [each["number"] for each in listed] == [each["refund_no"] for each in numbers]
    http.ok(http.post(f"{path}{first['refund_no']}/approve", None, "checker"))
    assert shown() == [(first["refund_no"], "approved", "30.00")]
    policy()
