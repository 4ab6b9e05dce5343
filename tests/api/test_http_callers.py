"""Who asks: tokens that end, other divisions, and what is on record of who was denied."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.http import authentication, denials
from api.tokens import create_token, find_caller
from division.credentials import end_tokens_of
from ledger.errors import RequestError
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury, http
from tests.support.waiting import wait_until


def test_a_denied_right_is_on_record(http: HttpTreasury) -> None:
    body = http.payment(http.indicator())
    assert http.post("…/payments", body, "auditor").json()["code"] == "forbidden"
    recorded = {
        (refusal["operation"], refusal["number"])
        for refusal in http.get("…/refusals", code="forbidden", by="auditor").json()["items"]
    }
    number = body["pay_app_no"]
    assert ("payment.apply", number) in recorded
    assert http.ok(http.post("…/payments", body))["status"] == "applied"  # the number is free


def test_a_stranger_cannot_write_into_a_ledger_by_being_refused(http: HttpTreasury) -> None:
    """Any token of any division wrote 60 undeletable refusals a second into any ledger."""
    body = http.payment(http.indicator())
    http.tokens["stranger"] = http.token("stranger", "treasury_maker", division="45")
    not_kept = 'guoku_http_denials_not_kept_total{reason="stranger"}'
    before, counted = http.get("…").json()["position"], http.figure(not_kept)
    for _ in range(3):
        assert http.post("…/payments", body, "stranger").json()["code"] == "forbidden"
    assert http.get("…").json()["position"] == before
    assert http.figure(not_kept) == counted + 3


def test_a_person_of_the_ledger_fills_its_record_only_so_fast(http: HttpTreasury) -> None:
    http.tokens["eager"] = http.token("eager", "auditor")
    body = http.payment(http.indicator())
    for _ in range(denials.KEPT_PER_MINUTE * 2 + 2):
        assert http.post("…/payments", body, "eager").json()["code"] == "forbidden"
    kept = http.get("…/refusals", code="forbidden", by="eager", page_size="1000").json()["items"]
    # the minutes of the clock: those before and after its turn have their own number
    assert denials.KEPT_PER_MINUTE <= len(kept) <= denials.KEPT_PER_MINUTE * 2


def test_a_ledger_elsewhere_is_not_told_apart_from_none(http: HttpTreasury) -> None:
    http.tokens["stranger"] = http.token("stranger", "auditor", division="45")
    there = http.get("…", "stranger").json()
    none = http.get("/v1/ledgers/440000000-2040", "stranger").json()
    assert there["code"] == none["code"] == "forbidden"
    assert there["detail"] == none["detail"]
    assert http.get("/v1/ledgers/440000000-2040").json()["code"] == "ledger_not_found"
    assert http.get("/v1/ledgers/44-2026").json()["code"] == "ledger_not_found"
    assert http.get("/v1/ledgers", "stranger").json()["items"] == []


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic eDp5", "Bearer gk_no", "Bearer " + "x" * 5000]
)
def test_no_valid_token_is_unauthenticated(http: HttpTreasury, header: str) -> None:
    answer = http.call("GET", "…", "", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_is_no_token(http: HttpTreasury) -> None:
    http.tokens["leaving"] = http.token("leaving", "auditor")
    with http.treasury.pool.connection() as connection:
        assert end_tokens_of(connection, "leaving", FREELY) == 1
        assert end_tokens_of(connection, "leaving", FREELY) == 0
    assert http.get("…", "leaving").json()["code"] == "unauthenticated"


def test_a_token_in_use_is_looked_up_again_beside_its_requests(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def counted(connection: Any, key: bytes) -> Any:
        asked.append(key)
        return find_caller(connection, key)

    monkeypatch.setattr(authentication, "find_caller", counted)
    monkeypatch.setattr(authentication, "REMEMBERED_S", 3600.0)
    monkeypatch.setattr(authentication, "LOOKED_UP_AGAIN_S", 3600.0)
    http.tokens["busy"] = http.token("busy", "auditor")
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: http.get("…", "busy"), range(16)))
    assert all(answer.is_success for answer in answers)
    assert len(asked) == 1, "one look-up serves all who come meanwhile"

    monkeypatch.setattr(authentication, "LOOKED_UP_AGAIN_S", 0.0)
    with http.treasury.pool.connection() as connection:
        end_tokens_of(connection, "busy", FREELY)
    wait_until(  # long before REMEMBERED_S: its use is what revokes it
        lambda: http.get("…", "busy").json().get("code") == "unauthenticated",
        "the token to be looked up again",
    )
    assert len(asked) >= 2


def test_what_is_remembered_of_a_token_has_an_age(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.tokens["gone"] = http.token("gone", "auditor")
    assert http.get("…", "gone").is_success
    with http.treasury.pool.connection() as connection:
        end_tokens_of(connection, "gone", FREELY)
    monkeypatch.setattr(authentication, "REMEMBERED_S", 0.0)
    assert http.get("…", "gone").json()["code"] == "unauthenticated"


def test_a_token_is_not_kept(http: HttpTreasury) -> None:
    token = http.token("kept", "ops")
    with http.treasury.pool.connection() as connection:
        rows = connection.execute("SELECT tokens::text FROM tokens").fetchall()
        assert not any(token in row[0] or token[3:] in row[0] for row in rows)
        for principal, roles, division in (
            ("", ["ops"], ""),
            ("a b", ["ops"], ""),
            ("x", [], ""),
            ("x", ["king"], ""),
            ("x", ["ops"], "44x"),
            ("x", ["ops"], "4400000000"),
        ):
            with pytest.raises(RequestError):
                create_token(connection, principal, roles, division, FREELY)


@pytest.mark.parametrize("name", ["both", "BOTH", "ｂoth", "ＢＯＴＨ"])
def test_maker_and_checker_are_two_persons(http: HttpTreasury, name: str) -> None:
    """Case did not tell persons apart, but width did: a clerk with a second name approved what he
    had made."""
    http.tokens["both"] = http.token("both", "treasury_maker", "treasury_checker")
    http.tokens[name] = http.token(name, "treasury_maker", "treasury_checker")
    body = http.payment(http.indicator())
    http.ok(http.post("…/payments", body, "both"))
    answer = http.post(f"…/payments/{body['pay_app_no']}/approve", person=name)
    assert (answer.status_code, answer.json()["code"]) == (403, "same_person")


def test_a_unit_stops_no_run_of_another(http: HttpTreasury) -> None:
    """Who signs for a unit may stop runs; it was not asked whose."""
    run = {"run_no": http.number("R"), "bgt_id": http.indicator(), "title": "工资"}
    http.ok(http.post("…/disbursements", run))
    http.tokens["school"] = of_units(http, "school", "unit", "999")
    http.tokens["own"] = of_units(http, "own", "unit", "101")
    path = f"…/disbursements/{run['run_no']}/stop"
    assert http.post(path, person="school").json()["code"] == "forbidden"
    assert http.post(path, person="own").json()["code"] == "invalid_state", "nothing runs yet"


def of_units(http: HttpTreasury, principal: str, role: str, *prefixes: str) -> str:
    """A token that is bound to the units whose codes begin so."""
    conditions = http.treasury.sequencer.conditions
    with http.treasury.pool.connection() as connection:
        return create_token(
            connection, principal, [role], "44", conditions, agency_prefixes=prefixes
        )
