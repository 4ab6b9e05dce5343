"""An answer goes out as HTTP has it, whether it is written in one piece or as uvicorn writes it."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from api.http.transport.connections import Bounds, Connections
from tests.support.http_server import served
from tests.support.waiting import HANG_S, wait_until

PAID = b'{"status":"paid"}'
JSON = (b"content-type", b"application/json")
Headers = Sequence[tuple[bytes, bytes]]


class Answering:
    """An application that answers each path with what is laid down for it, as its pieces."""

    def __init__(self, laid_down: Mapping[str, tuple[int, Headers, Sequence[bytes]]]) -> None:
        self._laid_down = laid_down
        self.services = SimpleNamespace(connections=Connections(Bounds(10, HANG_S, HANG_S)))
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        if scope["path"] == "/hangs-up":  # what comes next is that the caller has gone
            self.bodies.append((await receive())["type"].encode())
        status, headers, pieces = self._laid_down[scope["path"]]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if scope["path"] == "/fails":
            raise ValueError("between head and body")
        await send({"type": "http.response.body", "body": pieces[-1]})


def length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % size


LAID_DOWN: dict[str, tuple[int, Headers, Sequence[bytes]]] = {
    "/whole": (201, [length(17), JSON, (b"x-request-id", b"r1")], [PAID]),
    "/支付": (200, [length(17), JSON], [PAID]),
    "/pieces": (200, [length(17), JSON], [PAID[:5], PAID[5:]]),
    "/unsaid": (200, [JSON], [PAID]),
    "/empty": (200, [length(0)], [b""]),
    "/none": (204, [length(0)], [b""]),
    "/ends": (200, [length(17), (b"connection", b"close")], [PAID]),
    "/short": (200, [length(18), JSON], [PAID]),
    "/two-lines": (200, [length(17), (b"x-note", b"a\r\nset-cookie: b")], [PAID]),
    "/control": (200, [length(17), (b"x-note", b"a\x00b")], [PAID]),
    "/fails": (200, [length(17), JSON], [PAID]),
    "/hangs-up": (200, [length(17), JSON], [PAID]),
}


@pytest.fixture
def app() -> Answering:
    return Answering(LAID_DOWN)


@pytest.fixture
def url(app: Answering) -> Iterator[str]:
    with served(app) as at:
        yield at


@pytest.fixture
def connection(url: str) -> Iterator[HTTPConnection]:
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=HANG_S)) as opened:
        yield opened


def ask(connection: HTTPConnection, path: str, method: str = "GET", body: bytes = b"") -> Any:
    connection.request(method, quote(path), body or None)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


@pytest.mark.parametrize("path", ["/whole", "/支付", "/pieces", "/unsaid"])
def test_what_is_answered_arrives_and_the_connection_serves_the_next(
    app: Answering, connection: HTTPConnection, path: str
) -> None:
    for body in (b"", b"one", b"two" * 100_000):
        status, answer, headers = ask(connection, path, "POST", body)
        assert (status, answer) == (LAID_DOWN[path][0], PAID)
        assert headers["content-type"] == "application/json"
        assert "connection" not in headers
        assert headers["date"]
        assert app.bodies[-1] == body


def test_a_head_is_answered_without_a_body(connection: HTTPConnection) -> None:
    status, answer, headers = ask(connection, "/whole", "HEAD")
    assert (status, answer, headers["content-length"]) == (201, b"", "17")
    assert ask(connection, "/empty")[:2] == (200, b"")
    assert ask(connection, "/none")[:2] == (204, b"")
    assert ask(connection, "/whole")[1] == PAID


def test_who_asks_for_the_end_of_the_connection_gets_it(url: str) -> None:
    for path, more in (("/ends", ""), ("/whole", "Connection: close\r\n")):
        assert all_of(url, asking(path, more=more)).endswith(PAID)
    old = all_of(url, b"GET /whole HTTP/1.0\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in old
    assert old.endswith(PAID)


def test_requests_sent_ahead_are_answered_in_their_order(app: Answering, url: str) -> None:
    ahead = asking("/whole") + asking("/pieces") + asking("/empty", more="Connection: close\r\n")
    told = all_of(url, ahead)
    assert [piece[:3] for piece in told.split(b"HTTP/1.1 ")[1:]] == [b"201", b"200", b"200"]
    assert told.count(PAID) == 2
    assert len(app.bodies) == 3


def test_whoever_waits_to_be_told_to_go_on_is_told(app: Answering, url: str) -> None:
    head = asking("/whole", method="POST", more="Content-Length: 3\r\nExpect: 100-continue\r\n")
    with said(url, head) as connection:
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"one")
        assert connection.recv(1024).endswith(PAID)
    assert app.bodies == [b"one"]


@pytest.mark.parametrize("path", ["/two-lines", "/control", "/fails"])
def test_what_may_not_be_answered_is_an_error_and_nothing_of_it_is_sent(
    url: str, path: str
) -> None:
    told = all_of(url, asking(path))
    assert told.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in told
    assert PAID not in told


def test_an_answer_shorter_than_said_ends_the_connection(url: str) -> None:
    """Whoever waits for its last byte would wait for ever."""
    assert all_of(url, asking("/short")).count(b"HTTP/1.1") == 1


def test_an_application_learns_that_the_caller_has_hung_up(app: Answering, url: str) -> None:
    with said(url, asking("/hangs-up")):
        wait_until(lambda: len(app.bodies) == 1, "the request to come")
    wait_until(lambda: app.bodies[1:] == [b"http.disconnect"], "the end to be told")


@contextmanager
def said(url: str, request: bytes) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), HANG_S) as connection:
        connection.sendall(request)
        yield connection


def asking(path: str, *, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def all_of(url: str, request: bytes) -> bytes:
    """What is answered until the server ends the connection."""
    with said(url, request) as connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))
