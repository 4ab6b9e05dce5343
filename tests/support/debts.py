"""地方政府债务, as tests tell limits, register bonds and pay what is owed."""

from datetime import date
from typing import Any

from accounting.bond_issuing import IssueBond
from budget.debts import AccrueInterest, RegisterBond, SetDebtLimit
from payments.orders.allocations import Allocation
from tests.support.allocations import allocation, receipt_of
from tests.support.bookkeeper import Bookkeeper

PRINCIPAL = {
    "exp_func_code": "23103",
    "gov_bgt_eco_code": "51201",
    "dep_bgt_eco_code": "",
    "fund_type_code": "111",
}
INTEREST = {"exp_func_code": "23203", "gov_bgt_eco_code": "51101", "dep_bgt_eco_code": "30701"}


def limits(general: str, special: str, number: str = "XE-1") -> SetDebtLimit:
    return SetDebtLimit(
        debt_limit_no=number,
        general_amt=general,
        special_amt=special,
        approval_doc_no="人大〔2026〕1号",
    )


def bond(code: str, kind: str, principal: str, **more: Any) -> RegisterBond:
    terms = {
        "bond_name": f"样例债券{code}",
        "int_rate": "2.40",
        "int_times": "2",
        "issue_date": date(2026, 1, 15),
        "due_date": date(2031, 1, 15),
    }
    said = {"bond_code": code, "bond_type_code": kind, "principal_amt": principal}
    return RegisterBond(**{**terms, **said, **more})


def issue(code: str, amt: str, number: str = "") -> IssueBond:
    return IssueBond(bond_code=code, issue_no=number or f"FX-{code}-{amt}", amt=amt)


def ordered(keeper: Bookkeeper, number: str, bgt_id: str, amt: str, **more: Any) -> Allocation:
    found: Allocation = keeper.do(allocation(number, bgt_id, amt, **more), "accountant").subjects[0]
    return found


def paid(keeper: Bookkeeper, number: str, bgt_id: str, amt: str, **more: Any) -> Allocation:
    receipt = receipt_of(ordered(keeper, number, bgt_id, amt, **more))
    done: Allocation = keeper.do(receipt, "pboc").subjects[0]
    return done


def owe(keeper: Bookkeeper, code: str = "2605001") -> None:
    """900.00 of before, of which 100.00 are repaid, with interest that was accrued in part."""
    keeper.do(limits("1000.00", "0.00"))
    keeper.do(bond(code, "1", "2000.00", opening_amt="900.00"))
    accrued = AccrueInterest(bond_code=code, int_accrual_no="JT-1", amt="4.00")
    keeper.do(accrued, "accountant")
    keeper.issue("ZQ-1", "500.00", bond_code=code, **PRINCIPAL)
    keeper.issue("ZQ-2", "50.00", bond_code=code, **INTEREST)
    paid(keeper, "HB-1", "ZQ-1", "100.00", bond_code=code)
    paid(keeper, "HB-2", "ZQ-2", "4.80", bond_code=code)
    ordered(keeper, "HB-3", "ZQ-1", "50.00", bond_code=code)
