"""Many payments in one request: every item has its result, in its place."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import json
from typing import Any

import pytest

from payments.messages.envelope import parse_envelope
from tests.support.http_server import HttpTreasury, http


def statuses(answer: Any) -> list[str]:
    results = answer["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    return [
        result["problem"]["code"] if result["status"] == "refused" else result["status"]
        for result in results
    ]


def mixed(http: HttpTreasury, bgt_id: str) -> list[Any]:
    """Six items, of which 0, 3 and 5 are sound."""
    sound = http.payment(bgt_id, "10.00")
    return [
        sound,
        {**http.payment(bgt_id), "x": 1},
        http.payment(bgt_id, 10),
        http.payment(bgt_id, "20.00"),
        http.payment(bgt_id, "99999.00"),
        sound,
    ]


MIXED = ["created", "malformed", "invalid_amount", "created", "insufficient_indicator", "replayed"]


@pytest.mark.parametrize("lines", [False, True])
def test_independent_items_go_their_own_way(http: HttpTreasury, lines: bool) -> None:
    bgt_id = http.indicator("1000.00")
    items = mixed(http, bgt_id)
    if lines:
        content = "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n{oops\n"
        answer = http.call(
            "POST",
            "…/payments:batch",
            content=content.encode(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert statuses(http.ok(answer)) == [*MIXED, "malformed"]
    else:
        answer = http.post("…/payments:batch?mode=independent", items)
        assert statuses(http.ok(answer)) == MIXED
    results = answer.json()["results"]
    assert results[3]["payment"]["pay_amt"] == "20.00"
    assert results[4]["problem"]["available_amt"] == "970.00"
    assert answer.json()["commit"]["position"] == http.get("…").json()["position"]
    assert http.figures(bgt_id)["pay_app_amt"] == "30.00"


MINIMAL = {"Prefer": "respond-async, Return=Minimal; x=1"}


def test_whoever_prefers_it_is_told_no_more_than_that_an_item_was_accepted(
    http: HttpTreasury,
) -> None:
    bgt_id = http.indicator("1000.00")
    asked = http.post("…/payments:batch", mixed(http, bgt_id), headers=MINIMAL)
    brief = http.ok(asked)
    assert asked.headers["Preference-Applied"] == "return=minimal"
    assert statuses(brief) == MIXED
    assert [set(result) for result in brief["results"]] == [
        {"index", "status"} | (set() if code in ("created", "replayed") else {"problem"})
        for code in MIXED
    ]
    assert brief["results"][4]["problem"]["available_amt"] == "970.00"
    assert brief["commit"]["position"] == http.get("…").json()["position"]
    number = http.applied(bgt_id)
    approved = http.post(
        "…/payments:approve", {"pay_app_nos": [number]}, "checker", headers=MINIMAL
    )
    assert http.ok(approved)["results"] == [{"index": 0, "status": "created"}]
    full = http.post("…/payments:batch", [http.payment(bgt_id)], headers={"Prefer": "return=full"})
    assert "Preference-Applied" not in full.headers
    assert http.ok(full)["results"][0]["payment"]["status"] == "applied"


def test_atomic_is_all_or_nothing(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    for wrong in ({"x": 1}, {"pay_amt": 1}, {"pay_amt": "981.00"}):
        items = [http.payment(bgt_id, "10.00"), http.payment(bgt_id, "10.00")]
        items.append({**http.payment(bgt_id), **wrong})
        answer = http.ok(http.post("…/payments:batch?mode=atomic", items))
        assert statuses(answer)[:2] == ["batch_aborted", "batch_aborted"]
        assert statuses(answer)[2] in ("malformed", "invalid_amount", "insufficient_indicator")
        assert answer["results"][0]["problem"]["failed_index"] == 2
        assert http.figures(bgt_id)["pay_app_amt"] == "0.00"
        sound = http.ok(http.post("…/payments:batch?mode=atomic", items[:2]))
        assert statuses(sound) == ["created", "created"]
        http.post(f"…/payments/{items[0]['pay_app_no']}/withdraw")
        http.post(f"…/payments/{items[1]['pay_app_no']}/withdraw")


def test_indicators_in_bulk(http: HttpTreasury) -> None:
    from tests.support.bookkeeper import ELEMENTS

    items = [{"bgt_id": http.number("B"), "amount": "5.00", **ELEMENTS} for _ in range(3)]
    items[1]["exp_func_code"] = "9999999"
    answer = http.ok(http.post("…/indicators:batch", items))
    assert statuses(answer) == ["created", "element_invalid", "created"]
    assert answer["results"][2]["indicator"]["canuse_amt"] == "5.00"
    assert answer["results"][1]["problem"]["pointer"] == "/exp_func_code"


def test_refunds_of_several_payments_are_one_request(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    first, second = http.paid(bgt_id, "300.00"), http.paid(bgt_id, "200.00")
    before = http.figures(bgt_id)
    assert (before["pay_amt"], before["canuse_amt"]) == ("500.00", "500.00")

    def refund(number: str, amount: str) -> dict[str, str]:
        back = {"refund_no": http.number("R"), "refund_amt": amount, "reason": "收款人退回"}
        return {"pay_app_no": number, **back}

    asked = [refund(first, "300.00"), refund(second, "150.00"), refund(second, "60.00")]
    answer = http.ok(http.post("…/refunds:batch", [*asked, refund("none", "1.00")]))
    assert statuses(answer) == [
        "created",
        "created",
        "refund_exceeds_paid",
        "payment_not_found",
    ]
    assert answer["results"][1]["payment"]["refunds"][0]["state"] == "approved"
    assert http.figures(bgt_id) == before
    http.returned(first, "300.00")
    assert http.returned(second, "150.00")["refund_amt"] == "150.00"
    assert http.figures(bgt_id)["pay_amt"] == "50.00"
    again = http.ok(http.post("…/refunds:batch", asked[:1]))
    assert statuses(again) == ["replayed"]
    assert http.figures(bgt_id)["canuse_amt"] == "950.00"


def test_a_bulk_has_a_bound_and_is_not_empty(http: HttpTreasury) -> None:
    answer = http.call("POST", "…/payments:batch", content=b"[" + b"{}," * 5000 + b"{}]")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_items")
    for content in (b"[]", b"{}", b"[1,", b""):
        assert http.call("POST", "…/payments:batch", content=content).json()["code"] == "malformed"
    assert http.post("…/payments:batch?mode=some", [{}]).json()["code"] == "malformed"
    numbers = {"pay_app_nos": ["x"] * 5001}
    assert http.post("…/payments:approve", numbers, "checker").status_code == 413


def test_a_dry_run_of_a_bulk_stores_nothing(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    before = http.get("…").json()["position"]
    answer = http.ok(http.post("…/payments:batch?dry_run=true", mixed(http, bgt_id)[:4]))
    assert statuses(answer) == MIXED[:4]
    assert answer["commit"] is None
    assert http.get("…").json()["position"] == before


def test_items_have_keys_by_their_place(http: HttpTreasury) -> None:
    number = http.applied(http.indicator())
    asked, headers = {"pay_app_nos": [number]}, {"Idempotency-Key": '"night-run"'}
    first = http.ok(http.post("…/payments:approve", asked, "checker", headers=headers))
    again = http.ok(http.post("…/payments:approve", asked, "checker", headers=headers))
    assert (statuses(first), statuses(again)) == (["created"], ["replayed"])
    assert statuses(http.ok(http.post("…/payments:approve", asked, "checker"))) == ["replayed"]


def test_vouchers_are_signed_in_the_order_of_the_policy(http: HttpTreasury) -> None:
    policy = {"roles": ["finance_first", "finance_second"]}
    http.ok(http.call("PUT", "…/signature-policy", "admin", json=policy))
    try:
        numbers = [http.applied(http.indicator()) for _ in range(2)]
        approve = {"pay_app_nos": numbers}
        assert statuses(http.ok(http.post("…/payments:approve", approve, "checker"))) == [
            "created",
            "created",
        ]
        asked = {"pay_app_nos": [*numbers, "none"], "role": "finance_second"}
        early = statuses(http.ok(http.post("…/payments:sign", asked, "second")))
        assert early == ["signature_order", "signature_order", "payment_not_found"]
        first = http.ok(http.post("…/payments:sign", {**asked, "role": "finance_first"}, "first"))
        assert statuses(first) == ["created", "created", "payment_not_found"]
        assert first["results"][0]["payment"]["status"] == "approved"
        last = http.ok(http.post("…/payments:sign", asked, "second"))
        assert last["results"][0]["payment"]["status"] == "signed"
        roles = [s["role"] for s in last["results"][1]["payment"]["signatures"]]
        assert roles == policy["roles"]
        foreign = http.post("…/payments:sign", asked, "first")
        assert foreign.json()["code"] == "forbidden"
        refusals = http.get("…/refusals", operation="voucher.sign").json()["items"]
        assert {"signature_order", "payment_not_found"} <= {r["code"] for r in refusals}
    finally:
        default = {"roles": ["treasury"], "pay_bank_code": "102"}
        http.ok(http.call("PUT", "…/signature-policy", "admin", json=default))


def test_vouchers_are_signed_together_where_the_bank_takes_manifests(http: HttpTreasury) -> None:
    policy = {"roles": ["treasury"], "signing": "manifest"}
    shown = http.ok(http.call("PUT", "…/signature-policy", "admin", json=policy))
    assert (shown["signing"], shown["roles"]) == ("manifest", ["treasury"])
    try:
        assert http.ok(http.get("…/signature-policy"))["signing"] == "manifest"
        assert http.ok(http.get("…"))["signing"] == "manifest"
        numbers = [http.applied(http.indicator()) for _ in range(3)]
        http.ok(http.post("…/payments:approve", {"pay_app_nos": numbers}, "checker"))
        asked = {"pay_app_nos": [numbers[0], "none", *numbers[1:]], "role": "treasury"}
        rehearsed = http.ok(http.post("…/payments:sign?dry_run=true", asked, "signer"))
        assert statuses(rehearsed) == ["created", "payment_not_found", "created", "created"]
        assert http.ok(http.get(f"…/payments/{numbers[0]}"))["status"] == "approved"
        signed = http.ok(http.post("…/payments:sign", asked, "signer"))
        assert statuses(signed) == statuses(rehearsed)
        signatures = [signed["results"][i]["payment"]["signatures"][0] for i in (0, 2, 3)]
        assert len({s["manifest_no"] for s in signatures}) == 1
        assert [(s["leaf"], s["signature"]) for s in signatures] == [(0, ""), (1, ""), (2, "")]
        again = statuses(http.ok(http.post("…/payments:sign", asked, "signer")))
        assert again == ["replayed", "payment_not_found", "replayed", "replayed"]
        [body] = parse_envelope(http.get(f"…/payments/{numbers[1]}/voucher").content)
        [signature] = body.signatures
        assert signature.manifest is not None
        assert (signature.no, signature.leaf, len(signature.path)) == ("treasury", 1, 64)
        [receipt] = http.ok(http.deliver(http.receipt_for(numbers[1])))["results"]
        assert receipt["status"] == "created"
    finally:
        default = {"roles": ["treasury"], "pay_bank_code": "102"}
        http.ok(http.call("PUT", "…/signature-policy", "admin", json=default))
    assert http.ok(http.get("…/signature-policy"))["signing"] == "voucher"


@pytest.mark.parametrize("scope", ["both", "", 1, None])
def test_another_signing_scope_is_malformed(http: HttpTreasury, scope: Any) -> None:
    policy = {"roles": ["treasury"], "signing": scope}
    answer = http.call("PUT", "…/signature-policy", "admin", json=policy)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert answer.json()["pointer"] == "/signing"
