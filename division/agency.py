"""单位: the units of a division, each as it is on a day.

A unit is registered once and changes with days: what is told of a later day leaves the days before
it as they were, whenever it is told.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.base_events import AgencyChanged, AgencyRegistered
from ledger.account_set import division_of
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

# what of a unit may be other from a day on
CHANGING = (
    "agency_name",
    "agency_type_code",
    "parent_agency_code",
    "pay_bank_code",
    "unifsoc_cred_code",
    "mof_dep_code",
)
AGENCY_TYPES = {"1": "行政", "2": "参公", "3": "公益一类", "4": "公益二类", "5": "企业"}


class Agency(msgspec.Struct, frozen=True):
    """A unit as it is from ``start_date`` on, until another version of it begins."""

    agency_code: str
    start_date: date
    agency_name: str
    agency_type_code: str
    parent_agency_code: str
    pay_bank_code: str
    unifsoc_cred_code: str
    mof_dep_code: str


class RegisteredAgency(msgspec.Struct, frozen=True):
    """A registered unit.

    Attributes:
        versions: what it is, by the day from which on it is that.
        told: the changes, in the order in which they were told.
        end_date: the first day on which there is no such unit.
        successor_agency_code: whose business it is from then on.
    """

    agency_code: str
    versions: tuple[Agency, ...]
    told: tuple[AgencyChanged, ...] = ()
    end_date: date | None = None
    successor_agency_code: str = ""

    @property
    def start_date(self) -> date:
        return self.versions[0].start_date

    def on(self, day: date) -> Agency | None:
        """What it is on that day; None before it began, and from its end on."""
        if self.end_date is not None and day >= self.end_date:
            return None
        for version in reversed(self.versions):
            if version.start_date <= day:
                return version
        return None


def fold(agency: RegisteredAgency | None, event: Event) -> RegisteredAgency | None:
    match event:
        case AgencyRegistered():
            first = Agency(
                agency_code=event.agency_code,
                start_date=_day(event.start_date) or date.min,
                **{name: getattr(event, name) for name in CHANGING},
            )
            return RegisteredAgency(event.agency_code, (first,), end_date=_day(event.end_date))
        case AgencyChanged() if agency is not None:
            told = (*agency.told, event)
            return RegisteredAgency(
                agency.agency_code,
                _versions(agency.versions[0], told),
                told,
                end_date=_day(event.end_date) or agency.end_date,
                successor_agency_code=event.successor_agency_code or agency.successor_agency_code,
            )
        case _:
            return agency


def _versions(first: Agency, told: Iterable[AgencyChanged]) -> tuple[Agency, ...]:
    """The versions that changes make of the first one: by their days, and of one day in the order
    in which they were told."""
    versions = [first]
    for change in sorted(told, key=lambda each: each.start_date):
        other = {name: value for name in CHANGING if (value := getattr(change, name))}
        if not other:
            continue  # its end alone
        start = date.fromisoformat(change.start_date)
        after = msgspec.structs.replace(versions[-1], start_date=start, **other)
        if versions[-1].start_date == start:
            versions.pop()
        versions.append(after)
    return tuple(versions)


AGENCY: Kind[RegisteredAgency] = Kind(name="agency", opened_by="agency.register", fold=fold)


class RegisterAgency(Command, frozen=True, kw_only=True):
    """Registers a unit; its code is its number, and begins with its parent's."""

    OPERATION: ClassVar[str] = "agency.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = AGENCY
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "单位登记"
    NUMBER: ClassVar[str] = "agency_code"
    agency_code: str
    agency_name: str
    agency_type_code: str
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a code or days that no unit can have."""
        ElementRegister.check_shape("agency_code", self.agency_code, "/agency_code")
        if None not in (self.start_date, self.end_date) and self.end_date <= self.start_date:  # type: ignore[operator]
            raise RequestError(
                Code.MALFORMED, "a unit ends after it has begun", pointer="/end_date"
            )

    def needs(self) -> Iterable[Need]:
        return ((AGENCY, self.parent_agency_code),) if self.parent_agency_code else ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        _check_bank(state, self.pay_bank_code)
        if self.parent_agency_code:
            _check_parent(state, self, self.start_date or state.today)
        # point of no return
        registered = AgencyRegistered(
            agency_code=self.agency_code,
            start_date=_text(self.start_date),
            end_date=_text(self.end_date),
            by=by,
            **{name: getattr(self, name) for name in CHANGING},
        )
        return _decision(state, self.agency_code, registered)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**_dated_fields(cls, told.event)),)


class ChangeAgency(Command, frozen=True, kw_only=True):
    """Tells what of a unit is other from ``start_date`` on, and whether it ends; what is left out
    stays. ``successor_agency_code`` names the unit that goes on with its business 撤并."""

    OPERATION: ClassVar[str] = "agency.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = AGENCY
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "单位登记"
    NUMBER: ClassVar[str] = "change_no"
    agency_code: str
    change_no: str = ""
    start_date: date | None = None
    agency_name: str = ""
    agency_type_code: str = ""
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    end_date: date | None = None
    successor_agency_code: str = ""

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        changes = any(getattr(self, name) for name in CHANGING)
        if not changes and self.end_date is None:
            raise RequestError(Code.MALFORMED, "a change says what is other")
        if changes and self.start_date is None:
            raise RequestError(
                Code.MALFORMED, "a change says from which day on", pointer="/start_date"
            )
        if self.successor_agency_code and self.end_date is None:
            raise RequestError(
                Code.MALFORMED,
                "a successor follows a unit that ends",
                pointer="/successor_agency_code",
            )

    def needs(self) -> Iterable[Need]:
        codes = (self.agency_code, self.parent_agency_code, self.successor_agency_code)
        return tuple((AGENCY, code) for code in codes if code)

    def decide(self, state: LedgerState, by: str) -> Decision:
        agency = state.get(AGENCY, self.agency_code)
        if agency is None:
            raise Refusal(Code.NOT_FOUND, f"no unit {self.agency_code!r} is registered here")
        _check_bank(state, self.pay_bank_code)
        for name in ("start_date", "end_date"):
            day = getattr(self, name)
            if day is not None and day < agency.start_date:
                raise Refusal(
                    Code.ELEMENT_INVALID,
                    f"the unit {self.agency_code} began on {agency.start_date}",
                    pointer=f"/{name}",
                )
        if self.parent_agency_code:
            assert self.start_date is not None, "checked"
            _check_parent(state, self, self.start_date)
        if self.successor_agency_code:
            assert self.end_date is not None, "checked"
            _check_successor(state, self, self.end_date)
        # point of no return
        changed = AgencyChanged(
            agency_code=self.agency_code,
            change_no=self.change_no,
            start_date=_text(self.start_date),
            end_date=_text(self.end_date),
            successor_agency_code=self.successor_agency_code,
            by=by,
            **{name: getattr(self, name) for name in CHANGING},
        )
        return _decision(state, self.agency_code, changed)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**_dated_fields(cls, told.event)),)


def _check_bank(state: LedgerState, pay_bank_code: str) -> None:
    """Raises Refusal, ``element_invalid``."""
    if pay_bank_code:
        state.codes.check(
            "pay_bank_code",
            pay_bank_code,
            on=state.today,
            mof_div_code=division_of(state.ledger_id),
            pointer="/pay_bank_code",
        )


def _check_parent(state: LedgerState, asked: RegisterAgency | ChangeAgency, day: date) -> None:
    """The parent is there on the day, and its code the beginning of the unit's.

    Raises:
        Refusal: ``element_invalid``.
    """
    parent, pointer = asked.parent_agency_code, "/parent_agency_code"
    if not asked.agency_code.startswith(parent) or asked.agency_code == parent:
        detail = f"the code {asked.agency_code} is none of a unit below {parent}"
        raise Refusal(Code.ELEMENT_INVALID, detail, pointer=pointer)
    _require_in_force(state, parent, day, pointer)


def _check_successor(state: LedgerState, asked: ChangeAgency, day: date) -> None:
    """Raises Refusal, ``element_invalid``."""
    successor, pointer = asked.successor_agency_code, "/successor_agency_code"
    if successor == asked.agency_code:
        raise Refusal(Code.ELEMENT_INVALID, "a unit does not follow itself", pointer=pointer)
    _require_in_force(state, successor, day, pointer)


def _require_in_force(state: LedgerState, agency_code: str, day: date, pointer: str) -> None:
    agency = state.get(AGENCY, agency_code)
    if agency is None or agency.on(day) is None:
        detail = f"no unit {agency_code!r} is registered here for {day}"
        raise Refusal(Code.ELEMENT_INVALID, detail, pointer=pointer)


def _dated_fields(cls: type[Command], event: Any) -> dict[str, Any]:
    days = {name: _day(getattr(event, name)) for name in ("start_date", "end_date")}
    return fields_in(cls, event, **days)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _decision(state: LedgerState, agency_code: str, event: Event) -> Decision:
    return Decision(events=[(AGENCY, agency_code, event)], effective_on=state.today)
