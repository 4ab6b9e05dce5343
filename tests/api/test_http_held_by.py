"""A payment says why it waits, and readiness which bank is away: no dead end without a word."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.http.models.enums import HoldReason
from ledger.errors import Code, UnavailableError
from ledger.postgres.database import Database
from payments.delivery import leases, outbox
from payments.delivery.contents import Destinations
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.held_by import HOLDS, payment_held_by
from payments.simulators.bank import BankConfig, run_bank
from payments.simulators.outage import OUTAGE_PATH
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import FAST, Simulator
from tests.support.http_banks import config_of
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import wait_until

NEVER, REFUSED = "9995000000000001", "9993000000000001"


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as http:
        yield http


@contextmanager
def sending(http: HttpTreasury, bank: Simulator) -> Iterator[None]:
    treasury = http.treasury
    destinations = Destinations(banks={"102": bank.url}, pboc="")
    dispatcher = Dispatcher(treasury.pool, treasury.sequencer, treasury.signing, destinations, FAST)
    dispatcher.start()
    try:
        yield
    finally:
        dispatcher.stop()


def held(http: HttpTreasury, number: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = http.ok(http.get(f"…/payments/{number}"))["held_by"]
    return found


def code_of(http: HttpTreasury, number: str) -> str:
    found = held(http, number)
    return found["code"] if found else ""


def ready(http: HttpTreasury) -> tuple[int, dict[str, Any]]:
    answer = asking.get(f"{http.url}/readyz")
    return answer.status_code, answer.json()


def test_persons_are_named_by_what_they_have_to_do(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    policy = {"roles": ["finance_first", "treasury"], "pay_bank_code": "102"}
    http.ok(http.call("PUT", "…/signature-policy", "admin", json=policy))
    number = http.applied(bgt_id, "1.00")
    waits = held(http, number)
    assert waits is not None
    assert waits["code"] == "awaiting_approval"
    assert datetime.fromisoformat(waits["since"]) <= datetime.now(UTC)
    http.ok(http.post(f"…/payments/{number}/approve", person="checker"))
    waits = held(http, number)
    assert waits is not None
    assert (waits["code"], waits["detail"]) == ("awaiting_signature", "finance_first")


@pytest.mark.fault
def test_a_bank_that_is_away_is_named_and_keeps_nobody_from_working(
    http: HttpTreasury, tmp_path: Path
) -> None:
    bank = Simulator(run_bank, BankConfig(**config_of(http, tmp_path, "bank/102"), bank_code="102"))
    bgt_id = http.indicator("100.00")
    with bank:
        number = http.signed(bgt_id, "1.00")
        assert held(http, number) is None, "the next round of the sender takes it"
        told = {"kind": "html-502"}
        asking.post(f"{bank.url}{OUTAGE_PATH}", json=told)
        with sending(http, bank):
            wait_until(lambda: code_of(http, number) == "bank_silent")
            waits = held(http, number)
            assert waits is not None
            assert "502" in waits["detail"]
            assert "102" in waits["detail"]
            assert datetime.fromisoformat(waits["since"]) <= datetime.now(UTC)
            status, readiness = ready(http)
            assert (status, readiness["ready"]) == (200, True)
            [degraded] = readiness["degraded"]
            assert degraded.startswith("bank 102 has not answered since ")
            url = f"{bank.url}/vouchers"
            assert http.figure(f'guoku_bank_silent{{bank="102",url="{url}"}}') == 1.0
            asking.post(f"{bank.url}{OUTAGE_PATH}", json={"kind": "none"})
            wait_until(lambda: http.ok(http.get(f"…/payments/{number}"))["status"] == "paid")
            assert held(http, number) is None
            wait_until(lambda: ready(http)[1]["degraded"] == [])


@pytest.mark.fault
def test_what_a_bank_says_no_to_and_what_it_owes_an_answer_for(
    http: HttpTreasury, tmp_path: Path
) -> None:
    bank = Simulator(run_bank, BankConfig(**config_of(http, tmp_path, "bank/102"), bank_code="102"))
    bgt_id = http.indicator("100.00")
    with bank, sending(http, bank):
        refused = http.signed(bgt_id, "1.00", payee_acct_no=REFUSED)
        unanswered = http.signed(bgt_id, "1.00", payee_acct_no=NEVER)
        wait_until(lambda: code_of(http, refused) == "bank_refused")
        waits = held(http, refused)
        assert waits is not None
        assert "收款账号无效" in waits["detail"]
        wait_until(lambda: code_of(http, unanswered) == "awaiting_receipt")
        wait_until(lambda: ready(http)[1]["degraded"])
        status, readiness = ready(http)
    assert status == 200
    assert readiness["degraded"] == [
        "1 of kind voucher were refused by a bank or given up: guoku outbox list"
    ]


def test_a_claim_says_what_the_central_bank_has_said(http: HttpTreasury) -> None:
    """It was refused for good, and the clearing said that it was requested."""
    bgt_id = http.indicator("100.00")
    number = http.paid(bgt_id, "1.00")
    day = http.ok(http.get(f"…/payments/{number}"))["receipt"]["booked_on"]
    claim = {"clear_no": "C-1", "clear_date": day, "pay_bank_code": "102"}
    http.ok(http.post("…/clearings", claim))
    with http.treasury.pool.connection() as connection:
        for key in outbox.ledgers_behind(connection):
            outbox.consume(connection, key)
        parcel = leases.take(connection, 10, 60.0)
        assert parcel is not None
        assert parcel.kind == "claim"
        reason = "element_invalid: 科目不符"
        leases.bury(connection, parcel, dict.fromkeys(parcel.attempts, reason))
    [shown] = http.ok(http.get("…/clearings/C-1"))["claims"]
    assert shown["held_by"] == {"code": "bank_refused", "detail": reason, "since": None}


def test_a_ledger_that_takes_nothing_says_so_at_each_payment(bookkeeper: Bookkeeper) -> None:
    """By the fault itself: what makes it is tested where it is made."""
    bookkeeper.issue("B", "10.00")
    payment = bookkeeper.apply("P", "B", "1.00").subjects[0]
    now = datetime.now(UTC)
    for code in (Code.HISTORY_CUT, Code.CLOCK_SKEWED):
        found = payment_held_by(
            payment,
            since=now,
            delivery=None,
            fault=UnavailableError(code, "why"),
            today=now.date(),
        )
        assert found is not None
        assert (found.code, found.detail) == (code.text, "why")


def test_what_is_dated_ahead_waits_for_its_day(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "10.00")
    bookkeeper.apply("P", "B", "1.00")
    bookkeeper.approve("P")
    payment = bookkeeper.sign("P").subjects[0]
    day = date.fromisoformat(payment.approved.vou_date)
    now = datetime.now(UTC)
    before = payment_held_by(
        payment, since=now, delivery=None, fault=None, today=day - timedelta(days=1)
    )
    assert before is not None
    assert (before.code, before.detail) == ("awaiting_day", day.isoformat())
    assert payment_held_by(payment, since=now, delivery=None, fault=None, today=day) is None


def test_the_words_of_the_contract_are_those_that_are_said() -> None:
    halts = {Code.HISTORY_CUT.text, Code.CLOCK_SKEWED.text}
    assert {reason.value for reason in HoldReason} == {*HOLDS, *halts}
