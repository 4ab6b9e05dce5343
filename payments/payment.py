"""支付: one payment from application to refund, folded from its events.

``applied -> approved -> signed -> sent -> paid | partially_paid | failed``; from ``applied`` also
``rejected`` and ``withdrawn``; from ``approved`` and ``signed`` also ``voided``; after it is paid,
``refunded`` when all of it came back.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from budget.balances import BALANCES
from budget.events import Figures
from budget.year_end_events import carried_mark
from ledger.deciding.objects import Kind
from ledger.deciding.registers import AnyRegister
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen
from payments.bearing import Bearing, borne_at_first, corrected, taken
from payments.cards.lines import REIMBURSED
from payments.contracts.contract import CONTRACTS
from payments.correction_events import CorrectionTaken, PaymentCorrected
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
from payments.monitoring.events import PaymentReleased
from payments.return_events import PaymentReturned
from payments.special_accounts.cash import SPECIAL_CASH, key_of
from payments.void_events import PaymentVoided, RecallRefused, RecallRequested

APPLIED, APPROVED, SIGNED, SENT = "applied", "approved", "signed", "sent"
PAID, PARTIALLY_PAID, FAILED = "paid", "partially_paid", "failed"
REJECTED, WITHDRAWN, VOIDED = "rejected", "withdrawn", "voided"
REFUNDED = "refunded"
STATUSES = (
    APPLIED,
    APPROVED,
    SIGNED,
    SENT,
    PAID,
    PARTIALLY_PAID,
    FAILED,
    REJECTED,
    WITHDRAWN,
    VOIDED,
    REFUNDED,
)

# what becomes of a refund: the bank is asked, it says that the money is back, or that it is not
REFUND_REQUESTED, REFUND_APPROVED = "requested", "approved"
REFUND_RECEIVED, REFUND_DECLINED = "received", "refused"

# what came back of it, in its year, or in the next one, which books it
Refund = PaymentRefunded | PaymentReturned

SINGLE_DETAIL_ID = "1"  # a payment without details has this one line


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of a payment; amounts in fen where they are added up."""

    applied: PaymentApplied
    pay_fen: int
    status: str = APPLIED
    figures: Figures
    approved: PaymentApproved | None = None
    reason: str = ""
    signatures: tuple[VoucherSigned, ...] = ()
    refusal: VoucherRefused | None = None
    sending: VoucherSent | None = None
    ended: PaymentRejected | PaymentWithdrawn | PaymentVoided | None = None
    receipt: VoucherReceipted | None = None
    recalls: tuple[RecallRequested, ...] = ()
    recalls_refused: tuple[RecallRefused, ...] = ()
    requests: tuple[RefundRequested, ...] = ()
    declined: tuple[RefundRefused, ...] = ()
    refunds: tuple[Refund, ...] = ()
    released: PaymentReleased | None = None
    corrections: tuple[PaymentCorrected, ...] = ()
    corrections_taken: tuple[CorrectionTaken, ...] = ()
    borne: Bearing = ()  # by which indicators, since the first correction

    @property
    def pay_app_no(self) -> str:
        return self.applied.pay_app_no

    @property
    def pay_cert_no(self) -> str:
        return self.approved.pay_cert_no if self.approved else ""

    @property
    def is_held(self) -> bool:
        """Whether monitoring rules hold it (冻结)."""
        return bool(self.applied.frozen_by) and self.released is None and self.status == APPLIED

    @property
    def sent(self) -> bool:
        """Whether the bank has said that it has the voucher."""
        return self.sending is not None

    @property
    def is_final(self) -> bool:
        """Whether it waits for nobody; what was paid may still come back."""
        return self.status not in (APPLIED, APPROVED, SIGNED, SENT)

    @property
    def refused(self) -> VoucherRefused | None:
        """The bank's last word, where that is that it will not carry the voucher out."""
        return self.refusal if self.sending is None and self.receipt is None else None

    @property
    def codes(self) -> dict[str, str]:
        """The elements that posting rules choose accounts by; the unit's type is that of the day on
        which the bank paid, so that what comes back leaves the account to which it was booked."""
        return self.codes_of("" if self.receipt is None else self.receipt.agency_type_code)

    def codes_of(self, agency_type_code: str) -> dict[str, str]:
        """The same where the unit has this type."""
        a = self.applied
        codes = {
            "agency_code": a.agency_code,
            "pro_code": a.pro_code,
            "exp_func_code": a.exp_func_code,
            "gov_bgt_eco_code": a.gov_bgt_eco_code,
            "dep_bgt_eco_code": a.dep_bgt_eco_code,
            "fund_type_code": a.fund_type_code,
            "agency_type_code": agency_type_code,
            "current_item_code": a.current_item_code,
        }
        codes.update(carried_mark(a.is_carried))
        return codes

    def codes_borne_by(self, bgt_id: str) -> dict[str, str]:
        """The elements of an indicator that bears some of it."""
        codes = self.codes
        if bgt_id != self.applied.bgt_id:
            [took, *_] = [each for each in self.corrections_taken if each.bgt_id == bgt_id]
            codes |= {name: getattr(took, name) for name in DIMENSIONS}
            codes.update(carried_mark(took.is_carried))
        return codes

    @property
    def bearing(self) -> Bearing:
        """Which indicators bear what was paid and has not come back, line by line."""
        if self.corrections:
            return self.borne
        paid = self.outcomes()
        left_fen = {line: fen - self.returned_fen(line) for line, (fen, _) in paid.items()}
        unnamed_fen = self.returned_fen("")  # as a former release has booked what came back
        for line, fen in left_fen.items():
            part_fen = min(fen, unnamed_fen)
            left_fen[line] -= part_fen
            unnamed_fen -= part_fen
        return borne_at_first(self.applied.bgt_id, self.booked_on, left_fen)

    @property
    def details(self) -> tuple[PaymentDetail, ...]:
        """The lines to payees; a single payment is one line."""
        a = self.applied
        if a.details:
            return a.details
        single = PaymentDetail(
            pay_detail_id=SINGLE_DETAIL_ID,
            payee_acct_name=a.payee_acct_name,
            payee_acct_no=a.payee_acct_no,
            payee_acct_bank_name=a.payee_acct_bank_name,
            payee_bank_no=a.payee_bank_no,
            pay_amt=a.pay_amt,
        )
        return (single,)

    @property
    def booked_on(self) -> date:
        """The business day of its last booking: of its receipt, or else of its application."""
        applied_on = date.fromisoformat(self.applied.create_date)
        if self.receipt is None:
            return applied_on
        day = date.fromisoformat(self.receipt.booked_on or self.receipt.xpay_date)
        return min(day, date(applied_on.year, 12, 31))  # as an earlier release has booked it

    @property
    def paid_fen(self) -> int:
        return stored_fen(self.receipt.xpay_amt) if self.receipt else 0

    @property
    def refunded_fen(self) -> int:
        return sum(stored_fen(refund.refund_amt) for refund in self.refunds)

    @property
    def open_recall(self) -> RecallRequested | None:
        """The recall that its bank is asked for and has not answered."""
        if not self.recalls or self.status not in (SIGNED, SENT):
            return None
        last = self.recalls[-1]
        refused = any(each.recall_no == last.recall_no for each in self.recalls_refused)
        return None if refused else last

    @property
    def open_requests(self) -> tuple[RefundRequested, ...]:
        """Refunds that the bank is asked for and has not answered."""
        if not self.requests:
            return ()
        answered = {refusal.refund_no for refusal in self.declined}
        for refund in self.refunds:
            answered.add(refund.refund_no)
            answered.update(line.refund_no for line in refund.returned)
        return tuple(r for r in self.requests if r.refund_no not in answered)

    def returned_fen(self, pay_detail_id: str) -> int:
        """What has come back of one line."""
        return sum(
            stored_fen(amount)
            for refund in self.refunds
            for line, amount in returned_lines(refund)
            if line == pay_detail_id
        )

    def outcomes(self) -> dict[str, tuple[int, str]]:
        """(paid fen, reason of failure) per detail id; empty before the receipt."""
        if self.receipt is None:
            return {}
        failed = {detail.pay_detail_id: detail.xadd_word for detail in self.receipt.failed}
        return {
            d.pay_detail_id: (0, failed[d.pay_detail_id])
            if d.pay_detail_id in failed
            else (stored_fen(d.pay_amt), "")
            for d in self.details
        }


def returned_lines(refund: Refund) -> list[tuple[str, str]]:
    """(detail id, yuan) of each line that came back; "" for the payment as a whole."""
    if refund.returned:
        return [(line.pay_detail_id, line.refund_amt) for line in refund.returned]
    return [(refund.pay_detail_id, refund.refund_amt)]


def _fold(payment: Payment | None, event: Event) -> Payment | None:
    if payment is not None:
        return payment if (change := _CHANGES.get(type(event))) is None else change(payment, event)
    if isinstance(event, PaymentApplied):
        return Payment(applied=event, pay_fen=stored_fen(event.pay_amt), figures=event.figures)
    return None


def _signed(payment: Payment, event: VoucherSigned) -> Payment:
    signatures = (*payment.signatures, event)
    status = SIGNED if event.final else payment.status
    return replace(payment, signatures=signatures, status=status)


def _sent(payment: Payment, event: VoucherSent) -> Payment:
    # the bank's receipt may have overtaken its acknowledgement
    return replace(
        payment, sending=event, status=SENT if payment.status == SIGNED else payment.status
    )


def _refunded(payment: Payment, event: PaymentRefunded) -> Payment:
    figures = payment.figures if event.bgt_id else event.figures  # those of its own indicator
    return replace(_returned(payment, event), figures=figures)


def _returned(payment: Payment, event: Refund) -> Payment:
    refunds = (*payment.refunds, event)
    whole = sum(stored_fen(r.refund_amt) for r in refunds) == payment.paid_fen
    status = REFUNDED if whole else payment.status
    borne = payment.borne and _left_behind(payment, event)
    return replace(payment, refunds=refunds, status=status, borne=borne)


def _left_behind(payment: Payment, refund: Refund) -> Bearing:
    """What indicators bear behind a refund."""
    lines = [(line, stored_fen(amount)) for line, amount in returned_lines(refund)]
    return taken(payment.borne, lines)[0]


def _corrected(payment: Payment, event: PaymentCorrected) -> Payment:
    own = event.bgt_id == payment.applied.bgt_id
    return replace(
        payment,
        corrections=(*payment.corrections, event),
        borne=corrected(payment.bearing, event),
        figures=event.figures if own else payment.figures,
    )


def _correction_taken(payment: Payment, event: CorrectionTaken) -> Payment:
    own = event.bgt_id == payment.applied.bgt_id
    return replace(
        payment,
        corrections_taken=(*payment.corrections_taken, event),
        figures=event.figures if own else payment.figures,
    )


_CHANGES: dict[type[Event], Callable[[Payment, Any], Payment]] = {
    PaymentApproved: lambda p, e: replace(p, status=APPROVED, approved=e),
    PaymentRejected: lambda p, e: replace(
        p, status=REJECTED, reason=e.reason, figures=e.figures, ended=e
    ),
    PaymentWithdrawn: lambda p, e: replace(p, status=WITHDRAWN, figures=e.figures, ended=e),
    PaymentVoided: lambda p, e: replace(
        p, status=VOIDED, reason=e.reason, figures=e.figures, ended=e
    ),
    VoucherSigned: _signed,
    VoucherSent: _sent,
    VoucherRefused: lambda p, e: replace(p, refusal=e),
    VoucherReceipted: lambda p, e: replace(p, status=e.outcome, receipt=e, figures=e.figures),
    RecallRequested: lambda p, e: replace(p, recalls=(*p.recalls, e)),
    RecallRefused: lambda p, e: replace(p, recalls_refused=(*p.recalls_refused, e)),
    RefundRequested: lambda p, e: replace(p, requests=(*p.requests, e)),
    RefundRefused: lambda p, e: replace(p, declined=(*p.declined, e)),
    PaymentReleased: lambda p, e: replace(p, released=e),
    PaymentRefunded: _refunded,
    PaymentReturned: _returned,
    PaymentCorrected: _corrected,
    CorrectionTaken: _correction_taken,
}


def _acts(payment: Payment) -> Iterator[Event]:
    """What commands without a number have made of it, in order."""
    bank = payment.refusal, payment.sending, *payment.recalls_refused, *payment.declined
    for act in (payment.approved, *payment.signatures, *bank, payment.ended):
        if act is not None:
            yield act


def _rows_of(payment: Payment) -> Iterator[tuple[AnyRegister, str]]:
    """Of its own indicator, of those that bear some of it, of its contract, of what was spent with
    cards, and of the special account that pays it."""
    own, contract_no = payment.applied.bgt_id, payment.applied.contract_no
    if contract_no:
        yield CONTRACTS, contract_no
    for key in payment.applied.card_lines:
        yield REIMBURSED, key
    if payment.applied.pay_acct_no:
        yield SPECIAL_CASH, key_of(payment.applied)
    others = dict.fromkeys(took.bgt_id for took in payment.corrections_taken)
    yield BALANCES, own
    for bgt_id in others:
        if bgt_id != own:
            yield BALANCES, bgt_id


PAYMENT: Kind[Payment] = Kind(
    name="payment",
    opened_by="payment.apply",
    fold=_fold,
    rows=_rows_of,
    cost=lambda payment: len(payment.applied.details) or 1,
    acts=_acts,
)


def require(state: LedgerState, pay_app_no: str) -> Payment:
    """The payment, or the refusal ``payment_not_found``."""
    if (payment := state.get(PAYMENT, pay_app_no)) is None:
        raise Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")
    return payment


def require_status(payment: Payment, *statuses: str) -> None:
    """Refuses with ``invalid_state`` unless the payment stands in one of ``statuses``."""
    if payment.status not in statuses:
        raise Refusal(
            Code.INVALID_STATE,
            f"payment {payment.pay_app_no} is {payment.status}, not {' or '.join(statuses)}",
            payment_status=payment.status,
        )


def require_not_held(payment: Payment) -> None:
    """Refuses with ``monitored`` what monitoring rules hold."""
    if payment.is_held:
        held_by = payment.applied.frozen_by
        raise Refusal(
            Code.MONITORED,
            f"payment {payment.pay_app_no} is held by monitoring rules {', '.join(held_by)}"
            " until it is released",
            rule_codes=list(held_by),
        )
