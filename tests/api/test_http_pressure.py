"""More than can be done at once: what is refused has no effect, what is accepted is kept.

The server of this module takes little on at a time. Where commands have to pile up, the test holds
the ledger's head, as a slow commit would.
"""

import asyncio
import gc
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from api.http.call import Call
from api.http.transport.capacity import Capacity
from api.http.transport.connections import TOLD_BODY_BYTES
from api.http.transport.grouping import Grouping
from api.http.transport.wake_up import WakeUp
from ledger.account_set import parse_ledger
from ledger.deciding.command import Outcome, Submission
from ledger.errors import Code, GuokuError, UnavailableError
from ledger.postgres.database import Database
from payments.application import ApplyPayment
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import HANG_S, wait_until

COMMANDS_MAX, LEDGER_COMMANDS_MAX = 12, 8
BODY_BYTES_MAX = 300 * 1024
UPLOAD_BYTES = 200 * 1024
BODY_TIMEOUT_S = 3.0


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(
        module_database,
        commands_max=COMMANDS_MAX,
        ledger_commands_max=LEDGER_COMMANDS_MAX,
        body_bytes_max=BODY_BYTES_MAX,
    ) as opened:
        yield opened


@contextmanager
def slow_commits(http: HttpTreasury) -> Iterator[None]:
    """Nothing is committed in the ledger of ``http`` for the length of the block."""
    with psycopg.connect(http.treasury.database.owner_conninfo) as connection:
        connection.execute(
            "SELECT FROM ledgers WHERE ledger_id = %s FOR UPDATE", (parse_ledger(http.ledger),)
        )
        yield


def wait_for_figure(http: HttpTreasury, name: str, value: float) -> None:
    wait_until(lambda: http.figure(name) == value, f"{name} to be {value}")


WAITING, HELD = "guoku_sequencer_waiting_commands", "guoku_http_body_bytes"


def wait_for_bytes(http: HttpTreasury, sent: int) -> None:
    """What is sent of a body is told as soon as it is worth it."""
    wait_until(lambda: sent - TOLD_BODY_BYTES < http.figure(HELD) <= sent, f"{sent} bytes held")


def busy(answer: httpx.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == "busy"
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    return True


def test_beyond_the_bound_of_a_ledger_it_is_busy_and_nothing_is_lost(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    bodies = [http.payment(bgt_id, "1.00") for _ in range(LEDGER_COMMANDS_MAX + 3)]
    refusals = http.figure("guoku_http_busy_refusals_total")
    with ThreadPoolExecutor(len(bodies)) as callers:
        with slow_commits(http):
            waiting: list[Future[Any]] = [
                callers.submit(http.post, "…/payments", body)
                for body in bodies[:LEDGER_COMMANDS_MAX]
            ]
            wait_for_figure(http, WAITING, LEDGER_COMMANDS_MAX)
            assert all(busy(http.post("…/payments", b)) for b in bodies[LEDGER_COMMANDS_MAX:])
            numbers = {"pay_app_nos": [bodies[0]["pay_app_no"]]}
            assert busy(http.post("…/payments:approve", numbers, "checker"))
            assert busy(http.post("…/payments:batch", bodies[LEDGER_COMMANDS_MAX:]))
            assert http.figure("guoku_http_busy_refusals_total") == refusals + 5
        accepted = [answer.result() for answer in waiting]
    assert [answer.status_code for answer in accepted] == [201] * LEDGER_COMMANDS_MAX
    assert http.figures(bgt_id)["pay_app_amt"] == f"{LEDGER_COMMANDS_MAX}.00"
    wait_for_figure(http, WAITING, 0)
    for body in bodies[LEDGER_COMMANDS_MAX:]:  # come back as told: the number is free
        answer = http.post("…/payments", body)
        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers
    assert http.figures(bgt_id)["pay_app_amt"] == f"{len(bodies)}.00"


def test_a_bulk_greater_than_the_bound_passes_when_nothing_waits(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    bulk = [http.payment(bgt_id, "1.00") for _ in range(COMMANDS_MAX + 1)]
    results = http.ok(http.post("…/payments:batch", bulk))["results"]
    assert [result["status"] for result in results] == ["created"] * len(bulk)


def test_one_busy_ledger_leaves_room_for_the_others_until_the_process_is_full(
    http: HttpTreasury,
) -> None:
    bgt_id = http.indicator()
    other = {"mof_div_code": "440100000", "fiscal_year": 2026, "name": "广州市"}
    with ThreadPoolExecutor(LEDGER_COMMANDS_MAX) as callers, slow_commits(http):
        for _ in range(LEDGER_COMMANDS_MAX):
            callers.submit(http.post, "…/payments", http.payment(bgt_id))
        wait_for_figure(http, WAITING, LEDGER_COMMANDS_MAX)
        opened = http.post("/v1/ledgers", other, "admin")
        assert opened.status_code == 201
        there = f"/v1/ledgers/{opened.json()['ledger']}"
        bulk = [http.payment(bgt_id) for _ in range(COMMANDS_MAX - LEDGER_COMMANDS_MAX + 1)]
        assert busy(http.post(f"{there}/payments:batch", bulk))
        assert http.ok(http.post(f"{there}/payments:batch", bulk[1:]))["commit"]
    wait_for_figure(http, WAITING, 0)


def test_of_commands_handed_in_together_each_stands_for_itself(http: HttpTreasury) -> None:
    """A number with a NUL never gets past the checks; here it stands for whatever the database will
    not have, which fails the transaction of all that were handed in with it."""
    bgt_id = http.indicator("100.00")
    key, sequencer = parse_ledger(http.ledger), http.treasury.sequencer
    bodies = [http.payment(bgt_id, "40.00") for _ in range(4)]
    bodies[1]["pay_app_no"] += "\x00"
    capacity = Capacity(
        body_bytes_max=1, commands_max=4, ledger_commands_max=4, caller_requests_max=4
    )

    async def hand_in() -> list[Outcome | BaseException]:
        grouping = Grouping(sequencer, WakeUp(), capacity)
        commands = [ApplyPayment(**body) for body in bodies]
        waiters = [grouping.submit(key, Submission(command=c, by="maker")) for c in commands]
        with pytest.raises(UnavailableError, match="busy"):
            grouping.submit(key, Submission(command=commands[0], by="maker"))
        return await asyncio.gather(*waiters, return_exceptions=True)

    first, unwritable, second, too_much = asyncio.run(hand_in())
    assert isinstance(unwritable, GuokuError)
    assert unwritable.code is Code.INTERNAL
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert isinstance(too_much, Outcome)
    assert (first.status, second.status, too_much.status) == ("created", "created", "refused")
    assert too_much.problem is not None
    assert too_much.problem.code is Code.INSUFFICIENT_INDICATOR
    assert capacity.commands == 0


# ---- bodies


@contextmanager
def upload(http: HttpTreasury, declared: int, sent: int, path: str = "") -> Iterator[socket.socket]:
    """A connection on which ``sent`` of ``declared`` bytes of a body have gone out."""
    address = urlsplit(http.url)
    head = (
        f"POST {path or f'/v1/ledgers/{http.ledger}/payments:batch'} HTTP/1.1\r\n"
        f"Host: {address.netloc}\r\nAuthorization: Bearer {http.tokens['maker']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {declared}\r\n\r\n"
    )
    place = (address.hostname, address.port)
    with socket.create_connection(place, timeout=HANG_S) as connection:
        connection.sendall(head.encode() + b"[" + b" " * (sent - 1))
        yield connection


def answered(connection: socket.socket) -> tuple[int, Any]:
    """Status and JSON of the answer; the server may close afterwards."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length
    while len(body) < int(length[1]):
        body += connection.recv(65536)
    return int(head[9:12]), json.loads(body)


def test_beyond_the_bytes_under_way_it_is_busy(http: HttpTreasury) -> None:
    bulk = json.dumps([http.payment(http.indicator(), "1.00")]).encode()
    padded = bulk + b" " * (BODY_BYTES_MAX - UPLOAD_BYTES + TOLD_BODY_BYTES)
    with upload(http, UPLOAD_BYTES, UPLOAD_BYTES - 1) as slow:
        wait_for_bytes(http, UPLOAD_BYTES - 1)
        assert busy(http.call("POST", "…/payments:batch", content=padded))
        assert http.ok(http.call("POST", "…/payments:batch", content=bulk))["commit"]
        slow.sendall(b"]")
        assert answered(slow)[0] == 400  # an empty list
    wait_for_figure(http, HELD, 0)
    assert http.ok(http.call("POST", "…/payments:batch", content=padded))["commit"]


def test_what_was_answered_is_not_kept_until_the_garbage_is_collected(http: HttpTreasury) -> None:
    """A call and its scope kept each other, and with them the bodies of hundreds of bank messages:
    2.4 GB when a run of a million lines had ended, as garbage is seldom collected."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            http.call("POST", "/v1/bank/receipts", "bank", content=b"x" * UPLOAD_BYTES)
            http.post("…/payments:batch", {}, "maker")
        http.get("…/payments")
        wait_until(lambda: not any(isinstance(o, Call) for o in gc.get_objects()), "them to go")
    finally:
        gc.enable()


def test_a_body_that_does_not_come_is_given_up(database: Database) -> None:
    with http_treasury_on(database, body_timeout_s=BODY_TIMEOUT_S) as http:
        with upload(http, UPLOAD_BYTES, 1024) as slow:
            status, problem = answered(slow)
            assert (status, problem["code"]) == (400, "malformed")
            assert f"{BODY_TIMEOUT_S:g} s" in problem["detail"]
        wait_for_figure(http, HELD, 0)


def test_a_caller_who_hangs_up_half_way_leaves_nothing_behind(http: HttpTreasury) -> None:
    before = http.get("…").json()["position"]
    with capture_logs() as logs:
        with upload(http, UPLOAD_BYTES, UPLOAD_BYTES // 2):
            wait_for_bytes(http, UPLOAD_BYTES // 2)
        wait_for_figure(http, HELD, 0)
    assert [entry for entry in logs if entry["log_level"] in ("warning", "error")] == []
    assert http.get("…").json()["position"] == before


def test_what_was_taken_in_is_done_whether_its_caller_waits_or_not(http: HttpTreasury) -> None:
    body = http.payment(http.indicator())
    content = json.dumps(body).encode()
    with slow_commits(http):
        address = urlsplit(http.url)
        head = (
            f"POST /v1/ledgers/{http.ledger}/payments HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {http.tokens['maker']}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + content)
            wait_for_figure(http, WAITING, 1)
    wait_for_figure(http, WAITING, 0)
    answer = http.post("…/payments", body)
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true")


def test_a_slow_reader_gets_all_of_a_large_answer(http: HttpTreasury) -> None:
    bgt_id = http.indicator()
    bulk = [http.payment(bgt_id, "1.00") for _ in range(600)]
    content = "\n".join(json.dumps(item, ensure_ascii=False) for item in bulk).encode()
    with http.client.stream(
        "POST",
        f"/v1/ledgers/{http.ledger}/payments:batch",
        content=content,
        headers={
            "Authorization": f"Bearer {http.tokens['maker']}",
            "Content-Type": "application/x-ndjson",
        },
    ) as response:
        assert response.status_code == 200
        pieces = []
        for piece in response.iter_raw(64 * 1024):
            sleep(0.01)
            pieces.append(piece)
    results = json.loads(b"".join(pieces))["results"]
    assert [result["payment"]["pay_app_no"] for result in results] == [
        item["pay_app_no"] for item in bulk
    ]
    wait_for_figure(http, HELD, 0)


# ---- places


def test_a_broken_line_in_the_middle_of_many_keeps_all_in_their_places(http: HttpTreasury) -> None:
    bgt_id = http.indicator("700.00")
    lines = [json.dumps(http.payment(bgt_id, "1.00"), ensure_ascii=False) for _ in range(800)]
    lines[400] = '{"pay_app_no": "P-torn", "bgt_'
    lines[401] = lines[3]
    content = "\n".join(lines).encode()
    answer = http.call(
        "POST",
        "…/payments:batch",
        content=content,
        headers={"Content-Type": "application/x-ndjson"},
    )
    results = http.ok(answer)["results"]
    assert [result["index"] for result in results] == list(range(800))
    expected = ["created"] * 702 + ["refused"] * 98  # 700 payments fit, two lines are none
    expected[400], expected[401] = "refused", "replayed"
    assert [result["status"] for result in results] == expected
    assert results[400]["problem"]["code"] == "malformed"
    assert results[401]["payment"] == results[3]["payment"]
    for place in (0, 399, 402, 701):
        assert results[place]["payment"]["pay_app_no"] == json.loads(lines[place])["pay_app_no"]
    assert {result["problem"]["code"] for result in results[702:]} == {"insufficient_indicator"}
    assert http.figures(bgt_id)["canuse_amt"] == "0.00"
