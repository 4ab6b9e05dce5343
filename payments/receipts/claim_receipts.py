"""Receipts of claims 申请划款凭证回单: what the central bank has moved."""

from collections.abc import Collection, Sequence
from typing import Any

import psycopg

from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, ApplyClaimReceipt, Clearing, split_claim_number
from payments.clearing.events import Claim
from payments.messages.clearing_2301 import ClearingReceipt
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import CENTRAL_BANK_CODE, Concern, MessageType
from payments.receipts.concerns import Judging, judges
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice

REASON_CHARACTERS_MAX = 300
REJECTED_WITHOUT_REASON = "退回"


@judges(Concern.CLAIM)
class ClaimReceipts(Judging):
    """Signed by the central bank."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._claims = _read_claims(connection, {body.voucher_no for body in bodies})

    def command(
        self, message: MessageType[Any], body: VoucherBody
    ) -> ApplyClaimReceipt | TakeNotice:
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        try:
            receipt: ClearingReceipt = message.parse(signed_bytes(body))
        except RequestError as error:
            return held_unreadable(body, "", evidence, error)
        place, claim = split_claim_number(body.voucher_no), self._claims.get(body.voucher_no)
        if place is None or claim is None:
            raise _mismatch(f"no claim {body.voucher_no!r} was made")
        if (receipt.vt_code, receipt.pay_amt) != (claim.vt_code, parse_yuan(claim.pay_amt)):
            raise _mismatch(f"the claim was a {claim.vt_code} over {claim.pay_amt}")
        reason = body.return_reason[:REASON_CHARACTERS_MAX] or REJECTED_WITHOUT_REASON
        return ApplyClaimReceipt(
            clear_no=place[1],
            voucher_no=body.voucher_no,
            xpay_fen=receipt.x_pay_amt,
            xclear_date=receipt.x_clear_date,
            rejected="" if receipt.x_pay_amt else reason,
            **evidence,
        )


def _read_claims(connection: psycopg.Connection, voucher_nos: Collection[str]) -> dict[str, Claim]:
    clear_nos: dict[int, set[str]] = {}
    for voucher_no in voucher_nos:
        if (place := split_claim_number(voucher_no)) is not None:
            clear_nos.setdefault(place[0], set()).add(place[1])
    claims = {}
    for ledger_id, numbers in clear_nos.items():
        clearings: dict[str, Clearing] = read_objects(connection, ledger_id, CLEARING, numbers)
        for clearing in clearings.values():
            claims.update({claim.voucher_no: claim for claim in clearing.requested.claims})
    return claims


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the receipt is refused: {detail}")
