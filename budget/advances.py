"""提前下达限额: the register of what each unit may still be advanced before the budget is approved.

预算法 §54: until the budget is approved a unit is paid what it needs within what last year's same
period had. Once a ledger has been told these limits, an indicator that stands beside the budget is
an advance (预拨指标), and takes of its unit's limit.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.advance_events import AdvanceLimit, AdvanceLimitsSet
from budget.events import IndicatorAdjusted, IndicatorIssued, IndicatorRecalled
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
from ledger.deciding.settings import Setting
from ledger.deciding.settings import declare as declare_setting
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

ADVANCE = "11"  # 预拨指标, of bgt_type_code


class Advances(msgspec.Struct, frozen=True, gc=False):
    """Of a unit, in fen."""

    left: int = 0
    limit: int = 0


class _LimitsSet(msgspec.Struct, frozen=True, gc=False):
    """Of ``AdvanceLimitsSet``."""

    limits: tuple[AdvanceLimit, ...]
    change_amts: tuple[str, ...]


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorIssued``."""

    amount: str
    advance_of: str = ""


class _Adjusted(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorAdjusted``."""

    adj_amt: str
    advance_of: str = ""


class _Recalled(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorRecalled``."""

    amt: str
    advance_of: str = ""


_PLACE = {name: place for place, name in enumerate(Advances.__struct_fields__)}


class AdvanceLimitFold(RegisterFold):
    """By unit: what limits say, and what its advances take of them and give back."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        AdvanceLimitsSet: _LimitsSet,
        IndicatorIssued: _Issued,
        IndicatorAdjusted: _Adjusted,
        IndicatorRecalled: _Recalled,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _LimitsSet):
            return [
                (limit.agency_code, place, stored_fen(change_amt))
                for limit, change_amt in zip(event.limits, event.change_amts, strict=True)
                for place in _PLACE.values()
            ]
        return [(event.advance_of, _PLACE["left"], -taken_fen(event))] if event.advance_of else ()


def taken_fen(event: Any) -> int:
    """What an event takes of its unit's limit; less than nothing where it gives back."""
    match event:
        case _Issued():
            return stored_fen(event.amount)
        case _Adjusted():
            return stored_fen(event.adj_amt)
    return -stored_fen(event.amt)


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, AdvanceLimitsSet):
        yield from (limit.agency_code for limit in event.limits)
    elif agency_code := getattr(event, "advance_of", ""):
        yield agency_code


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_BUDGET,
        f"unit {short.key} has too little left of its limit (提前下达限额) on {short.on}",
        agency_code=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


ADVANCES: Register[Advances] = declare(
    Register(
        name="advance_limit",
        row=Advances,
        floored=("left",),
        refuse=_refuse,
        fold=AdvanceLimitFold,
        touched=_touched,
    )
)


class AdvanceState(msgspec.Struct, frozen=True):
    """Whether the ledger has limits of advances."""

    is_limited: bool = False


def _fold(advances: AdvanceState, event: Event) -> AdvanceState:
    return AdvanceState(is_limited=True) if isinstance(event, AdvanceLimitsSet) else advances


ADVANCE_LIMITS = declare_setting(Setting("advance_limits", AdvanceState(), _fold))


def taken_of_limit(state: LedgerState, agency_code: str, day: date, fen: int) -> list[MovedRow]:
    """A unit's limit after an advance takes so much of it; none without a unit that is limited.

    Raises:
        Refusal: ``insufficient_budget`` where the limit has less, on that day or a later one.
    """
    return [state.moved(ADVANCES, agency_code, day, {"left": -fen})] if agency_code else []
