"""库款: the register of what lies at the treasury, by account and kind of fund.

It is the balance of 国库存款: the posting that moves that account moves the register in the same
decision. What is *free* may not fall below zero on any day, so a claim that is not covered is
refused; what is claimed and not answered yet stands beside it. Funds of one kind (111 and 112, 121
and 122) lie together, kinds are kept apart: 基金 does not pay for 一般公共预算.

Cash is controlled once an opening or a report of income has named the account, unless the ledger's
policy says otherwise. What is claimed while it is not is kept, too, as *owed*: it is what comes in
that pays it first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.registers import (
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import IntegrityError, Refusal
from ledger.events import Event
from ledger.money import stored_fen
from payments import dispatch_events
from payments.clearing.cash_events import CashMoved
from payments.clearing.cash_policy import CASH_POLICY
from payments.clearing.cash_shortage import too_little_of
from payments.clearing.events import Claim, ClaimReceipted, ClearingRequested
from payments.clearing.fund_kinds import is_cash as is_cash
from payments.clearing.fund_kinds import kind_of as kind_of
from payments.clearing.fund_kinds import rule_of_claim as rule_of_claim
from payments.income_order_events import (
    IncomeCorrectionOrdered,
    IncomeCorrectionReceipted,
    IncomeRefundOrdered,
    IncomeRefundReceipted,
    IncomeRefundReturned,
)
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.order_events import (
    AdvanceOrdered,
    AdvanceReceipted,
    AdvanceRecovered,
    AdvanceReturned,
    AdvanceStepReversed,
    AllocationOrdered,
    AllocationReceipted,
    AllocationReturned,
)
from payments.placement_events import PlacementOrdered, PlacementReceipted, PlacementReturned

CONTROL = "cash"  # of the account of which this is the balance
_BONDS = ("112", "122")  # 一般债券, 专项债券
NO_ACCOUNT = ""


class Cash(msgspec.Struct, frozen=True, gc=False):
    """Of one account and kind of fund, in fen.

    Attributes:
        free: what a claim may take.
        claimed: what claims have taken that the central bank has not answered.
        owed: what was claimed and paid before cash was controlled, under no account.
        bonds: of the balance, what came from bonds and was not claimed for them.
    """

    free: int = 0
    claimed: int = 0
    owed: int = 0
    bonds: int = 0

    @property
    def balance(self) -> int:
        """What the account of the books has."""
        return self.free + self.claimed - self.owed


NOTHING = Cash()
_PLACE = {name: place for place, name in enumerate(Cash.__struct_fields__)}

Change = tuple[str, str, int]  # key, field, fen
OwedOf = Callable[[str], int]  # of a key, what is owed under it


def cash_key(acct: str, fund_type_code: str) -> str:
    """Of a row of ``CASH``."""
    return f"{acct}/{kind_of(fund_type_code)}"


def split_key(key: str) -> tuple[str, str]:
    """(account, kind of fund) of a row."""
    acct, _, kind = key.rpartition("/")
    return acct, kind


# ---- what moves it


def came(acct: str, fund: str, amount_fen: int, owed_of: OwedOf) -> Iterator[Change]:
    """What comes to an account that an act names, or goes (negative); to none: what is not owed."""
    if fund in _BONDS:
        yield cash_key(acct, fund), "bonds", amount_fen
    if acct == NO_ACCOUNT:
        yield cash_key(acct, fund), "owed", -amount_fen
    elif amount_fen > 0:
        yield from _freed(acct, fund, amount_fen, owed_of)
    else:
        yield cash_key(acct, fund), "free", amount_fen


def _freed(acct: str, fund: str, amount_fen: int, owed_of: OwedOf) -> Iterator[Change]:
    """What is there to be claimed, once what is owed has been paid of it."""
    owing = cash_key(NO_ACCOUNT, fund)
    if paid_fen := min(amount_fen, owed_of(owing)):
        yield owing, "owed", -paid_fen
    yield cash_key(acct, fund), "free", amount_fen - paid_fen


def claim_made(claim: Claim, acct: str) -> Iterator[Change]:
    """What a claim takes of an account; "" where cash was not controlled."""
    if acct and claim.vt_code == CLAIM:
        amount_fen, key = stored_fen(claim.pay_amt), cash_key(acct, claim.fund_type_code)
        yield key, "free", -amount_fen
        yield key, "claimed", amount_fen


def claim_answered(claim: Claim, acct: str, *, settled: bool, owed_of: OwedOf) -> Iterator[Change]:
    """What the central bank's answer to a claim, or to a return, does."""
    fund, amount_fen = claim.fund_type_code, stored_fen(claim.pay_amt)
    if not is_cash(fund):
        return
    back = claim.vt_code != CLAIM
    if not acct:
        if settled:
            yield cash_key(NO_ACCOUNT, fund), "owed", -amount_fen if back else amount_fen
        return
    if back:
        if settled:
            yield from came(acct, fund, amount_fen, owed_of)
        return
    yield cash_key(acct, fund), "claimed", -amount_fen
    if not settled:
        yield from _freed(acct, fund, amount_fen, owed_of)
    elif fund in _BONDS:
        yield cash_key(acct, fund), "bonds", -amount_fen


def ordered_claim(voucher_no: str, fund_type_code: str, amt: str) -> Claim:
    """An order 拨款单 takes cash as a claim does, and is answered as one."""
    return Claim(CLAIM, voucher_no, fund_type_code, amt, ())


def came_back(acct: str, fund_type_code: str, amt: str, owed_of: OwedOf) -> Iterator[Change]:
    """What came back of an order to the account, "" where cash is not controlled."""
    back = Claim(REFUND_CLAIM, "", fund_type_code, amt, ())
    yield from claim_answered(back, acct, settled=True, owed_of=owed_of)


def gone_again(acct: str, fund_type_code: str, amt: str, owed_of: OwedOf) -> Iterator[Change]:
    """What was entered as having come back of an order, and had not."""
    if acct:
        yield from came(acct, fund_type_code, -stored_fen(amt), owed_of)
    else:
        yield cash_key(NO_ACCOUNT, fund_type_code), "owed", stored_fen(amt)


def moved_cash(
    state: LedgerState, day: date, changes: Callable[[OwedOf], Iterable[Change]]
) -> list[MovedRow]:
    """The rows after changes on a day; each looks at what those before it have left owed.

    Raises:
        Refusal: ``insufficient_cash``.
    """
    by_key: dict[str, dict[str, int]] = {}

    def owed_of(key: str) -> int:
        return state.row(CASH, key).owed + by_key.get(key, {}).get("owed", 0)

    for key, field, fen in changes(owed_of):
        of_key = by_key.setdefault(key, {})
        of_key[field] = of_key.get(field, 0) + fen
    return [state.moved(CASH, key, day, fields) for key, fields in by_key.items()]


# ---- where claims are made


def accounts_of(state: LedgerState, funds: Iterable[str]) -> dict[str, str]:
    """By kind of fund, the treasury account on which claims are made; none of a ledger whose cash
    is not controlled. Where a kind lies on several, it is the one with most free."""
    if state.settings.get(CASH_POLICY).cash_control is False:
        return {}
    return account_by_kind(state.rows_of(CASH), funds)


def account_by_kind(rows: Mapping[str, Cash], funds: Iterable[str]) -> dict[str, str]:
    """The same by the rows alone, whatever the policy is."""
    if not (known := sorted({acct for acct, _ in map(split_key, rows) if acct})):
        return {}
    found = {}
    for kind in {kind_of(fund) for fund in funds if is_cash(fund)}:
        found[kind] = max(known, key=lambda acct: rows.get(f"{acct}/{kind}", NOTHING).free)
    return found


def owed_fen(rows: Mapping[str, Cash], kind: str) -> int:
    """What was claimed of a kind while cash was not controlled, to be paid of what lies there."""
    return max(0, rows.get(cash_key(NO_ACCOUNT, kind), NOTHING).owed)


def require_cash(state: LedgerState, claims: Iterable[Claim], accts: Mapping[str, str]) -> None:
    """That what was claimed before cash was controlled, and is paid since, is covered as well: no
    floor knows of it before something comes in. And that there is an account at all, where the
    ledger's policy controls cash.

    Raises Refusal ``insufficient_cash``.
    """
    is_controlled = state.settings.get(CASH_POLICY).cash_control
    wanted: dict[str, int] = {}
    for claim in claims:
        if claim.vt_code != CLAIM or not is_cash(claim.fund_type_code):
            continue
        acct = accts.get(kind_of(claim.fund_type_code), NO_ACCOUNT)
        if acct or is_controlled:
            key = cash_key(acct, claim.fund_type_code)
            wanted[key] = wanted.get(key, 0) + stored_fen(claim.pay_amt)
    rows = state.rows_of(CASH)
    for key, fen in wanted.items():
        acct, kind = split_key(key)
        owing_fen, free_fen = owed_fen(rows, kind), rows.get(key, NOTHING).free
        if (owing_fen or not acct) and free_fen - owing_fen < fen:
            raise too_little_of(acct, kind, state.today, free_fen - owing_fen, fen)


class _Moved(msgspec.Struct, frozen=True, gc=False):
    """Of ``CashMoved``."""

    cash_acct: str
    fund_type_code: str
    amt: str


class _Requested(msgspec.Struct, frozen=True, gc=False):
    """Of ``ClearingRequested``."""

    clear_no: str
    claims: tuple[Claim, ...]
    cash_accts: dict[str, str] = {}


class _Ordered(msgspec.Struct, frozen=True, gc=False):
    """Of an order."""

    voucher_no: str
    amt: str
    fund_type_code: str = "111"
    cash_acct: str = ""


class _Back(_Moved, frozen=True, gc=False):
    """Of what came back of an order."""


class _GoneAgain(msgspec.Struct, frozen=True, gc=False):
    """Of ``AdvanceStepReversed``, which names fund and account of a 收回 alone."""

    amt: str
    fund_type_code: str = ""
    cash_acct: str = ""
    bgt_id: str = ""


class _Receipted(msgspec.Struct, frozen=True, gc=False):
    """Of ``ClaimReceipted``, and of an order's receipt."""

    voucher_no: str
    rejected: str = ""


class _RefundReceipted(_Receipted, frozen=True, gc=False):
    """Of 收入退付: what the day's report has booked already moves nothing but what was claimed."""

    is_reported: bool = False


class _CorrectionOrdered(_Ordered, frozen=True, gc=False):
    """Of 收入更正: only what goes to another treasury takes cash."""

    to_tre_code: str = ""


class _CorrectionReceipted(_RefundReceipted, frozen=True, gc=False):
    """Of 收入更正."""


class _RefundBack(_Back, frozen=True, gc=False):
    is_reported: bool = False


class CashFold(RegisterFold):
    """Its memory is what claims and orders are open, and on which account."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        CashMoved: _Moved,
        dispatch_events.FundsArrived: _Moved,
        ClearingRequested: _Requested,
        ClaimReceipted: _Receipted,
        AdvanceOrdered: _Ordered,
        AdvanceReceipted: _Receipted,
        AdvanceReturned: _Back,
        AdvanceRecovered: _Back,
        AdvanceStepReversed: _GoneAgain,
        AllocationOrdered: _Ordered,
        AllocationReceipted: _Receipted,
        AllocationReturned: _Back,
        PlacementOrdered: _Ordered,
        PlacementReceipted: _Receipted,
        PlacementReturned: _Back,
        IncomeRefundOrdered: _Ordered,
        IncomeRefundReceipted: _RefundReceipted,
        IncomeRefundReturned: _RefundBack,
        IncomeCorrectionOrdered: _CorrectionOrdered,
        IncomeCorrectionReceipted: _CorrectionReceipted,
        dispatch_events.FundsDispatched: _Ordered,
        dispatch_events.DispatchReceipted: _Receipted,
        dispatch_events.DispatchReturned: _Back,
    }

    open: dict[str, tuple[Claim, str]] = msgspec.field(default_factory=dict)

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        def owed_of(key: str) -> int:
            return rows[key][_PLACE["owed"]] if key in rows else 0

        if self._leaves_cash(event):
            return []
        return [(key, _PLACE[name], fen) for key, name, fen in self._changes(event, owed_of)]

    def _leaves_cash(self, event: Any) -> bool:
        """Of 收入更正: an order of what stays on the account has taken none, and its answer frees
        none; what it moves between kinds of fund is told by ``CashMoved``."""
        if isinstance(event, _CorrectionOrdered):
            return not event.to_tre_code
        return isinstance(event, _CorrectionReceipted) and event.voucher_no not in self.open

    def _changes(self, event: Any, owed_of: OwedOf) -> Iterator[Change]:
        match event:
            case _RefundBack(is_reported=True):
                return
            case _Back():
                acct, fund = event.cash_acct, event.fund_type_code
                yield from came_back(acct, fund, event.amt, owed_of)
            case _GoneAgain(bgt_id=""):
                yield from gone_again(event.cash_acct, event.fund_type_code, event.amt, owed_of)
            case _Moved():
                amount_fen = stored_fen(event.amt)
                yield from came(event.cash_acct, event.fund_type_code, amount_fen, owed_of)
            case _Requested():
                for claim in event.claims:
                    acct = event.cash_accts.get(kind_of(claim.fund_type_code), NO_ACCOUNT)
                    self.open[claim.voucher_no] = claim, acct
                    yield from claim_made(claim, acct)
            case _Ordered():
                claim = ordered_claim(event.voucher_no, event.fund_type_code, event.amt)
                self.open[event.voucher_no] = claim, event.cash_acct
                yield from claim_made(claim, event.cash_acct)
            case _Receipted():
                if (known := self.open.pop(event.voucher_no, None)) is None:
                    raise IntegrityError(f"no claim {event.voucher_no!r} is open")
                claim, acct = known
                in_report = isinstance(event, _RefundReceipted) and event.is_reported
                settled = not event.rejected and not in_report
                yield from claim_answered(claim, acct, settled=settled, owed_of=owed_of)


def too_little(short: Shortage) -> Refusal:
    """The refusal of what takes a row below its floor."""
    return too_little_of(*split_key(short.key), short.on, short.available_fen, short.wanted_fen)


CASH: Register[Cash] = declare(
    Register(
        name="cash",
        row=Cash,
        floored=("free", "claimed"),
        refuse=too_little,
        fold=CashFold,
        whole=True,
    )
)
