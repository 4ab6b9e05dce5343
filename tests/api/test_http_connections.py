"""Who says little, or says it slowly, or much of nothing, keeps nobody else from being served."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import sleep
from urllib.parse import urlsplit

import pytest

from api.http import call, live
from api.http.transport import connections
from api.http.transport.connections import HEAD_BYTES_MAX, HEADERS_MAX
from division.credentials import end_tokens_of
from ledger.postgres.database import Database
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import HANG_S, wait_until

PLACES = 12
ENDED = 'guoku_http_connections_ended_total{{reason="{}"}}'


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database, connections_max=PLACES) as opened:
        yield opened


@contextmanager
def connected(http: HttpTreasury, first: bytes = b"") -> Iterator[socket.socket]:
    address = urlsplit(http.url)
    with socket.create_connection((address.hostname, address.port), HANG_S) as connection:
        connection.sendall(first)
        yield connection


def is_ended(connection: socket.socket) -> bool:
    """What the server has closed can be read to its end."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def head(http: HttpTreasury, person: str, length: int, *lines: str) -> bytes:
    token = f"Authorization: Bearer {http.tokens[person]}"
    path = f"/v1/ledgers/{http.ledger}/payments"
    first = (f"POST {path} HTTP/1.1", "Host: x", token, f"Content-Length: {length}", *lines)
    return ("\r\n".join(first) + "\r\n\r\n").encode()


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return int(received.split(b" ", 2)[1]), received.partition(b"\r\n\r\n")[2]


# ---- heads


def test_a_head_without_end_is_refused_as_soon_as_it_is_too_long(http: HttpTreasury) -> None:
    """A header of any length was taken in, copied with each piece: payments fell to 0.1/s."""
    long = b"a" * (512 * 1024 * 1024)
    with connected(http, b"GET /healthz HTTP/1.1\r\nX-Long: ") as connection, suppress(OSError):
        connection.sendall(long)
        raise AssertionError("all of it was taken")
    assert http.figure(ENDED.format("long head")) >= 1
    assert http.get("/healthz", "").is_success


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-Long: {'a' * HEAD_BYTES_MAX}"],
        [f"X-{n}: 1" for n in range(HEADERS_MAX + 1)],
        ["X-" + "n" * HEAD_BYTES_MAX + ": 1"],
    ],
    ids=["a value", "their number", "a name"],
)
def test_a_long_head_is_told_so(http: HttpTreasury, lines: list[str]) -> None:
    with connected(http, head(http, "maker", 0, *lines)) as connection:
        status, body = answer_of(connection)
    assert status == 431
    assert b'"code":"malformed"' in body


def test_a_head_as_long_as_may_be_is_served_with_its_body(http: HttpTreasury) -> None:
    body = b"{}" + b" " * 200_000
    longest = f"X-Long: {'a' * (HEAD_BYTES_MAX - 500)}"
    with connected(
        http, head(http, "maker", len(body), longest, "Connection: close") + body
    ) as connection:
        status, told = answer_of(connection)
    assert status == 400
    assert b"pay_app_no" in told, "it is the body that is malformed"


def test_who_was_refused_is_not_back_at_once(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight callers who came back with the next long head as fast as they were refused took the
    time of all others. The connection stays, and gives way to whoever asks."""
    monkeypatch.setattr(connections, "LINGER_S", HANG_S * 10)
    with connected(http, head(http, "maker", 0, f"X-Long: {'a' * HEAD_BYTES_MAX}")) as refused:
        assert refused.recv(65536).startswith(b"HTTP/1.1 431 ")
        refused.sendall(head(http, "maker", 0))
        refused.settimeout(connections.SWEEP_S * 2)
        with pytest.raises(TimeoutError):
            refused.recv(65536)
        refused.settimeout(HANG_S)
        with ExitStack() as stack:
            for _ in range(PLACES):
                stack.enter_context(connected(http))
            assert is_ended(refused)


# ---- places


def test_who_says_nothing_gives_way_to_who_asks(http: HttpTreasury) -> None:
    """300 silent connections took all descriptors."""
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(http)) for _ in range(PLACES * 3)]
        # all are taken on before anybody asks: between two requests a caller says nothing, too
        assert all(is_ended(connection) for connection in silent[: PLACES * 2])
        assert http.ok(http.post("…/payments", http.payment(http.indicator())))
        assert http.figure(ENDED.format("no place")) >= PLACES * 2


@pytest.mark.parametrize("length", [0, 10, 200_000], ids=["a head", "a small body", "a large one"])
def test_what_does_not_come_is_not_waited_for(
    http: HttpTreasury, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies of a few bytes were waited for without end."""
    monkeypatch.setattr(connections.Bounds, "of", lambda *_: 0.0)
    begun = head(http, "maker", length)
    with connected(http, begun if length else begun[:40]) as connection:
        assert is_ended(connection)
    assert http.figure(ENDED.format("waited too long")) >= 1
    monkeypatch.undo()
    assert http.get("…").is_success


def test_one_caller_does_not_take_all(module_database: Database) -> None:
    with http_treasury_on(module_database, caller_requests_max=2) as http, ExitStack() as stack:
        for _ in range(2):
            begun = head(http, "maker", 10, "Expect: 100-continue")
            held = stack.enter_context(connected(http, begun))
            assert held.recv(100).startswith(b"HTTP/1.1 100 ")  # it waits for the body
        assert http.post("…/payments", http.payment("none")).json()["code"] == "busy"
        assert http.get("…", "auditor").is_success, "others are served"
        stack.close()
        assert held.fileno() == -1
        wait_until(
            lambda: (
                http.post("…/payments", http.payment("none")).json()["code"]
                == "indicator_not_found"
            ),
            "the places to be free again",
        )


# ---- rights, asked again


def test_a_token_that_ended_before_its_body_came_does_nothing(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head was sent, the token revoked, the body sent: the approval counted."""
    monkeypatch.setattr(call, "ASKED_AGAIN_S", 0.05)
    number = http.applied(http.indicator())
    http.tokens["leaving"] = http.token("leaving", "treasury_checker")
    assert http.get("…", "leaving").is_success, "the server remembers the token"
    body = b'{"pay_app_nos":["' + number.encode() + b'"]}'
    asked = head(http, "leaving", len(body), "Connection: close")
    with connected(http, asked.replace(b"/payments ", b"/payments:approve ")) as connection:
        with http.treasury.pool.connection() as database:
            assert end_tokens_of(database, "leaving", FREELY) == 1
        connection.sendall(body[:-1])
        sleep(call.ASKED_AGAIN_S * 2)  # from the head, and not from when all of the body was there
        connection.sendall(body[-1:])
        assert answer_of(connection)[0] == 401
    assert http.ok(http.get(f"…/payments/{number}"))["status"] == "applied"


def test_a_token_that_ended_while_its_file_came_loads_nothing(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends a file was asked for before it came, and never again, however long it took."""
    monkeypatch.setattr(call, "ASKED_AGAIN_S", -1.0)
    http.tokens["sending"] = http.token("sending", "treasury_maker")
    run = {"run_no": "HELD", "bgt_id": http.indicator(), "title": "工资"}
    assert http.post("…/disbursements", run, "sending").is_success
    line = b"pay_detail_no,payee_acct_no\n"
    lines = ("Expect: 100-continue", "Content-Type: text/csv", "Connection: close")
    asked = head(http, "sending", len(line), *lines)
    with connected(http, asked.replace(b"/payments ", b"/disbursements/HELD/lines ")) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 "), "he was asked who he is"
        with http.treasury.pool.connection() as database:
            assert end_tokens_of(database, "sending", FREELY) == 1
        connection.sendall(line)
        status, told = answer_of(connection)
    assert (status, b'"code":"unauthenticated"' in told) == (401, True), told


def test_a_stream_ends_with_the_right_to_listen(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event streams went on after their token had been revoked."""
    monkeypatch.setattr(live, "ASKED_AGAIN_S", 0.0)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr("api.http.authentication.REMEMBERED_S", 0.0)
    token = {"Authorization": f"Bearer {http.token('listener', 'auditor')}"}
    path = f"/v1/ledgers/{http.ledger}/events/stream"
    with http.client.stream("GET", path, headers=token) as response:
        lines = response.iter_lines()
        assert next(lines).startswith(": ")
        with http.treasury.pool.connection() as database:
            assert end_tokens_of(database, "listener", FREELY) == 1
        assert "event: ended" in lines


def test_hundreds_who_come_at_one_moment_are_all_served(http: HttpTreasury) -> None:
    """In turns: nobody is forgotten whose first word waited, also where it came in two parts."""
    asked = head(http, "maker", 0, "Connection: close").replace(b"POST", b"GET", 1)
    with ExitStack() as stack:
        coming = [stack.enter_context(connected(http, asked[:-30])) for _ in range(PLACES)]
        for connection in coming:
            connection.sendall(asked[-30:])
        assert [answer_of(connection)[0] for connection in coming] == [200] * PLACES


def test_of_a_body_a_byte_at_a_time_nobody_is_told(http: HttpTreasury) -> None:
    """300 bodies that came so cost the event loop 600 turns a second."""
    length = connections.TOLD_BODY_BYTES * 2
    with connected(http, head(http, "maker", length, "Connection: close")) as slow:
        for _ in range(50):
            slow.sendall(b" ")
        assert http.figure("guoku_http_body_bytes") == 0
        slow.sendall(b" " * (length - 51) + b"{")
        assert answer_of(slow)[0] == 400, "all of it was read"


def test_bodies_that_are_held_have_begun_nothing(module_database: Database) -> None:
    """300 of them had a task, a caller's place, a query and a file each: payments beside them
    waited six times as long."""
    with http_treasury_on(module_database, caller_requests_max=1) as http, ExitStack() as stack:
        paid = json.dumps(http.payment(http.indicator())).encode()
        asked = head(http, "maker", len(paid), "Connection: close")
        held = [stack.enter_context(connected(http, asked + paid[:-1])) for _ in range(8)]
        assert http.get("…", "maker").is_success, "he has his one place"
        held[0].sendall(paid[-1:])
        assert answer_of(held[0])[0] == 201
        assert http.get("…", "maker").is_success


def test_what_is_sent_ahead_begins_when_its_body_is_there(http: HttpTreasury) -> None:
    """Also where what it was sent behind has been answered meanwhile."""
    read = head(http, "maker", 0).replace(b"POST", b"GET", 1).replace(b"/payments ", b" ")
    paid = json.dumps(http.payment(http.indicator())).encode()
    write = head(http, "maker", len(paid))
    with connected(http, read + write + paid[:-1]) as connection:
        first = b""
        while not first.endswith(b"}"):
            first += connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 200 ")
        connection.sendall(paid[-1:] + read + head(http, "maker", 2, "Connection: close") + b"{}")
        answers = b""
        while piece := connection.recv(65536):
            answers += piece
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", answers)
    assert statuses == [b"201", b"200", b"400"], answers
