"""What a report of a project, and a change of one, are held to: shapes first, then the codes."""

from datetime import date
from typing import Any

import msgspec

from budget.projects.figures import check_standard, check_term, check_year, check_years
from budget.projects.project import ProjectVersion
from division.agencies import require_agency
from division.agency import AGENCY
from ledger.account_set import SYSTEM_DIVISION, division_of
from ledger.deciding.command import Need
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan

FULL_CODE_DIGITS = 21  # 区划 6, 年度 2, 顺序号 13
_DIVISION_DIGITS = 6
YEAR_FLAGS = ("0", "1")  # 年度, 总体
_OF_A_CHANGE = {"change_no", "start_date"}  # what says nothing of the project itself


def check_content(command: Any) -> None:
    """Shapes and amounts of what a report says, or a change.

    Raises:
        RequestError: ``malformed`` or ``invalid_amount``.
    """
    if command.pro_start_year is not None:
        check_year(command.pro_start_year, "/pro_start_year")
    check_term(command.pro_term)
    for index, goal in enumerate(command.goals):
        if goal.yearflag not in YEAR_FLAGS:
            raise RequestError(
                Code.MALFORMED,
                "yearflag is 0 年度 or 1 总体",
                pointer=f"/goals/{index}/yearflag",
            )
    check_years(command.years)
    check_standard(command.standard_code, command.standard_amt, command.head_count)
    if command.pro_total_amt != "":
        parse_yuan(command.pro_total_amt, pointer="/pro_total_amt")


def check_change(command: Any) -> None:
    """Likewise of a change, which tells something at least; raises RequestError."""
    check_content(command)
    said = {
        field.name
        for field in msgspec.structs.fields(command)
        if not field.required and getattr(command, field.name) != field.default
    }
    if not said - _OF_A_CHANGE:
        raise RequestError(Code.MALFORMED, "nothing is said to be other")


def total_asked(command: Any, before: ProjectVersion, after: ProjectVersion) -> int:
    """The total in fen that the years after a change have to make up: the one that it tells; where
    it tells years alone, the one before."""
    if command.pro_total_amt:
        return parse_yuan(command.pro_total_amt, pointer="/pro_total_amt")
    return before.pro_total_fen if command.years else after.pro_total_fen


def require_own_code(state: LedgerState, pro_code: str) -> None:
    """A code that is given in full begins with its division's.

    Raises:
        Refusal: ``element_invalid``.
    """
    division = division_of(state.ledger_id)
    if division == SYSTEM_DIVISION:
        raise Refusal(
            Code.ELEMENT_INVALID, "a project is a division's own", pointer="/mof_div_code"
        )
    own = division[:_DIVISION_DIGITS]
    if len(pro_code) == FULL_CODE_DIGITS and not pro_code.startswith(own):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{pro_code} is a project of the division {pro_code[:_DIVISION_DIGITS]}, not of {own}",
            pointer="/pro_code",
        )


def needs_agencies(command: Any) -> tuple[Need, ...]:
    """The units that a report or a change names."""
    named = (command.agency_code, *command.use_agency_codes)
    return tuple((AGENCY, agency_code) for agency_code in named if agency_code)


def require_codes(state: LedgerState, command: Any, day: date) -> None:
    """That the category and the units that a report or a change tells are in force on a day.

    Raises:
        Refusal: ``element_invalid``, with the pointer of the code.
    """
    codes, division = state.codes, division_of(state.ledger_id)
    if category := getattr(command, "pro_cat_code", ""):
        place = "/pro_cat_code"
        codes.check("pro_cat_code", category, on=day, mof_div_code=division, pointer=place)
        codes.check_leaf("pro_cat_code", category, on=day, mof_div_code=division, pointer=place)
    agencies = [("/agency_code", command.agency_code)] if command.agency_code else []
    for index, agency_code in enumerate(command.use_agency_codes):
        agencies.append((f"/use_agency_codes/{index}", agency_code))
    for place, agency_code in agencies:
        if require_agency(state, agency_code, day, pointer=place) is None:
            codes.check("agency_code", agency_code, on=day, mof_div_code=division, pointer=place)
