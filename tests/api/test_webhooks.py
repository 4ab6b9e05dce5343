"""Webhooks: what a receiver gets, in what order, when it fails, and what comes again."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import json
from typing import Any

import pytest

from api.webhooks.deliverer import DeliveryPolicy
from api.webhooks.positions import DeliveryOutcome, give_back, take
from tests.support.command_line import clean_environment, run
from tests.support.http_server import HttpTreasury
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import Receiver
from tests.support.webhooks import (
    POLICY,
    arrived,
    delivering,
    ended,
    head,
    http,
    receiver,
    registered,
    standing,
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
    assert told(http, "webhook", "dead-letters", number) == [
        (http.ledger, poison, 3, "answered 422")
    ]
    [at] = [each for each in told(http, "webhook", "list") if each[:2] == (number, http.ledger)]
    assert at == (number, http.ledger, head(http), head(http), 1)
    assert http.figure("guoku_webhook_dead_letters") == 1
    assert http.figure("guoku_webhooks_stopped") == 0
    ended(http, number)
    assert all(each[0] != number for each in told(http, "webhook", "list"))
    assert http.figure("guoku_webhook_dead_letters") == 0


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


def told(http: HttpTreasury, *command: str) -> list[tuple[Any, ...]]:
    """What an operator is told at the command line."""
    environment = clean_environment(GUOKU_DSN=http.treasury.database.owner_conninfo)
    done = run(*command, "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    names = {
        "list": ("webhook_no", "ledger", "position", "head", "dead_letters"),
        "dead-letters": ("ledger", "position", "attempts", "last_error"),
    }[command[1]]
    return [tuple(item[name] for name in names) for item in json.loads(done.stdout)["items"]]


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
