"""退款申请: money is asked back. Pure decisions; nothing is booked here.

A person announces what is to come back; when that is approved the bank is asked, under a number
made of what the caller repeats, so that a request told again is the same request. Cash moves on the
bank's notice alone (``payments.refunds.notices``).
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from ledger.account_set import ledger_text, parse_ledger
from ledger.calendar import PERIODS, effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.money import parse_yuan, stored_fen, yuan
from payments.application import business_day
from payments.events import RefundRefused, RefundRequested
from payments.messages import gbk
from payments.payment import (
    PAID,
    PARTIALLY_PAID,
    PAYMENT,
    REFUNDED,
    Payment,
    require,
    require_status,
)

# a payment, by the number of a refund that was asked of it
PAYMENT_OF_REFUND: Kind[Payment] = Kind(
    name="payment_of_refund", opened_by="payment.refund", fold=PAYMENT.fold
)


def request_number(key: int, refund_no: str) -> str:
    """The request's number at the bank, which carries each out once."""
    return f"{ledger_text(key)}:{refund_no}"


def split_request_number(voucher_no: str) -> tuple[int, str] | None:
    """(ledger, refund_no) of a request's number, or None if it is none of ours."""
    ledger, _, refund_no = voucher_no.partition(":")
    try:
        return (parse_ledger(ledger), refund_no) if refund_no else None
    except GuokuError:
        return None


class RefundPayment(Command, frozen=True, kw_only=True):
    """退款申请: the bank is asked to return money of a payment; the books wait for its notice."""

    OPERATION: ClassVar[str] = "payment.refund"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "支付退款"
    NUMBER: ClassVar[str] = "refund_no"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    refund_no: str
    refund_amt: str
    reason: str
    pay_detail_id: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        parse_yuan(self.refund_amt, pointer="/refund_amt")
        for name in ("refund_no", "pay_detail_id", "reason"):  # the bank is told
            gbk.check_encodable(getattr(self, name), pointer=f"/{name}")

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.effective_on is not None:
            effective_day(state, self.effective_on)
        payment = require(state, self.pay_app_no)
        day, asked_on = self._days(state, payment)
        require_status(payment, PAID, PARTIALLY_PAID, REFUNDED)
        if day < payment.booked_on:
            raise Refusal(Code.INVALID_STATE, f"it was paid on {payment.booked_on}, after {day}")
        self._check_left(payment)
        # point of no return
        requested = RefundRequested(
            pay_app_no=self.pay_app_no,
            refund_no=self.refund_no,
            refund_amt=self.refund_amt,
            pay_detail_id=self.pay_detail_id,
            request_date=asked_on.isoformat(),
            reason=self.reason,
            by=by,
        )
        return Decision(events=[(PAYMENT, self.pay_app_no, requested)], effective_on=day)

    def _days(self, state: LedgerState, payment: Payment) -> tuple[date, date]:
        """The business day, and the one on which the bank is told that it is asked: of a year that
        is over and whose books are closed, today, since nothing of it is booked there."""
        over = state.calendar_day.year > state.fiscal_year
        closed = state.settings.get(PERIODS).closed_through
        if self.effective_on is None and over and closed is not None and closed >= state.today:
            return state.today, state.calendar_day
        day = business_day(state, payment, self.effective_on)
        return day, day

    def _check_left(self, payment: Payment) -> None:
        """No more is asked for than was paid, has not come back and is not asked for already."""
        asked, line = payment.open_requests, self.pay_detail_id
        left_fen = payment.paid_fen - payment.refunded_fen
        left_fen -= sum(stored_fen(request.refund_amt) for request in asked)
        if line:
            of_line = [stored_fen(r.refund_amt) for r in asked if r.pay_detail_id == line]
            left_fen = min(left_fen, left_of(payment, line) - sum(of_line))
        if parse_yuan(self.refund_amt, pointer="/refund_amt") > left_fen:
            raise exceeds_paid(left_fen, self.refund_amt)


def left_of(payment: Payment, pay_detail_id: str) -> int:
    """What was paid of a line and has not come back, in fen; raises ``details_mismatch``."""
    outcomes = payment.outcomes()
    if pay_detail_id not in outcomes:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"the payment has no detail {pay_detail_id!r}",
            pointer="/pay_detail_id",
        )
    left_fen = outcomes[pay_detail_id][0] - payment.returned_fen(pay_detail_id)
    return min(left_fen, payment.paid_fen - payment.refunded_fen)


def exceeds_paid(left_fen: int, asked_amt: str) -> Refusal:
    """More would come back than was paid."""
    left = yuan(max(0, left_fen))
    return Refusal(
        Code.REFUND_EXCEEDS_PAID,
        f"of what was paid {left} can still come back",
        available_amt=left,
        requested_amt=asked_amt,
    )


class DeclineRefund(Command, frozen=True, kw_only=True):
    """The bank has refused a request for good: what it says becomes of the refund."""

    OPERATION: ClassVar[str] = "refund.refuse"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    refund_no: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        if self.refund_no not in {request.refund_no for request in payment.open_requests}:
            raise Refusal(Code.INVALID_STATE, f"no request {self.refund_no} waits for the bank")
        # point of no return
        refused = RefundRefused(
            pay_app_no=self.pay_app_no, refund_no=self.refund_no, reason=self.reason
        )
        return Decision(events=[(PAYMENT, self.pay_app_no, refused)], effective_on=state.today)
