"""Orders to the central bank: what advances, allocations and orders of income have in common. Pure.

An order takes its cash when it is given and is booked when the central bank says that it has paid;
what it rejects is free again. Its number at the central bank comes from what the caller repeats, so
that it is never paid twice.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from budget.special_funds import require_treasury_money
from ledger.account_set import division_of, ledger_text, parse_ledger
from ledger.calendar import day_text
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import (
    accounts_of,
    came_back,
    claim_answered,
    claim_made,
    kind_of,
    moved_cash,
    ordered_claim,
    require_cash,
)
from payments.clearing.cash_policy import PaidFor
from payments.clearing.promised import require_spare
from payments.messages.gbk import check_encodable
from payments.messages.vt_codes import (
    INCOME_CORRECTION,
    INCOME_REFUND,
    ORDER,
    QUOTA_ADJUSTMENT,
    VOUCHER_ADJUSTMENT,
)

ORDERED, PAID, REJECTED, RETURNED = "ordered", "paid", "rejected", "returned"
# as an order's number names them
ADVANCES, ALLOCATIONS, PLACEMENTS = "advance", "allocation", "placement"
DISPATCHES = "dispatch"
INCOME_REFUNDS, INCOME_CORRECTIONS = "income_refund", "income_correction"
# what banks are told of a correction, by message
ADJUSTMENTS = {VOUCHER_ADJUSTMENT: "voucher_adjustment", QUOTA_ADJUSTMENT: "quota_adjustment"}
_VT_CODES = {
    **{of: vt_code for vt_code, of in ADJUSTMENTS.items()},
    ADVANCES: ORDER,
    ALLOCATIONS: ORDER,
    PLACEMENTS: ORDER,
    DISPATCHES: ORDER,
    INCOME_REFUNDS: INCOME_REFUND,
    INCOME_CORRECTIONS: INCOME_CORRECTION,
}


class AnswerToOrder(Protocol):
    """Of the central bank's receipt."""

    @property
    def xpay_amt(self) -> str: ...
    @property
    def xpay_date(self) -> str: ...
    @property
    def booked_on(self) -> str: ...
    @property
    def rejected(self) -> str: ...


class ReturnOfOrder(Protocol):
    """Of its notice of a return."""

    @property
    def amt(self) -> str: ...


def left_of(receipt: AnswerToOrder | None, returns: Iterable[ReturnOfOrder]) -> int:
    """What was paid of an order and has not come back."""
    paid_fen = stored_fen(receipt.xpay_amt) if receipt else 0
    return paid_fen - sum(stored_fen(each.amt) for each in returns)


def status_of(receipt: AnswerToOrder | None, left_fen: int) -> str:
    """Where an order stands, of which so much is paid and has not come back."""
    if receipt is None:
        return ORDERED
    if receipt.rejected:
        return REJECTED
    return PAID if left_fen else RETURNED


def day_paid(receipt: AnswerToOrder | None) -> str:
    """The day on which an order was booked; "" of one that was not paid."""
    if receipt is None or receipt.rejected:
        return ""
    return receipt.booked_on or receipt.xpay_date


class OrderPlace(NamedTuple):
    """What a number at the central bank says: the ledger, what is ordered, and its own number."""

    ledger_id: int
    of: str
    number: str


class Ordered(Protocol):
    """Of an order's event."""

    @property
    def voucher_no(self) -> str: ...
    @property
    def fund_type_code(self) -> str: ...
    @property
    def amt(self) -> str: ...
    @property
    def cash_acct(self) -> str: ...


class Came(Protocol):
    """Of what the central bank said came back."""

    @property
    def notice_no(self) -> str: ...
    @property
    def agent_business_no(self) -> str: ...


def order_number(ledger_id: int, of: str, number: str) -> str:
    """The order's voucher number, unique at the central bank."""
    return f"{_VT_CODES[of]}:{ledger_text(ledger_id)}:{of}:{number}"


def split_order_number(voucher_no: str) -> OrderPlace | None:
    """The reverse; None where it is no number of an order."""
    code, _, rest = voucher_no.partition(":")
    ledger, _, rest = rest.partition(":")
    of, _, number = rest.partition(":")
    if not number or _VT_CODES.get(of) != code:
        return None
    try:
        return OrderPlace(parse_ledger(ledger), of, number)
    except GuokuError:
        return None


def vt_code_of(voucher_no: str) -> str:
    """The message that an order with this number is."""
    return voucher_no.partition(":")[0]


# ---- cash


def require_fund(state: LedgerState, fund_type_code: str, day: date) -> None:
    """That it is in force, and that the central bank pays it, as money of one kind of fund.

    Raises:
        Refusal: ``element_invalid``.
    """
    own, pointer = division_of(state.ledger_id), "/fund_type_code"
    for check in (state.codes.check, state.codes.check_leaf):
        check("fund_type_code", fund_type_code, on=day, mof_div_code=own, pointer=pointer)
    require_treasury_money(fund_type_code, pointer)
    if not kind_of(fund_type_code):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{fund_type_code} is wider than a kind of fund, such as 111",
            pointer=pointer,
        )


def ordered_from(
    state: LedgerState, fund_type_code: str, amt: str, paid_for: PaidFor | None = None
) -> str:
    """The treasury account that an order is paid from, "" where cash is not controlled.

    Args:
        paid_for: what it is for; None where it can be for none of the three guarantees 三保.

    Raises:
        Refusal: ``insufficient_cash``, of what was claimed before cash was controlled, or of a
            reserve that is kept.
    """
    accts = accounts_of(state, (fund_type_code,))
    _require_covered(state, fund_type_code, amt, accts, paid_for)
    return accts.get(kind_of(fund_type_code), "")


def require_on(state: LedgerState, acct: str, fund_type_code: str, amt: str) -> None:
    """That an account has what an order takes of it that names it, beside what is owed and kept.

    Raises:
        Refusal: ``insufficient_cash``, as of other orders.
    """
    accts = dict.fromkeys(accounts_of(state, (fund_type_code,)), acct)
    _require_covered(state, fund_type_code, amt, accts, None)


def _require_covered(
    state: LedgerState,
    fund_type_code: str,
    amt: str,
    accts: Mapping[str, str],
    paid_for: PaidFor | None,
) -> None:
    require_cash(state, (ordered_claim("", fund_type_code, amt),), accts)
    require_spare(state, fund_type_code, paid_for, parse_yuan(amt))


def cash_ordered(
    state: LedgerState, day: date, acct: str, fund_type_code: str, amt: str
) -> list[MovedRow]:
    """Cash with what an order takes; raises ``insufficient_cash``."""
    claim = ordered_claim("", fund_type_code, amt)
    return moved_cash(state, day, lambda _: claim_made(claim, acct))


def cash_answered(
    state: LedgerState, day: date, order: Ordered, *, settled: bool
) -> list[MovedRow]:
    """Cash once the central bank has paid, or not."""
    claim = ordered_claim(order.voucher_no, order.fund_type_code, order.amt)
    return moved_cash(
        state,
        day,
        lambda owed_of: claim_answered(claim, order.cash_acct, settled=settled, owed_of=owed_of),
    )


def account_back(state: LedgerState, order: Ordered) -> str:
    """Where it comes back: to the account it was paid from, by which the books keep it. Of what was
    ordered while cash was not controlled that is the one with most free, "" where it still is not.
    """
    if order.cash_acct:
        return order.cash_acct
    fund = order.fund_type_code
    return accounts_of(state, (fund,)).get(kind_of(fund), "")


def cash_back(
    state: LedgerState, day: date, acct: str, fund_type_code: str, amt: str
) -> list[MovedRow]:
    """Cash with what came back."""
    return moved_cash(state, day, lambda owed_of: came_back(acct, fund_type_code, amt, owed_of))


# ---- what is ordered


def check_written(command: Command, names: Iterable[str]) -> None:
    """That these texts of an order can go to the central bank: an order that can never be sent
    would hold its cash, and its month, for ever.

    Raises:
        RequestError: ``malformed``, with the pointer.
    """
    for name in names:
        check_encodable(getattr(command, name), pointer=f"/{name}")


# ---- books


def kept_by(entry: JournalPosted, codes: Mapping[str, str]) -> JournalPosted:
    """A rule's journal that names no indicator, each line of it kept by these elements."""
    said = {name: code for name, code in codes.items() if code}
    return msgspec.structs.replace(entry, line_codes=tuple(dict(said) for _ in entry.lines))


# ---- what the central bank says


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
