"""控制数: what a unit may plan of a fund for a category of projects, and what drafts take of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.preparation_events import CeilingSet, DraftReturned, DraftSubmitted, PlannedPart
from division.agencies import require_agency
from ledger.account_set import division_of
from ledger.books import Charts
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan


class Ceiling(msgspec.Struct, frozen=True, gc=False):
    """In fen: what no draft has taken yet, and the ceiling itself."""

    rest: int = 0
    amt: int = 0


class _Set(msgspec.Struct, frozen=True, gc=False):
    """Of ``CeilingSet``."""

    agency_code: str
    fund_type_code: str
    pro_cat_code: str
    change_amt: str


class _Taken(msgspec.Struct, frozen=True, gc=False):
    """Of ``DraftSubmitted``."""

    agency_code: str
    planned: tuple[PlannedPart, ...] = ()


class _GivenBack(msgspec.Struct, frozen=True, gc=False):
    """Of ``DraftReturned``."""

    agency_code: str
    planned: tuple[PlannedPart, ...] = ()


class CeilingFold(RegisterFold):
    """Ceilings and what drafts take of them."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        CeilingSet: _Set,
        DraftSubmitted: _Taken,
        DraftReturned: _GivenBack,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _Set):
            key = ceiling_key(event.agency_code, event.fund_type_code, event.pro_cat_code)
            change_fen = stored_fen(event.change_amt)
            return [(key, 0, change_fen), (key, 1, change_fen)] if change_fen else []
        sign = -1 if isinstance(event, _Taken) else 1
        return [
            (
                ceiling_key(event.agency_code, part.fund_type_code, part.pro_cat_code),
                0,
                sign * stored_fen(part.amt),
            )
            for part in event.planned
        ]


def ceiling_key(agency_code: str, fund_type_code: str, pro_cat_code: str) -> str:
    """Of a row of ``CEILINGS``."""
    return f"{agency_code}/{fund_type_code}/{pro_cat_code}"


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, CeilingSet):
        yield ceiling_key(event.agency_code, event.fund_type_code, event.pro_cat_code)
    elif isinstance(event, DraftSubmitted | DraftReturned):
        for part in event.planned:
            yield ceiling_key(event.agency_code, part.fund_type_code, part.pro_cat_code)


def _refuse(short: Shortage) -> Refusal:
    agency_code, fund_type_code, pro_cat_code = short.key.split("/")
    return Refusal(
        Code.INSUFFICIENT_CEILING,
        f"the ceiling 控制数 of {agency_code} for fund {fund_type_code}, category {pro_cat_code}"
        " leaves too little",
        agency_code=agency_code,
        fund_type_code=fund_type_code,
        pro_cat_code=pro_cat_code,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
    )


CEILINGS: Register[Ceiling] = declare(
    Register(
        name="ceiling",
        row=Ceiling,
        floored=("rest", "amt"),
        refuse=_refuse,
        fold=CeilingFold,
        touched=_touched,
    )
)


class IssuedCeiling(msgspec.Struct, frozen=True):
    """A ceiling as it was set."""

    said: CeilingSet


def _fold(ceiling: IssuedCeiling | None, event: Event) -> IssuedCeiling | None:
    return IssuedCeiling(event) if isinstance(event, CeilingSet) else ceiling


CEILING: Kind[IssuedCeiling] = Kind(
    name="ceiling", opened_by="ceiling.set", fold=_fold, cost=lambda _: 2
)


class SetCeiling(Command, frozen=True, kw_only=True):
    """控制数下达: from now on a unit may plan so much of a fund for a category of projects; another
    one for the same takes the place of the former, and is never below what is planned already."""

    OPERATION: ClassVar[str] = "ceiling.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "控制数下达"
    NUMBER: ClassVar[str] = "ceiling_no"
    KIND: ClassVar[AnyKind] = CEILING
    ceiling_no: str
    agency_code: str
    fund_type_code: str
    pro_cat_code: str
    amt: str

    @property
    def key(self) -> str:
        return ceiling_key(self.agency_code, self.fund_type_code, self.pro_cat_code)

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt", zero=True)

    def needs(self) -> Iterable[Need]:
        return ((CEILING, self.ceiling_no), (CEILINGS, self.key))

    def decide(self, state: LedgerState, by: str) -> Decision:
        day, division = state.today, division_of(state.ledger_id)
        for element in ("fund_type_code", "pro_cat_code"):
            code = getattr(self, element)
            state.codes.check(element, code, on=day, mof_div_code=division, pointer=f"/{element}")
        require_agency(state, self.agency_code, day)
        change_fen = parse_yuan(self.amt, zero=True) - state.row(CEILINGS, self.key).amt
        after = state.moved(CEILINGS, self.key, day, {"rest": change_fen, "amt": change_fen})
        # point of no return
        ceiling = CeilingSet(
            ceiling_no=self.ceiling_no,
            agency_code=self.agency_code,
            fund_type_code=self.fund_type_code,
            pro_cat_code=self.pro_cat_code,
            amt=self.amt,
            change_amt=yuan(change_fen),
            rest_amt=yuan(after.row.rest),
            by=by,
        )
        return Decision(
            events=[(CEILING, self.ceiling_no, ceiling)],
            effective_on=day,
            moved=[after],
            settles=[(CEILING, self.ceiling_no)],
        )
