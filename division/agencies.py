"""单位 where decisions ask for them: in a year's ledger, and in the division's standing ledger.

A year's ledger knows the units of its own division as of the position that it has noted. A command
on the standing ledger itself names the unit in its ``needs()``, as ``(AGENCY, agency_code)``.
"""

from datetime import date

from division.agency import AGENCY, Agency, RegisteredAgency
from division.knowledge import own_division
from division.opening import DIVISION
from ledger.account_set import is_standing
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def keeps_agencies(state: LedgerState) -> bool:
    """Whether only registered units act: the division has been opened and, in a year's ledger, has
    registered any. Until then its years work without."""
    if is_standing(state.ledger_id):
        return state.settings.get(DIVISION).is_open
    division = own_division(state)
    return division.is_open and bool(division.agencies)


def agency_on(state: LedgerState, agency_code: str, day: date) -> Agency | None:
    """What a unit is on a business day; None where it is not registered, or not in force then."""
    agency = _registered(state, agency_code)
    return None if agency is None else agency.on(day)


def require_agency(
    state: LedgerState, agency_code: str, day: date, *, pointer: str = "/agency_code"
) -> Agency | None:
    """The unit on a business day; None where units are not kept (:func:`keeps_agencies`).

    Raises:
        Refusal: ``element_invalid`` for a unit that is not registered, or not in force on the day.
    """
    if not keeps_agencies(state):
        return None
    agency = agency_on(state, agency_code, day)
    if agency is None:
        raise Refusal(Code.ELEMENT_INVALID, _why_not(state, agency_code, day), pointer=pointer)
    return agency


def type_on(state: LedgerState, agency_code: str, day: date) -> str:
    """The unit's type on a business day; "" where units are not kept, or this one is not there:
    what has happened is booked all the same."""
    if state.standing is None or not keeps_agencies(state):  # every receipt comes by here
        return ""
    agency = agency_on(state, agency_code, day)
    return "" if agency is None else agency.agency_type_code


def refuse_ended(state: LedgerState, agency_code: str, day: date, *, pointer: str) -> None:
    """Refuses what a unit asks for from its end on; what is under way still comes to its end.

    Raises:
        Refusal: ``element_invalid``.
    """
    if state.standing is None:  # every payment comes by here
        return
    division = own_division(state)
    agency = division.agencies.get(agency_code)
    if agency is None or agency.end_date is None or day < agency.end_date or not division.is_open:
        return
    raise Refusal(Code.ELEMENT_INVALID, _why_not(state, agency_code, day), pointer=pointer)


def _registered(state: LedgerState, agency_code: str) -> RegisteredAgency | None:
    if is_standing(state.ledger_id):
        return state.get(AGENCY, agency_code)
    return own_division(state).agencies.get(agency_code)


def _why_not(state: LedgerState, agency_code: str, day: date) -> str:
    agency = _registered(state, agency_code)
    if agency is None:
        return f"单位 {agency_code!r} is not registered in the division"
    if agency.end_date is None or day < agency.end_date:
        return f"单位 {agency_code} begins on {agency.start_date}, after {day}"
    follows = agency.successor_agency_code
    return f"单位 {agency_code} ended on {agency.end_date}" + (
        f"; its business is that of {follows} 撤并" if follows else ""
    )
