"""Corrections over HTTP: an accountant asks, another person agrees, both indicators move."""

import pytest

from tests.support.http_server import HttpTreasury, http

__all__ = ["http"]


@pytest.fixture
def paid(http: HttpTreasury) -> tuple[str, str, str]:
    """A payment of 12,000.00 from 办公费, and 维修费 that it should have been paid from."""
    supplies = http.indicator("20000.00")
    repair = http.indicator("20000.00", dep_bgt_eco_code="30213", gov_bgt_eco_code="50209")
    return http.paid(supplies, "12000.00"), supplies, repair


def asked(number: str, to_bgt_id: str, amt: str, cor_no: str) -> dict[str, str]:
    given = {"pay_app_no": number, "to_bgt_id": to_bgt_id, "amt": amt, "reason": "科目用错"}
    return {"cor_no": cor_no, **given}


def test_a_correction_waits_for_another_person_and_moves_both(
    http: HttpTreasury, paid: tuple[str, str, str]
) -> None:
    number, supplies, repair = paid
    policy = {"correction.apply": ["accountant_checker"]}
    http.ok(http.call("PUT", "…/approval-policy", "admin", json=policy))
    body = asked(number, repair, "12000.00", http.number("G"))
    waits = http.post("…/corrections", body, "accountant")
    assert (waits.status_code, waits.json()["awaits"]) == (202, ["accountant_checker"])
    [shown] = http.ok(http.get(f"…/payments/{number}"))["corrections"]
    assert (shown["state"], shown["from_bgt_id"], shown["to_bgt_id"]) == (
        "submitted",
        supplies,
        repair,
    )
    assert http.figures(supplies)["pay_amt"] == "12000.00"
    path = f"…/documents/correction.apply/{body['cor_no']}/approve"
    own = http.post(path, None, "accountant")
    assert own.json()["code"] in ("same_person", "forbidden")
    done = http.ok(http.post(path, None, "accountant_checker"))
    assert done["from_indicator"]["canuse_amt"] == "20000.00"
    assert done["to_indicator"]["pay_amt"] == "12000.00"
    http.ok(http.call("PUT", "…/approval-policy", "admin", json={"correction.apply": []}))
    assert http.figures(supplies)["pay_amt"] == "0.00"
    assert http.figures(repair)["canuse_amt"] == "8000.00"
    payment = http.ok(http.get(f"…/payments/{number}"))
    assert [each["state"] for each in payment["corrections"]] == ["corrected"]
    assert payment["indicator"]["pay_amt"] == "0.00"


def test_a_correction_is_shown_listed_and_traced_both_ways(
    http: HttpTreasury, paid: tuple[str, str, str]
) -> None:
    number, supplies, repair = paid
    body = asked(number, repair, "5000.00", http.number("G"))
    made = http.ok(http.post("…/corrections", body, "accountant"))
    again = http.post("…/corrections", body, "accountant")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == made
    shown = http.ok(http.get(f"…/corrections/{body['cor_no']}"))
    assert shown["correction"] == made["correction"]
    assert http.get("…/corrections/none").json()["code"] == "not_found"
    for query in ({"pay_app_no": number}, {"bgt_id": supplies}, {"bgt_id": repair}):
        [item] = http.ok(http.get("…/corrections", **query))["items"]
        assert (item["cor_no"], item["amt"]) == (body["cor_no"], "5000.00")
    for bgt_id, into, out, net in ((supplies, "0.00", "5000.00", "7000.00"),
                                   (repair, "5000.00", "0.00", "5000.00")):  # fmt: skip
        trace = http.ok(http.get(f"…/indicators/{bgt_id}/trace"))
        sums = trace["sums"]
        assert (sums["corrected_in"], sums["corrected_out"], sums["net_paid"]) == (into, out, net)
        assert all(proof["holds"] for proof in trace["proofs"])
        assert [each["cor_no"] for each in trace["corrections"]] == [body["cor_no"]]
    chain = http.ok(http.get(f"…/payments/{number}/trace"))["chain"]
    facts = [fact for link in chain for fact in link["facts"]]
    types = [fact.get("type") for fact in facts]
    assert "payment.corrected" in types
    assert "payment.correction_taken" in types
    http.ok(http.deliver(http.notice_for(number, "6000.00")))
    trace = http.ok(http.get(f"…/indicators/{repair}/trace"))
    assert (trace["sums"]["refunded"], trace["sums"]["net_paid"]) == ("5000.00", "0.00")
    assert all(proof["holds"] for proof in trace["proofs"])
    assert http.figures(supplies)["pay_amt"] == "6000.00"


def test_what_is_refused_says_what_is_left(http: HttpTreasury, paid: tuple[str, str, str]) -> None:
    number, supplies, repair = paid
    body = asked(number, repair, "12000.01", http.number("G"))
    refused = http.post("…/corrections", body, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (422, "correction_exceeds_paid")
    assert refused.json()["available_amt"] == "12000.00"
    dry = http.post(
        "…/corrections?dry_run=true", {**body, "cor_no": http.number("G"), "amt": "1.00"},
        "accountant",
    )  # fmt: skip
    assert http.ok(dry)["to_indicator"]["pay_amt"] == "1.00"
    assert http.figures(supplies)["pay_amt"] == "12000.00"
    assert http.post("…/corrections", body, "unit").json()["code"] == "forbidden"
