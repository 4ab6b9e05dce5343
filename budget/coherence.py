"""要素之间: what the codes of an indicator must agree in before money is tied to them.

Each is in force, none has codes below it, the two economic classifications go together, the books
have an account for it, and the fund pays for the function. What goes together is data
(``ledger.elements.code_sets``).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from budget.indicator import LEAF_CODES
from budget.special_funds import is_of_unit, is_special, is_units_money, require_kept
from division.agencies import require_agency
from division.agency import Agency
from ledger.account_set import division_of
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal

AGENCY_CODE = "agency_code"
DEPARTMENTS_ECONOMY = "dep_bgt_eco_code"
GENERAL_BUDGET = "11"  # 一般公共预算资金
RESERVE = "514"  # 预备费及预留, of 政府支出经济分类
OWN_OF_TREASURY = ("512", "513")  # 债务还本, 转移性支出: no department spends them


def hold_together(
    state: LedgerState, codes: Mapping[str, str], day: date, pointer: str = ""
) -> dict[str, str]:
    """The names of these codes, by element, all of them held together, for what is to be paid.

    Args:
        codes: by element, those of ``budget.indicator.CODED``.
        pointer: where they stand.

    Raises:
        Refusal: ``element_invalid`` for a unit that the division has not registered for the day,
            or the first that is not in force, has codes below it, or is not paid here;
            ``element_mismatch`` where the fund does not pay for the function.
    """
    names = _in_force(state, codes, day, pointer)
    _economies_agree(state, codes, day, pointer)
    agency = require_agency(state, codes[AGENCY_CODE], day)
    booked_by = {name: codes[name] for name in DIMENSIONS}
    booked_by["agency_type_code"] = agency.agency_type_code if agency is not None else ""
    if element := state.books(day).uncovered(booked_by):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{element} {booked_by[element]} is not paid through these books",
            pointer=f"{pointer}/{element}",
        )
    require_kept(state, codes["fund_type_code"], f"{pointer}/fund_type_code")
    _fund_pays(state, codes, day, pointer)
    return names


def budget_codes_agree(
    state: LedgerState, codes: Mapping[str, str], day: date, pointer: str
) -> dict[str, str]:
    """The names of these codes, held together for what is only planned: a reserve (预备费) is a row
    of the budget, though nobody is paid from it.

    Args:
        codes: by element, the dimensions.
        pointer: where they stand.

    Raises:
        Refusal: ``element_invalid``, ``element_mismatch``.
    """
    names = _in_force(state, codes, day, pointer)
    for _, check in _between(state, codes, day, pointer):
        check()
    return names


def budget_code_problems(
    state: LedgerState, codes: Mapping[str, str], day: date, pointer: str
) -> Iterator[Refusal]:
    """All that :func:`budget_codes_agree` would refuse, one for each code: for whoever sends many
    rows at once, and mends them at once."""
    wrong: set[str] = set()
    of_none = _of_no_department(codes)
    for element, code in codes.items():
        if of_none and element == DEPARTMENTS_ECONOMY:
            continue
        try:
            _in_force(state, {element: code}, day, pointer)
        except Refusal as refusal:
            wrong.add(element)
            yield refusal
    for elements, check in _between(state, codes, day, pointer):
        if wrong.isdisjoint(elements):
            try:
                check()
            except Refusal as refusal:
                yield refusal


def _between(
    state: LedgerState, codes: Mapping[str, str], day: date, pointer: str
) -> Iterator[tuple[tuple[str, ...], Callable[[], None]]]:
    """What codes that are only planned have to agree in: the elements, and the check."""
    if not codes["gov_bgt_eco_code"].startswith(RESERVE):
        economies = ("gov_bgt_eco_code", "dep_bgt_eco_code")
        yield economies, lambda: _economies_agree(state, codes, day, pointer)
    funded = ("fund_type_code", "exp_func_code")
    yield funded, lambda: _fund_pays(state, codes, day, pointer)


def _in_force(
    state: LedgerState, codes: Mapping[str, str], day: date, pointer: str
) -> dict[str, str]:
    """The names of codes that are in force and, where it matters, have none below them."""
    division = division_of(state.ledger_id)
    agency: Agency | None = None
    if AGENCY_CODE in codes:
        place = f"{pointer}/{AGENCY_CODE}"
        agency = require_agency(state, codes[AGENCY_CODE], day, pointer=place)
    none = DEPARTMENTS_ECONOMY if _of_no_department(codes) else ""
    names = {
        element: agency.agency_name
        if agency is not None and element == AGENCY_CODE
        else ""
        if element == none
        else state.codes.check(
            element, code, on=day, mof_div_code=division, pointer=f"{pointer}/{element}"
        )
        for element, code in codes.items()
    }
    for element in LEAF_CODES:
        if element in codes and element != none:
            place = f"{pointer}/{element}"
            state.codes.check_leaf(
                element, codes[element], on=day, mof_div_code=division, pointer=place
            )
    return names


def _of_no_department(codes: Mapping[str, str]) -> bool:
    """Whether these are the treasury's own, and rightly name no 部门经济分类."""
    none = codes.get(DEPARTMENTS_ECONOMY) == ""
    return none and codes.get("gov_bgt_eco_code", "").startswith(OWN_OF_TREASURY)


def _economies_agree(state: LedgerState, codes: Mapping[str, str], day: date, pointer: str) -> None:
    division = division_of(state.ledger_id)
    gov, dep = codes["gov_bgt_eco_code"], codes["dep_bgt_eco_code"]
    if _of_no_department(codes):
        return
    if not state.codes.allowed_pair(gov, dep, on=day, mof_div_code=division):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"政府经济分类 {gov} does not go with 部门经济分类 {dep}",
            pointer=f"{pointer}/dep_bgt_eco_code",
        )


def _fund_pays(state: LedgerState, codes: Mapping[str, str], day: date, pointer: str) -> None:
    division = division_of(state.ledger_id)
    fund, function = codes["fund_type_code"], codes["exp_func_code"]
    payers: tuple[str, ...] = (fund,)
    # while the code sets had no pairs of funds 2 and 3, these were spent on what 11 is
    if is_special(fund) and not state.codes.joins_special:
        payers = (fund, GENERAL_BUDGET)
    if is_of_unit(fund):
        if is_units_money(state, fund) and not state.codes.joins_units:
            payers = (fund, GENERAL_BUDGET)
        elif state.codes.joins_units and not is_units_money(state, fund):
            payers = ()  # the pairs tell of accounts that this ledger was opened without
    if not any(
        state.codes.allowed_fund(payer, function, on=day, mof_div_code=division) for payer in payers
    ):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"资金性质 {fund} does not pay for 支出功能分类 {function}",
            pointer=f"{pointer}/exp_func_code",
        )
