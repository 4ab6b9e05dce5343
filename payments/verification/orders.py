"""拨款单: each order answered once and over its amount, and what came back within what was paid;
支付调整: each message about a correction answered once."""

from collections.abc import Callable, Mapping
from typing import Any

from ledger.events import Event
from ledger.verification.amounts import Amounts
from payments.clearing.bank_events import BankClaimReturned, BankClaimReturnTold
from payments.messages.message_types import SignedBy
from payments.order_answers import ORDER_RECEIPTS, ORDER_RETURNS, ORDERS, TELLING_ANSWERS
from payments.signing.tellings import TellingEvent
from payments.telling_events import TellingAnswered
from payments.verification.open_items import OpenRequests
from payments.verification.tellings import subject_of

_RETURNS_OF_CLAIMS: tuple[type[Event], ...] = (BankClaimReturned, BankClaimReturnTold)
# what is read of each: all of it
WANTED_OF_ORDERS: Mapping[type[Event], type[Event]] = {
    cls: cls
    for cls in (*ORDERS, *ORDER_RECEIPTS, *ORDER_RETURNS, *TELLING_ANSWERS, *_RETURNS_OF_CLAIMS)
}
CENTRAL_BANK = f"{SignedBy.CENTRAL_BANK}/"

Wrong = Callable[[int, str], None]
NoteSignature = Callable[..., None]
Answered = Callable[..., None]


class OrderSteps:
    """What stands out of an advance its register says; here are the documents, and what is open."""

    def __init__(
        self,
        wrong: Wrong,
        note: NoteSignature,
        answered: Answered,
        amounts: Amounts,
        asked: OpenRequests,
    ) -> None:
        self._wrong, self._note, self._answered = wrong, note, answered
        self._amounts, self._asked = amounts, asked

    @property
    def steps(self) -> Mapping[type[Event], Callable[[int, bytes, Any], None]]:
        return {
            **dict.fromkeys((*ORDERS, BankClaimReturned), self._ordered),
            **dict.fromkeys(ORDER_RECEIPTS, self._receipted),
            **dict.fromkeys(ORDER_RETURNS, self._returned),
            **dict.fromkeys(TELLING_ANSWERS, self._telling_answered),
            BankClaimReturnTold: self._return_told,
        }

    def _ordered(self, position: int, _stream: bytes, event: Any) -> None:
        if event.voucher_no:  # a former release told no bank what it returned
            self._asked.ask("order", event.voucher_no, position)
        if isinstance(event, TellingEvent):
            amount = event.amt
            if (event.was.amt, event.now.amt) != (f"-{amount}", amount):
                self._wrong(position, "it takes another amount than it gives 调整金额不符")

    def _receipted(self, position: int, _stream: bytes, event: Any) -> None:
        due_at = self._asked.end("order", event.voucher_no)
        self._note(position, event.receipt_sm3, CENTRAL_BANK, event, (due_at,) if due_at else None)
        if not due_at:
            self._wrong(position, "no order is open for it: never given, or answered before")
            return
        self._answered(position, "order", event.voucher_no, due_at)
        if event.rejected and self._amounts[event.xpay_amt]:
            self._wrong(position, "it was rejected, and something of it paid")

    def _returned(self, position: int, _stream: bytes, event: Any) -> None:
        self._note(position, event.receipt_sm3, CENTRAL_BANK, event, ())

    def _telling_answered(self, position: int, _stream: bytes, event: TellingAnswered) -> None:
        """By whom it was sent to, and once."""
        due_at = self._asked.end("order", event.voucher_no)
        whose = subject_of(event)
        self._note(position, event.receipt_sm3, whose, event, (due_at,) if due_at else None)
        if not due_at:
            self._wrong(position, "no message is open for it: never sent, or answered before")
            return
        self._answered(position, "order", event.voucher_no, due_at)

    def _return_told(self, position: int, _stream: bytes, event: BankClaimReturnTold) -> None:
        due_at = self._asked.end("order", event.voucher_no)
        if not due_at:
            self._wrong(position, "no claim was returned under its number, or it was told before")
            return
        self._answered(position, "order", event.voucher_no, due_at)
