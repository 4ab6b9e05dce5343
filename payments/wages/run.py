"""工资统发: a run as its events have left it, and the register of which units were paid a month."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.other_years import in_other_years
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, GuokuError
from ledger.events import Event
from payments.wages.run_events import WagePart, WageRunLoaded, WageRunWithheld

LINES_MAX = 20_000  # of a list
NORMAL, SUPPLEMENT = "1", "2"  # 工资性质: 正常, 补发


class WageRun(msgspec.Struct, frozen=True):
    """A list of wages; ``disbursed`` are its parts that were handed on to be paid, by indicator,
    with the number of the disbursement."""

    loaded: WageRunLoaded
    disbursed: dict[str, str] = {}

    def part_of(self, bgt_id: str) -> WagePart | None:
        """What one indicator pays of it."""
        return next((part for part in self.loaded.parts if part.bgt_id == bgt_id), None)


def _fold(run: WageRun | None, event: Event) -> WageRun | None:
    if isinstance(event, WageRunLoaded):
        return WageRun(event)
    if run is not None and isinstance(event, WageRunWithheld):
        return WageRun(run.loaded, {**run.disbursed, event.bgt_id: event.run_no})
    return run


WAGE_RUN: Kind[WageRun] = Kind(
    name="wage_run",
    opened_by="wage_run.load",
    fold=_fold,
    cost=lambda run: 1 + len(run.loaded.lines),
)


# ---- once a month


class PaidMonth(msgspec.Struct, frozen=True, gc=False):
    """How many runs pay a unit's wages of a month, but for supplements."""

    runs: int = 0


class _Part(msgspec.Struct, frozen=True, gc=False):
    agency_code: str


class _Loaded(msgspec.Struct, frozen=True, gc=False):
    """Of ``WageRunLoaded``."""

    sala_month: str
    parts: tuple[_Part, ...]
    sala_property: str = NORMAL


def month_key(agency_code: str, sala_month: str) -> str:
    return f"{agency_code}/{sala_month}"


def _keys(loaded: Any) -> Iterator[str]:
    if loaded.sala_property == NORMAL:
        for agency_code in dict.fromkeys(part.agency_code for part in loaded.parts):
            yield month_key(agency_code, loaded.sala_month)


class PaidMonthFold(RegisterFold):
    """By unit and month."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {WageRunLoaded: _Loaded}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterator[Movement]:
        for key in _keys(event):
            yield key, 0, 1


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, WageRunLoaded):
        yield from _keys(event)


def _refuse(short: Shortage) -> GuokuError:
    return GuokuError(Code.INTERNAL, f"the runs of {short.key} only become more")


PAID_MONTHS: Register[PaidMonth] = declare(
    Register(
        name="wage_month",
        row=PaidMonth,
        floored=("runs",),
        refuse=_refuse,
        fold=PaidMonthFold,
        touched=_touched,
        keeps_zero=False,
    )
)
OTHER_YEAR = in_other_years(PAID_MONTHS)  # wages of December are paid in January too
