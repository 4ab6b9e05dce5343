"""人大批准: expenditure of each of 四本账 equals its income, or nothing is approved."""

from tests.support.flows import County

FLOWS = (27, 34, 45)


def scenario(county: County) -> None:
    county.open()
    income = {"inc_sort_code": "10101", "fund_type_code": "111", "amt": "900.00"}
    county.act("…/income-budgets", income)
    pro_code = county.project("1000.00")
    county.ceiling("1000.00")
    draft_no = county.submitted(pro_code, "1000.00")
    unchecked = county.approval(draft_no)
    assert county.refused("…/budget-approvals", unchecked) == "invalid_state"
    county.checked(draft_no)
    assert county.refused("…/budget-approvals", county.approval(draft_no)) == "budget_mismatch"
    county.act("…/income-budgets", {**income, "amt": "1000.00"})
    approved = county.act("…/budget-approvals", county.approval(draft_no))
    assert approved["reply_amt"] == "1000.00"
    assert county.balance("支出预算") == county.balance("指标来源") == "1000.00"
    # the unit sees its reply 批复 to the fen
    assert county.see(f"…/budget-drafts/{draft_no}", "unit")["state"] == "approved"
    assert county.row(pro_code)["reply_amt"] == "1000.00"
