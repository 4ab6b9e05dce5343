"""A number is used once, whoever repeats it, however often and however many at a time."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.http_server import HttpTreasury, http

REPLAYED = "idempotent-replayed"
CALLERS = 64


def at_once(http: HttpTreasury, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """All bodies posted as payments, each by a caller of its own."""
    with ThreadPoolExecutor(len(bodies)) as callers:
        return list(callers.map(lambda body: http.post("…/payments", body), bodies))


def position(http: HttpTreasury) -> int:
    return int(http.get("…").json()["position"])


def test_the_same_number_with_the_same_body_is_the_same_answer(http: HttpTreasury) -> None:
    body = http.payment(http.indicator())
    first, again = http.post("…/payments", body), http.post("…/payments", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.json() == first.json()
    http.ok(http.post(f"…/payments/{body['pay_app_no']}/approve", person="checker"))
    assert http.post("…/payments", body).json() == first.json()  # the answer of then


def test_json_may_be_written_otherwise(http: HttpTreasury) -> None:
    body = http.payment(http.indicator())
    http.ok(http.post("…/payments", body))
    turned = dict(reversed(body.items())) | {"payee_bank_no": "", "details": []}
    assert http.post("…/payments", turned).headers[REPLAYED] == "true"


def test_the_same_number_with_another_body_has_no_effect(http: HttpTreasury) -> None:
    body = http.payment(http.indicator(), "100.00")
    http.ok(http.post("…/payments", body))
    before = http.figures(body["bgt_id"])
    other = http.post("…/payments", {**body, "pay_amt": "100.01"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    assert http.figures(body["bgt_id"]) == before


def test_a_refusal_is_kept_and_a_malformed_request_is_not(http: HttpTreasury) -> None:
    bgt_id = http.indicator("10.00")
    body = http.payment(bgt_id, "11.00")
    assert http.post("…/payments", {**body, "pay_amt": 11}).status_code == 400
    refused = http.post("…/payments", body)
    assert refused.json()["code"] == "insufficient_indicator"
    adjustment = {"adj_no": http.number("T"), "adj_amt": "5.00", "reason": "追加"}
    http.ok(http.post(f"…/indicators/{bgt_id}/adjustments", adjustment))
    again = http.post("…/payments", body)
    assert again.json()["code"] == "insufficient_indicator"
    assert again.headers[REPLAYED] == "true"


def test_fifty_at_once_with_one_number_pay_once(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    before = position(http)
    answers = at_once(http, [http.payment(bgt_id)] * 50)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert http.figures(bgt_id)["pay_app_amt"] == "100.00"
    assert position(http) == before + 2  # the application and its journal


def test_sixty_four_callers_race_for_one_indicator(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    answers = at_once(http, [http.payment(bgt_id) for _ in range(CALLERS)])
    accepted = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 422]
    assert (len(accepted), len(refused)) == (10, CALLERS - 10)
    assert {answer.json()["code"] for answer in refused} == {"insufficient_indicator"}
    figures = http.figures(bgt_id)
    assert (figures["canuse_amt"], figures["pay_app_amt"]) == ("0.00", "1000.00")
    positions = [answer.json()["commit"]["position"] for answer in accepted]
    assert len(set(positions)) == len(positions)


@pytest.mark.parametrize("key", ['"a \\"b\\""', "bare-key", '"' + "x" * 255 + '"'])
def test_an_idempotency_key_is_good_on_every_post(http: HttpTreasury, key: str) -> None:
    number = http.applied(http.indicator())
    path, headers = f"…/payments/{number}/approve", {"Idempotency-Key": key}
    first = http.post(path, person="checker", headers=headers)
    again = http.post(path, person="checker", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers[REPLAYED] == "true"
    assert again.json() == first.json()
    # without the key it is known by what it left on the payment
    plain = http.post(path, person="checker")
    assert (plain.headers[REPLAYED], plain.json()) == ("true", first.json())


def test_acts_on_a_payment_are_answered_again(http: HttpTreasury) -> None:
    """After a lost answer a repeated approve, withdraw or sign was refused, and that put on
    record."""
    bgt_id = http.indicator("1000.00")
    withdrawn, rejected, paid = (http.applied(bgt_id) for _ in range(3))
    acts = (
        (f"…/payments/{withdrawn}/withdraw", {}, "maker"),
        (f"…/payments/{rejected}/reject", {"reason": "缺附件"}, "checker"),
        (f"…/payments/{paid}/approve", {}, "checker"),
    )
    for path, body, person in acts:
        first = http.post(path, body, person)
        http.ok(first)
        before = position(http)
        again = http.post(path, body, person)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert (again.headers[REPLAYED], position(http)) == ("true", before)
    other = http.post(f"…/payments/{withdrawn}/withdraw", {}, "unit")
    assert other.json()["code"] in ("invalid_state", "forbidden")


def test_items_of_a_bulk_are_answered_again(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    numbers = [http.applied(bgt_id) for _ in range(3)]
    http.ok(http.post(f"…/payments/{numbers[0]}/approve", person="checker"))
    acts = (("approve", {}, "checker"), ("sign", {"role": "treasury"}, "signer"))
    for path, more, person in acts:
        body = {"pay_app_nos": numbers, **more}
        first, again = (http.ok(http.post(f"…/payments:{path}", body, person)) for _ in range(2))
        assert [r["status"] for r in again["results"]] == ["replayed"] * 3
        assert [r["payment"] for r in again["results"]] == [r["payment"] for r in first["results"]]


def test_what_a_unit_is_refused_leaves_the_makers_number_alone(http: HttpTreasury) -> None:
    """SQUAT: the number was burnt for everybody."""
    bgt_id = http.indicator("10.00")
    body = http.payment(bgt_id, "11.00")
    refused = http.post("…/payments", body, "unit")
    assert refused.json()["code"] == "insufficient_indicator"
    http.ok(http.post("…/payments", {**body, "pay_amt": "9.00"}, "maker"))
    again = http.post("…/payments", body, "unit")
    assert again.json()["code"] == "insufficient_indicator"
    assert again.headers[REPLAYED] == "true"


@pytest.mark.parametrize("key", ["", '""', '"' + "x" * 256 + '"', '"open', "two words", "é"])
def test_a_key_that_is_none_is_malformed(http: HttpTreasury, key: str) -> None:
    answer = http.post(
        "…/payments", http.payment("B"), headers={"Idempotency-Key": key.encode("latin-1")}
    )
    assert answer.json()["code"] == "malformed"


def test_a_dry_run_answers_in_full_and_stores_nothing(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    body, before = http.payment(bgt_id), position(http)
    tried = http.post("…/payments?dry_run=true", body)
    assert tried.status_code == 201
    assert tried.json()["commit"] is None
    assert tried.json()["indicator"]["canuse_amt"] == "900.00"
    too_much = http.post("…/payments?dry_run=true", {**body, "pay_amt": "1000.01"})
    assert too_much.json()["code"] == "insufficient_indicator"
    assert position(http) == before
    real = http.post("…/payments", body)
    assert real.json() | {"commit": None} == tried.json()


def test_a_ledger_can_be_rehearsed_and_is_opened_once(http: HttpTreasury) -> None:
    body = {"mof_div_code": "440000000", "fiscal_year": 2027, "name": "省本级"}
    tried = http.post("/v1/ledgers?dry_run=true", body, "admin")
    assert (tried.status_code, tried.json()["commit"]) == (201, None)
    assert http.get("/v1/ledgers/440000000-2027").json()["code"] == "ledger_not_found"
    first, again = (http.post("/v1/ledgers", body, "admin") for _ in range(2))
    assert (first.status_code, first.json()["position"]) == (201, 1)
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"
    other = http.post("/v1/ledgers", {**body, "name": "另名"}, "admin")
    assert other.json()["code"] == "idempotency_conflict"
