"""Refunds 退款 of a payment as callers see them: what waits, what was asked, what came back."""

import msgspec

from api.http.models.enums import RefundState
from ledger.deciding.documents import command_of
from ledger.events import DocumentSubmitted
from payments.payment import (
    REFUND_APPROVED,
    REFUND_DECLINED,
    REFUND_RECEIVED,
    REFUND_REQUESTED,
    Payment,
)
from payments.refunds.requests import RefundPayment
from payments.return_events import PaymentReturned


class RefundView(msgspec.Struct, kw_only=True, gc=False):
    """A refund, asked for or not; ``notice_no`` and ``received_on`` (the bank's day) once the money
    has come back, ``by`` who asked for it, or who brought the bank's notice. ``booked_in`` is the
    next year's ledger, where that has the money 以前年度退回."""

    refund_no: str
    state: RefundState
    refund_amt: str
    pay_detail_id: str
    notice_no: str | None
    received_on: str | None
    booked_in: str | None
    reason: str
    by: str


def refunds_of(payment: Payment) -> tuple[RefundView, ...]:
    """What was asked of the bank, in order, then what came back unasked."""
    came: dict[str, RefundView] = {}
    for refund in payment.refunds:
        for line in refund.returned or (refund,):
            number = line.refund_no
            amount = refund.refund_amt if number == refund.refund_no else line.refund_amt
            detail_id = refund.pay_detail_id if number == refund.refund_no else line.pay_detail_id
            came[number] = RefundView(
                refund_no=number,
                state=REFUND_RECEIVED,
                refund_amt=amount,
                pay_detail_id=detail_id,
                notice_no=refund.notice_no or None,
                received_on=refund.refund_date,
                booked_in=refund.to_ledger if isinstance(refund, PaymentReturned) else None,
                reason=refund.reason,
                by=refund.by,
            )
    declined = {refusal.refund_no: refusal.reason for refusal in payment.declined}
    views: list[RefundView] = []
    for request in payment.requests:
        number = request.refund_no
        back = came.pop(number, None)
        state = REFUND_DECLINED if number in declined else REFUND_APPROVED
        asked = RefundView(
            refund_no=number,
            state=REFUND_RECEIVED if back else state,
            refund_amt=request.refund_amt,
            pay_detail_id=request.pay_detail_id,
            notice_no=back.notice_no if back else None,
            received_on=back.received_on if back else None,
            booked_in=back.booked_in if back else None,
            reason=declined.get(number, request.reason),
            by=request.by,
        )
        views.append(asked)
    return (*views, *came.values())


def refund_waiting(submitted: DocumentSubmitted) -> RefundView:
    """A refund that waits for another person's agreement, and of which no event of the payment
    tells yet."""
    asked = command_of(submitted.kind, submitted.body)
    assert isinstance(asked, RefundPayment)
    return RefundView(
        refund_no=asked.refund_no,
        state=REFUND_REQUESTED,
        refund_amt=asked.refund_amt,
        pay_detail_id=asked.pay_detail_id,
        notice_no=None,
        received_on=None,
        booked_in=None,
        reason=asked.reason,
        by=submitted.by,
    )
