"""Receipts of payment vouchers 国库集中支付凭证回单: what the bank says it paid of which line."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.errors import Code, Refusal, RequestError
from payments.issued import find_approvals
from payments.manifest import manifest_number
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import Concern, MessageType
from payments.messages.receipt_5214 import Receipt5214
from payments.receipt_lines import ReceiptLine
from payments.receipts.concerns import Judging, judges
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice
from payments.voucher import ApplyReceipt
from payments.voucher_number import bill_no


@judges(Concern.VOUCHER)
class VoucherReceipts(Judging):
    """Signed by the bank that the voucher was sent to."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        numbers = {body.voucher_no: bill_no(signed_bytes(body)) for body in bodies}
        self._approvals = find_approvals(connection, numbers)

    def command(self, message: MessageType[Any], body: VoucherBody) -> ApplyReceipt | TakeNotice:
        if (approved := self._approvals.get(body.voucher_no)) is None:
            raise Refusal(Code.PAYMENT_NOT_FOUND, f"no voucher {body.voucher_no!r} was issued")
        # a forged receipt is forged first, whatever it says
        evidence = self.senders.verified(message, body, approved.pay_bank_code)
        [signature] = body.signatures
        signed = signature.manifest
        try:
            receipt: Receipt5214 = message.parse(signed_bytes(body))
        except RequestError as error:
            pay_app_no, bank = approved.pay_app_no, approved.pay_bank_code
            return held_unreadable(body, bank, evidence, error, pay_app_no)
        return ApplyReceipt(
            pay_app_no=approved.pay_app_no,
            pay_cert_no=approved.pay_cert_no,
            xpay_fen=receipt.x_pay_amt,
            xpay_date=receipt.x_pay_date,
            agent_business_no=receipt.x_agent_business_no,
            lines=tuple(
                ReceiptLine(
                    line.id, line.payee_acct_no, line.pay_amt, line.x_pay_amt, line.x_add_word
                )
                for line in receipt.details
            ),
            manifest_no=manifest_number(signed.text, signature.sn) if signed else "",
            leaf=signature.leaf,
            **evidence,
        )
