"""Orders to the central bank: what advances, allocations and orders of income have in common. Pure.

An order takes its cash when it is given and is booked when the central bank says that it has paid;
what it rejects is free again. Its number at the central bank comes from what the caller repeats, so
that it is never paid twice.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, Protocol

import msgspec

from budget.special_funds import require_treasury_money
from ledger.account_set import division_of, ledger_text, parse_ledger
from ledger.deciding.command import Command
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import JournalPosted
from ledger.money import parse_yuan, stored_fen
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
