"""What banks know after a loss of history: each bank is asked that may have had a voucher.

Once the bank of today's settings alone was asked. A voucher that another one had paid, before its
appointment ended, was told again and went to the new bank.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from api.loss import accept_loss, find_loss
from api.settings import Settings
from api.treasury import treasury_on
from division.bank import AppointBank, EndBank
from division.recording import record
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database
from ledger.sealing.epoch_mark import ClusterMark, write_mark
from payments.delivery.bank_client import BankClient
from payments.delivery.contents import Destinations
from payments.delivery.in_doubt import banks_of, inquire, numbers_in_doubt
from payments.signature_policy import SetSignaturePolicy
from payments.voucher_number import voucher_number
from tests.division.test_banks import ALL, MARCH, KnowingBookkeeper, books, conn
from tests.support.at_machine import FREELY

__all__ = ["books", "conn"]

NOBODY = "http://127.0.0.1:1"


@contextmanager
def bank_that_knows(*numbers: str) -> Iterator[tuple[str, list[str]]]:
    """A bank's address, and what it was asked for."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            asked.extend(body["voucher_nos"])
            known = [number for number in body["voucher_nos"] if number in numbers]
            results = [
                {"voucher_no": number, "bill_no": "", "status": "paid", "paid_amt": "10.00"}
                for number in known
            ]
            content = msgspec.json.encode({"results": results})
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def appoint(conn: psycopg.Connection, code: str, url: str) -> None:
    command = AppointBank(
        pay_bank_code=code, name="银行", url=url, cert_serial="", start_date=MARCH
    )
    record(conn, ALL, [command], FREELY, by=OPERATOR)


def drawn(books: KnowingBookkeeper, number: str, code: str) -> str:
    """A payment's voucher, drawn on a bank and not answered."""
    books.do(SetSignaturePolicy(roles=("treasury",), pay_bank_code=code))
    books.apply(number, "B1", "10.00")
    books.approve(number)
    return voucher_number(books.ledger_id, number)


@pytest.fixture
def client() -> Iterator[BankClient]:
    client = BankClient(10.0)
    yield client
    client.close()


def test_every_bank_of_the_ledger_is_asked_for_what_the_books_do_not_know(
    books: KnowingBookkeeper, conn: psycopg.Connection, client: BankClient
) -> None:
    books.issue("B1", "100.00")
    lost = voucher_number(books.ledger_id, "SQ-9")
    with bank_that_knows(lost) as (ended_url, of_ended), bank_that_knows() as (url, of_other):
        appoint(conn, "102", url)
        appoint(conn, "105", ended_url)
        theirs, ours = drawn(books, "SQ-1", "105"), drawn(books, "SQ-2", "102")
        ended = EndBank(pay_bank_code="105", end_date=date(2026, 3, 2))
        record(conn, ALL, [ended], FREELY, by=OPERATOR)

        told = [(books.ledger_id, "SQ-9")]
        numbers = numbers_in_doubt(conn, [books.ledger_id], told)
        destinations = Destinations(banks={"102": NOBODY}, pboc=NOBODY)
        banks = banks_of(conn, [books.ledger_id], destinations)
        found = inquire(client, banks, NOBODY, numbers)
    assert [(each.asked.pay_app_no, each.bank) for each in found.known] == [("SQ-9", "105")]
    assert found.silent == {}
    assert sorted(of_ended) == sorted([lost, theirs])
    assert sorted(of_other) == sorted([lost, ours])


def test_a_bank_that_nobody_knows_how_to_reach_is_silent(
    books: KnowingBookkeeper, conn: psycopg.Connection, client: BankClient
) -> None:
    """Drawn on before any bank was appointed, and named by nothing any more."""
    books.issue("B1", "100.00")
    drawn(books, "SQ-1", "107")
    with bank_that_knows() as (url, _):
        appoint(conn, "102", url)
        numbers = numbers_in_doubt(conn, [books.ledger_id], [])
        banks = banks_of(conn, [books.ledger_id], Destinations(banks={}, pboc=NOBODY))
        assert inquire(client, banks, NOBODY, numbers).silent.keys() == {"107"}


def test_a_number_that_two_banks_know_is_on_record_twice(
    books: KnowingBookkeeper, conn: psycopg.Connection, database: Database, tmp_path: Path
) -> None:
    """A payment that both have paid is for a person to see, and no reason to accept nothing."""
    books.issue("B1", "100.00")
    lost = voucher_number(books.ledger_id, "SQ-9")
    given: dict[str, Any] = {"data": tmp_path / "data", "pay_bank_code": "102"}
    settings = Settings(**given)
    with bank_that_knows(lost) as (one, _), bank_that_knows(lost) as (other, _):
        appoint(conn, "102", one)
        appoint(conn, "105", other)
        write_mark(settings.mark_path, ClusterMark(restored="a backup"))
        with treasury_on(settings, database, accepts_loss=True) as treasury:
            found = find_loss(treasury, [(books.ledger_id, "SQ-9")])
            accept_loss(treasury, found, "恢复备份", "cli/ops")
            assert treasury.history.reasons() == []
    told = [event for _, name, event in books.events() if name == "voucher.found_at_bank"]
    assert [(event.bank, event.place) for event in told] == [("102", 1), ("105", 2)]
