"""债券资金: which indicators name a bond, and what that holds them to. Pure.

专款专用: the money of 专项债券 is for the project of its bond and for no other, wherever it goes.
"""

from collections.abc import Mapping

from budget.debt_register import SPECIAL
from budget.debts import BOND_FUND, DEBTS_KEPT, SERVICES, require_bond
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def is_of_debt(codes: Mapping[str, str]) -> bool:
    """Whether what has these codes is the money of a bond, or is paid for debts."""
    fund, economy = codes["fund_type_code"], codes["gov_bgt_eco_code"]
    return fund.startswith(tuple(BOND_FUND.values())) or economy in SERVICES


def require_of_bond(state: LedgerState, codes: Mapping[str, str], bond_code: str) -> None:
    """That an indicator names a bond where it has to, and one that it fits.

    Args:
        codes: the indicator's dimensions.

    Raises:
        Refusal: ``element_invalid`` where it names none, or one that is not registered;
            ``element_mismatch`` where fund or project is not the bond's.
    """
    if not bond_code:
        if state.settings.get(DEBTS_KEPT).on and is_of_debt(codes):
            raise Refusal(
                Code.ELEMENT_INVALID,
                "the money of a bond, and what is paid for debts, names its bond 债券代码",
                pointer="/bond_code",
            )
        return
    bond = require_bond(state, bond_code)
    fund, registered = codes["fund_type_code"], bond.registered
    if not fund.startswith(bond.kind_of_fund):
        raise _mismatch(
            f"the money of bond {bond_code} is of fund {bond.kind_of_fund}, not of {fund}",
            "/fund_type_code",
        )
    if not is_of_debt(codes):
        raise _mismatch(
            f"fund {fund} is no money of a bond: that is of {', '.join(BOND_FUND.values())}",
            "/bond_code",
        )
    is_spent = codes["gov_bgt_eco_code"] not in SERVICES
    is_bound = registered.bond_type_code == SPECIAL or registered.pro_code != ""
    if is_spent and is_bound and registered.pro_code != codes["pro_code"]:
        raise _mismatch(
            f"bond {bond_code} is of project {registered.pro_code or 'none here'}, not of"
            f" {codes['pro_code']} 专项债券专款专用",
            "/pro_code",
        )


def _mismatch(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.ELEMENT_MISMATCH, detail, pointer=pointer)
