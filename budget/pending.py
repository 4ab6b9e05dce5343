"""待下达指标: the register of what was issued and may not be executed yet.

The credit balance of 待下达指标 for an indicator, beside those of ``budget.balances``: few
indicators have one, and what pays looks at the others alone. It follows from the events of the
indicator itself, which say what is pending behind them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.balances import PENDING_CONTROL
from budget.distribution_events import (
    DistributionRaised,
    DistributionReturned,
    IndicatorAllotted,
    IndicatorDistributed,
)
from budget.events import IndicatorEnabled, IndicatorIssued, IndicatorRecalled
from budget.year_end_events import IndicatorCarriedIn, IndicatorCarriedOver, IndicatorTakenBack
from ledger.books import Charts
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan


class PendingAmount(msgspec.Struct, frozen=True, gc=False):
    """What of an indicator is pending, in fen."""

    pending: int = 0


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of the types that an indicator begins with."""

    bgt_id: str
    amount: str
    pending_amt: str = ""


class _Taken(msgspec.Struct, frozen=True, gc=False):
    """Of what enables, recalls, distributes, carries over or takes it back."""

    bgt_id: str
    amt: str
    pending_amt: str = ""


class _Returned(msgspec.Struct, frozen=True, gc=False):
    """Of ``DistributionReturned``."""

    bgt_id: str
    amt: str
    pending_amt: str


class PendingFold(RegisterFold):
    """The events of indicators that are pending, which name what is so behind them."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        IndicatorIssued: _Issued,
        IndicatorAllotted: _Issued,
        IndicatorEnabled: _Taken,
        IndicatorRecalled: _Taken,
        IndicatorDistributed: _Taken,
        DistributionRaised: _Taken,
        DistributionReturned: _Returned,
        IndicatorCarriedOver: _Taken,
        IndicatorTakenBack: _Taken,
        IndicatorCarriedIn: _Issued,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if not event.pending_amt:
            return ()
        if isinstance(event, _Issued):
            return ((event.bgt_id, 0, stored_fen(event.amount)),)
        sign = 1 if isinstance(event, _Returned) else -1
        return ((event.bgt_id, 0, sign * stored_fen(event.amt)),)


def _touched(event: Event) -> Iterator[str]:
    if getattr(event, "pending_amt", ""):
        yield event.bgt_id  # type: ignore[attr-defined]


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_INDICATOR,
        f"indicator {short.key} has too little pending (待下达) on {short.on}",
        bgt_id=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


PENDING: Register[PendingAmount] = declare(
    Register(
        name="indicator_pending",
        row=PendingAmount,
        floored=(PENDING_CONTROL,),
        refuse=_refuse,
        fold=PendingFold,
        touched=_touched,
    )
)
