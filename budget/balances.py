"""受控余额: the register of what each indicator has available, frozen, occupied, paid and planned.

*Available* is the credit balance of 支出指标 for the indicator, nothing else: a posting that would
take a controlled account below its floor is refused, so that refusing an overdraft and keeping the
books are one act (36号: 支出指标余额控制资金支付). An account of the chart says by its ``control``
which field of the register it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec.structs import astuple

from budget.events import Figures, PlanCut, PlanSet
from ledger.books import Books, Charts
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, IntegrityError, Refusal, RequestError
from ledger.events import Event, JournalPosted, PostedView
from ledger.money import AMOUNT_MAX_FEN, parse_yuan, stored_fen, yuan


class Balances(msgspec.Struct, frozen=True, gc=False):
    """Controlled credit balances of one indicator, in fen, and its plan total."""

    available: int = 0
    frozen: int = 0
    occupied: int = 0
    paid: int = 0
    plan: int = 0

    @property
    def amount(self) -> int:
        """指标金额 now: what is available, frozen, occupied and paid together."""
        return self.available + self.frozen + self.occupied + self.paid

    @property
    def plan_available(self) -> int:
        return self.plan - self.occupied - self.paid

    def figures(self) -> Figures:
        available, frozen, occupied, paid, plan = astuple(self)  # every payment comes by here twice
        plan_available = plan - occupied - paid
        return Figures(
            amount=yuan(available + frozen + occupied + paid),
            frozen_amt=yuan(frozen),
            pay_app_amt=yuan(occupied),
            pay_amt=yuan(paid),
            canuse_amt=yuan(available),
            plan_amt=yuan(plan),
            plan_canuse_amt=yuan(plan_available if plan_available > 0 else 0),
        )


NOTHING = Balances()

_PLACE = {name: place for place, name in enumerate(Balances.__struct_fields__)}
CONTROLS = ("available", "frozen", "occupied", "paid")  # what an account's ``control`` may say
PENDING_CONTROL = "pending"  # of 待下达指标, which has a register of its own (``budget.pending``)
_BESIDE = -1


class _Plan(msgspec.Struct, frozen=True, gc=False):
    """Of ``PlanSet``."""

    bgt_id: str
    plan_amt: str


class _Cut(msgspec.Struct, frozen=True, gc=False):
    """Of ``PlanCut``."""

    bgt_id: str
    cut_amt: str


class IndicatorFold(RegisterFold):
    """Journals move what an account of theirs controls, plans the plan."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        JournalPosted: PostedView,
        PlanSet: _Plan,
        PlanCut: _Cut,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, PostedView):  # nearly all are; to learn that one is not is slow
            return self._posted(event, charts)
        if isinstance(event, _Plan):
            plan_fen = parse_yuan(event.plan_amt, signed=True)
            return ((event.bgt_id, _PLACE["plan"], plan_fen),)
        return ((event.bgt_id, _PLACE["plan"], -stored_fen(event.cut_amt)),)

    def _posted(self, journal: PostedView, charts: Charts) -> Iterator[Movement]:
        if (books := charts.by_version.get(journal.chart_version)) is None:
            version = journal.chart_version
            raise IntegrityError(f"no chart {version!r} is loaded (GUOKU_CHARTS)")
        controls = _controlled(books)
        for line in journal.lines:
            if (place := controls.get(line.account)) is not None:
                key = line.bgt_id or journal.bgt_id
                if place == _BESIDE:  # it moves nothing here, and is known from that day on
                    yield key, 0, 0
                else:
                    yield key, place, -line.dr_cr * stored_fen(line.amt)


@cache
def _controlled(books: Books) -> dict[str, int]:
    """Account id -> place in :class:`Balances` of what it controls, ``_BESIDE`` for 待下达指标."""
    places = {name: _PLACE[name] for name in CONTROLS} | {PENDING_CONTROL: _BESIDE}
    return {a.id: places[a.control] for a in books.accounts.values() if a.control in places}


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, JournalPosted):
        yield event.bgt_id
        yield from (line.bgt_id for line in event.lines if line.bgt_id)
    elif isinstance(event, PlanSet | PlanCut):
        yield event.bgt_id


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_INDICATOR,
        f"indicator {short.key} has too little {short.field} on {short.on}",
        bgt_id=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


def _limit(bgt_id: str, after: Balances) -> None:
    # its ``amount``, added here: every payment comes by here twice
    if after.available + after.frozen + after.occupied + after.paid > AMOUNT_MAX_FEN:
        raise RequestError(
            Code.INVALID_AMOUNT, f"indicator {bgt_id} would exceed {yuan(AMOUNT_MAX_FEN)}"
        )


BALANCES: Register[Balances] = declare(
    Register(
        name="indicator",
        row=Balances,
        floored=("available", "frozen", "occupied", "paid", "plan"),
        refuse=_refuse,
        limit=_limit,
        fold=IndicatorFold,
        touched=_touched,
    )
)
