"""A refusal of the bank that cannot have come about is found by both verifications."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from ledger.events import Event, encode
from ledger.reading.streaming import Chunk
from ledger.verification.amounts import Amounts
from ledger.verification.findings import Findings
from payments.events import VoucherRefused, VoucherSent
from payments.payment import Payment
from payments.verification.lifecycle import PaymentCheck
from payments.verification.refunds import RefundCheck
from tests.support.bookkeeper import Bookkeeper
from verifier import guoku_verify

STREAM = bytes(16)
REFUSED = VoucherRefused(
    pay_app_no="P",
    pay_cert_no="PZ-1",
    pay_bank_code="102",
    code="account_invalid",
    reason="收款账号无效",
)
SENT = VoucherSent(pay_app_no="P", pay_cert_no="PZ-1", pay_bank_code="102")


@pytest.fixture
def signed(bookkeeper: Bookkeeper) -> Payment:
    bookkeeper.issue("B", "10.00")
    bookkeeper.apply("P", "B", "1.00")
    bookkeeper.approve("P")
    payment: Payment = bookkeeper.sign("P").subjects[0]
    return payment


def histories(signed: Payment) -> dict[str, tuple[list[Event], bool]]:
    """By name a payment's events with a refusal, and whether they can be."""
    assert signed.approved is not None
    begun: list[Event] = [signed.applied, signed.approved]
    return {
        "signed and refused": ([*begun, *signed.signatures, REFUSED], True),
        "refused and taken in after all": ([*begun, *signed.signatures, REFUSED, SENT], True),
        "refused before it was signed": ([*begun, REFUSED], False),
        "refused after it was taken in": ([*begun, *signed.signatures, SENT, REFUSED], False),
        "of a payment that nobody applied for": ([REFUSED], False),
    }


def test_by_the_program(signed: Payment, tmp_path: Path) -> None:
    for name, (events, holds) in histories(signed).items():
        findings = Findings()
        refunds = RefundCheck(findings, tmp_path)
        PaymentCheck(findings, refunds, Amounts()).take(chunk_of(events))
        assert (findings.wrong.get(PaymentCheck.NAME, 0) == 0) is holds, name


def test_by_the_offline_verifier(signed: Payment) -> None:
    for name, (events, holds) in histories(signed).items():
        report = guoku_verify.Report()
        check = guoku_verify.Payments(report, sqlite3.connect(":memory:"))
        for position, event in enumerate(events, 1):
            payload = encode(event)
            body = msgspec.json.decode(payload)
            exported = (position, STREAM, position, event.TYPE, 0, 0, payload, b"")
            check.take(guoku_verify.Event(*exported, event.TYPE, body))
        assert (not report.failed) is holds, name


def chunk_of(events: list[Event]) -> Chunk:
    positions = list(range(1, len(events) + 1))
    nothing = [0] * len(events)
    return Chunk(
        positions,
        [STREAM] * len(events),
        positions,
        nothing,
        nothing,
        [event.TYPE.encode() for event in events],
        [encode(event) for event in events],
        [b""] * len(events),
    )
