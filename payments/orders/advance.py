"""预拨、暂付: an advance as its events have left it, and the register of what stands out."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import Movement, Register, RegisterFold, Rows, Shortage, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.order_events import (
    AdvanceExpensed,
    AdvanceOrdered,
    AdvanceReceipted,
    AdvanceRecovered,
    AdvanceReturned,
    AdvanceStepReversed,
)
from payments.orders.ordering import ORDERED, PAID, REJECTED, day_paid

AdvanceStep = AdvanceExpensed | AdvanceRecovered | AdvanceReturned | AdvanceStepReversed


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """An advance, the central bank's answer, and how it has come down since, with the days."""

    ordered: AdvanceOrdered
    receipt: AdvanceReceipted | None = None
    steps: tuple[AdvanceStep, ...] = ()

    @property
    def status(self) -> str:
        if self.receipt is None:
            return ORDERED
        return REJECTED if self.receipt.rejected else PAID

    @property
    def paid_on(self) -> str:
        """The day on which it was booked; "" of one that was not paid."""
        return day_paid(self.receipt)

    @property
    def left_fen(self) -> int:
        """What stands out of it."""
        if self.status != PAID:
            return 0
        return stored_fen(self.ordered.amt) - sum(map(_lowered_fen, self.steps))

    @property
    def returns(self) -> list[AdvanceReturned]:
        """What the central bank said came back of it."""
        return [step for step in self.steps if isinstance(step, AdvanceReturned)]

    def step_to_reverse(self, step_no: str) -> AdvanceExpensed | AdvanceRecovered | None:
        """What persons have entered under this number and nobody has taken back."""
        reversed_nos = [s.of_step_no for s in self.steps if isinstance(s, AdvanceStepReversed)]
        of_number = (
            step
            for step in self.steps
            if isinstance(step, AdvanceExpensed | AdvanceRecovered) and step.step_no == step_no
        )
        return next(islice(of_number, reversed_nos.count(step_no), None), None)

    @property
    def kept_by(self) -> dict[str, str]:
        """The elements that its entries are kept by."""
        ordered = self.ordered
        return {
            "agency_code": ordered.agency_code,
            "fund_type_code": ordered.fund_type_code,
            "tre_code": ordered.cash_acct,
        }


def _lowered_fen(step: AdvanceStep) -> int:
    amount_fen = stored_fen(step.amt)
    return -amount_fen if isinstance(step, AdvanceStepReversed) else amount_fen


def _fold(advance: Advance | None, event: Event) -> Advance | None:
    if isinstance(event, AdvanceOrdered):
        return Advance(ordered=event)
    if advance is None:
        return None
    if isinstance(event, AdvanceReceipted):
        return msgspec.structs.replace(advance, receipt=event)
    if isinstance(event, AdvanceStep):
        return msgspec.structs.replace(advance, steps=(*advance.steps, event))
    return advance


class StandingOut(msgspec.Struct, frozen=True, gc=False):
    """Of one advance, in fen: ``left`` stands out, ``ordered`` is not answered yet."""

    left: int = 0
    ordered: int = 0


_LEFT, _ORDERED = 0, 1


class _Amount(msgspec.Struct, frozen=True, gc=False):
    """Of an order, and of what lowers what stands out."""

    adv_no: str
    amt: str


class _Lowered(_Amount, frozen=True, gc=False):
    """Of what lowers what stands out."""


class _Raised(_Amount, frozen=True, gc=False):
    """Of what takes back what lowered it."""


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """Of ``AdvanceReceipted``."""

    adv_no: str
    xpay_amt: str


class AdvanceFold(RegisterFold):
    """What is ordered stands out once it is paid, and comes down by each step."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        AdvanceOrdered: _Amount,
        AdvanceReceipted: _Answer,
        AdvanceReturned: _Lowered,
        AdvanceRecovered: _Lowered,
        AdvanceExpensed: _Lowered,
        AdvanceStepReversed: _Raised,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _Answer):
            waiting_fen = rows[event.adv_no][_ORDERED] if event.adv_no in rows else 0
            paid_fen = stored_fen(event.xpay_amt)
            yield event.adv_no, _ORDERED, -waiting_fen
            yield event.adv_no, _LEFT, paid_fen
        elif isinstance(event, _Raised):
            yield event.adv_no, _LEFT, stored_fen(event.amt)
        elif isinstance(event, _Lowered):
            yield event.adv_no, _LEFT, -stored_fen(event.amt)
        else:
            yield event.adv_no, _ORDERED, stored_fen(event.amt)


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.EXCEEDS_ADVANCE,
        f"of advance {short.key} less stands out on {short.on} 超过未清暂付款",
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


STANDING_OUT: Register[StandingOut] = declare(
    Register(
        name="advances",
        row=StandingOut,
        floored=("left", "ordered"),
        refuse=_refuse,
        fold=AdvanceFold,
        whole=True,
        keeps_zero=False,
    )
)

ADVANCE: Kind[Advance] = Kind(
    name="advance",
    opened_by="advance.pay",
    fold=_fold,
    cost=lambda advance: 1 + len(advance.steps),
    over_sql="false",  # they are few; what stands out follows from all that has lowered it
)


def require_paid(state: LedgerState, adv_no: str) -> Advance:
    """The advance, once it is paid.

    Raises:
        Refusal: ``not_found``; ``invalid_state`` before the central bank has paid it.
    """
    advance = state.get(ADVANCE, adv_no)
    if advance is None:
        raise Refusal(Code.NOT_FOUND, f"no advance {adv_no!r}")
    if advance.status != PAID:
        raise Refusal(Code.INVALID_STATE, f"advance {adv_no} is {advance.status}, not paid 未拨付")
    return advance
