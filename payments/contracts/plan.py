"""采购计划: a purchase plan as its events have left it, and what of it is not contracted.

What a plan holds is frozen (冻结) on its indicator: it is not available for anything else. A
contract takes its amount over from the plan, and the payments on it take that off the frozen
amount.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.balances import BALANCES
from ledger.books import Charts
from ledger.deciding.objects import Kind
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
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.contracts.events import (
    ContractAmended,
    ContractEnded,
    ContractRegistered,
    PurchasePlanAdjusted,
    PurchasePlanRegistered,
)


class PurchasePlan(msgspec.Struct, frozen=True):
    """A plan; ``adjusted`` are the changes of its amount, in order."""

    registered: PurchasePlanRegistered
    adjusted: tuple[PurchasePlanAdjusted, ...] = ()

    @property
    def pur_plan_no(self) -> str:
        return self.registered.pur_plan_no

    @property
    def bgt_id(self) -> str:
        return self.registered.bgt_id

    @property
    def agency_code(self) -> str:
        return self.registered.agency_code

    @property
    def pur_amt(self) -> str:
        """What is planned now, in yuan."""
        return self._last.pur_amt

    @property
    def left_amt(self) -> str:
        """What no contract had after the plan's own last event, in yuan."""
        return self._last.left_amt

    @property
    def _last(self) -> PurchasePlanRegistered | PurchasePlanAdjusted:
        return self.adjusted[-1] if self.adjusted else self.registered


class Uncontracted(msgspec.Struct, frozen=True, gc=False):
    """What of a plan no contract has, in fen."""

    left: int = 0


class _Registered(msgspec.Struct, frozen=True, gc=False):
    """Of ``PurchasePlanRegistered``."""

    pur_plan_no: str
    pur_amt: str


class _Adjusted(msgspec.Struct, frozen=True, gc=False):
    """Of ``PurchasePlanAdjusted``."""

    pur_plan_no: str
    adj_amt: str


class _Contracted(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractRegistered``."""

    year_amt: str
    pur_plan_no: str = ""


class _Amended(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractAmended``."""

    change_amt: str
    pur_plan_no: str = ""


class _Ended(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractEnded``."""

    released_amt: str
    pur_plan_no: str = ""


class PlanFold(RegisterFold):
    """The plans' own events, and those of the contracts under them."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        PurchasePlanRegistered: _Registered,
        PurchasePlanAdjusted: _Adjusted,
        ContractRegistered: _Contracted,
        ContractAmended: _Amended,
        ContractEnded: _Ended,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if not event.pur_plan_no:
            return ()
        match event:
            case _Registered():
                left_fen = stored_fen(event.pur_amt)
            case _Adjusted():
                left_fen = stored_fen(event.adj_amt)
            case _Contracted():
                left_fen = -stored_fen(event.year_amt)
            case _Amended():
                left_fen = -stored_fen(event.change_amt)
            case _:
                left_fen = stored_fen(event.released_amt)
        return ((event.pur_plan_no, 0, left_fen),)


def _touched(event: Event) -> Iterator[str]:
    if key := getattr(event, "pur_plan_no", ""):
        yield key


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_PURCHASE_PLAN,
        f"purchase plan {short.key} has too little that is not contracted on {short.on}",
        pur_plan_no=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


PLANS: Register[Uncontracted] = declare(
    Register(
        name="purchase_plan",
        row=Uncontracted,
        floored=("left",),
        refuse=_refuse,
        fold=PlanFold,
        touched=_touched,
    )
)


def _fold(plan: PurchasePlan | None, event: Event) -> PurchasePlan | None:
    if isinstance(event, PurchasePlanRegistered):
        return PurchasePlan(event)
    if plan is not None and isinstance(event, PurchasePlanAdjusted):
        return msgspec.structs.replace(plan, adjusted=(*plan.adjusted, event))
    return plan


PURCHASE_PLAN: Kind[PurchasePlan] = Kind(
    name="purchase_plan",
    opened_by="purchase_plan.register",
    fold=_fold,
    rows=lambda plan: ((PLANS, plan.pur_plan_no), (BALANCES, plan.bgt_id)),
)


def require_plan(state: LedgerState, pur_plan_no: str) -> PurchasePlan:
    """The plan; raises Refusal ``not_found``."""
    if (plan := state.get(PURCHASE_PLAN, pur_plan_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no purchase plan {pur_plan_no!r}", pointer="/pur_plan_no")
    return plan


def plan_moved(state: LedgerState, pur_plan_no: str, day: date, left_fen: int) -> MovedRow:
    """What is not contracted after it has changed; raises Refusal
    ``insufficient_purchase_plan``."""
    return state.moved(PLANS, pur_plan_no, day, {"left": left_fen})
