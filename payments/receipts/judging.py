"""Receipts 回单 as they come in: from an envelope to commands for the books, or to what is wrong.

A receipt is believed for its signature alone: that of the bank the voucher was sent to, or of the
central bank for a claim, over the exact inner bytes, with a certificate that is valid now. Checks
come in the order of ``ledger.errors.Code``. What only the books can tell (a receipt that is there
already, lines that are not the voucher's) is left to the command.
"""

import base64
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from division import certificates
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.gm import Provider
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document, keep_plainly
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, ApplyClaimReceipt, Clearing, split_claim_number
from payments.clearing.events import Claim
from payments.issued import find_approvals
from payments.manifest import RECEIPT_ROLE, SignManifest, manifest_number
from payments.messages.clearing_2301 import ClearingReceipt
from payments.messages.envelope import VoucherBody, VoucherSignature, parse_envelope, signed_bytes
from payments.messages.manifest_list import SignedManifest
from payments.messages.message_types import (
    Concern,
    MessageType,
    Party,
    SignedBy,
    received_by,
)
from payments.messages.receipt_5214 import Receipt5214
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.notices import held_unreadable, read_notices
from payments.receipts.orders import OrderCommand, OrdersAnswered
from payments.refunds.notices import TakeNotice
from payments.signing.verifying import Verifier
from payments.voucher import ApplyReceipt, ReceiptLine
from payments.voucher_number import bill_no, ledger_of_voucher

PBOC_CODE = "1"
REASON_CHARACTERS_MAX = 300
REJECTED_WITHOUT_REASON = "退回"

ReceiptCommand = ApplyReceipt | ApplyClaimReceipt | TakeNotice | OrderCommand


class ReceivedReceipt(msgspec.Struct, frozen=True):
    """One receipt of a message: a command, or the problem; ``ledger_id`` where it is known.

    ``manifest`` is what the command's signature stands in, if it is none of its own: the books must
    have it first. Receipts of one manifest have the same one.
    """

    vt_code: str
    voucher_no: str
    ledger_id: int | None
    command: ReceiptCommand | None = None
    manifest: SignManifest | None = None
    problem: GuokuError | None = None


def parse_receipts(
    connection: psycopg.Connection, provider: Provider, body: bytes, now: datetime
) -> list[ReceivedReceipt]:
    """The receipts of a message, in its order, each verified.

    A problem of one is ``malformed``, ``payment_not_found``, ``signature_invalid``,
    ``certificate_invalid`` or ``receipt_mismatch``; the others are not touched by it.

    Raises:
        RequestError: ``malformed``: the message cannot be read as a whole.
    """
    bodies = parse_envelope(body)
    judging = _Judge(connection, provider, bodies, now)
    if len(bodies) == 1:
        return [judging.judge(bodies[0])]
    if any(signature.manifest is None for body in bodies for signature in body.signatures):
        # Verifying lets go of the interpreter lock.
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="receipts") as workers:
            return list(workers.map(judging.judge, bodies))
    return [judging.judge(body) for body in bodies]


class _Judge:
    """What the receipts of one message are judged by, read in a few queries for all."""

    def __init__(
        self,
        connection: psycopg.Connection,
        provider: Provider,
        bodies: Sequence[VoucherBody],
        now: datetime,
    ) -> None:
        self._provider = provider
        self._verifier = Verifier(provider)
        self._manifests: dict[tuple[str, SignedManifest], SignManifest] = {}
        self._now = now
        numbers = {body.voucher_no for body in bodies}
        self._notices = read_notices(connection, bodies)
        self._approvals = find_approvals(connection, _bill_nos(bodies))
        self._claims = _read_claims(connection, numbers)
        self._orders = OrdersAnswered(connection, bodies)
        serials = {signature.sn for body in bodies for signature in body.signatures}
        self._certificates = {sn: certificates.find(connection, sn) for sn in serials}

    def judge(self, body: VoucherBody) -> ReceivedReceipt:
        place = split_claim_number(body.voucher_no)
        ledger_id = place[0] if place else ledger_of_voucher(body.voucher_no)
        if self._notices and (notice := self._notices.get(body)) is not None:
            ledger_id = notice.ledger_id
        elif (order := self._orders.place_of(body)) is not None:
            ledger_id = order.ledger_id
        received = ReceivedReceipt(body.vt_code, body.voucher_no, ledger_id)
        try:
            command = self._command(received_by(Party.TREASURY, body), body, place)
        except GuokuError as problem:
            return msgspec.structs.replace(received, problem=problem)
        manifest = self._manifest_of(body.signatures[0])
        return msgspec.structs.replace(received, command=command, manifest=manifest)

    def _command(
        self, message: MessageType[Any], body: VoucherBody, place: tuple[int, str] | None
    ) -> ReceiptCommand:
        match message.concerns:
            case Concern.VOUCHER:
                return self._voucher_receipt(message, body)
            case Concern.CLAIM:
                return self._claim_receipt(message, body, place)
            case Concern.REFUND:
                return self._refund_notice(message, body)
            case Concern.ORDER | Concern.ORDER_RETURN:
                return self._orders.command(body, self._verified(message, body, PBOC_CODE))
            case Concern.RECALL:
                raise RequestError(Code.MALFORMED, "a bank asks for no recall", pointer="/VtCode")

    def _voucher_receipt(
        self, message: MessageType[Any], body: VoucherBody
    ) -> ApplyReceipt | TakeNotice:
        if (approved := self._approvals.get(body.voucher_no)) is None:
            raise Refusal(Code.PAYMENT_NOT_FOUND, f"no voucher {body.voucher_no!r} was issued")
        # a forged receipt is forged first, whatever it says
        evidence = self._verified(message, body, approved.pay_bank_code)
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

    def _claim_receipt(
        self, message: MessageType[Any], body: VoucherBody, place: tuple[int, str] | None
    ) -> ApplyClaimReceipt | TakeNotice:
        evidence = self._verified(message, body, PBOC_CODE)
        try:
            receipt: ClearingReceipt = message.parse(signed_bytes(body))
        except RequestError as error:
            return held_unreadable(body, "", evidence, error)
        claim = self._claims.get(body.voucher_no)
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

    def _refund_notice(self, message: MessageType[Any], body: VoucherBody) -> TakeNotice:
        """A notice of any bank of ours; of a payment that was found, of the bank that paid it."""
        notice = self._notices[body]
        bank = notice.pay_bank_code or self._bank_of(body)
        return notice.command(body, bank, self._verified(message, body, bank))

    def _bank_of(self, body: VoucherBody) -> str:
        """The bank whose certificate a notice names: that of what matches no payment of ours."""
        certificate = self._certificates.get(body.signatures[0].sn) if body.signatures else None
        subject = certificate.subject if certificate else ""
        return subject.partition("/")[2] if SignedBy.AGENT_BANK.is_of(subject) else ""

    def _verified(
        self, message: MessageType[Any], body: VoucherBody, sender: str
    ) -> ReceiptEvidence:
        """The bytes and their signature, once it is established that the sender made it.

        Args:
            sender: the code of the bank that has to answer.

        Raises:
            Refusal: ``signature_invalid``: none or several, another's, or not over these bytes;
                ``certificate_invalid``: its certificate is unknown, expired, revoked, not begun.
        """
        if len(body.signatures) != 1:
            raise _forged("a receipt carries the one signature of its sender")
        signature, subject = body.signatures[0], message.signed_by.subject(sender)
        if signature.manifest is not None and not message.manifest:
            raise _forged(f"{message.title} is signed by itself")
        certificate = self._certificates[signature.sn]
        if certificate is None:
            raise Refusal(Code.CERTIFICATE_INVALID, f"no certificate {signature.sn[:40]!r}")
        if certificate.subject != subject:
            raise _forged(f"it is signed by {certificate.subject}, not by {subject}")
        document = signed_bytes(body)
        digest = self._provider.sm3(document)
        if not self._verifier.verifies(
            certificate.public_key,
            document,
            signature,
            owner=subject,
            role=RECEIPT_ROLE,
            digest=digest,
            by_value=True,
        ):
            raise _forged(f"the signature of {subject} is not over these bytes")
        certificates.require_valid(certificate, self._now)
        return ReceiptEvidence(
            receipt_sm3=digest.hex(),
            cert_serial=certificate.serial,
            signature=base64.b64encode(signature.value).decode("ascii"),
            document=compress_document(document),
        )

    def _manifest_of(self, signature: VoucherSignature) -> SignManifest | None:
        """The manifest of a verified signature for the books, which keep its leaves.

        None for a signature of its own; and where the leaves are not with it, so that it must be in
        the books already.
        """
        manifest = signature.manifest
        if manifest is None or not manifest.leaves:
            return None
        place = (signature.sn, manifest)
        if place not in self._manifests:
            self._manifests[place] = SignManifest(
                role=RECEIPT_ROLE,
                cert_serial=signature.sn,
                text=manifest.text,
                signature=base64.b64encode(manifest.value).decode("ascii"),
                leaves_sm3=self._provider.sm3(manifest.leaves).hex(),
                document=keep_plainly(manifest.leaves),
            )
        return self._manifests[place]


def _bill_nos(bodies: Sequence[VoucherBody]) -> dict[str, str]:
    """The payment's own number of each voucher number."""
    return {
        body.voucher_no: "" if split_claim_number(body.voucher_no) else bill_no(signed_bytes(body))
        for body in bodies
    }


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


def _forged(detail: str) -> Refusal:
    return Refusal(Code.SIGNATURE_INVALID, f"the receipt is refused: {detail}")


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the receipt is refused: {detail}")
