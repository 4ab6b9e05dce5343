"""支付流程: maker and checker, signatures in order, one outcome for every line, refunds.

A payment is looked at while it is under way; with its outcome, what each of its lines was paid goes
to disk, where the refunds of whatever later day meet it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from ledger.deciding.approvals import same_person
from ledger.events import Event, decode
from ledger.reading.streaming import Chunk
from ledger.verification.amounts import Amounts
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.delivery.outbox import Item, ParcelKind
from payments.events import (
    PaymentApplied,
    PaymentApproved,
    PaymentDetail,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    RefundRefused,
    RefundRequested,
    VoucherReceipted,
    VoucherRefused,
    VoucherSent,
    VoucherSigned,
)
from payments.manifest_events import ManifestSigned
from payments.messages.message_types import SignedBy
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.payment import SINGLE_DETAIL_ID, returned_lines
from payments.refunds.events import SuspenseHeld
from payments.verification.clearing import ClearedTotals
from payments.verification.corrections import WANTED_OF_CORRECTIONS, CorrectionSteps
from payments.verification.open_items import OpenClaim, OpenRequests, UnderWay
from payments.verification.orders import WANTED_OF_ORDERS, OrderSteps
from payments.verification.prior_returns import WANTED_OF_RETURNS, ReturnSteps
from payments.verification.refunds import RefundCheck
from payments.verification.signatures import SignatureToVerify
from payments.verification.stand_alone import standing_alone
from payments.verification.wanted import (
    AppliedFields,
    ApprovedFields,
    DetailFields,
    Nothing,
    RecallFields,
    ReceiptedFields,
    RequestFields,
    SignedFields,
    VoidedFields,
)
from payments.void_events import PaymentVoided, RecallRefused, RecallRequested

_WANTED: dict[type[Event], type[msgspec.Struct]] = {
    PaymentApplied: AppliedFields,
    PaymentApproved: ApprovedFields,
    PaymentRejected: Nothing,
    PaymentWithdrawn: Nothing,
    PaymentVoided: VoidedFields,
    VoucherSigned: SignedFields,
    VoucherSent: Nothing,
    VoucherRefused: Nothing,
    VoucherReceipted: ReceiptedFields,
    PaymentRefunded: PaymentRefunded,
    RefundRequested: RequestFields,
    RefundRefused: RequestFields,
    RecallRequested: RecallFields,
    RecallRefused: RecallFields,
    SuspenseHeld: SuspenseHeld,
    ClearingRequested: ClearingRequested,
    ClaimReceipted: ClaimReceipted,
    ManifestSigned: ManifestSigned,
    **WANTED_OF_CORRECTIONS,
    **WANTED_OF_ORDERS,
    **WANTED_OF_RETURNS,
}
_DECODERS = {cls.TYPE.encode(): msgspec.json.Decoder(part).decode for cls, part in _WANTED.items()}


class PaymentCheck:
    """Persons and order of each payment, and exactly one outcome for each of its lines.

    It also says which signatures are to be verified: they are known in the same reading.
    """

    NAME = name_check("payment", "流程 persons, order, one outcome per line", "payments", "events")

    def __init__(
        self,
        findings: Findings,
        refunds: RefundCheck,
        amounts: Amounts,
        under_way: Mapping[bytes, UnderWay] | None = None,
        claims: Mapping[str, OpenClaim] | None = None,
        outbox_upto: int = 0,
        totals: ClearedTotals | None = None,
        requests: OpenRequests | None = None,
    ) -> None:
        self._findings, self._refunds, self._amounts = findings, refunds, amounts
        self.under_way = dict(under_way or {})
        self.claims = dict(claims or {})
        self.requests = requests or OpenRequests()
        self._outbox_upto = outbox_upto  # what was answered behind it may still be in the outbox
        self.answered: dict[Item, int] = {}
        self.totals = totals or ClearedTotals()
        self._signed: list[SignatureToVerify] = []
        self._corrections = CorrectionSteps(self._wrong, refunds, amounts)
        orders = OrderSteps(self._wrong, self._note, self._answered, amounts, self.requests)
        returns = ReturnSteps(self._wrong, self._note, self._not_asked, refunds, amounts)
        further = {**self._corrections.steps, **orders.steps, **returns.steps(self._pay)}
        self._steps: dict[bytes, Callable[[int, bytes, Any], None]] = {
            PaymentApplied.TYPE.encode(): self._applied,
            PaymentApproved.TYPE.encode(): self._approved,
            PaymentRejected.TYPE.encode(): self._ended,
            PaymentWithdrawn.TYPE.encode(): self._ended,
            PaymentVoided.TYPE.encode(): self._voided,
            VoucherSigned.TYPE.encode(): self._voucher_signed,
            VoucherSent.TYPE.encode(): self._sent,
            VoucherRefused.TYPE.encode(): self._refused,
            VoucherReceipted.TYPE.encode(): self._receipted,
            PaymentRefunded.TYPE.encode(): self._refunded,
            RefundRequested.TYPE.encode(): self._refund_asked,
            RefundRefused.TYPE.encode(): self._refund_refused,
            RecallRequested.TYPE.encode(): self._recall_asked,
            RecallRefused.TYPE.encode(): self._recall_refused,
            SuspenseHeld.TYPE.encode(): self._held,
            ClearingRequested.TYPE.encode(): self._claimed,
            ClaimReceipted.TYPE.encode(): self._claim_receipted,
            ManifestSigned.TYPE.encode(): self._manifest,
            **{cls.TYPE.encode(): step for cls, step in further.items()},
        }
        for type_, signed_by in standing_alone().items():
            self._steps[type_.encode()] = partial(self._alone, f"{signed_by}/" if signed_by else "")

    def take(self, chunk: Chunk) -> list[SignatureToVerify]:
        """Checks the chunk's payments; gives the signatures that stand in it."""
        self._signed, steps = [], self._steps
        for position, stream_id, recorded_us, day, type_, payload in zip(
            chunk.positions,
            chunk.stream_ids,
            chunk.recorded_us,
            chunk.days,
            chunk.types,
            chunk.payloads,
            strict=True,
        ):
            step = steps.get(type_)
            if step is None and type_.find(b"@") >= 0:  # another version of it
                step = steps.get(type_.partition(b"@")[0])
            if step is None:
                continue
            try:
                self._recorded_us, self._day = recorded_us, day
                step(position, stream_id, _event(type_, payload))
            except BROKEN as error:
                self._findings.add(self.NAME, position, f"its bytes cannot be read: {error}")
        self._refunds.settle()
        return self._signed

    def _pay(self, position: int, vt_code: str, amount_fen: int, special_acct: str = "") -> None:
        self.totals.pay(position, self._day, vt_code, 0 if special_acct else amount_fen)

    def _wrong(self, position: int, detail: str) -> None:
        self._findings.add(self.NAME, position, detail)

    def _open(self, position: int, stream_id: bytes) -> UnderWay | None:
        payment = self.under_way.get(stream_id)
        if payment is None:
            self._wrong(position, "no payment is open for it: never applied for, or ended before")
        return payment

    def _applied(self, position: int, stream_id: bytes, event: AppliedFields) -> None:
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
        self.under_way[stream_id] = UnderWay(
            event.by, lines, number=event.pay_app_no, applied_at=position
        )

    def _approved(self, position: int, stream_id: bytes, event: ApprovedFields) -> None:
        if (payment := self._open(position, stream_id)) is None:
            return
        if payment.roles:
            self._wrong(position, "it was approved before")
        if same_person(event.by, payment.maker):
            detail = f"maker and checker are one person, {event.by} 制单审核同一人"
            self._wrong(position, detail)
        payment.approved_at = position
        payment.voucher, payment.bank = event.pay_cert_no, event.pay_bank_code
        payment.roles = event.roles

    def _ended(self, position: int, stream_id: bytes, _event: object) -> None:
        payment = self._open(position, stream_id)
        if payment is not None and payment.roles:
            self._wrong(position, "a voucher was issued already")
        self.under_way.pop(stream_id, None)

    def _voided(self, position: int, stream_id: bytes, event: VoidedFields) -> None:
        """Of a voucher that the bank cannot have: it was not sent, or the bank has refused it."""
        payment = self.under_way.pop(stream_id, None)
        if payment is None or not payment.roles:
            self._wrong(position, "no voucher is there that could be void")
            return
        if event.pay_cert_no != payment.voucher:
            self._wrong(position, "it voids another voucher")
        if payment.sent_at or (event.sent_before and not payment.refused_at):
            self._wrong(position, "the bank may have the voucher 凭证已送银行")
        self._answered(position, "voucher", payment.number, payment.due_at)
        self._not_asked(position, "recall", payment.number)

    def _voucher_signed(self, position: int, stream_id: bytes, event: SignedFields) -> None:
        payment = self._open(position, stream_id)
        told_at = (payment.applied_at, payment.approved_at) if payment else None
        self._note(position, event.voucher_sm3, f"principal/{event.by}", event, told_at)
        if payment is None:
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
        if event.final:
            payment.due_at = position

    def _sent(self, position: int, stream_id: bytes, _event: object) -> None:
        # the bank's receipt may have overtaken its acknowledgement: then none is open
        payment = self.under_way.get(stream_id)
        if payment is None:
            return
        payment.sent_at = position
        if not payment.signed:
            self._wrong(position, "it was sent before all had signed")

    def _refused(self, position: int, stream_id: bytes, _event: object) -> None:
        payment = self._open(position, stream_id)
        if payment is None:
            return
        if not payment.signed or payment.sent_at:
            self._wrong(position, "the bank refuses what it was not sent, or has taken in")
        payment.refused_at = position

    def _receipted(self, position: int, stream_id: bytes, event: ReceiptedFields) -> None:
        self._pay(position, CLAIM, self._amounts[event.xpay_amt], event.pay_acct_no)
        payment = self._open(position, stream_id)
        bank = payment.bank if payment else ""
        told_at = (payment.applied_at, payment.approved_at) if payment else None
        self._note(position, event.receipt_sm3, f"bank/{bank}", event, told_at)
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
        self._answered(position, "voucher", payment.number, payment.due_at)
        self._not_asked(position, "recall", payment.number)
        del self.under_way[stream_id]

    def _refunded(self, position: int, stream_id: bytes, event: PaymentRefunded) -> None:
        back_fen = self._amounts[event.refund_amt]
        self._pay(position, REFUND_CLAIM, back_fen, event.pay_acct_no)
        lines = returned_lines(event)
        for refund_no in {event.refund_no, *(line.refund_no for line in event.returned)}:
            self._not_asked(position, "refund", refund_no)
        for line, amount in lines:
            self._refunds.refunded(position, stream_id, line, self._amounts[amount])
        self._corrections.refunded(position, stream_id, event)
        if sum(self._amounts[amount] for _, amount in lines) != back_fen:
            self._wrong(position, "what came back is not the sum of its lines")
        if event.notice_sm3:
            subject = SignedBy.AGENT_BANK.subject(event.pay_bank_code)
            self._note(position, event.notice_sm3, subject, event, ())

    def _held(self, position: int, _stream: bytes, event: SuspenseHeld) -> None:
        bank = SignedBy.AGENT_BANK if event.pay_bank_code else SignedBy.CENTRAL_BANK
        self._note(position, event.notice_sm3, bank.subject(event.pay_bank_code), event)

    def _alone(self, subject: str, position: int, _stream: bytes, event: Any) -> None:
        self._note(position, event.notice_sm3, subject or event.sender, event, ())

    def _claimed(self, position: int, _stream: bytes, event: ClearingRequested) -> None:
        for claim in event.claims:
            claimed_fen = self._amounts[claim.pay_amt]
            self.claims[claim.voucher_no] = OpenClaim(claimed_fen, position, claim.vt_code)
            self.totals.claim(claim.vt_code, claimed_fen)

    def _claim_receipted(self, position: int, _stream: bytes, event: ClaimReceipted) -> None:
        claim = self.claims.pop(event.voucher_no, None)
        told_at = (claim.due_at,) if claim else None
        self._note(position, event.receipt_sm3, "pboc/", event, told_at)
        self._answered(position, "claim", event.voucher_no, claim.due_at if claim else 0)
        if claim is None:
            self._wrong(position, "no claim is open for it: never made, or answered before")
        elif self._amounts[event.xpay_amt] != (0 if event.rejected else claim.claimed_fen):
            self._wrong(position, "it is over another amount than the claim")
        if claim is not None and event.rejected:
            self.totals.claim(claim.vt_code, -claim.claimed_fen)
        elif claim is not None:
            settled_fen = self._amounts[event.xpay_amt]
            self.totals.settle(position, self._day, claim.vt_code, settled_fen)

    # ---- what the bank is asked

    def _refund_asked(self, position: int, _stream: bytes, event: RequestFields) -> None:
        self.requests.ask("refund", event.refund_no, position)

    def _refund_refused(self, position: int, _stream: bytes, event: RequestFields) -> None:
        self._not_asked(position, "refund", event.refund_no)

    def _recall_asked(self, position: int, stream_id: bytes, event: RecallFields) -> None:
        payment = self._open(position, stream_id)
        if payment is not None and (not payment.signed or event.pay_cert_no != payment.voucher):
            self._wrong(position, "it recalls what no voucher was signed for")
        self.requests.ask("recall", event.pay_app_no, position)

    def _recall_refused(self, position: int, stream_id: bytes, event: RecallFields) -> None:
        if self._open(position, stream_id) and not self.requests.has("recall", event.pay_app_no):
            self._wrong(position, "no recall is open for it")
        self._not_asked(position, "recall", event.pay_app_no)

    def _not_asked(self, position: int, kind: ParcelKind, number: str) -> None:
        """The bank is asked for this no more."""
        if due_at := self.requests.end(kind, number):
            self._answered(position, kind, number, due_at)

    def _answered(self, position: int, kind: ParcelKind, number: str, due_at: int) -> None:
        if position > self._outbox_upto:
            self.answered[kind, number] = due_at

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

    def _note(
        self,
        position: int,
        document_sm3: str,
        subject: str,
        event: Any,
        told_at: tuple[int, ...] | None = None,
    ) -> None:
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
                told_at=told_at,
            )
        )


def _event(type_: bytes, payload: bytes) -> Any:
    """The needed part of today's type, or the whole of an old one, upcast."""
    if (decoder := _DECODERS.get(type_)) is not None:
        return decoder(payload)
    return decode(type_.decode(), payload)


assert set(PaymentDetail.__struct_fields__) >= set(DetailFields.__struct_fields__)
