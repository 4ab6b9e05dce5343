"""The answers of the central bank to orders of any kind: its receipt, and what came back. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar, Protocol, TypeVar

from ledger.calendar import day_text, evidence_day, require_not_final
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, stored_fen, yuan
from payments.orders.ordering import Ordered


class Came(Protocol):
    """Of what the central bank said came back."""

    @property
    def notice_no(self) -> str: ...
    @property
    def agent_business_no(self) -> str: ...


class OrderPaid(Protocol):
    """An order that was given; ``paid_on`` is "" of one that was not paid."""

    @property
    def paid_on(self) -> str: ...


PaidOrder = TypeVar("PaidOrder", bound=OrderPaid)


class ByCentralBank(Command, frozen=True, kw_only=True):
    """What a document that the central bank has signed says of an order."""

    KEEPS_REFUSAL: ClassVar[bool] = False
    voucher_no: str
    agent_business_no: str
    receipt_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def body(self) -> object:
        """The document is its bytes; it may be signed anew."""
        return self.receipt_sm3

    @property
    def documents(self) -> list[tuple[bytes, bytes]]:
        return [(bytes.fromhex(self.receipt_sm3), self.document)]

    def evidence(self, by: str) -> dict[str, str]:
        """What an event says of the document, and of who has brought it."""
        return {
            "agent_business_no": self.agent_business_no,
            "receipt_sm3": self.receipt_sm3,
            "cert_serial": self.cert_serial,
            "signature": self.signature,
            "by": by,
        }


class ApplyOrderReceipt(ByCentralBank, frozen=True, kw_only=True):
    """拨款凭证回单: paid in full, or rejected."""

    xpay_fen: int
    xpay_date: date
    rejected: str = ""

    @property
    def number(self) -> str:
        return f"{self.voucher_no}/{self.receipt_sm3[:16]}"

    @classmethod
    def number_in(cls, event: Any) -> str:
        return f"{event.voucher_no}/{event.receipt_sm3[:16]}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event = told.event
        dated = date.fromisoformat(event.xpay_date)
        paid_fen = stored_fen(event.xpay_amt)
        fields = fields_in(cls, event, xpay_fen=paid_fen, xpay_date=dated, document=b"")
        return (cls(**fields),)

    def told(self, day: date, by: str) -> dict[str, Any]:
        """What the event of any order tells of its receipt, booked on a day."""
        return {
            "voucher_no": self.voucher_no,
            "xpay_amt": yuan(self.xpay_fen),
            "xpay_date": day_text(self.xpay_date),
            "booked_on": "" if day == self.xpay_date else day_text(day),
            "rejected": self.rejected,
            **self.evidence(by),
        }

    def require_of(self, order: Ordered | None, *, answered: bool) -> None:
        """That it answers this order, for the first time and over its amount.

        Raises:
            Refusal: ``invalid_state``, ``receipt_mismatch``.
        """
        if order is None or order.voucher_no != self.voucher_no:
            raise Refusal(Code.RECEIPT_MISMATCH, f"no order {self.voucher_no!r} was given")
        if answered:
            raise Refusal(Code.INVALID_STATE, "the order has its receipt already")
        if self.xpay_fen != (0 if self.rejected else parse_yuan(order.amt)):
            raise Refusal(
                Code.RECEIPT_MISMATCH,
                f"the receipt is over {yuan(self.xpay_fen)}, the order over {order.amt}",
            )


class ApplyOrderReturn(ByCentralBank, frozen=True, kw_only=True):
    """实拨退款通知书: some of what was paid has come back, all of it in the end."""

    NUMBER: ClassVar[str] = "notice_no"
    notice_no: str
    amt: str
    return_date: date
    reason: str = ""

    def told(self, day: date, by: str) -> dict[str, Any]:
        """What the event of any order tells of its return, booked on a day."""
        return {
            "voucher_no": self.voucher_no,
            "notice_no": self.notice_no,
            "amt": self.amt,
            "return_date": day_text(self.return_date),
            "booked_on": "" if day == self.return_date else day_text(day),
            "reason": self.reason,
            **self.evidence(by),
        }

    def require_paid(self, order: PaidOrder | None) -> PaidOrder:
        """The order, which was given and paid; raises Refusal ``receipt_mismatch``."""
        if order is None or not order.paid_on:
            raise Refusal(Code.RECEIPT_MISMATCH, f"no order {self.voucher_no!r} was paid")
        return order

    def day_back(self, state: LedgerState, paid_on: str) -> date:
        """The day on which what came back of an order is booked, which was paid on ``paid_on``.

        Raises:
            Refusal: ``period_closed``: the order's year is closed for good.
        """
        require_not_final(state)
        return evidence_day(state, self.return_date, since=date.fromisoformat(paid_on))

    def require_new(self, told: Iterable[Came]) -> None:
        """That no other notice has told of this movement: the bank's number is that of one.

        Raises:
            Refusal: ``receipt_mismatch``.
        """
        serial = self.agent_business_no
        for came in told:
            if serial and came.agent_business_no == serial:
                raise Refusal(
                    Code.RECEIPT_MISMATCH,
                    f"notice {self.notice_no} tells again of what came back by notice"
                    f" {came.notice_no}, under the bank's number {serial}",
                )

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        dated = date.fromisoformat(told.event.return_date)
        return (cls(**fields_in(cls, told.event, return_date=dated, document=b"")),)
