"""债券发行、转贷、还本、付息: within the limit, on the central bank's word, and for its project."""

from payments.orders.allocations import ALLOCATION
from tests.support.bookkeeper import ELEMENTS, PAYEE
from tests.support.flows import SCHOOL, County
from tests.support.http_orders import order_answered

FLOWS = (94,)
JANUARY_15 = "2026-01-15"
TERMS = {
    "bond_name": "样例债券",
    "int_rate": "2.40",
    "int_times": "2",
    "issue_date": JANUARY_15,
    "due_date": "2028-01-15",
}
OWN, SPECIAL = "2605001", "2605002"
REPAYING = {"exp_func_code": "23103", "gov_bgt_eco_code": "51201", "dep_bgt_eco_code": ""}
INTEREST = {"exp_func_code": "23203", "gov_bgt_eco_code": "51101", "dep_bgt_eco_code": "30701"}
LENT = {"exp_func_code": "23011", "gov_bgt_eco_code": "51303", "dep_bgt_eco_code": ""}
CLOSED = {"fund_type_code": "122", "exp_func_code": "2290402"}


def scenario(county: County) -> None:
    county.open()
    limits = {"general_amt": "1000.00", "special_amt": "300.00", "approval_doc_no": "人大1号"}
    county.act("…/debt-limits", {"debt_limit_no": "XE-1", **limits})
    project = county.report_project("300.00")
    for code, kind, amt, of in ((OWN, "1", "800.00", ""), (SPECIAL, "2", "300.00", project)):
        bond = {"bond_code": code, "bond_type_code": kind, "principal_amt": amt, "pro_code": of}
        county.act("…/bonds", {**TERMS, **bond})

    # 债务收入: what the central bank reports of the day, and which bond it is of
    lines = [
        {"inc_sort_code": "105", "fund_type_code": "112", "amt": "800.00"},
        {"inc_sort_code": "105", "fund_type_code": "122", "amt": "300.00"},
    ]
    report = {"report_no": "R1", "report_date": JANUARY_15, "tre_code": county.code, "lines": lines}
    too_early = {"issue_no": "FX-1", "amt": "800.00"}
    place = f"…/bonds/{OWN}/issues"
    assert county.refused(place, too_early, "accountant") == "exceeds_received"
    county.act("…/income-reports", report, "accountant")
    shown = county.act(place, too_early, "accountant")
    assert shown["issued_amt"] == "800.00"
    special = {"issue_no": "FX-2", "amt": "300.00"}
    county.act(f"…/bonds/{SPECIAL}/issues", special, "accountant")
    assert county.balance("应付长期政府债券", "treasury_financial") == "1100.00"
    assert county.balance("债务预算收入", "treasury_budgetary") == "1100.00"

    # 专项债券专款专用
    other = {**ELEMENTS, **CLOSED, "pro_code": county.report_project("1.00")}
    body = {**other, "bgt_id": county.number("B"), "amount": "1.00", "bond_code": SPECIAL}
    assert county.refused("…/indicators", body) == "element_mismatch"
    bgt_id = county.beside(
        "300.00", **{**CLOSED, "pro_code": project, "bond_code": SPECIAL, "agency_code": SCHOOL}
    )
    applied = county.act("…/payments", county.payment(bgt_id, "100.00"), "unit")
    assert applied["bond_code"] == SPECIAL

    def ordered(number: str, bgt_id: str, amt: str, **more: str) -> dict[str, str]:
        return {"alloc_no": number, "bgt_id": bgt_id, "amt": amt, **PAYEE, **more}

    # 转贷 300.00 to the township, 还本 200.00, 付息 9.60 of which 8.00 was accrued
    lend = county.beside("300.00", **LENT, bond_code=OWN)
    to = {"bond_code": OWN, "rec_div_code": f"{county.code[:6]}100"}
    county.act("…/allocations", ordered("ZD-1", lend, "300.00", **to), "accountant")
    accrued = {"int_accrual_no": "JT-1", "amt": "8.00"}
    county.act(f"…/bonds/{OWN}/interest-accruals", accrued, "accountant")
    repay = county.beside("900.00", **REPAYING, bond_code=OWN)
    over = ordered("HB-0", repay, "800.01", bond_code=OWN)
    assert county.refused("…/allocations", over, "accountant") == "exceeds_debt"
    of_bond = {"bond_code": OWN}
    county.act("…/allocations", ordered("HB-1", repay, "200.00", **of_bond), "accountant")
    interest = county.beside("20.00", **INTEREST, bond_code=OWN)
    county.act("…/allocations", ordered("FX-1", interest, "9.60", **of_bond), "accountant")
    for number in ("ZD-1", "HB-1", "FX-1"):
        assert order_answered(county.http, ALLOCATION, number) == "created"
    assert county.balance("应付长期政府债券", "treasury_financial") == "900.00"
    assert county.balance("应收地方政府债券转贷款", "treasury_financial") == "300.00"
    assert county.balance("财务费用", "treasury_financial") == "9.60"
    assert county.balance("应付利息", "treasury_financial") == "0.00"
    assert county.balance("债务还本预算支出", "treasury_budgetary") == "200.00"
    assert county.balance("债务转贷预算支出", "treasury_budgetary") == "300.00"

    # 余额、限额、到期
    rows = county.see("…/budget-reports/debts")["rows"]
    owed = {row["bond_code"]: (row["outstanding_amt"], row["lent_amt"]) for row in rows}
    assert owed == {OWN: ("600.00", "300.00"), SPECIAL: ("300.00", "0.00")}
    limit, _ = county.see("…/budget-reports/debt_limits")["rows"]
    assert (limit["outstanding_amt"], limit["left_amt"]) == ("600.00", "400.00")
    due = county.see("…/budget-reports/debt_schedule")["rows"]
    assert due[-1] | {"bond_type_code": "2"} == {
        "due_on": "2028-01-15",
        "bond_code": SPECIAL,
        "bond_type_code": "2",
        "principal_amt": "300.00",
        "interest_amt": "3.60",
    }
