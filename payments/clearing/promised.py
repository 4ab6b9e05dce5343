"""三保优先: what approved payments will have claimed, and what is spare of the treasury's cash.

Where the ledger's policy keeps a reserve of a kind of fund, a payment is approved, and an order
given, only if what lies there covers it beside all that is under way: what banks have paid and not
claimed, and what was approved and is not paid. What is for none of the three guarantees leaves the
reserve there as well. So it is held before the bank has it; what a bank has paid is claimed as long
as there is anything.

The register keeps what such approvals have promised, until the bank has answered. Payments that
were approved before a reserve was kept are seen once the bank has paid them.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar, NamedTuple

import msgspec

from ledger.books import Charts
from ledger.deciding.command import Need
from ledger.deciding.registers import (
    WHOLE,
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.clearing.cash import (
    CASH,
    NO_ACCOUNT,
    NOTHING,
    Cash,
    accounts_of,
    cash_key,
    kind_of,
    owed_fen,
    too_little,
)
from payments.clearing.cash_policy import CASH_POLICY, PaidFor
from payments.clearing.cash_shortage import too_little_of
from payments.clearing.uncleared import UNCLEARED, ReceiptedView, Uncleared
from payments.clearing.uncleared_key import UnclearedKey
from payments.events import PaymentApproved, VoucherReceipted
from payments.messages.vt_codes import CLAIM
from payments.void_events import PaymentVoided


class Promised(msgspec.Struct, frozen=True, gc=False):
    """What approved payments of a kind of fund will have claimed, in fen: those that are for one of
    the three guarantees, and the others."""

    guaranteed: int = 0
    other: int = 0


_PLACE = {name: place for place, name in enumerate(Promised.__struct_fields__)}


class _Approved(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentApproved``."""

    ONLY_WITH: ClassVar[str] = "promised_amt"
    pay_app_no: str
    promised_amt: str = ""
    promised_fund: str = ""
    guarantee: str = ""


class _Voided(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentVoided``."""

    pay_app_no: str


class PromisedFold(RegisterFold):
    """Its memory is what is promised now."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        PaymentApproved: _Approved,
        VoucherReceipted: ReceiptedView,
        PaymentVoided: _Voided,
    }

    open: dict[str, Movement] = msgspec.field(default_factory=dict)

    def take(
        self,
        event: _Approved | ReceiptedView | _Voided,
        day: date,
        rows: Rows,
        charts: Charts,
    ) -> Iterable[Movement]:
        if not isinstance(event, _Approved):
            if (promise := self.open.pop(event.pay_app_no, None)) is None:
                return ()
            key, place, amount_fen = promise
            return ((key, place, -amount_fen),)
        if not event.promised_amt:
            return ()
        place = _PLACE[_field(event.guarantee)]
        promise = event.promised_fund, place, stored_fen(event.promised_amt)
        self.open[event.pay_app_no] = promise
        return (promise,)


PROMISED: Register[Promised] = declare(
    Register(
        name="cash_promised",
        row=Promised,
        floored=(),  # the bank's word is taken, on whatever day it pays
        refuse=too_little,
        fold=PromisedFold,
        whole=True,
        keeps_zero=False,
    )
)
# what is to be at hand where a bank has paid, and where cash may be short
PAID_AHEAD: tuple[Need, ...] = ((UNCLEARED, WHOLE), (PROMISED, WHOLE))
STANDING: tuple[Need, ...] = ((CASH, WHOLE), *PAID_AHEAD)


def _field(guarantee: str) -> str:
    return "guaranteed" if guarantee else "other"


# ---- what is spare


class Spare(NamedTuple):
    """Of a kind of fund on the account on which claims are made, in fen.

    Attributes:
        free: what claims may take, without what is still to be paid of it.
        uncleared: what banks have paid and not claimed.
        promised: what was approved and is not paid.
        reserve: what is kept back for the three guarantees.
    """

    kind: str
    acct: str
    free: int
    uncleared: int
    promised: Promised
    reserve: int

    def left_for(self, guarantee: str) -> int:
        """What a payment may take, "" for none of the guarantees; below zero where it is short."""
        under_way = self.uncleared + self.promised.guaranteed + self.promised.other
        return self.free - under_way - (0 if guarantee else self.reserve)


def spare_of(
    kind: str,
    acct: str,
    reserve: int,
    cash: Mapping[str, Cash],
    waiting: Mapping[str, Uncleared],
    promised: Mapping[str, Promised],
) -> Spare:
    """What is spare by the rows of the three registers."""
    keys = ((UnclearedKey.parsed(text), row.amount) for text, row in waiting.items())
    uncleared = sum(
        amount_fen
        for key, amount_fen in keys
        if key.vt_code == CLAIM and kind_of(key.fund_type_code) == kind
    )
    free = cash.get(cash_key(acct, kind), NOTHING).free - owed_fen(cash, kind)
    return Spare(kind, acct, free, uncleared, promised.get(kind, Promised()), reserve)


def require_spare(
    state: LedgerState, fund_type_code: str, paid_for: PaidFor | None, amount_fen: int
) -> str | None:
    """That what lies at the treasury covers a payment or an order beside all that is under way.

    Args:
        paid_for: what it is for; None for what can be for none of the three guarantees.

    Returns:
        Which guarantee it is for, "" for none; None where no reserve of the kind is kept.

    Raises:
        Refusal: ``insufficient_cash``.
    """
    if not (policy := state.settings.get(CASH_POLICY)).reserves:  # every payment comes by here
        return None
    kind = kind_of(fund_type_code)
    if (reserve_fen := policy.reserve_fen(kind)) is None:
        return None
    acct = accounts_of(state, (fund_type_code,)).get(kind, NO_ACCOUNT)
    if not acct and not policy.cash_control:
        return None
    guarantee = "" if paid_for is None else policy.guarantee_of(paid_for)
    cash, waiting = state.rows_of(CASH), state.rows_of(UNCLEARED)
    spare = spare_of(kind, acct, reserve_fen, cash, waiting, state.rows_of(PROMISED))
    if (left_fen := spare.left_for(guarantee)) < amount_fen:
        raise short_of(spare, state.today, left_fen, amount_fen)
    return guarantee


def short_of(spare: Spare, on: date, left_fen: int, wanted_fen: int) -> Refusal:
    """The refusal of what would take more than is left for it."""
    refusal = too_little_of(spare.acct, spare.kind, on, left_fen, wanted_fen)
    if spare.reserve:
        kept = f"{yuan(spare.reserve)} of it is kept for the three guarantees 三保"
        refusal = Refusal(refusal.code, f"{refusal.detail}: {kept}", **refusal.extra)
    return refusal


# ---- what is promised


def promise_made(state: LedgerState, approved: PaymentApproved, day: date) -> list[MovedRow]:
    """What is promised after an approval."""
    if not approved.promised_amt:
        return []
    change = {_field(approved.guarantee): stored_fen(approved.promised_amt)}
    return [state.moved(PROMISED, approved.promised_fund, day, change)]


def promise_kept(state: LedgerState, approved: PaymentApproved | None, day: date) -> list[MovedRow]:
    """What is promised once the bank has answered, or nothing is to be paid any more."""
    if approved is None or not approved.promised_amt:
        return []
    change = {_field(approved.guarantee): -stored_fen(approved.promised_amt)}
    return [state.moved(PROMISED, approved.promised_fund, day, change)]
