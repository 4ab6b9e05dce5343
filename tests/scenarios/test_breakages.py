"""What an outside tester broke over HTTP, each mended once and kept so."""

import pytest

from tests.support.http_server import HttpTreasury, http  # noqa: F401 - a fixture

POLICY = "…/signature-policy"


def test_deep_json_is_malformed_everywhere(http: HttpTreasury) -> None:  # noqa: F811
    deep = b"[" * 100_000 + b"]" * 100_000
    for path in ("…/payments", "…/payments:batch", "…/indicators:batch", "…/payments:approve"):
        answer = http.call("POST", path, "maker", content=deep)
        assert answer.status_code in (400, 403), path
        assert answer.json()["code"] in ("malformed", "forbidden"), path


@pytest.mark.parametrize("path", ["…/payments", "…/indicators"])
def test_a_key_that_stands_twice_is_malformed(http: HttpTreasury, path: str) -> None:  # noqa: F811
    answer = http.call("POST", path, "maker", content=b'{"bgt_id":"A","bgt_id":"B"}')
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_misspelt_dry_run_does_not_pay(http: HttpTreasury) -> None:  # noqa: F811
    bgt_id = http.indicator("10.00")
    body = http.payment(bgt_id, "1.00")
    answer = http.call("POST", "…/payments?dryrun=true", "maker", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert http.figures(bgt_id)["canuse_amt"] == "10.00"


def test_a_balance_before_the_year_is_empty(http: HttpTreasury) -> None:  # noqa: F811
    http.indicator("10.00")
    answer = http.get("…/trial-balance", as_of_effective="0001-01-01")
    assert answer.status_code == 200
    assert answer.json()["accounts"] == []


def test_a_refund_outside_the_year_is_that_first(http: HttpTreasury) -> None:  # noqa: F811
    refund = {
        "refund_no": "none",
        "refund_amt": "1.00",
        "reason": "x",
        "effective_on": "2025-01-01",
    }
    answer = http.call("POST", "…/payments/none/refunds", "maker", json=refund)
    assert (answer.status_code, answer.json()["code"]) == (409, "period_closed")


def test_a_month_may_be_text(http: HttpTreasury) -> None:  # noqa: F811
    bgt_id = http.indicator("10.00")
    plan = {"plan_voucher_no": f"J-{bgt_id}", "plan_month": "03", "plan_amt": "1.00"}
    answer = http.call("POST", f"…/indicators/{bgt_id}/plans", "maker", json=plan)
    assert answer.status_code == 200, answer.text
    for month in ("13", "00", "3x", "2026-03", 0, 13):
        wrong = {**plan, "plan_voucher_no": f"J-{month}", "plan_month": month}
        answer = http.call("POST", f"…/indicators/{bgt_id}/plans", "maker", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), month


def test_a_policy_may_be_a_bare_list(http: HttpTreasury) -> None:  # noqa: F811
    answer = http.call("PUT", POLICY, "admin", json=["unit", "treasury"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["roles"] == ["unit", "treasury"]
    answer = http.call("PUT", POLICY, "admin", json={"roles": ["treasury"]})
    assert answer.json()["roles"] == ["treasury"]


@pytest.mark.parametrize("fund", ["14", "3"])  # 31 is a unit's own money
def test_funds_that_are_nobodys_are_refused(http: HttpTreasury, fund: str) -> None:  # noqa: F811
    body = {
        "bgt_id": f"F-{fund}",
        "agency_code": "101001",
        "pro_code": "440000260000000000001",
        "exp_func_code": "2010102",
        "gov_bgt_eco_code": "50201",
        "dep_bgt_eco_code": "30201",
        "fund_type_code": fund,
        "bgt_type_code": "21",
        "amount": "10.00",
    }
    answer = http.call("POST", "…/indicators", "maker", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "element_invalid")
    assert answer.json()["pointer"] == "/fund_type_code"


def test_a_bit_that_breaks_the_message_is_on_record_too(http: HttpTreasury) -> None:  # noqa: F811
    bgt_id = http.indicator("10.00")
    number = http.signed(bgt_id, "1.00")
    message = bytearray(http.receipt_for(number))
    message[message.index(b"<Voucher>") + len(b"<Voucher>")] ^= 0x01  # the head of the inner XML
    before = len(http.ok(http.get("…/refusals"))["items"])
    answer = http.deliver(bytes(message))
    # whatever its form: it is not what the bank has signed
    assert (answer.status_code, answer.json()["code"]) == (422, "signature_invalid")
    refusals = http.ok(http.get("…/refusals"))["items"]
    assert len(refusals) == before + 1
    assert http.ok(http.get(f"…/payments/{number}"))["status"] in ("signed", "sent")
