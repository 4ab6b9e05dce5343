"""债务预算: what is borrowed is income of the budget, and what is repaid is spent from it."""

from tests.support.flows import County

FLOWS = (43,)
REPAYING = {"exp_func_code": "23103", "gov_bgt_eco_code": "51201", "dep_bgt_eco_code": ""}


def scenario(county: County) -> None:
    county.open()
    borrowed = {"inc_sort_code": "105", "fund_type_code": "112", "amt": "600.00"}
    county.act("…/income-budgets", borrowed)
    taxes = {"inc_sort_code": "10101", "fund_type_code": "111", "amt": "399.99"}
    county.act("…/income-budgets", taxes)
    # 还本 is the treasury's own: a row of the finance bureau's, without a department's economy
    pro_code = county.project("1000.00", agency_code="101", pro_name="一般债券还本")
    county.ceiling("1000.00", "101")
    draft_no = county.checked(county.submitted(pro_code, "1000.00", agency_code="101", **REPAYING))
    approval = county.approval(draft_no)
    assert county.refused("…/budget-approvals", approval) == "budget_mismatch", "one fen too little"
    county.act("…/income-budgets", {**taxes, "amt": "400.00"})
    assert county.act("…/budget-approvals", approval)["reply_amt"] == "1000.00"
    of_row = {"agency_code": "101", **REPAYING}
    one_fen = county.indicator_body(pro_code, "1000.01", **of_row)
    assert county.refused("…/indicators", one_fen) == "insufficient_budget"
    bgt_id = county.issue(pro_code, "1000.00", **of_row)
    county.paid(bgt_id, "1000.00")
    assert county.left(bgt_id) == "0.00"
    assert county.balance("债务还本预算支出", "treasury_budgetary") == "0.00", (
        "before it is cleared"
    )
    [totals] = [
        each
        for each in county.see("…/budget-reports/execution_by_function")["rows"]
        if each["exp_func_code"] == "23103"
    ]
    assert (totals["cur_amt"], totals["pay_amt"]) == ("1000.00", "1000.00")
