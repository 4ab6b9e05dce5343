"""撤销: the bank is asked to stop a voucher that it may have. Pure decisions; nothing is booked.

Once other persons have agreed the bank is asked, under a number made of what the caller repeats. If
it has not paid it answers with its receipt, by which every line has failed and the indicator has
its amount back; if it has, it refuses, and its receipt says what was paid.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from payments.messages import gbk
from payments.messages.vt_codes import RECALL_REQUEST
from payments.payment import PAYMENT, SENT, SIGNED, require, require_status
from payments.void_events import RecallRefused, RecallRequested
from payments.voiding import has_another


def recall_number(key: int, recall_no: str) -> str:
    """The request's number at the bank, which carries each out once; no refund's begins so."""
    return f"{RECALL_REQUEST}:{ledger_text(key)}:{recall_no}"


class RecallPayment(Command, frozen=True, kw_only=True):
    """撤销支付: of a voucher that is signed or sent and has no receipt.

    ``recall_no`` is needed where an earlier recall of the payment was refused; left out, it is the
    payment's own number.
    """

    OPERATION: ClassVar[str] = "payment.recall"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "支付审核"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    reason: str
    recall_no: str = ""

    @property
    def number(self) -> str:
        return self.recall_no or self.pay_app_no

    @property
    def body(self) -> object:
        """Who says what is meant anyway asks for nothing else."""
        return {"pay_app_no": self.pay_app_no, "reason": self.reason, "recall_no": self.number}

    @classmethod
    def number_in(cls, event: RecallRequested) -> str:
        return event.recall_no

    def check(self) -> None:
        for name in ("recall_no", "reason"):  # the bank is told
            gbk.check_encodable(getattr(self, name), pointer=f"/{name}")

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        require_status(payment, SIGNED, SENT)
        if payment.open_recall is not None:
            raise Refusal(Code.INVALID_STATE, "its bank is asked to stop it already")
        if payment.refused is not None and not has_another(payment.refused):
            raise Refusal(Code.INVALID_STATE, "its bank has refused it: it can be void 作废")
        # point of no return
        requested = RecallRequested(
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            recall_no=self.number,
            request_date=state.today.isoformat(),
            reason=self.reason,
            by=by,
        )
        return Decision(events=[(PAYMENT, self.pay_app_no, requested)], effective_on=state.today)


class DeclineRecall(Command, frozen=True, kw_only=True):
    """The bank has refused a recall for good."""

    OPERATION: ClassVar[str] = "recall.refuse"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    recall_no: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        if payment.open_recall is None or payment.open_recall.recall_no != self.recall_no:
            raise Refusal(Code.INVALID_STATE, f"no recall {self.recall_no} waits for the bank")
        # point of no return
        refused = RecallRefused(
            pay_app_no=self.pay_app_no, recall_no=self.recall_no, reason=self.reason
        )
        return Decision(events=[(PAYMENT, self.pay_app_no, refused)], effective_on=state.today)
