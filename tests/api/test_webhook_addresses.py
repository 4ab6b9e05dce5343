"""Where webhooks may go: to public addresses, whatever a name says, unless more is allowed."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from api.webhooks.addresses import AddressRefusedError, JudgedNetwork, check_url, is_public
from api.webhooks.messages import WebhookMessage
from api.webhooks.receivers import Receivers
from ledger.errors import RequestError
from tests.support.webhook_receiver import receiving


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",  # where clouds keep their secrets
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)
def test_an_address_of_the_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RequestError, match="no public address"):
        check_url(f"https://{host}/in", allows_private=False)
    check_url(f"http://{host}/in", allows_private=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is(address: str) -> None:
    assert is_public(ip_address(address))


def test_without_tls_nothing_goes_out() -> None:
    with pytest.raises(RequestError, match="https"):
        check_url("http://receiver.example/in", allows_private=False)
    check_url("https://receiver.example/in", allows_private=False)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Callable[[], int]:
    """A name server that answers so, one time after the other; gives how often it was asked."""
    left, asked = list(answers), [0]

    def getaddrinfo(_host: str, port: int, **_: Any) -> list[Any]:
        asked[0] += 1
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr("api.webhooks.addresses.socket.getaddrinfo", getaddrinfo)
    return lambda: asked[0]


def test_a_name_that_stands_for_the_inside_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = JudgedNetwork(allows_private=False)
    resolving(monkeypatch, ["127.0.0.1"])
    with pytest.raises(AddressRefusedError, match="no public address"):
        network.connect_tcp("receiver.example", 443, timeout=1.0)
    resolving(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        network.connect_tcp("receiver.example", 443, timeout=1.0)
    resolving(monkeypatch, [])
    with pytest.raises(AddressRefusedError):
        network.connect_tcp("receiver.example", 443, timeout=1.0)


def test_what_was_judged_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers otherwise the second time gains nothing: it is asked once."""
    asked = resolving(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    connected: list[str] = []

    def connect(_self: Any, host: str, *_: Any, **__: Any) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError):
        JudgedNetwork(allows_private=False).connect_tcp("receiver.example", 443, timeout=1.0)
    assert (connected, asked()) == (["1.1.1.1"], 1)


def test_a_receiver_inside_gets_nothing_unless_it_is_allowed() -> None:
    message = WebhookMessage([("webhook-id", "x"), ("webhook-timestamp", "0")], b"{}")
    with receiving() as receiver:
        for allowed, status in ((False, 0), (True, 204)):
            receivers = Receivers(timeout_s=2.0, allows_private=allowed)
            assert receivers.post(receiver.url, message).status == status
            receivers.close()
        assert len(receiver.received) == 1
