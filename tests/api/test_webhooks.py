"""Webhooks: what a receiver gets, in what order, when it fails, and when nothing more may go."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest

from api.webhooks.deliverer import DeliveryPolicy, WebhookDeliverer
from api.webhooks.positions import DeliveryOutcome, give_back, take
from api.webhooks.receivers import Receivers
from api.webhooks.secrets import WebhookKeys
from division.persons import EndRights, SetRights
from division.recording import record
from division.verification import check_tables
from ledger.account_set import standing_ledger
from ledger.deciding.approvals import ApprovalPolicy, SetApprovalPolicy, agreeing
from ledger.deciding.principals import OPERATOR
from ledger.gm import PublicKey
from ledger.postgres.database import Database
from ledger.verification.findings import Findings
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import Receiver, receiving

POLICY = DeliveryPolicy(attempts_max=3, first_pause_s=0.01, poll_s=0.02, events_max=10)
_serial = count(1)


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database, webhook_private_addresses=True) as opened:
        opened.alone_in_divisions()
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@contextmanager
def delivering(http: HttpTreasury, policy: DeliveryPolicy = POLICY) -> Iterator[WebhookDeliverer]:
    keys = WebhookKeys(http.treasury.keys, http.treasury.provider)
    receivers = Receivers(timeout_s=5.0, allows_private=True)
    deliverer = WebhookDeliverer(http.treasury.pool, keys, receivers, policy)
    deliverer.start()
    try:
        yield deliverer
    finally:
        deliverer.stop()


def registered(
    http: HttpTreasury, receiver: Receiver, *types: str, person: str = "admin", **more: Any
) -> str:
    number = f"TS-{next(_serial)}"
    body = {"url": f"{receiver.url}/in", "types": types or ("*",), "webhook_no": number, **more}
    http.ok(http.post("/v1/webhooks", body, person))
    told = http.ok(http.get(f"/v1/webhooks/{number}/secret", person))
    receiver.secret = told["secret"]
    receiver.public_key = PublicKey.from_hex(told["public_key"])
    return number


def ended(http: HttpTreasury, number: str) -> None:
    http.ok(http.call("DELETE", f"/v1/webhooks/{number}", "admin"))


def shown(http: HttpTreasury, number: str) -> dict[str, Any]:
    items = http.ok(http.get("/v1/webhooks", page_size="1000"))["items"]
    [found] = [each for each in items if each["webhook_no"] == number]
    return dict(found)


def standing(http: HttpTreasury, number: str) -> dict[str, Any]:
    """How far the receiver is in the ledger of the tests."""
    told = {each["ledger"]: each for each in shown(http, number)["ledgers"]}
    return dict(told.get(http.ledger, {}))


def head(http: HttpTreasury) -> int:
    return int(http.ok(http.get("…"))["position"])


def arrived(http: HttpTreasury, receiver: Receiver, upto: int) -> None:
    wait_until(
        lambda: upto in receiver.places(http.ledger), f"event {upto} to arrive, {receiver.unsound}"
    )


# ---- what comes


def test_an_event_comes_as_a_cloud_event_that_verifies_twice(
    http: HttpTreasury, receiver: Receiver
) -> None:
    number = registered(http, receiver, "indicator.issued")
    bgt_id = http.indicator()
    with delivering(http):
        wait_until(lambda: bool(receiver.received), "the event to arrive")
    ended(http, number)
    [received] = receiver.received
    assert receiver.unsound == []
    event, data = received.event, received.event["data"]
    assert received.id == event["id"] == f"{http.ledger}.{data['position']}"
    assert (event["specversion"], event["type"]) == ("1.0", "guoku.indicator.issued")
    assert event["source"] == f"urn:guoku:ledger:{http.ledger}"
    assert data["payload"]["bgt_id"] == bgt_id
    line = http.get("…/events", after=str(data["position"] - 1), limit="1").json()
    assert data == line, "what the history itself says, with its digest"
    assert receiver.headers["content-type"].startswith("application/cloudevents+json")


def test_types_choose_and_what_was_before_is_not_told(
    http: HttpTreasury, receiver: Receiver
) -> None:
    http.applied(http.indicator())
    number = registered(http, receiver, "payment.applied", "payment.approved")
    bgt_id = http.indicator()
    payment = http.applied(bgt_id)
    http.ok(http.post(f"…/payments/{payment}/approve", person="checker"))
    with delivering(http):
        wait_until(lambda: len(receiver.received) == 2, "both to arrive")
        wait_until(lambda: standing(http, number)["position"] == head(http), "all to be seen")
    ended(http, number)
    assert [each.event["type"] for each in receiver.received] == [
        "guoku.payment.applied",
        "guoku.payment.approved",
    ]
    assert {each.event["data"]["payload"]["pay_app_no"] for each in receiver.received} == {payment}


def test_all_types_come_in_order_of_every_ledger(http: HttpTreasury, receiver: Receiver) -> None:
    """Among them the registration itself, which stands in the standing ledger."""
    begun = head(http)
    number = registered(http, receiver)
    for _ in range(30):
        http.indicator()
    with delivering(http):
        arrived(http, receiver, head(http))
    ended(http, number)
    assert receiver.places(http.ledger) == list(range(begun + 1, head(http) + 1))
    types = {each.event["type"] for each in receiver.received}
    assert "guoku.webhook.registered" in types


# ---- when it fails


def test_one_in_ten_fails_and_one_in_ten_comes_twice(
    http: HttpTreasury, receiver: Receiver
) -> None:
    begun = head(http)
    number = registered(http, receiver)
    for _ in range(60):
        http.indicator()
    receiver.answers = lambda _, before: {3: 500, 7: 0}.get(before % 10, 204)
    with delivering(http):
        arrived(http, receiver, head(http))
    ended(http, number)
    assert receiver.places(http.ledger) == list(range(begun + 1, head(http) + 1))
    came = [each.place[1] for each in receiver.received if each.place[0] == http.ledger]
    assert came == sorted(came), "in order, also what came again"
    assert len(came) > len(set(came))
    assert receiver.unsound == []


def test_while_a_receiver_is_away_its_events_wait(http: HttpTreasury, receiver: Receiver) -> None:
    """It is no dead letter that nobody was there."""
    begun = head(http)
    number = registered(http, receiver)
    away = DeliveryPolicy(attempts_max=1, first_pause_s=0.01, pause_s_max=0.02, poll_s=0.02)
    receiver.answers = lambda _, __: 0
    http.indicator()
    with delivering(http, away):
        wait_until(lambda: standing(http, number).get("attempts", 0) > 4, "it to be tried again")
        assert standing(http, number)["position"] == begun
        assert standing(http, number)["last_error"]
        receiver.answers = lambda _, __: 204
        wait_until(lambda: standing(http, number)["position"] == head(http), "it to be told")
    assert http.get(f"/v1/webhooks/{number}/dead-letters").json()["items"] == []
    ended(http, number)


def test_what_is_refused_each_time_is_a_dead_letter_and_the_rest_goes_on(
    http: HttpTreasury, receiver: Receiver
) -> None:
    number = registered(http, receiver, "indicator.issued")
    http.indicator()
    poison = head(http) - 1
    http.indicator()
    receiver.answers = lambda came, _: 422 if came.endswith(f".{poison}") else 204
    with delivering(http):
        wait_until(lambda: len(receiver.taken()) == 1, "the other one to arrive")
        wait_until(lambda: standing(http, number)["position"] == head(http), "all to be seen")
    tried = [each for each in receiver.received if each.place[1] == poison]
    assert len(tried) == POLICY.attempts_max
    [letter] = http.get(f"/v1/webhooks/{number}/dead-letters").json()["items"]
    assert (letter["ledger"], letter["position"]) == (http.ledger, poison)
    assert (letter["attempts"], letter["last_error"]) == (3, "answered 422")
    ended(http, number)


def test_a_receiver_that_is_gone_is_left_alone_until_somebody_says_so(
    http: HttpTreasury, receiver: Receiver
) -> None:
    number = registered(http, receiver, "indicator.issued")
    http.indicator()
    receiver.answers = lambda _, __: 410
    with delivering(http):
        wait_until(lambda: standing(http, number).get("stopped") == "gone", "it to stop")
        http.indicator()
        receiver.answers = lambda _, __: 204
        again = {"ledger": http.ledger, "from_position": head(http)}
        http.ok(http.post(f"/v1/webhooks/{number}/replay", again, "ops"))
        wait_until(lambda: len(receiver.taken()) == 2, "both to arrive")
    ended(http, number)


def test_a_redirect_is_not_followed(http: HttpTreasury, receiver: Receiver) -> None:
    number = registered(http, receiver, "indicator.issued")
    http.indicator()
    receiver.answers = lambda _, __: 307
    with delivering(http):
        wait_until(
            lambda: http.get(f"/v1/webhooks/{number}/dead-letters").json()["items"] != [],
            "it to be given up",
        )
    assert len(receiver.received) == POLICY.attempts_max, "each to the address itself"
    ended(http, number)


# ---- again


def test_a_replay_brings_it_again_from_before_the_registration_too(
    http: HttpTreasury, receiver: Receiver
) -> None:
    number = registered(http, receiver)
    with delivering(http):
        wait_until(lambda: standing(http, number) != {}, "it to begin")
        again = {"ledger": http.ledger, "from_position": 1}
        http.ok(http.post(f"/v1/webhooks/{number}/replay", again, "ops"))
        arrived(http, receiver, head(http))
    ended(http, number)
    assert receiver.places(http.ledger) == list(range(1, head(http) + 1))


@pytest.mark.parametrize("change", [{"from_position": 0}, {"more": 1}, {"ledger": 3}])
def test_a_replay_that_says_nothing_is_malformed(
    http: HttpTreasury, receiver: Receiver, change: dict[str, Any]
) -> None:
    number = registered(http, receiver)
    body = {"ledger": http.ledger, "from_position": 1} | change
    assert http.post(f"/v1/webhooks/{number}/replay", body, "ops").json()["code"] == "malformed"
    ended(http, number)


def test_whoever_was_overtaken_moves_nothing(http: HttpTreasury, receiver: Receiver) -> None:
    """By a replay, or by another process after his lease."""
    number = registered(http, receiver)
    http.indicator()
    with delivering(http):
        arrived(http, receiver, head(http))
        wait_until(lambda: standing(http, number)["position"] == head(http), "all to be seen")
    http.indicator()
    with http.treasury.pool.connection() as connection:
        found = take(connection, 0.0)
    assert found is not None
    with http.treasury.pool.connection() as connection:
        second = take(connection, 60.0)
        assert second is not None
        assert second.lease_no == found.lease_no + 1
        assert take(connection, 60.0) is None, "somebody has it in hand"
        assert not give_back(connection, found, DeliveryOutcome(found.head))
        assert give_back(connection, second, DeliveryOutcome(second.head))
    ended(http, number)


def test_what_a_killed_process_had_in_hand_comes_at_once(
    http: HttpTreasury, receiver: Receiver
) -> None:
    number = registered(http, receiver, "indicator.issued")
    http.indicator()
    with delivering(http):
        wait_until(lambda: len(receiver.taken()) == 1, "the first to arrive")
        wait_until(lambda: standing(http, number)["position"] == head(http), "all to be seen")
    http.indicator()
    with http.treasury.pool.connection() as connection:
        while take(connection, 3600.0) is not None:
            pass
    with delivering(http):
        wait_until(lambda: len(receiver.taken()) == 2, "the second to arrive")
    ended(http, number)


# ---- who may have what


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


SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


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
