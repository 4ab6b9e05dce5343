"""支付流程: maker and checker, signatures in order, one outcome for every line, refunds.

A payment is looked at while it is under way; with its outcome, what each of its lines was paid goes
to disk, where the refunds of whatever later day meet it.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec

from ledger.deciding.approvals import same_person
from ledger.errors import IntegrityError, RequestError
from ledger.events import TYPES, Event, decode
from ledger.gm import sm3
from ledger.money import yuan
from ledger.reading.streaming import Chunk
from ledger.verification.amounts import Amounts
from ledger.verification.findings import Findings
from ledger.verification.spill import PARTS, Spill
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.events import (
    FailedDetail,
    ManifestSigned,
    PaymentApplied,
    PaymentApproved,
    PaymentDetail,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
    VoucherSent,
    VoucherSigned,
)
from payments.payment import SINGLE_DETAIL_ID
from payments.verification.signatures import SignatureToVerify

_MOVED = Struct(">16sq8sq")  # stream, position, line (or none), fen: positive paid, negative back
_LINE_BYTES = 8


class UnderWay(msgspec.Struct, gc=False):
    """A payment between its application and its outcome; ``lines`` are fen by detail id."""

    maker: str
    lines: dict[str, int]
    voucher: str = ""
    bank: str = ""
    roles: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    voucher_sm3: str = ""

    @property
    def signed(self) -> bool:
        return bool(self.roles) and len(self.signers) == len(self.roles)


class OpenClaim(msgspec.Struct, gc=False):
    """A claim on the central bank that has no answer yet."""

    claimed_fen: int


class _Detail(msgspec.Struct, frozen=True, gc=False):
    pay_detail_id: str
    pay_amt: str


class _Applied(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a type's fields; a type that has fewer could not be read."""

    pay_amt: str
    by: str
    details: tuple[_Detail, ...] = ()


class _Approved(msgspec.Struct, frozen=True, gc=False):
    pay_cert_no: str
    pay_bank_code: str
    roles: tuple[str, ...]
    by: str


class _Signed(msgspec.Struct, frozen=True, gc=False):
    role: str
    cert_serial: str
    voucher_sm3: str
    by: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    final: bool = False


class _Receipted(msgspec.Struct, frozen=True, gc=False):
    pay_cert_no: str
    xpay_amt: str
    receipt_sm3: str
    cert_serial: str
    failed: tuple[FailedDetail, ...] = ()
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0


class _Nothing(msgspec.Struct, frozen=True, gc=False):
    """That it happened is enough."""


_WANTED: dict[type[Event], type[msgspec.Struct]] = {
    PaymentApplied: _Applied,
    PaymentApproved: _Approved,
    PaymentRejected: _Nothing,
    PaymentWithdrawn: _Nothing,
    VoucherSigned: _Signed,
    VoucherSent: _Nothing,
    VoucherReceipted: _Receipted,
    PaymentRefunded: PaymentRefunded,
    ClearingRequested: ClearingRequested,
    ClaimReceipted: ClaimReceipted,
    ManifestSigned: ManifestSigned,
}
_DECODERS = {cls.TYPE.encode(): msgspec.json.Decoder(part).decode for cls, part in _WANTED.items()}


class PaymentCheck:
    """Persons and order of each payment, and exactly one outcome for each of its lines.

    It also says which signatures are to be verified: they are known in the same reading.
    """

    NAME = "payment"

    def __init__(
        self,
        findings: Findings,
        refunds: "RefundCheck",
        amounts: Amounts,
        under_way: Mapping[bytes, UnderWay] | None = None,
        claims: Mapping[str, OpenClaim] | None = None,
    ) -> None:
        self._findings, self._refunds, self._amounts = findings, refunds, amounts
        self.under_way = dict(under_way or {})
        self.claims = dict(claims or {})
        self._signed: list[SignatureToVerify] = []
        self._steps: dict[bytes, Callable[[int, bytes, Any], None]] = {
            PaymentApplied.TYPE.encode(): self._applied,
            PaymentApproved.TYPE.encode(): self._approved,
            PaymentRejected.TYPE.encode(): self._ended,
            PaymentWithdrawn.TYPE.encode(): self._ended,
            VoucherSigned.TYPE.encode(): self._voucher_signed,
            VoucherSent.TYPE.encode(): self._sent,
            VoucherReceipted.TYPE.encode(): self._receipted,
            PaymentRefunded.TYPE.encode(): self._refunded,
            ClearingRequested.TYPE.encode(): self._claimed,
            ClaimReceipted.TYPE.encode(): self._claim_receipted,
            ManifestSigned.TYPE.encode(): self._manifest,
        }

    def take(self, chunk: Chunk) -> list[SignatureToVerify]:
        """Checks the chunk's payments; gives the signatures that stand in it."""
        self._signed, steps = [], self._steps
        for position, stream_id, recorded_us, type_, payload in zip(
            chunk.positions,
            chunk.stream_ids,
            chunk.recorded_us,
            chunk.types,
            chunk.payloads,
            strict=True,
        ):
            step = steps.get(type_)
            if step is None and b"@" in type_:  # another version of it
                step = steps.get(type_.partition(b"@")[0])
            if step is None:
                continue
            try:
                self._recorded_us = recorded_us
                step(position, stream_id, _event(type_, payload))
            except (msgspec.MsgspecError, IntegrityError, RequestError, ValueError) as error:
                self._findings.add(self.NAME, position, f"its bytes cannot be read: {error}")
        self._refunds.settle()
        return self._signed

    def _wrong(self, position: int, detail: str) -> None:
        self._findings.add(self.NAME, position, detail)

    def _open(self, position: int, stream_id: bytes) -> UnderWay | None:
        payment = self.under_way.get(stream_id)
        if payment is None:
            self._wrong(position, "no payment is open for it: never applied for, or ended before")
        return payment

    def _applied(self, position: int, stream_id: bytes, event: _Applied) -> None:
        self._findings.count(self.NAME, 1)
        total_fen = self._amounts[event.pay_amt]
        if event.details:
            lines = {d.pay_detail_id: self._amounts[d.pay_amt] for d in event.details}
            if len(lines) < len(event.details) or sum(lines.values()) != total_fen:
                self._wrong(position, "its lines do not add up to its amount")
        else:
            lines = {SINGLE_DETAIL_ID: total_fen}
        if stream_id in self.under_way:
            self._wrong(position, "it was applied for before")
        self.under_way[stream_id] = UnderWay(event.by, lines)

    def _approved(self, position: int, stream_id: bytes, event: _Approved) -> None:
        if (payment := self._open(position, stream_id)) is None:
            return
        if payment.roles:
            self._wrong(position, "it was approved before")
        if same_person(event.by, payment.maker):
            detail = f"maker and checker are one person, {event.by} 制单审核同一人"
            self._wrong(position, detail)
        payment.voucher, payment.bank = event.pay_cert_no, event.pay_bank_code
        payment.roles = event.roles

    def _ended(self, position: int, stream_id: bytes, _event: object) -> None:
        payment = self._open(position, stream_id)
        if payment is not None and payment.roles:
            self._wrong(position, "a voucher was issued already")
        self.under_way.pop(stream_id, None)

    def _voucher_signed(self, position: int, stream_id: bytes, event: _Signed) -> None:
        self._note(position, event.voucher_sm3, f"principal/{event.by}", event)
        if (payment := self._open(position, stream_id)) is None:
            return
        at = len(payment.signers)
        if at >= len(payment.roles) or event.role != payment.roles[at]:
            self._wrong(position, f"the signature of {event.role} is not due 签章顺序有误")
        if any(same_person(event.by, signer) for signer in payment.signers):
            self._wrong(position, f"{event.by} signs a second time 同一人重复签章")
        if payment.voucher_sm3 not in ("", event.voucher_sm3):
            self._wrong(position, "it is another voucher than the one signed before")
        payment.voucher_sm3 = event.voucher_sm3
        payment.signers = (*payment.signers, event.by)
        if event.final != payment.signed:
            self._wrong(position, "whether it is the last signature is not as it says")

    def _sent(self, position: int, stream_id: bytes, _event: object) -> None:
        # the bank's receipt may have overtaken its acknowledgement: then none is open
        payment = self.under_way.get(stream_id)
        if payment is not None and not payment.signed:
            self._wrong(position, "it was sent before all had signed")

    def _receipted(self, position: int, stream_id: bytes, event: _Receipted) -> None:
        payment = self._open(position, stream_id)
        bank = payment.bank if payment else ""
        self._note(position, event.receipt_sm3, f"bank/{bank}", event)
        if payment is None:
            return
        if not payment.signed:
            self._wrong(position, "it has an outcome before all had signed")
        if event.pay_cert_no != payment.voucher:
            self._wrong(position, "it is the receipt of another voucher")
        failed = {line.pay_detail_id for line in event.failed}
        if len(failed) != len(event.failed) or not failed <= payment.lines.keys():
            self._wrong(position, "it fails lines that the voucher has not, or one twice")
        paid = {no: fen for no, fen in payment.lines.items() if no not in failed}
        if sum(paid.values()) != self._amounts[event.xpay_amt]:
            self._wrong(position, "what was paid is not the sum of the lines that were paid")
        self._refunds.paid(position, stream_id, paid)
        del self.under_way[stream_id]

    def _refunded(self, position: int, stream_id: bytes, event: PaymentRefunded) -> None:
        back_fen = self._amounts[event.refund_amt]
        self._refunds.refunded(position, stream_id, event.pay_detail_id, back_fen)

    def _claimed(self, _position: int, _stream: bytes, event: ClearingRequested) -> None:
        for claim in event.claims:
            self.claims[claim.voucher_no] = OpenClaim(self._amounts[claim.pay_amt])

    def _claim_receipted(self, position: int, _stream: bytes, event: ClaimReceipted) -> None:
        self._note(position, event.receipt_sm3, "pboc/", event)
        claim = self.claims.pop(event.voucher_no, None)
        if claim is None:
            self._wrong(position, "no claim is open for it: never made, or answered before")
        elif self._amounts[event.xpay_amt] != (0 if event.rejected else claim.claimed_fen):
            self._wrong(position, "it is over another amount than the claim")

    def _manifest(self, position: int, _stream: bytes, event: ManifestSigned) -> None:
        self._signed.append(
            SignatureToVerify(
                position=position,
                recorded_us=self._recorded_us,
                document_sm3=event.leaves_sm3,
                subject=f"principal/{event.by}",
                cert_serial=event.cert_serial,
                signature=event.signature,
                manifest_no=event.manifest_no,
                text=event.text,
            )
        )

    def _note(self, position: int, document_sm3: str, subject: str, event: Any) -> None:
        self._signed.append(
            SignatureToVerify(
                position=position,
                recorded_us=self._recorded_us,
                document_sm3=document_sm3,
                subject=subject,
                cert_serial=event.cert_serial,
                signature=event.signature,
                manifest_no=getattr(event, "manifest_no", ""),
                leaf=getattr(event, "leaf", 0),
            )
        )


def _event(type_: bytes, payload: bytes) -> Any:
    """The needed part of today's type, or the whole of an old one, upcast."""
    decoder = _DECODERS.get(type_)
    if decoder is not None and type_.decode() in TYPES:
        return decoder(payload)
    return decode(type_.decode(), payload)


@lru_cache(1024)  # nearly all payments have the one line "1"
def _mark(line: str) -> bytes:
    return sm3(line.encode())[:_LINE_BYTES] if line else bytes(_LINE_BYTES)


class RefundCheck:
    """What comes back of a payment, or of one of its lines, is never more than was paid."""

    NAME = "refund"

    def __init__(self, findings: Findings, folder: Path, lengths: list[int] | None = None) -> None:
        self._findings = findings
        self._spill = Spill(folder, "paid", lengths)

    def lengths(self) -> list[int]:
        return self._spill.lengths()

    def settle(self) -> None:
        self._spill.settle()

    def paid(self, position: int, stream_id: bytes, lines: Mapping[str, int]) -> None:
        """What each line was paid, in fen."""
        for line, amount_fen in lines.items():
            self._write(stream_id, position, line, amount_fen)

    def refunded(self, position: int, stream_id: bytes, line: str, back_fen: int) -> None:
        """``line`` "" for a refund of the payment as a whole."""
        self._findings.count(self.NAME, 1)
        self._write(stream_id, position, line, -back_fen)

    def _write(self, stream_id: bytes, position: int, line: str, fen: int) -> None:
        mark = _mark(line)
        self._spill.parts[stream_id[15] % PARTS] += _MOVED.pack(stream_id, position, mark, fen)

    def conclude(self) -> None:
        for part in range(PARTS):
            self._look_at(_MOVED.iter_unpack(self._spill.read(part)))

    def _look_at(self, records: Iterable[tuple[bytes, int, bytes, int]]) -> None:
        left_of: dict[bytes, int] = {}
        for stream_id, position, mark, fen in records:
            keys = [stream_id] if not any(mark) else [stream_id, stream_id + mark]
            for key in keys:
                left_of[key] = left_of.get(key, 0) + fen
            short_fen = -min(left_of[key] for key in keys)
            if fen < 0 < short_fen:
                detail = f"{yuan(short_fen)} more came back than was paid 退款超付"
                self._findings.add(self.NAME, position, detail)


assert set(PaymentDetail.__struct_fields__) >= set(_Detail.__struct_fields__)
