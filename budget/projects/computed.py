"""按标准测算: projects of personnel and running costs that are computed from a spending standard.

What a head costs is what the division has registered for the project's first year. Of each unit,
category, standard and year there is one such project. Which are there is a register: a report takes
its places in it, a termination gives them back.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, Protocol

import msgspec

from budget.projects.events import ProjectReported, ProjectTerminated, ProjectYear
from division.opening import DIVISION
from division.standard import STANDARD
from ledger.books import Charts
from ledger.deciding.command import Need
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
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import Event


class ComputedProjects(msgspec.Struct, frozen=True, gc=False):
    """How many projects are computed for one unit, category, standard and year: one, or none."""

    projects: int = 0


class _Content(Protocol):
    @property
    def agency_code(self) -> str: ...
    @property
    def pro_cat_code(self) -> str: ...
    @property
    def standard_code(self) -> str: ...
    @property
    def years(self) -> Iterable[Any]: ...


def places_of(content: _Content) -> tuple[str, ...]:
    """The keys of the rows that a project takes: one a year, none where it is not computed."""
    if not content.standard_code:
        return ()
    of = f"{content.agency_code}/{content.pro_cat_code}/{content.standard_code}"
    return tuple(f"{of}/{year.fiscal_year}" for year in content.years)


class _Reported(msgspec.Struct, frozen=True, gc=False):
    """Of ``ProjectReported``."""

    agency_code: str
    pro_cat_code: str
    years: tuple[ProjectYear, ...]
    standard_code: str = ""


class _Terminated(msgspec.Struct, frozen=True, gc=False):
    """Of ``ProjectTerminated``."""

    frees: tuple[str, ...] = ()


class ComputedFold(RegisterFold):
    """By what reports take and terminations free."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        ProjectReported: _Reported,
        ProjectTerminated: _Terminated,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _Terminated):
            return [(place, 0, -1) for place in event.frees]
        return [(place, 0, 1) for place in places_of(event)]


def _touched(event: Event) -> Iterable[str]:
    if isinstance(event, ProjectTerminated):
        return event.frees
    return places_of(event) if isinstance(event, ProjectReported) else ()


def _none_there(short: Shortage) -> IntegrityError:
    return IntegrityError(f"no project is computed for {short.key}, and one is taken away")


COMPUTED: Register[ComputedProjects] = declare(
    Register(
        name="computed_project",
        row=ComputedProjects,
        floored=("projects",),
        refuse=_none_there,
        fold=ComputedFold,
        touched=_touched,
    )
)


# ---- what decisions ask


def require_free(state: LedgerState, places: Iterable[str]) -> None:
    """That no other project is computed so; raises Refusal, ``invalid_state``."""
    for place in places:
        if state.row(COMPUTED, place).projects:
            agency_code, category, standard_code, year = place.split("/")
            raise Refusal(
                Code.INVALID_STATE,
                f"unit {agency_code} has a project of category {category} at the standard"
                f" {standard_code} in {year}",
                pointer="/standard_code",
            )


def require_same_places(before: _Content, after: _Content) -> None:
    """A computed project keeps its unit, category, standard and years, and no other becomes one.

    Raises:
        Refusal: ``element_mismatch``.
    """
    if places_of(before) != places_of(after):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            "a project that is computed from a standard keeps its unit, category, standard and"
            " years: another is reported anew",
            pointer="/standard_code",
        )


def moved(state: LedgerState, places: Iterable[str], change: int) -> list[MovedRow]:
    """The rows after projects have taken, or left, these places."""
    return [state.moved(COMPUTED, place, state.today, {"projects": change}) for place in places]


def standard_amt(state: LedgerState, command: Any, pro_start_year: int) -> str:
    """What a head costs by the standard that a report or a change names, as of the project's first
    year; "" where it names none. A division that is not open has registered none: there it is what
    the command says.

    Raises:
        Refusal: ``element_invalid`` for a standard that is not registered or not in force then,
            ``budget_mismatch`` where the command says another amount.
    """
    told: str = command.standard_amt
    if not command.standard_code:
        return told
    standard = state.get(STANDARD, command.standard_code)
    if standard is None and told and not state.settings.get(DIVISION).is_open:
        return told
    day = day_of_standard(state, pro_start_year)
    version = None if standard is None else standard.on(day)
    if version is None:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"支出标准 {command.standard_code!r} is not registered for {day}",
            pointer="/standard_code",
        )
    if told not in ("", version.amt):
        raise Refusal(
            Code.BUDGET_MISMATCH,
            f"the standard {command.standard_code} is {version.amt} on {day}, not {told}",
            pointer="/standard_amt",
        )
    return version.amt


def day_of_standard(state: LedgerState, pro_start_year: int) -> date:
    """As of which a standard is taken: today, within the project's first year."""
    return min(max(state.today, date(pro_start_year, 1, 1)), date(pro_start_year, 12, 31))


def needs_standard(command: Any) -> tuple[Need, ...]:
    return ((STANDARD, command.standard_code),) if command.standard_code else ()


def amounts_asked(event: Any) -> tuple[str, ...]:
    """What a command that left this event may have said of its standard: nothing, or its amount."""
    return ("", event.standard_amt) if event.standard_code else (event.standard_amt,)
