"""处理待处理事项: persons say what a notice in suspense is about. Pure decisions.

They name the payment, and the line where the notice does not; amount, day and payee stay the
bank's. So what is booked agrees with the signed document also here, and a notice that cannot be
read books nothing: the bank is asked for one that can.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from payments.clearing.uncleared import UNCLEARED
from payments.payment import PAYMENT, Payment, require
from payments.refunds.booking import NoticeEvidence, match
from payments.refunds.events import SuspenseResolved
from payments.refunds.returning import came_back
from payments.refunds.suspense import SUSPENSE, WAITING, SuspenseItem, noticed_in


class ResolveSuspense(Command, frozen=True, kw_only=True):
    """处理待处理事项: it is of a payment, or none of ours."""

    OPERATION: ClassVar[str] = "suspense.resolve"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False  # another answer than the wrong one is still to come
    CHANNEL: ClassVar[str] = "支付退款"
    NUMBER: ClassVar[str] = "suspense_no"
    KIND: ClassVar[AnyKind] = SUSPENSE
    ALSO: ClassVar[tuple[AnyKind, ...]] = (PAYMENT,)
    suspense_no: str
    pay_app_no: str = ""
    pay_detail_id: str = ""
    is_none_of_ours: bool = False
    reason: str = ""

    def check(self) -> None:
        """Raises RequestError unless it says one of the two."""
        if bool(self.pay_app_no) == self.is_none_of_ours:
            raise RequestError(
                Code.MALFORMED,
                "it names the payment, or says is_none_of_ours",
                pointer="/pay_app_no",
            )
        if self.is_none_of_ours and not self.reason:
            raise RequestError(Code.MALFORMED, "why it is none of ours", pointer="/reason")

    def needs(self) -> Iterable[Need]:
        payment: tuple[Need, ...] = ((PAYMENT, self.pay_app_no),) if self.pay_app_no else ()
        return (SUSPENSE, self.suspense_no), *payment, (UNCLEARED, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        item = require_item(state, self.suspense_no)
        if item.state != WAITING:
            raise Refusal(Code.INVALID_STATE, f"{self.suspense_no} is {item.state}")
        decision = None if self.is_none_of_ours else self._booked(state, item, by)
        # point of no return
        resolved = SuspenseResolved(
            suspense_no=self.suspense_no,
            pay_app_no=self.pay_app_no,
            pay_detail_id=self.pay_detail_id,
            is_none_of_ours=self.is_none_of_ours,
            reason=self.reason,
            notice_sm3=item.held.notice_sm3,
            by=by,
        )
        if decision is None:
            decision = Decision(events=[], effective_on=state.today)
        decision.events.insert(0, (SUSPENSE, self.suspense_no, resolved))
        return decision

    def _booked(self, state: LedgerState, item: SuspenseItem, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        noticed = noticed_in(item.held)
        if noticed is None:
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.suspense_no} cannot be read ({item.held.reason}): the bank sends another",
            )
        held = item.held
        _require_who_paid(payment, held.pay_bank_code)
        matched = match(state, payment, noticed, self.pay_detail_id)
        if isinstance(matched, str):
            raise Refusal(Code.RECEIPT_MISMATCH, f"it is not of this payment: {matched}")
        evidence = NoticeEvidence(
            vt_code=held.vt_code,
            notice_no=held.notice_no,
            pay_bank_code=held.pay_bank_code,
            notice_sm3=held.notice_sm3,
            cert_serial=held.cert_serial,
            signature=held.signature,
        )
        number = held.suspense_no
        return came_back(state, payment, noticed, matched, evidence, by, suspense_no=number)


def _require_who_paid(payment: Payment, pay_bank_code: str) -> None:
    """That the bank which says that it has the money back is the one that has paid it: the other
    would owe what it never had, and this one would keep what it says.

    Raises:
        Refusal: ``receipt_mismatch``.
    """
    paid_by = payment.approved.pay_bank_code if payment.approved else ""
    if pay_bank_code != paid_by:
        signed_by = pay_bank_code or "the central bank"
        raise Refusal(
            Code.RECEIPT_MISMATCH,
            f"it is signed by {signed_by}, and {payment.pay_app_no} was paid by {paid_by or 'none'}"
            " 非付款银行通知",
        )


def require_item(state: LedgerState, suspense_no: str) -> SuspenseItem:
    """The item, or the refusal ``not_found``."""
    if (item := state.get(SUSPENSE, suspense_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"nothing waits in suspense as {suspense_no!r}")
    return item
