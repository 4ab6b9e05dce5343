"""The client pays in bulk while its server is killed and restarted: each is paid, and paid once."""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread

import httpx
import pytest

from guoku_client import Client, Ledger, NewPayment, Retries
from tests.support.bookkeeper import ELEMENTS, PAYEE
from tests.support.http_server import ONE_PERSON
from tests.support.killed_server import Server, bank_book
from tests.support.ports import free_port
from tests.support.running_up import data
from tests.support.waiting import HANG_S, wait_until

LEDGER = "440000000-2026"
RETRIES = Retries(give_up_after_s=HANG_S, first_wait_s=0.1, wait_max_s=1.0)

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


class KillingTransport(httpx.BaseTransport):
    """Kills the server as one request is done, before anybody hears of it, and as another one is on
    its way; it comes back meanwhile at the same address."""

    def __init__(self, server: Server, *, done: int, under_way: int) -> None:
        self._server, self._done, self._under_way = server, done, under_way
        self._real = httpx.HTTPTransport()
        self._comes_back: list[Thread] = []
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        place, self.requests = self.requests, self.requests + 1
        if place == self._under_way:
            self._joined()
            kill = Thread(target=self._server.kill)
            kill.start()
            try:
                return self._real.handle_request(request)
            finally:
                kill.join()
                self._come_back()
        response = self._real.handle_request(request)
        if place == self._done:
            response.read()
            self._joined()
            self._server.kill()
            self._come_back()
            raise httpx.ReadError("the connection was reset", request=request)
        return response

    def _come_back(self) -> None:
        self._comes_back.append(Thread(target=self._server.start_again))
        self._comes_back[-1].start()

    def _joined(self) -> None:
        """It serves before all of it runs: only what runs can be killed."""
        while self._comes_back:
            self._comes_back.pop().join(HANG_S)

    def close(self) -> None:
        self._joined()
        self._real.close()


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    # what a killed dispatcher had in hand comes due again after six times this
    server = Server(data, GUOKU_PORT=str(free_port()), GUOKU_SEND_TIMEOUT_S="1")
    yield server
    server.end()


def connect(server: Server, person: str, *, done: int = -1, under_way: int = -1) -> Client:
    transport = KillingTransport(server, done=done, under_way=under_way)
    token, url = server.tokens[person], server.running.printed["api"]
    return Client(url, token, retries=RETRIES, transport=transport)


@pytest.mark.parametrize(
    ("count", "size", "often"),
    [
        pytest.param(300, 50, False, id="300 payments", marks=pytest.mark.slow),
        pytest.param(
            10_000,
            500,
            True,
            id="10,000 payments",
            marks=[pytest.mark.slow, pytest.mark.timeout(1200)],
        ),
    ],
)
def test_payments_in_bulk_are_paid_once_over_a_server_that_is_killed(
    server: Server, count: int, size: int, often: bool
) -> None:
    """Amounts differ, so that one that is paid twice or lost shows in a sum. The server is killed
    with -9 on a request that applies and one that signs; ``often``, on two more."""
    never = -1
    due = {f"P{n:05d}": Decimal(1000 + n * 7919 % 99_991) / 100 for n in range(count)}
    total = sum(due.values(), Decimal(0))
    opening = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级", **ONE_PERSON}
    server.call("POST", "/v1/ledgers", json=opening)
    indicator = {"bgt_id": "B1", "amount": f"{total:.2f}", **ELEMENTS}
    server.call("POST", f"/v1/ledgers/{LEDGER}/indicators", json=indicator)

    books = Ledger(LEDGER)
    asked = [
        NewPayment(pay_app_no=number, bgt_id="B1", pay_amt=amount, use_des="办公用品", **PAYEE)
        for number, amount in due.items()
    ]
    with connect(server, "maker", done=1, under_way=4 if often else never) as maker:
        applied = list(maker.each(books.apply_all(asked, size=size)))
    with connect(server, "checker", done=2 if often else never) as checker:
        approved = list(checker.each(books.approve_all(due, size=size)))
    with connect(server, "signer", under_way=3) as signer:
        signed = list(signer.each(books.sign_all(due, "treasury", size=size)))
    for results in (applied, approved, signed):
        assert [result.number for result in results] == list(due)
        assert all(result.accepted for result in results)
    assert sum(result.status == "replayed" for result in applied) >= size

    with connect(server, "maker") as maker:
        wait_until(
            lambda: maker.do(books.indicator("B1")).pay_amt == total, "the bank to have paid all"
        )
        rows = list(maker.each(books.payments()))
        figures = maker.do(books.indicator("B1"))
    assert {row.pay_app_no: row.xpay_amt for row in rows} == due
    assert {row.status for row in rows} == {"paid"}
    assert (figures.canuse_amt, figures.pay_app_amt) == (Decimal("0.00"), Decimal("0.00"))
    assert bank_book(server.data) == (count, int(total * 100))
