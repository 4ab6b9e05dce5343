"""A server that tells receivers of its events, a receiver, and how far it has been told."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from api.webhooks.deliverer import DeliveryPolicy, WebhookDeliverer
from api.webhooks.receivers import Receivers
from api.webhooks.secrets import WebhookKeys
from ledger.gm import PublicKey
from ledger.postgres.database import Database
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


SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
