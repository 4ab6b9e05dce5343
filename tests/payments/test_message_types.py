"""The table of message types: what is said, by whom, and that nothing else has to know it."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import payments
from ledger.errors import Code, RequestError
from payments.messages import message_types
from payments.messages.clearing_2301 import ClearingOutcome
from payments.messages.envelope import RECEIPT, SEND, VoucherBody, build_envelope
from payments.messages.message_types import (
    MESSAGES,
    VOUCHER_RECEIPT,
    MessageType,
    Party,
    SignedBy,
    received_by,
)
from payments.messages.vt_codes import CLAIM, PAYMENT_VOUCHER, REFUND_CLAIM
from payments.receipts.judging import parse_receipts
from tests.payments.test_channel_receipts import body_of, receipt_of, signed_by
from tests.payments.test_evoucher_clearing import _claim as claim_voucher
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import BANK, SigningTreasury
from tests.support.vouchers_5214 import outcome_of as bank_outcome
from tests.support.vouchers_5214 import voucher_of as payment_voucher

ROOT = Path(payments.__file__).parent.parent


def test_the_table_says_what_the_standard_says() -> None:
    assert {(m.vt_code, m.flag, m.title) for m in MESSAGES.values()} == {
        ("5214", SEND, "国库集中支付凭证"),
        ("5214", RECEIPT, "国库集中支付凭证回单"),
        ("5212", SEND, "财政专户资金拨款凭证"),
        ("5212", RECEIPT, "财政专户资金拨款凭证回单"),
        ("5203", SEND, "退款申请"),
        ("5204", SEND, "撤销申请"),
        ("2203", SEND, "退款通知书"),
        ("2203", RECEIPT, "退款通知书"),
        ("2252", SEND, "收款银行退款通知"),
        ("2252", RECEIPT, "收款银行退款通知"),
        ("2301", SEND, "申请划款凭证"),
        ("2301", SEND, "代理银行申请划款凭证"),
        ("2301", RECEIPT, "申请划款凭证回单"),
        ("2302", SEND, "申请退款凭证"),
        ("2302", SEND, "代理银行申请退款凭证"),
        ("2302", RECEIPT, "申请退款凭证回单"),
        ("5207", SEND, "实拨拨款凭证"),
        ("5207", RECEIPT, "实拨拨款凭证回单"),
        ("3208", SEND, "实拨退款通知书"),
        ("5209", SEND, "收入退付凭证"),
        ("5209", RECEIPT, "收入退付凭证回单"),
        ("3210", SEND, "退付退款通知书"),
        ("5407", SEND, "更正通知书"),
        ("5407", RECEIPT, "更正通知书回单"),
        ("2301", RECEIPT, "代理银行申请划款凭证退回"),
        ("2302", RECEIPT, "代理银行申请退款凭证退回"),
        ("5253", SEND, "直接支付调整凭证"),
        ("5253", RECEIPT, "直接支付调整凭证回单"),
        ("5351", SEND, "额度调整书"),
        ("5351", RECEIPT, "额度调整书回单"),
        ("3401", SEND, "收入日报表"),
        ("3402", SEND, "库存日报表"),
        ("3403", SEND, "资金到账通知"),
        ("3501", SEND, "凭证对账 (人民银行)"),
        ("3502", SEND, "凭证对账 (代理银行)"),
        ("3507", SEND, "清算信息对账"),
        ("3508", SEND, "实拨对账"),
        ("3509", SEND, "收入退付对账"),
    }


def _claim_and_receipt(vt_code: str) -> tuple[MessageType[Any], MessageType[Any]]:
    """What the treasury claims, and how the central bank answers."""
    sent = MESSAGES[vt_code, SEND, Party.CENTRAL_BANK]
    return sent, MESSAGES[vt_code, RECEIPT, Party.TREASURY]


@pytest.mark.parametrize("vt_code", [CLAIM, REFUND_CLAIM])
def test_a_claim_of_a_bank_is_signed_by_it_and_comes_to_the_treasury(vt_code: str) -> None:
    told = MESSAGES[vt_code, SEND, Party.TREASURY]
    assert (told.sender, told.signed_by) == (Party.AGENT_BANK, SignedBy.AGENT_BANK)
    assert told.parse(told.build(claim_voucher(vt_code=vt_code))) == claim_voucher(vt_code=vt_code)


def test_a_payment_voucher_is_signed_by_persons_and_answered_by_the_bank() -> None:
    sent, receipt = MESSAGES[PAYMENT_VOUCHER, SEND, Party.AGENT_BANK], VOUCHER_RECEIPT
    assert (sent.sender, sent.receiver) == (Party.TREASURY, Party.AGENT_BANK)
    assert (receipt.sender, receipt.receiver) == (Party.AGENT_BANK, Party.TREASURY)
    assert sent.signed_by.is_of("principal/li.si")
    assert not sent.signed_by.is_of("principalities/monaco")
    assert receipt.signed_by.subject("102") == "bank/102"
    assert sent.manifest
    assert receipt.manifest


@pytest.mark.parametrize("vt_code", [CLAIM, REFUND_CLAIM])
def test_a_claim_is_signed_by_the_finance_department_and_answered_by_the_central_bank(
    vt_code: str,
) -> None:
    sent, receipt = _claim_and_receipt(vt_code)
    assert (sent.receiver, sent.signed_by) == (Party.CENTRAL_BANK, SignedBy.FINANCE)
    assert (receipt.sender, receipt.signed_by) == (Party.CENTRAL_BANK, SignedBy.CENTRAL_BANK)
    assert not sent.manifest
    assert not receipt.manifest


def test_every_document_is_read_as_it_was_written() -> None:
    voucher = payment_voucher()
    sent = MESSAGES[PAYMENT_VOUCHER, SEND, Party.AGENT_BANK]
    assert sent.parse(sent.build(voucher)) == voucher
    line = voucher.details[0]
    outcome = bank_outcome((line.id, line.pay_amt, ""))
    receipt = VOUCHER_RECEIPT
    read = receipt.parse(receipt.build(sent.build(voucher), voucher, outcome))
    assert (read.voucher_no, read.x_pay_amt) == (voucher.voucher_no, voucher.pay_amt)
    for vt_code in (CLAIM, REFUND_CLAIM):
        claim = claim_voucher(vt_code=vt_code)
        sent, receipt = _claim_and_receipt(vt_code)
        assert sent.parse(sent.build(claim)) == claim
        settled = ClearingOutcome(
            x_pay_snd_bnk_no="011000000000",
            x_clear_date=date(2026, 3, 2),
            x_pay_amt=claim.pay_amt,
        )
        assert receipt.parse(receipt.build(claim, settled)).vt_code == vt_code


def body(vt_code: str, flag: Any) -> VoucherBody:
    return VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code=vt_code,
        voucher_no="W1",
        voucher_flag=flag,
        voucher=b"",
    )


@pytest.mark.parametrize(
    ("party", "vt_code", "flag", "pointer"),
    [
        (Party.TREASURY, "8202", RECEIPT, "/VtCode"),
        (Party.TREASURY, PAYMENT_VOUCHER, SEND, "/VoucherFlag"),
        (Party.AGENT_BANK, CLAIM, SEND, "/VoucherFlag"),
        (Party.AGENT_BANK, PAYMENT_VOUCHER, RECEIPT, "/VoucherFlag"),
        (Party.CENTRAL_BANK, PAYMENT_VOUCHER, SEND, "/VtCode"),
    ],
)
def test_nobody_takes_what_is_not_for_him(
    party: Party, vt_code: str, flag: Any, pointer: str
) -> None:
    with pytest.raises(RequestError) as error:
        received_by(party, body(vt_code, flag))
    assert (error.value.code, error.value.extra["pointer"]) == (Code.MALFORMED, pointer)


def test_a_new_message_type_is_one_entry(
    bookkeeper: Bookkeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receipts of a type that is not known yet are taken in as soon as it has its entry."""
    bookkeeper.issue("B", "1000.00")
    treasury = SigningTreasury(bookkeeper, tmp_path)
    treasury.signed(1)
    document = receipt_of(treasury, "P1").replace(b"<VtCode>5214<", b"<VtCode>8202<")
    receipt = signed_by(
        treasury, treasury.certificate(BANK), body_of(treasury, "P1", document, vt_code="8202")
    )

    def take_in() -> Any:
        message = build_envelope([receipt])
        with treasury.pool.connection() as connection:
            [found] = parse_receipts(connection, treasury.provider, message, datetime.now(UTC))
        return found

    assert take_in().problem.code is Code.MALFORMED

    def parse(data: bytes) -> Any:
        return VOUCHER_RECEIPT.parse(data.replace(b"<VtCode>8202<", b"<VtCode>5214<"))

    entry: MessageType[Any] = MessageType(
        vt_code="8202",
        flag=RECEIPT,
        title="授权支付凭证回单",
        sender=Party.AGENT_BANK,
        receiver=Party.TREASURY,
        signed_by=SignedBy.AGENT_BANK,
        manifest=False,
        concerns=VOUCHER_RECEIPT.concerns,
        build=VOUCHER_RECEIPT.build,
        parse=parse,
    )
    monkeypatch.setattr(
        message_types, "MESSAGES", {**MESSAGES, ("8202", RECEIPT, Party.TREASURY): entry}
    )
    outcome = bookkeeper.do(take_in().command, "bank")
    assert outcome.subjects[0].status == "paid"


def test_the_numbers_stand_in_one_place() -> None:
    written = {
        path.relative_to(ROOT).as_posix()
        for folder in ("ledger", "payments", "projections", "api")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"""["'](5214|5203|5204|2203|2252|2301|2302|3401)["']""", path.read_text())
    }
    assert written == {"payments/messages/vt_codes.py"}
