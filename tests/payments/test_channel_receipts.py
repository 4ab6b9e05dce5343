"""The intake of receipts: only the bank's own signature over the exact bytes is believed."""

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from division import certificates
from division.certificates import Certificate
from ledger.errors import Code, RequestError
from ledger.gm import sm3
from ledger.reading.documents import decompress
from ledger.reading.objects import read_document
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from payments.messages import clearing_2301, receipt_5214, voucher_5214
from payments.messages.clearing_2301 import ClearingOutcome
from payments.messages.envelope import RECEIPT, SEND, VoucherBody, add_signature, build_envelope
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.receipts.judging import ReceivedReceipt, parse_receipts
from payments.refunds.notices import TakeNotice
from payments.signing.claims import claim_document
from payments.voucher import ApplyReceipt
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import BANK, CENTRAL_BANK, SigningTreasury

DAY = date(2026, 3, 2)


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def own(treasury: SigningTreasury) -> Certificate:
    return treasury.certificate(BANK)


def receipt_of(treasury: SigningTreasury, number: str, *, serial: str = "1") -> bytes:
    """The bank's form for a payment's voucher, all paid."""
    payment = treasury.payments([number])[number]
    with treasury.pool.connection() as connection:
        document = read_document(
            connection,
            treasury.keeper.ledger_id,
            bytes.fromhex(payment.signatures[0].voucher_sm3),
        )
    assert document is not None
    done = tuple(
        DetailOutcome(id=line.id, x_pay_amt=line.pay_amt)
        for line in voucher_5214.parse(document).details
    )
    outcome = VoucherOutcome(x_pay_date=DAY, x_agent_business_no=serial, details=done)
    return receipt_5214.fill_receipt(document, outcome)


def body_of(treasury: SigningTreasury, number: str, document: bytes, **changed: Any) -> VoucherBody:
    given: dict[str, Any] = {
        "adm_div_code": "440000",
        "st_year": 2026,
        "vt_code": "5214",
        "voucher_no": treasury.payments([number])[number].pay_cert_no,
        "voucher_flag": RECEIPT,
        "voucher": document,
    }
    return VoucherBody(**given | changed)


def signed_by(
    treasury: SigningTreasury, certificate: Certificate, body: VoucherBody
) -> VoucherBody:
    key = treasury.keys.private_key(certificate.subject)
    return add_signature(
        body,
        no="bank",
        sn=certificate.serial,
        sign=lambda document: treasury.provider.sign(key, document),
    )


def take_in(
    treasury: SigningTreasury, *bodies: VoucherBody, now: datetime | None = None
) -> list[Any]:
    with treasury.pool.connection() as connection:
        return parse_receipts(
            connection, treasury.provider, build_envelope(bodies), now or datetime.now(UTC)
        )


def code(received: ReceivedReceipt) -> str:
    return received.problem.code.text if received.problem else ""


def test_a_receipt_becomes_a_command_that_keeps_its_bytes(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1")
    body = signed_by(treasury, own, body_of(treasury, "P1", document))
    [received] = take_in(treasury, body)
    command = received.command
    assert isinstance(command, ApplyReceipt)
    assert (received.ledger_id, received.vt_code) == (treasury.keeper.ledger_id, "5214")
    assert (command.pay_app_no, command.xpay_fen, command.xpay_date) == ("P1", 100, DAY)
    assert decompress(command.document) == document
    assert command.receipt_sm3 == sm3(document).hex()
    assert base64.b64decode(command.signature) == body.signatures[0].value
    outcome = treasury.keeper.do(command, "bank")
    assert outcome.subjects[0].status == "paid"
    [again] = take_in(treasury, body)
    assert treasury.keeper.do(again.command, "bank").replayed


def test_one_bit_makes_it_a_forgery(treasury: SigningTreasury, own: Certificate) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1", serial="7")
    good = signed_by(treasury, own, body_of(treasury, "P1", document))
    for changed in (
        document.replace(b"<XAgentBusinessNo>7<", b"<XAgentBusinessNo>6<", 1),
        document.replace(b"<XPayDate>20260302<", b"<XPayDate>20260303<", 1),
        document.replace(b"><XPayDate>", b">\n<XPayDate>", 1),  # says the same in other bytes
        document.replace(b"<XPayAmt>1.00<", b"<XPayAmt>0.00<", 1),  # contradicts itself as well
    ):
        assert changed != document
        [received] = take_in(treasury, msgspec.structs.replace(good, voucher=changed))
        assert code(received) == "signature_invalid"
        assert received.command is None
    value = bytearray(good.signatures[0].value)
    value[-1] ^= 1
    spoilt = msgspec.structs.replace(good.signatures[0], value=bytes(value))
    [received] = take_in(treasury, msgspec.structs.replace(good, signatures=(spoilt,)))
    assert code(received) == "signature_invalid"


def test_another_signer_is_not_the_bank(treasury: SigningTreasury, own: Certificate) -> None:
    treasury.signed(1)
    body = body_of(treasury, "P1", receipt_of(treasury, "P1"))
    other_bank = treasury.certificate("bank/103")
    person = treasury.certificate("principal/wang")
    for signer in (other_bank, person, treasury.certificate(CENTRAL_BANK)):
        [received] = take_in(treasury, signed_by(treasury, signer, body))
        assert code(received) == "signature_invalid"
    # the bank's serial over another's signature
    forged = signed_by(treasury, other_bank, body).signatures[0]
    forged = msgspec.structs.replace(forged, sn=own.serial)
    [received] = take_in(treasury, msgspec.structs.replace(body, signatures=(forged,)))
    assert code(received) == "signature_invalid"


def test_it_carries_one_signature(treasury: SigningTreasury, own: Certificate) -> None:
    treasury.signed(1)
    body = body_of(treasury, "P1", receipt_of(treasury, "P1"))
    [none] = take_in(treasury, body)
    [two] = take_in(treasury, signed_by(treasury, own, signed_by(treasury, own, body)))
    assert (code(none), code(two)) == ("signature_invalid", "signature_invalid")


def test_the_certificate_is_valid_now(treasury: SigningTreasury, own: Certificate) -> None:
    treasury.signed(1)
    body = body_of(treasury, "P1", receipt_of(treasury, "P1"))
    good = signed_by(treasury, own, body)
    for moment, expected in (
        (own.not_before - timedelta(seconds=1), "certificate_invalid"),
        (own.not_before, ""),
        (own.not_after, ""),
        (own.not_after + timedelta(seconds=1), "certificate_invalid"),
    ):
        [received] = take_in(treasury, good, now=moment)
        assert code(received) == expected
    expired = treasury.certificate(BANK, days=1, begun_days_ago=9)
    [received] = take_in(treasury, signed_by(treasury, expired, body))
    assert code(received) == "certificate_invalid"
    unknown = msgspec.structs.replace(good.signatures[0], sn="0" * 32)
    [received] = take_in(treasury, msgspec.structs.replace(good, signatures=(unknown,)))
    assert code(received) == "certificate_invalid"
    with treasury.pool.connection() as connection:
        certificates.revoke(connection, own.serial, datetime.now(UTC), FREELY)
    [received] = take_in(treasury, good)
    assert code(received) == "certificate_invalid"


def test_a_forgery_under_an_expired_certificate_is_a_forgery(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    body = signed_by(treasury, own, body_of(treasury, "P1", receipt_of(treasury, "P1")))
    changed = msgspec.structs.replace(body, voucher=body.voucher.replace(b"1.00", b"2.00"))
    [received] = take_in(treasury, changed, now=own.not_after + timedelta(days=1))
    assert code(received) == "signature_invalid"


def _without_date(document: bytes) -> bytes:
    return document.replace(b"<XPayDate>20260302</XPayDate>", b"<XPayDate></XPayDate>", 1)


def _wrong_sum(document: bytes) -> bytes:
    return document.replace(b"<XPayAmt>1.00<", b"<XPayAmt>0.00<", 1)


def test_what_the_bank_has_signed_must_still_make_sense(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    document = _wrong_sum(receipt_of(treasury, "P1"))
    [received] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    assert code(received) == "receipt_mismatch"


def _cut_off(document: bytes) -> bytes:
    return document[:-40]


@pytest.mark.parametrize("change", [_without_date, _cut_off])
def test_what_the_bank_has_signed_and_nobody_can_read_waits_and_is_not_refused(
    treasury: SigningTreasury, own: Certificate, change: Callable[[bytes], bytes]
) -> None:
    """The money may have moved. A receipt that can be read comes after it and is applied."""
    treasury.signed(1)
    good = receipt_of(treasury, "P1")
    document = change(good)
    [received] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    command = received.command
    assert isinstance(command, TakeNotice)
    held = treasury.keeper.do(command, "bank").subjects[0]
    [item] = [s for s in treasury.keeper.events() if s[1] == "suspense.held"]
    assert (item[2].vt_code, item[2].pay_app_no, item[2].refund_amt) == ("5214", "P1", "")
    assert item[2].reason
    assert held is not None
    assert treasury.statuses(["P1"]) == ["signed"]
    [again] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    assert treasury.keeper.do(again.command, "bank").replayed
    [readable] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", good)))
    assert treasury.keeper.do(readable.command, "bank").subjects[0].status == "paid"


def test_a_forgery_that_nobody_can_read_is_a_forgery(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    body = signed_by(treasury, own, body_of(treasury, "P1", receipt_of(treasury, "P1")))
    [received] = take_in(treasury, msgspec.structs.replace(body, voucher=body.voucher[:-40]))
    assert code(received) == "signature_invalid"


def test_a_receipt_of_other_lines_is_refused_by_the_books(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(b"<Id>1</Id>", b"<Id>2</Id>")
    [received] = take_in(treasury, signed_by(treasury, own, body_of(treasury, "P1", document)))
    assert treasury.keeper.refusal(received.command, "bank") == "receipt_mismatch"
    assert treasury.statuses(["P1"]) == ["signed"]


def test_each_stands_at_its_place_and_harms_no_other(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(3)
    documents = [receipt_of(treasury, f"P{i}") for i in (1, 2, 3)]
    good = [
        signed_by(treasury, own, body_of(treasury, f"P{i}", d)) for i, d in enumerate(documents, 1)
    ]
    instruction = msgspec.structs.replace(good[0], voucher_flag=SEND)
    unsigned = msgspec.structs.replace(good[1], signatures=())
    nobody = "440000000202600000" + "99999"
    unknown = msgspec.structs.replace(
        good[2],
        voucher_no=nobody,
        voucher=good[2].voucher.replace(good[2].voucher_no.encode(), nobody.encode()),
    )
    received = take_in(treasury, good[0], instruction, unsigned, unknown, good[1], good[2])
    assert [code(item) for item in received] == [
        "",
        "malformed",
        "signature_invalid",
        "payment_not_found",
        "",
        "",
    ]
    commands = [item.command.pay_app_no for item in received if item.command]
    assert commands == ["P1", "P2", "P3"]


def test_a_message_that_is_none_is_refused_whole(treasury: SigningTreasury) -> None:
    with treasury.pool.connection() as connection, pytest.raises(RequestError) as caught:
        parse_receipts(connection, treasury.provider, b"<MOF/>", datetime.now(UTC))
    assert caught.value.code is Code.MALFORMED


def test_receipts_of_other_vouchers_are_not_taken(
    treasury: SigningTreasury, own: Certificate
) -> None:
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(b"<VtCode>5214<", b"<VtCode>8202<")
    body = body_of(treasury, "P1", document, vt_code="8202")
    [received] = take_in(treasury, signed_by(treasury, own, body))
    assert code(received) == "malformed"


# ---- claims


@pytest.fixture
def claim_body(treasury: SigningTreasury) -> Callable[..., VoucherBody]:
    """The central bank's unsigned answer to the one claim of clearing C."""
    treasury.keeper.pay("X", "B", "5.00")
    clearing = treasury.keeper.do(
        RequestClearing(clear_no="C", clear_date=DAY, pay_bank_code="102")
    ).subjects[0]
    [claim] = clearing.requested.claims
    document = claim_document(treasury.keeper.ledger_id, clearing.requested, claim)

    def answer(x_pay_amt: int = 500, document: bytes = document, **changed: Any) -> VoucherBody:
        outcome = ClearingOutcome(
            x_pay_snd_bnk_no="011000000000", x_clear_date=DAY, x_pay_amt=x_pay_amt
        )
        given: dict[str, Any] = {
            "adm_div_code": "440000",
            "st_year": 2026,
            "vt_code": "2301",
            "voucher_no": claim.voucher_no,
            "voucher_flag": RECEIPT,
            "voucher": clearing_2301.fill_receipt(document, outcome),
        }
        return VoucherBody(**given | changed)

    return answer


def test_a_claim_is_settled_by_the_central_bank_alone(
    treasury: SigningTreasury, own: Certificate, claim_body: Callable[..., VoucherBody]
) -> None:
    [by_bank] = take_in(treasury, signed_by(treasury, own, claim_body()))
    assert code(by_bank) == "signature_invalid"
    central_bank = treasury.certificate(CENTRAL_BANK)
    [received] = take_in(treasury, signed_by(treasury, central_bank, claim_body()))
    assert isinstance(received.command, ApplyClaimReceipt)
    assert treasury.keeper.do(received.command, "pboc").subjects[0].status == "cleared"


def test_a_rejected_claim_says_why(
    treasury: SigningTreasury, claim_body: Callable[..., VoucherBody]
) -> None:
    central_bank = treasury.certificate(CENTRAL_BANK)
    body = claim_body(0, return_reason="库款余额不足")
    [received] = take_in(treasury, signed_by(treasury, central_bank, body))
    clearing = treasury.keeper.do(received.command, "pboc").subjects[0]
    assert clearing.status == "rejected"
    [receipt] = clearing.receipts.values()
    assert receipt.rejected == "库款余额不足"


def test_a_claim_over_another_amount_is_no_answer(
    treasury: SigningTreasury, claim_body: Callable[..., VoucherBody]
) -> None:
    central_bank = treasury.certificate(CENTRAL_BANK)
    good = claim_body()
    more = msgspec.structs.replace(good, voucher=good.voucher.replace(b">5.00<", b">6.00<"))
    assert more != good
    [received] = take_in(treasury, signed_by(treasury, central_bank, more))
    assert code(received) == "receipt_mismatch"
    unknown = msgspec.structs.replace(
        good,
        voucher_no="440000000-2026:D:1",
        voucher=good.voucher.replace(b"2026:C:1", b"2026:D:1"),
    )
    [received] = take_in(treasury, signed_by(treasury, central_bank, unknown))
    assert code(received) == "receipt_mismatch"
