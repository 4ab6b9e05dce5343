"""What is believed for its signature costs something before it is believed: of that there is a
bound, and it stands on nobody's record."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from dataclasses import replace
from time import monotonic

import pytest
from fastapi.testclient import TestClient
from limits import RateLimitItemPerHour
from prometheus_client import CollectorRegistry

from api.access import Right
from api.http.app import create_app
from api.http.strangers import KNOWN_S, UNBOUNDED, StrangerBounds, Strangers
from ledger.errors import UnavailableError
from tests.support.http_server import OPERATIONS, HttpTreasury, http

EXCHANGE = "transfer.exchange"


OF_ADDRESS, OF_ALL_STRANGERS = 20, 60


def of_an_hour(of_address: int = OF_ADDRESS) -> Strangers:
    bounds = StrangerBounds(of_address, OF_ALL_STRANGERS, of_known_address=100)
    return Strangers(CollectorRegistry(), bounds, RateLimitItemPerHour)


def done(bounded: Strangers, address: str, times: int, operation: str = EXCHANGE) -> int:
    """How many of so many calls from an address are done."""
    count = 0
    for _ in range(times):
        try:
            bounded.admit(operation, address)
        except UnavailableError:
            continue
        count += 1
    return count


def test_of_one_address_so_much_is_done_and_no_more() -> None:
    bounded = of_an_hour()
    assert done(bounded, "10.0.0.1", OF_ADDRESS + 5) == OF_ADDRESS
    assert done(bounded, "10.0.0.2", 5) == 5, "another address has its own"
    assert done(bounded, "10.0.0.1", 5, "session.begin") == 5, "and another operation"


def test_of_many_addresses_so_much_is_done_together() -> None:
    bounded = of_an_hour()
    each = [done(bounded, f"10.0.{n}.1", OF_ADDRESS) for n in range(6)]
    assert sum(each) == OF_ALL_STRANGERS


def test_who_holds_a_network_is_one() -> None:
    bounded = of_an_hour()
    addresses = [f"2001:db8:1:1::{n:x}" for n in range(OF_ADDRESS + 5)]
    assert sum(done(bounded, address, 1) for address in addresses) == OF_ADDRESS
    assert done(bounded, "2001:db8:1:2::1", 1) == 1
    assert done(bounded, "10.0.0.1", OF_ADDRESS) == OF_ADDRESS
    assert done(bounded, "::ffff:10.0.0.1", 1) == 0, "the same written otherwise"


def test_a_crowd_does_not_take_the_place_of_a_sender_whose_signature_has_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounded = of_an_hour()
    bounded.note_known(EXCHANGE, "10.9.9.9")
    for n in range(6):
        done(bounded, f"10.0.{n}.1", OF_ADDRESS)
    assert done(bounded, "10.0.7.1", 1) == 0
    assert done(bounded, "10.9.9.9", OF_ADDRESS * 2) == OF_ADDRESS * 2
    later = monotonic() + KNOWN_S
    monkeypatch.setattr("api.http.strangers.monotonic", lambda: later)
    assert done(bounded, "10.9.9.9", 1) == 0, "it is a stranger again"


def test_every_public_operation_is_bounded_or_said_not_to_be() -> None:
    """One that comes later is bounded without being told of here."""
    public = {each.operation_id for each in OPERATIONS if each.right is Right.PUBLIC}
    assert set(UNBOUNDED) <= public
    assert public - set(UNBOUNDED) == {
        "certificate.show",
        "session.begin",
        "session.nonce",
        EXCHANGE,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/transfers/messages"),
        ("POST", "/v1/sessions/nonce"),
        ("POST", "/v1/sessions"),
        ("GET", "/v1/certificates/none"),
    ],
)
def test_a_stranger_is_told_when_it_is_too_much(http: HttpTreasury, method: str, path: str) -> None:
    """Nothing bounded how often a message's signature was checked for whoever asked."""
    app = create_app(http.treasury)
    app.services.strangers = of_an_hour(of_address=3)
    before = http.get("…").json()["position"]
    with TestClient(app) as client:
        answers = [client.request(method, path, content=b"{}") for _ in range(4)]
        alive = client.get("/healthz")
    codes = [answer.json()["code"] for answer in answers]
    assert "busy" not in codes[:3]
    assert (codes[3], answers[3].status_code) == ("busy", 429)
    assert int(answers[3].headers["retry-after"]) >= 1
    assert alive.is_success
    assert http.get("…").json()["position"] == before, "it stands on no record"


def test_where_somebody_has_logged_in_others_of_the_office_may(
    http: HttpTreasury,
) -> None:
    """They come from one address, that of their proxy; a bound for one stranger is too few."""
    app = create_app(http.treasury)
    app.services.strangers = of_an_hour(of_address=1)
    with TestClient(app) as client:
        for _ in range(3):
            answer = client.post("/v1/sessions", json={"token": http.tokens["maker"]})
            assert answer.status_code == 201, answer.text
        nonces = [client.post("/v1/sessions/nonce", json={"principal": "maker"}) for _ in range(3)]
    assert all(nonce.is_success for nonce in nonces)


def test_an_operator_says_how_much(http: HttpTreasury) -> None:
    """Behind a proxy all callers have one address: 20 a second of all of them was too few."""
    settings = http.treasury.settings.model_copy(update={"address_per_s": 1})
    app = create_app(replace(http.treasury, settings=settings))
    with TestClient(app) as client:
        codes = {client.get("/v1/certificates/none").json()["code"] for _ in range(10)}
    assert "busy" in codes
