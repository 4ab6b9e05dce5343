"""单位资金预算, 调整, 支付: what a school has earned pays its indicators, from its own account."""

from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (44, 60, 81)
JANUARY_15 = "2026-01-15"
TUITION = {"exp_func_code": "2050205", "fund_type_code": "31"}


def scenario(county: County) -> None:
    county.open()
    account = f"{county.code}41010001"
    registered = {
        "acct_no": account,
        "acct_name": "样例学校",
        "acct_bank_name": "样例银行学校支行",
        "bank_no": "102581000013",
        "acc_type_code": "41",
        "agency_code": SCHOOL,
    }
    county.act("~/accounts", registered, "admin")

    def lies(agency_code: str = SCHOOL) -> list[tuple[str, str, str]]:
        rows = county.see("…/cash", agency_code=agency_code)["accounts"]
        return [(row["fund_type_code"], row["balance"], row["free"]) for row in rows]

    # 单位收入: what the bank's statement of a day has, by one accountant and another
    line = {"fund_type_code": "31", "amt": "20000.00"}
    report = {"report_no": "DW-0115", "report_date": JANUARY_15, "acct_no": account}
    income = {**report, "agency_code": SCHOOL, "lines": [line]}
    not_its = {**income, "agency_code": HOSPITAL}
    place = "…/special-income-reports"
    assert county.refused(place, not_its, "accountant") == "account_invalid"
    county.act(place, income, "accountant")
    again = {**income, "report_no": "DW-0116"}
    assert county.refused(place, again, "accountant") == "already_reported"
    assert lies() == [("3", "20000.00", "20000.00")]
    assert (lies(HOSPITAL), county.see("…/cash")["accounts"]) == ([], [])
    # 指标 of more than has come; what is applied for is taken of the account at once
    bgt_id = county.beside("50000.00", agency_code=SCHOOL, **TUITION)
    over = county.payment(bgt_id, "20000.01")
    assert county.refused("…/payments", over, "unit") == "insufficient_cash"
    paid = county.paid(bgt_id, "3000.00")
    shown = county.see(f"…/payments/{paid}")
    assert (shown["status"], shown["pay_acct_no"]) == ("paid", account)
    assert lies() == [("3", "17000.00", "17000.00")]
    # 单位 5001/1002, 7201/8001; 财政 nothing; and nothing is claimed
    assert county.balance("业务活动费用", "unit_financial") == "3000.00"
    assert county.balance("银行存款", "unit_financial") == "17000.00"
    assert county.balance("事业支出", "unit_budgetary") == "3000.00"
    assert county.balance("资金结存—货币资金", "unit_budgetary") == "17000.00"
    assert county.balance("国库存款", "treasury_financial") == "0.00"
    clearing = {"clear_no": "QS-1", "clear_date": JANUARY_15, "pay_bank_code": "102"}
    assert county.refused("…/clearings", clearing) == "clearing_empty"
    order = {name: over[name] for name in over if name.startswith("payee_acct")}
    order |= {"alloc_no": "SB-1", "bgt_id": bgt_id, "amt": "1.00"}
    assert county.refused("…/allocations", order, "accountant") == "element_invalid"
    budgeted(county)


def budgeted(county: County) -> None:
    """Of its own money as well a row is approved, issued, and raised when more is expected."""
    county.ceiling("2000.00", fund_type_code="31")
    pro_code = county.budget("1000.00", planned="1500.00", **TUITION)
    bgt_id = county.issue(pro_code, "1000.00", **TUITION)
    county.paid(bgt_id, "1000.00")
    more = {"kind": "addition", "reason": "增收", "adj_no": county.number("TZ")}
    parts = [{"to_bgt_pman_id": f"{pro_code}-0", "amt": "500.00"}]
    county.act("…/budget-adjustments", {**more, "parts": parts})
    raised = {"adj_no": county.number("ZJ"), "adj_amt": "500.00", "reason": "增收"}
    county.act(f"…/indicators/{bgt_id}/adjustments", raised)
    assert (county.left(bgt_id), county.row(pro_code)["rest_amt"]) == ("500.00", "0.00")
