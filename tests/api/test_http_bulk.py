"""Many payments in one request: every item has its result, in its place."""

# ruff: noqa: F401, F811  (pytest finds the fixture `desk` by its import)

import json
from typing import Any

import pytest

from payments.messages.envelope import parse_envelope
from tests.support.http_server import Desk, desk


def statuses(answer: Any) -> list[str]:
    results = answer["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    return [
        result["problem"]["code"] if result["status"] == "refused" else result["status"]
        for result in results
    ]


def mixed(desk: Desk, bgt_id: str) -> list[Any]:
    """Six items, of which 0, 3 and 5 are sound."""
    sound = desk.payment(bgt_id, "10.00")
    return [
        sound,
        {**desk.payment(bgt_id), "x": 1},
        desk.payment(bgt_id, 10),
        desk.payment(bgt_id, "20.00"),
        desk.payment(bgt_id, "99999.00"),
        sound,
    ]


MIXED = ["created", "malformed", "invalid_amount", "created", "insufficient_indicator", "replayed"]


@pytest.mark.parametrize("lines", [False, True])
def test_independent_items_go_their_own_way(desk: Desk, lines: bool) -> None:
    bgt_id = desk.indicator("1000.00")
    items = mixed(desk, bgt_id)
    if lines:
        content = "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n{oops\n"
        answer = desk.call(
            "POST",
            "…/payments:batch",
            content=content.encode(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert statuses(desk.ok(answer)) == [*MIXED, "malformed"]
    else:
        answer = desk.post("…/payments:batch?mode=independent", items)
        assert statuses(desk.ok(answer)) == MIXED
    results = answer.json()["results"]
    assert results[3]["payment"]["pay_amt"] == "20.00"
    assert results[4]["problem"]["available_amt"] == "970.00"
    assert answer.json()["commit"]["position"] == desk.get("…").json()["position"]
    assert desk.figures(bgt_id)["pay_app_amt"] == "30.00"


MINIMAL = {"Prefer": "respond-async, Return=Minimal; x=1"}


def test_whoever_prefers_it_is_told_no_more_than_that_an_item_was_accepted(desk: Desk) -> None:
    bgt_id = desk.indicator("1000.00")
    asked = desk.post("…/payments:batch", mixed(desk, bgt_id), headers=MINIMAL)
    brief = desk.ok(asked)
    assert asked.headers["Preference-Applied"] == "return=minimal"
    assert statuses(brief) == MIXED
    assert [set(result) for result in brief["results"]] == [
        {"index", "status"} | (set() if code in ("created", "replayed") else {"problem"})
        for code in MIXED
    ]
    assert brief["results"][4]["problem"]["available_amt"] == "970.00"
    assert brief["commit"]["position"] == desk.get("…").json()["position"]
    number = desk.applied(bgt_id)
    approved = desk.post(
        "…/payments:approve", {"pay_app_nos": [number]}, "checker", headers=MINIMAL
    )
    assert desk.ok(approved)["results"] == [{"index": 0, "status": "created"}]
    full = desk.post("…/payments:batch", [desk.payment(bgt_id)], headers={"Prefer": "return=full"})
    assert "Preference-Applied" not in full.headers
    assert desk.ok(full)["results"][0]["payment"]["status"] == "applied"


def test_atomic_is_all_or_nothing(desk: Desk) -> None:
    bgt_id = desk.indicator("1000.00")
    for wrong in ({"x": 1}, {"pay_amt": 1}, {"pay_amt": "981.00"}):
        items = [desk.payment(bgt_id, "10.00"), desk.payment(bgt_id, "10.00")]
        items.append({**desk.payment(bgt_id), **wrong})
        answer = desk.ok(desk.post("…/payments:batch?mode=atomic", items))
        assert statuses(answer)[:2] == ["batch_aborted", "batch_aborted"]
        assert statuses(answer)[2] in ("malformed", "invalid_amount", "insufficient_indicator")
        assert answer["results"][0]["problem"]["failed_index"] == 2
        assert desk.figures(bgt_id)["pay_app_amt"] == "0.00"
        sound = desk.ok(desk.post("…/payments:batch?mode=atomic", items[:2]))
        assert statuses(sound) == ["created", "created"]
        desk.post(f"…/payments/{items[0]['pay_app_no']}/withdraw")
        desk.post(f"…/payments/{items[1]['pay_app_no']}/withdraw")


def test_indicators_in_bulk(desk: Desk) -> None:
    from tests.support.bookkeeper import ELEMENTS

    items = [{"bgt_id": desk.number("B"), "amount": "5.00", **ELEMENTS} for _ in range(3)]
    items[1]["exp_func_code"] = "9999999"
    answer = desk.ok(desk.post("…/indicators:batch", items))
    assert statuses(answer) == ["created", "element_invalid", "created"]
    assert answer["results"][2]["indicator"]["canuse_amt"] == "5.00"
    assert answer["results"][1]["problem"]["pointer"] == "/exp_func_code"


def test_refunds_of_several_payments_are_one_request(desk: Desk) -> None:
    bgt_id = desk.indicator("1000.00")
    first, second = desk.paid(bgt_id, "300.00"), desk.paid(bgt_id, "200.00")
    before = desk.figures(bgt_id)
    assert (before["pay_amt"], before["canuse_amt"]) == ("500.00", "500.00")

    def refund(number: str, amount: str) -> dict[str, str]:
        back = {"refund_no": desk.number("R"), "refund_amt": amount, "reason": "收款人退回"}
        return {"pay_app_no": number, **back}

    asked = [refund(first, "300.00"), refund(second, "150.00"), refund(second, "60.00")]
    answer = desk.ok(desk.post("…/refunds:batch", [*asked, refund("none", "1.00")]))
    assert statuses(answer) == [
        "created",
        "created",
        "refund_exceeds_paid",
        "payment_not_found",
    ]
    assert answer["results"][1]["payment"]["refund_amt"] == "150.00"
    assert desk.figures(bgt_id)["pay_amt"] == "50.00"
    again = desk.ok(desk.post("…/refunds:batch", asked[:1]))
    assert statuses(again) == ["replayed"]
    assert desk.figures(bgt_id)["canuse_amt"] == "950.00"


def test_a_bulk_has_a_bound_and_is_not_empty(desk: Desk) -> None:
    answer = desk.call("POST", "…/payments:batch", content=b"[" + b"{}," * 5000 + b"{}]")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_items")
    for content in (b"[]", b"{}", b"[1,", b""):
        assert desk.call("POST", "…/payments:batch", content=content).json()["code"] == "malformed"
    assert desk.post("…/payments:batch?mode=some", [{}]).json()["code"] == "malformed"
    numbers = {"pay_app_nos": ["x"] * 5001}
    assert desk.post("…/payments:approve", numbers, "checker").status_code == 413


def test_a_dry_run_of_a_bulk_stores_nothing(desk: Desk) -> None:
    bgt_id = desk.indicator("1000.00")
    before = desk.get("…").json()["position"]
    answer = desk.ok(desk.post("…/payments:batch?dry_run=true", mixed(desk, bgt_id)[:4]))
    assert statuses(answer) == MIXED[:4]
    assert answer["commit"] is None
    assert desk.get("…").json()["position"] == before


def test_items_have_keys_by_their_place(desk: Desk) -> None:
    number = desk.applied(desk.indicator())
    asked, headers = {"pay_app_nos": [number]}, {"Idempotency-Key": '"night-run"'}
    first = desk.ok(desk.post("…/payments:approve", asked, "checker", headers=headers))
    again = desk.ok(desk.post("…/payments:approve", asked, "checker", headers=headers))
    assert (statuses(first), statuses(again)) == (["created"], ["replayed"])
    assert statuses(desk.ok(desk.post("…/payments:approve", asked, "checker"))) == ["invalid_state"]


def test_vouchers_are_signed_in_the_order_of_the_policy(desk: Desk) -> None:
    policy = {"roles": ["finance_first", "finance_second"]}
    desk.ok(desk.call("PUT", "…/signature-policy", "admin", json=policy))
    try:
        numbers = [desk.applied(desk.indicator()) for _ in range(2)]
        approve = {"pay_app_nos": numbers}
        assert statuses(desk.ok(desk.post("…/payments:approve", approve, "checker"))) == [
            "created",
            "created",
        ]
        asked = {"pay_app_nos": [*numbers, "none"], "role": "finance_second"}
        early = statuses(desk.ok(desk.post("…/payments:sign", asked, "second")))
        assert early == ["signature_order", "signature_order", "payment_not_found"]
        first = desk.ok(desk.post("…/payments:sign", {**asked, "role": "finance_first"}, "first"))
        assert statuses(first) == ["created", "created", "payment_not_found"]
        assert first["results"][0]["payment"]["status"] == "approved"
        last = desk.ok(desk.post("…/payments:sign", asked, "second"))
        assert last["results"][0]["payment"]["status"] == "signed"
        roles = [s["role"] for s in last["results"][1]["payment"]["signatures"]]
        assert roles == policy["roles"]
        foreign = desk.post("…/payments:sign", asked, "first")
        assert foreign.json()["code"] == "forbidden"
        refusals = desk.get("…/refusals", operation="voucher.sign").json()["items"]
        assert {"signature_order", "payment_not_found"} <= {r["code"] for r in refusals}
    finally:
        default = {"roles": ["treasury"], "pay_bank_code": "102"}
        desk.ok(desk.call("PUT", "…/signature-policy", "admin", json=default))


def test_vouchers_are_signed_together_where_the_bank_takes_manifests(desk: Desk) -> None:
    policy = {"roles": ["treasury"], "signing": "manifest"}
    shown = desk.ok(desk.call("PUT", "…/signature-policy", "admin", json=policy))
    assert (shown["signing"], shown["roles"]) == ("manifest", ["treasury"])
    try:
        assert desk.ok(desk.get("…/signature-policy"))["signing"] == "manifest"
        assert desk.ok(desk.get("…"))["signing"] == "manifest"
        numbers = [desk.applied(desk.indicator()) for _ in range(3)]
        desk.ok(desk.post("…/payments:approve", {"pay_app_nos": numbers}, "checker"))
        asked = {"pay_app_nos": [numbers[0], "none", *numbers[1:]], "role": "treasury"}
        rehearsed = desk.ok(desk.post("…/payments:sign?dry_run=true", asked, "signer"))
        assert statuses(rehearsed) == ["created", "payment_not_found", "created", "created"]
        assert desk.ok(desk.get(f"…/payments/{numbers[0]}"))["status"] == "approved"
        signed = desk.ok(desk.post("…/payments:sign", asked, "signer"))
        assert statuses(signed) == statuses(rehearsed)
        signatures = [signed["results"][i]["payment"]["signatures"][0] for i in (0, 2, 3)]
        assert len({s["manifest_no"] for s in signatures}) == 1
        assert [(s["leaf"], s["signature"]) for s in signatures] == [(0, ""), (1, ""), (2, "")]
        again = statuses(desk.ok(desk.post("…/payments:sign", asked, "signer")))
        assert again == ["invalid_state", "payment_not_found", "invalid_state", "invalid_state"]
        [body] = parse_envelope(desk.get(f"…/payments/{numbers[1]}/voucher").content)
        [signature] = body.signatures
        assert signature.manifest is not None
        assert (signature.no, signature.leaf, len(signature.path)) == ("treasury", 1, 64)
        [receipt] = desk.ok(desk.deliver(desk.receipt_for(numbers[1])))["results"]
        assert receipt["status"] == "created"
    finally:
        default = {"roles": ["treasury"], "pay_bank_code": "102"}
        desk.ok(desk.call("PUT", "…/signature-policy", "admin", json=default))
    assert desk.ok(desk.get("…/signature-policy"))["signing"] == "voucher"


@pytest.mark.parametrize("scope", ["both", "", 1, None])
def test_another_signing_scope_is_malformed(desk: Desk, scope: Any) -> None:
    policy = {"roles": ["treasury"], "signing": scope}
    answer = desk.call("PUT", "…/signature-policy", "admin", json=policy)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert answer.json()["pointer"] == "/signing"
