"""Refund notices as they come in: which payment they are about, and in whose books that is.

A notice names its original by numbers: that of the voucher, or of the application. It is looked for
in the ledgers of the division and year that the notice names; where it is in none of them, the
notice waits in the first one's suspense.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from ledger.account_set import fiscal_year_of
from ledger.errors import RequestError
from ledger.reading.objects import list_heads, read_objects
from payments.issued import find_approvals
from payments.manifest import manifest_number
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import (
    Concern,
    MessageType,
    Party,
    SignedBy,
    received_by,
)
from payments.messages.orders_5207 import OrderReturn
from payments.messages.refund_notices import RefundNotice
from payments.payment import PAYMENT, Payment
from payments.receipts.concerns import Judging, judges
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.senders import Senders
from payments.refunds.booking import Noticed, NoticedLine, NoticeEvidence
from payments.refunds.notices import TakeNotice, notice_key
from payments.voucher_number import ledger_of_voucher


class ReceivedNotice(NamedTuple):
    """A notice with the payment that it is about.

    Attributes:
        notice: None where it cannot be read, for which ``unreadable`` is why.
        ledger_id: whose books it belongs to; None where the division has none of that year.
        pay_app_no, pay_bank_code: of the payment; "" where none was found.
    """

    notice: RefundNotice | None
    unreadable: str
    ledger_id: int | None
    pay_app_no: str = ""
    pay_bank_code: str = ""

    def command(self, body: VoucherBody, bank: str, evidence: ReceiptEvidence) -> TakeNotice:
        """For the books to judge, once it is verified that ``bank`` has signed it."""
        notice = self.notice
        noticed = None
        if notice is not None:
            noticed = Noticed(
                pay_date=notice.pay_date,
                agent_business_no=notice.serial,
                remark=notice.remark or next((li.remark for li in notice.details if li.remark), ""),
                lines=tuple(
                    NoticedLine(
                        detail_id=line.id,
                        payee_acct_no=line.payee_acct_no,
                        refund_fen=line.pay_amt,
                    )
                    for line in notice.details
                ),
            )
        return TakeNotice(
            notice_key=notice_key(bank, body.voucher_no),
            evidence=NoticeEvidence(
                vt_code=body.vt_code,
                notice_no=body.voucher_no,
                pay_bank_code=bank,
                notice_sm3=evidence["receipt_sm3"],
                cert_serial=evidence["cert_serial"],
                signature=evidence["signature"],
            ),
            noticed=noticed,
            unreadable=self.unreadable,
            originals=notice.originals if notice else (),
            pay_app_no=self.pay_app_no,
            document=evidence["document"],
        )


def held_unreadable(
    body: VoucherBody,
    bank: str,
    evidence: ReceiptEvidence,
    error: RequestError,
    pay_app_no: str = "",
) -> TakeNotice:
    """A receipt that its bank has signed and that cannot be read: it waits, and is not refused.

    Another one of the same voucher may come, so its own bytes are part of its number.

    Args:
        bank: its code; "" for the central bank.
    """
    [signature] = body.signatures
    manifest, sm3 = signature.manifest, evidence["receipt_sm3"]
    return TakeNotice(
        notice_key=notice_key(bank or SignedBy.CENTRAL_BANK, f"{body.voucher_no}-{sm3[:8]}"),
        evidence=NoticeEvidence(
            vt_code=body.vt_code,
            notice_no=body.voucher_no,
            pay_bank_code=bank,
            notice_sm3=sm3,
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
        ),
        unreadable=error.detail,
        originals=(body.voucher_no,),
        pay_app_no=pay_app_no,
        manifest_no=manifest_number(manifest.text, signature.sn) if manifest else "",
        leaf=signature.leaf,
        document=evidence["document"],
    )


def held_return(body: VoucherBody, notice: OrderReturn, evidence: ReceiptEvidence) -> TakeNotice:
    """What the central bank says came back of an order of a year that is closed for good: its
    amount and day stand in suspense, and no books move."""
    line = NoticedLine(detail_id="", payee_acct_no="", refund_fen=notice.pay_amt)
    return TakeNotice(
        notice_key=notice_key(SignedBy.CENTRAL_BANK, notice.voucher_no),
        evidence=NoticeEvidence(
            vt_code=body.vt_code,
            notice_no=notice.voucher_no,
            pay_bank_code="",
            notice_sm3=evidence["receipt_sm3"],
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
        ),
        noticed=Noticed(
            pay_date=notice.vou_date,
            agent_business_no=notice.agent_business_no,
            remark=notice.remark,
            lines=(line,),
        ),
        originals=(notice.original_voucher_no,),
        document=evidence["document"],
    )


@judges(Concern.REFUND)
class RefundNotices(Judging):
    """A notice of any bank of ours; of a payment that was found, of the bank that paid it."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._read = {
            body: _read(connection, body, received_by(Party.TREASURY, body)) for body in bodies
        }

    def ledger_of(self, body: VoucherBody) -> int | None:
        return self._read[body].ledger_id

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakeNotice:
        notice = self._read[body]
        bank = notice.pay_bank_code or self.senders.bank_of(body)
        return notice.command(body, bank, self.senders.verified(message, body, bank))


def _read(
    connection: psycopg.Connection, body: VoucherBody, message: MessageType[Any]
) -> ReceivedNotice:
    try:
        notice: RefundNotice = message.parse(signed_bytes(body))
    except RequestError as error:
        return ReceivedNotice(None, error.detail, _first_ledger(connection, body))
    likely = next((n for n in notice.originals if ledger_of_voucher(n) is None), "")
    approvals = find_approvals(connection, dict.fromkeys(notice.originals, likely))
    for number in notice.originals:
        if (approved := approvals.get(number)) is not None:
            ledger_id = ledger_of_voucher(number)
            return ReceivedNotice(
                notice, "", ledger_id, approved.pay_app_no, approved.pay_bank_code
            )
    for ledger_id in _ledgers(connection, body):
        payments: dict[str, Payment] = read_objects(
            connection, ledger_id, PAYMENT, notice.originals
        )
        for payment in payments.values():
            bank = payment.approved.pay_bank_code if payment.approved else ""
            return ReceivedNotice(notice, "", ledger_id, payment.pay_app_no, bank)
    return ReceivedNotice(notice, "", _first_ledger(connection, body))


def _ledgers(connection: psycopg.Connection, body: VoucherBody) -> list[int]:
    """Those of the division and year that the message names; it has six digits of nine."""
    heads = list_heads(connection, body.adm_div_code)
    return [h.ledger_id for h in heads if fiscal_year_of(h.ledger_id) == body.st_year]


def _first_ledger(connection: psycopg.Connection, body: VoucherBody) -> int | None:
    return next(iter(_ledgers(connection, body)), None)
