"""要素: what an application says of its elements, held to codes in force and to its indicator."""

from datetime import date
from operator import attrgetter
from typing import Protocol

from budget.debts import SERVICES
from budget.indicator import Indicator
from budget.special_funds import ELSEWHERE, require_kept
from division.agencies import refuse_ended
from ledger.account_set import division_of
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal

_OWN_CODES = ("set_mode_code", "pay_bus_type_code")  # beside those of its indicator
_own_codes = attrgetter(*_OWN_CODES)
_dimensions = attrgetter(*DIMENSIONS)


class AskedElements(Protocol):
    """An application; it has each of ``DIMENSIONS`` and of its own codes, "" where it says none."""

    @property
    def bgt_id(self) -> str: ...
    @property
    def bond_code(self) -> str: ...


def check_elements(
    state: LedgerState, asked: AskedElements, indicator: Indicator, day: date
) -> None:
    """That its fund is one the ledger pays, its unit has not ended, and its codes are in force.

    Raises:
        Refusal: ``element_invalid``; ``element_mismatch`` where it says another dimension than its
            indicator.
    """
    issued = indicator.issued
    if issued.fund_type_code.startswith(ELSEWHERE):
        require_kept(state, issued.fund_type_code, "/bgt_id")
    if issued.bond_code or asked.bond_code:
        _hold_to_bond(asked, indicator)
    refuse_ended(state, issued.agency_code, day, pointer="/bgt_id")
    division = division_of(state.ledger_id)
    state.codes.check_given(_OWN_CODES, _own_codes(asked), on=day, mof_div_code=division)
    if any(_dimensions(asked)):  # as a rule none is given
        _check_dimensions(state, asked, indicator, day)


def _hold_to_bond(asked: AskedElements, indicator: Indicator) -> None:
    """A payment is of its indicator's bond. What is paid for debts themselves is ordered of the
    central bank, whose word brings down what is owed.

    Raises:
        Refusal: ``element_mismatch``, ``element_invalid``.
    """
    issued = indicator.issued
    if asked.bond_code and asked.bond_code != issued.bond_code:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"bond_code {asked.bond_code} is not that of indicator {asked.bgt_id},"
            f" {issued.bond_code or 'none'}",
            pointer="/bond_code",
            bgt_id=asked.bgt_id,
        )
    if issued.gov_bgt_eco_code in SERVICES:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"indicator {asked.bgt_id} is for debts (还本付息、转贷): it is paid by an allocation"
            " 实拨 that names its bond",
            pointer="/bgt_id",
            bgt_id=asked.bgt_id,
        )


def _check_dimensions(
    state: LedgerState, asked: AskedElements, indicator: Indicator, day: date
) -> None:
    codes, division = state.codes, division_of(state.ledger_id)
    named = zip(DIMENSIONS, _dimensions(asked), strict=True)
    given = [(element, code) for element, code in named if code]
    for element, code in given:
        codes.check(element, code, on=day, mof_div_code=division, pointer=f"/{element}")
    for element, code in given:
        of_indicator = getattr(indicator.issued, element)
        refines = element == "dep_bgt_eco_code" and of_indicator != ""
        refined = refines and code.startswith(of_indicator)
        if code != of_indicator and not refined:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{element} {code} is not that of indicator {asked.bgt_id}, {of_indicator}",
                pointer=f"/{element}",
                bgt_id=asked.bgt_id,
            )
        if code != of_indicator:
            codes.check_leaf(element, code, on=day, mof_div_code=division, pointer=f"/{element}")
