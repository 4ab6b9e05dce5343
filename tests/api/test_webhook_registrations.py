"""Webhooks: who may have one and what for, who has the secret, and what is none."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from typing import Any

import psycopg
import pytest

from api.webhooks.positions import take
from division.persons import EndRights, SetRights
from division.recording import record
from division.verification import check_tables
from ledger.account_set import standing_ledger
from ledger.deciding.approvals import ApprovalPolicy, SetApprovalPolicy, agreeing
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database
from ledger.verification.findings import Findings
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import Receiver
from tests.support.webhooks import (
    SECRET,
    delivering,
    ended,
    head,
    http,
    receiver,
    registered,
    shown,
    standing,
)


def test_it_ends_with_the_rights_of_whoever_registered_it(
    http: HttpTreasury, receiver: Receiver
) -> None:
    http.tokens["leaver"] = http.token("leaver", "ops")
    number = registered(http, receiver, "indicator.issued", person="leaver")
    http.indicator()
    with delivering(http):
        wait_until(lambda: len(receiver.taken()) == 1, "the first to arrive")
        wait_until(lambda: standing(http, number)["position"] == head(http), "all to be seen")
    gone = EndRights(principal="leaver")
    with http.treasury.pool.connection() as connection:
        record(connection, standing_ledger("44"), [gone], FREELY, by=OPERATOR)
    http.indicator()
    with http.treasury.pool.connection() as connection:
        assert take(connection, 0.0) is None
    back = SetRights(principal="leaver", change_no="1", division="44", roles=("ops",))
    with http.treasury.pool.connection() as connection:
        record(connection, standing_ledger("44"), [back], FREELY, by=OPERATOR)
        taken = take(connection, 0.0)
    assert taken is not None
    assert taken.webhook.webhook_no == number
    ended(http, number)


def test_another_divisions_ledgers_are_not_told(http: HttpTreasury, receiver: Receiver) -> None:
    http.tokens["city"] = http.token("city", "ops", division="4401")
    alone = SetApprovalPolicy(approval_policy={"*": ()})
    with http.treasury.pool.connection() as connection:
        record(connection, standing_ledger("4401"), [alone], FREELY, by=OPERATOR)
    number = registered(http, receiver, person="city")
    http.indicator()
    with delivering(http):
        wait_until(lambda: bool(receiver.received), "the registration to arrive")
        wait_until(lambda: shown(http, number)["ledgers"] != [], "it to be written down")
    assert {each["ledger"] for each in shown(http, number)["ledgers"]} == {"440100000-0000"}
    answer = http.call("DELETE", f"/v1/webhooks/{number}", "city")
    assert http.ok(answer)["ended_at"]


def test_another_person_agrees_before_anything_leaves(
    http: HttpTreasury, receiver: Receiver
) -> None:
    http.tokens["town"] = http.token("town", "admin", "security_officer", division="4402")
    http.tokens["guard"] = http.token("guard", "security_officer", division="4402")
    body = {"url": receiver.url, "types": ["*"], "webhook_no": "TS-town", "secret": SECRET}
    waits = http.post("/v1/webhooks", body, "town")
    assert (waits.status_code, waits.json()["awaits"]) == (202, ["security_officer"])
    assert http.get("/v1/webhooks/TS-town/secret", "town").json()["code"] == "not_found"
    agree = "/v1/divisions/440200000/documents/webhook.register/TS-town/approve"
    assert http.post(agree, person="town").json()["code"] == "same_person"
    done = http.post(agree, person="guard")
    assert (done.status_code, done.json()["registered_by"]) == (201, "town")
    assert http.ok(http.get("/v1/webhooks/TS-town/secret", "town"))["secret"] == SECRET
    again = http.post("/v1/webhooks", body | {"secret": f"{SECRET[:-4]}AAA="}, "town")
    assert again.json()["code"] == "idempotency_conflict"
    assert http.ok(http.call("DELETE", "/v1/webhooks/TS-town", "town"))["ended_at"], "at once"


def test_a_policy_that_is_older_than_webhooks_does_not_let_one_person_alone() -> None:
    older = ApprovalPolicy({"person.*": ("security_officer",)})
    assert agreeing(older, "webhook.register") == ("security_officer",)
    assert agreeing(older, "webhook.end") == ()
    assert agreeing(ApprovalPolicy({"*": ()}), "webhook.register") == (), "it is said"


def test_who_is_bound_to_units_has_no_history_to_be_told(
    http: HttpTreasury, receiver: Receiver
) -> None:
    http.tokens["bound"] = http.token("bound", "ops")
    number = registered(http, receiver, person="bound")
    http.indicator()
    with http.treasury.pool.connection() as connection:
        bound = SetRights(
            principal="bound",
            change_no="2",
            division="44",
            roles=("unit",),
            agency_prefixes=("101",),
        )
        record(connection, standing_ledger("44"), [bound], FREELY, by=OPERATOR)
        assert take(connection, 0.0) is None
    ended(http, number)


def test_after_its_end_nothing_comes(http: HttpTreasury, receiver: Receiver) -> None:
    number = registered(http, receiver)
    ended(http, number)
    again = http.call("DELETE", f"/v1/webhooks/{number}", "admin")
    assert again.headers["Idempotent-Replayed"] == "true"
    http.indicator()
    with http.treasury.pool.connection() as connection:
        assert take(connection, 0.0) is None
    assert shown(http, number)["ended_at"]


def test_the_secret_is_for_whoever_registered_it(http: HttpTreasury, receiver: Receiver) -> None:
    number = registered(http, receiver)
    assert http.get(f"/v1/webhooks/{number}/secret", "ops").json()["code"] == "forbidden"
    assert http.get("/v1/webhooks/none/secret", "admin").json()["code"] == "not_found"
    ended(http, number)


def test_a_secret_that_is_brought_is_kept_sealed(http: HttpTreasury, receiver: Receiver) -> None:
    number = registered(http, receiver, "indicator.issued", secret=SECRET)
    assert receiver.secret == SECRET
    http.indicator()
    with delivering(http):
        wait_until(lambda: bool(receiver.taken()), "the event to arrive")
    assert receiver.unsound == []
    with http.treasury.pool.connection() as connection:
        rows = connection.execute("SELECT s::text FROM webhook_secrets s").fetchall()
        assert rows
        assert not any(SECRET in row or SECRET.encode().hex() in row for [row] in rows)
        connection.execute("UPDATE webhook_secrets SET webhook_no = 'TS-moved'")
    body = {"url": receiver.url, "types": ["*"], "webhook_no": "TS-moved"}
    http.ok(http.post("/v1/webhooks", body, "admin"))
    moved = http.get("/v1/webhooks/TS-moved/secret", "admin")
    assert moved.status_code == 500, "what was sealed for one is no secret of another"
    ended(http, number)
    ended(http, "TS-moved")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://a.example/"}, "/url"),
        ({"url": "https://user@a.example/"}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "https://a.example/#x"}, "/url"),
        ({"url": "https://a.example/ x"}, "/url"),
        ({"url": "https://a.example:0/"}, "/url"),
        ({"types": ()}, "/types"),
        ({"types": ("payment.applied", "payment.applied")}, "/types"),
        ({"types": ("payment.no_such",)}, "/types/0"),
        ({"secret": "short"}, "/secret"),
        ({"secret": "whsec_QUJD"}, "/secret"),
        ({"webhook_no": "a b"}, "/webhook_no"),
    ],
)
def test_what_nothing_can_be_posted_to_is_malformed(
    http: HttpTreasury, body: dict[str, Any], pointer: str
) -> None:
    asked = {"url": "https://a.example/in", "types": ("*",)} | body
    problem = http.post("/v1/webhooks", asked, "admin").json()
    assert (problem["code"], problem["pointer"]) == ("malformed", pointer)


def test_the_same_key_gives_the_same_number(http: HttpTreasury, receiver: Receiver) -> None:
    body = {"url": receiver.url, "types": ["*"]}
    headers = {"Idempotency-Key": '"once"'}
    first, again = (http.post("/v1/webhooks", body, "admin", headers=headers) for _ in range(2))
    assert first.json()["webhook_no"] == again.json()["webhook_no"]
    assert again.headers["Idempotent-Replayed"] == "true"
    ended(http, first.json()["webhook_no"])


def test_a_row_made_up_in_the_database_is_found(
    http: HttpTreasury, module_database: Database
) -> None:
    made_up = (
        "INSERT INTO webhooks VALUES"
        " (%s, 'X', 'https://thief.example', '{*}', '', 'admin', now(), NULL)"
    )
    home, findings = standing_ledger("44"), Findings()
    with psycopg.connect(module_database.owner_conninfo) as connection:
        connection.execute(made_up, (home,))
        check_tables(connection, home, findings)
        connection.rollback()
    assert any("webhooks" in finding.detail for finding in findings.all())
