"""承接上年结转: the next year's indicators begin with what was carried over. Pure decisions.

Nobody asks for it over the network: the program brings what the year before has told, which the
command holds whole, so that it is decided again from the record, and held against that year's.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.events import IndicatorIssued
from budget.indicator import EXECUTABLE, INDICATOR, Indicator, journal
from budget.issuing import opening_rows, require_new
from budget.year_end.carrying import LAST_YEARS
from budget.year_end_events import CarriedIndicator, CarriedTaken, IndicatorCarriedIn
from division.agencies import agency_on
from ledger.account_set import division_of, require_year_before
from ledger.calendar import first_open_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.events import Event
from ledger.money import stored_fen, yuan

_SAID = ("from_ledger", "from_position", "from_chain", "items_sm3")
_MARK = "JZ"  # 结转: what the number of a carried indicator begins with


class CarryIn(msgspec.Struct, frozen=True):
    """A part of what the year before has handed on."""

    taken: CarriedTaken


def _fold(obj: CarryIn | None, event: Event) -> CarryIn | None:
    return CarryIn(event) if isinstance(event, CarriedTaken) else obj


CARRY_IN: Kind[CarryIn] = Kind(name="carry_in", opened_by="year_end.take_carried", fold=_fold)


class TakeCarried(Command, frozen=True, kw_only=True):
    """承接: these indicators begin, all of them or none; ``from_position`` is that of the closing
    of ``from_ledger``."""

    OPERATION: ClassVar[str] = "year_end.take_carried"
    NUMBER: ClassVar[str] = "part_no"
    KIND: ClassVar[AnyKind] = CARRY_IN
    KEEPS_REFUSAL: ClassVar[bool] = False
    part_no: str
    from_ledger: str
    from_position: int
    from_chain: str
    items: tuple[CarriedIndicator, ...]

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The parts are told by the indicators that began."""
        begun = (event for event in told.behind() if isinstance(event, IndicatorCarriedIn))
        items = tuple(_as_handed_on(event) for event in begun)
        return (cls(**fields_in(cls, told.event, items=items)),)

    @property
    def items_sm3(self) -> str:
        """SM3 of what is brought, hex."""
        return hashlib.new("sm3", msgspec.json.encode(self.items)).hexdigest()

    @property
    def body(self) -> object:
        """What is brought stands behind the event; its SM3 stands for it."""
        return {name: getattr(self, name) for name in _SAID}

    @classmethod
    def bodies_in(cls, event: CarriedTaken, day: date) -> Iterable[object]:
        return ({name: getattr(event, name) for name in _SAID},)

    def needs(self) -> Iterable[Need]:
        return (CARRY_IN, self.part_no), *((INDICATOR, item.bgt_id) for item in self.items)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_before(state.ledger_id, self.from_ledger)
        day = first_open_day(state, date(state.fiscal_year, 1, 1))
        for index, item in enumerate(self.items):
            require_new(state, item.bgt_id, f"/items/{index}")
        # point of no return
        head = CarriedTaken(
            part_no=self.part_no,
            from_ledger=self.from_ledger,
            from_position=self.from_position,
            from_chain=self.from_chain,
            items_sm3=self.items_sm3,
            amt=yuan(sum(stored_fen(item.amount) for item in self.items)),
            codes_version=state.codes.version,
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(CARRY_IN, self.part_no, head)]
        moved: list[MovedRow] = []
        for item in self.items:
            begun, rows = _begun(state, self.from_ledger, item, day, by, ahead=len(events))
            events += begun
            moved += rows
        opens = [(INDICATOR, item.bgt_id) for item in self.items]
        return Decision(events=events, effective_on=day, moved=moved, opens=opens)


def next_number(bgt_id: str, year: int) -> str:
    """The number of an indicator that ``year`` hands on: by it the next year's is known."""
    before = f"{_MARK}{year - 1}-"
    return f"{_MARK}{year}-{bgt_id.removeprefix(before)}"


_HANDED_ON = tuple(
    name for name in CarriedIndicator.__struct_fields__ if name in IndicatorIssued.__struct_fields__
)


_MARKS = ("is_contrlbyplan", "is_gov_pur")


def _as_handed_on(event: IndicatorCarriedIn) -> CarriedIndicator:
    return handed_on(event, first_year=event.first_year)


def handed_on(issued: IndicatorIssued, **otherwise: Any) -> CarriedIndicator:
    """An indicator as the next year is told it: as it was issued, but for what is told otherwise;
    what it is not marked as is not said."""
    told: dict[str, Any] = {name: getattr(issued, name) or None for name in _MARKS}
    told |= {name: getattr(issued, name) for name in _HANDED_ON if name not in _MARKS}
    return CarriedIndicator(**{**told, **otherwise})


def _begun(
    state: LedgerState, from_ledger: str, item: CarriedIndicator, day: date, by: str, *, ahead: int
) -> tuple[list[tuple[AnyKind | None, str, Event]], list[MovedRow]]:
    """The indicator's beginning and its journal, and the rows of the registers that begin."""
    pending = item.bgt_exe_flag != EXECUTABLE
    rule = f"{IndicatorCarriedIn.TYPE}_pending" if pending else IndicatorCarriedIn.TYPE
    amounts = {"amount": stored_fen(item.amount)}
    rows = opening_rows(state, day, item.bgt_id, "", rule, amounts)
    told: dict[str, Any] = {name: bool(getattr(item, name)) for name in _MARKS}
    told |= {name: getattr(item, name) for name in _HANDED_ON if name not in _MARKS}
    begun = IndicatorCarriedIn(
        **told,
        **_names(state, item, day),
        bgt_type_code=LAST_YEARS,
        from_ledger=from_ledger,
        first_year=item.first_year,
        pending_amt=item.amount if pending else "",
        codes_version=state.codes.version,
        figures=rows[0].row.figures(),
        by=by,
    )
    entry = journal(
        state,
        begun.TYPE,
        day,
        number=item.bgt_id,
        indicator=Indicator(begun, begun.figures),
        amounts_fen=amounts,
        ahead=ahead,
        rule_name=rule,
    )
    return [(INDICATOR, item.bgt_id, begun), (INDICATOR, item.bgt_id, entry)], rows


def _names(state: LedgerState, item: CarriedIndicator, day: date) -> dict[str, Any]:
    """What its codes are called this year; the year before has seen to it that they are in force,
    and what it has handed on begins whatever was loaded since."""
    division = division_of(state.ledger_id)
    codes = {name: getattr(item, name) for name in DIMENSIONS} | {"bgt_type_code": LAST_YEARS}
    names = {
        name.replace("_code", "_name"): state.codes.name(name, code, on=day, mof_div_code=division)
        for name, code in codes.items()
        if name not in ("agency_code", "pro_code")
    }
    agency = agency_on(state, item.agency_code, day) if state.standing is not None else None
    names["agency_name"] = (
        agency.agency_name
        if agency is not None
        else state.codes.name("agency_code", item.agency_code, on=day, mof_div_code=division)
    )
    return names
