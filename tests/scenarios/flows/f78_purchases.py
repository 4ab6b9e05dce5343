"""采购/合同支付: of 10,000.00 for purchases 6,000.00 are planned, 5,000.00 contracted and paid
from there; a contract that is under no plan is paid up to its amount; each to the fen."""

from tests.support.bookkeeper import PAYEE
from tests.support.flows import SCHOOL, County

FLOWS = (78,)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.budget("10000.00", "5000.00", planned="15000.00")
    purchases = county.issue(pro_code, "10000.00", is_gov_pur=True)
    services = county.issue(pro_code, "5000.00", 1)
    # 采购计划: what is planned is not available any more, nor set free by hand
    planned = {"bgt_id": purchases, "pur_class": "A02010105 台式计算机"}
    over = {"pur_plan_no": county.number("CG"), "pur_amt": "10000.01", **planned}
    assert county.refused("…/purchase-plans", over, "unit") == "insufficient_indicator"
    plan = {"pur_plan_no": county.number("CG"), "pur_amt": "6000.00", **planned}
    county.act("…/purchase-plans", plan, "unit")
    assert county.left(purchases) == "4000.00"
    free = {"freeze_no": county.number("JD"), "amt": "0.01"}
    place = f"…/indicators/{purchases}/unfreezes"
    assert county.refused(place, free) == "insufficient_indicator"
    # 合同备案: within the plan, of the same unit
    assert county.refused("…/payments", county.payment(purchases, "1.00")) == "contract_required"
    signed = {
        "contract_name": "采购合同",
        "agency_code": SCHOOL,
        "sign_date": "2026-02-02",
        **PAYEE,
    }
    number = county.number("HT")
    under = {"contract_no": number, "pur_plan_no": plan["pur_plan_no"], **signed}
    too_much = {**under, "contract_amt": "6000.01"}
    assert county.refused("…/contracts", too_much, "unit") == "insufficient_purchase_plan"
    county.act("…/contracts", {**under, "contract_amt": "5000.00"}, "unit")
    shown = county.see(f"…/purchase-plans/{plan['pur_plan_no']}")
    assert (shown["contracted_amt"], shown["left_amt"]) == ("5000.00", "1000.00")
    # 支付: to the contract's payee, one fen too much is refused
    body = county.payment(purchases, "2000.00")
    paid = county.act("…/payments", {**body, "contract_no": number})
    assert paid["contract_no"] == number
    assert county.left(purchases) == "4000.00"
    over_contract = {**county.payment(purchases, "3000.01"), "contract_no": number}
    assert county.refused("…/payments", over_contract) == "insufficient_contract"
    other = {**county.payment(purchases, "1.00"), "contract_no": number}
    other["payee_acct_name"] = "另一家公司"
    assert county.refused("…/payments", other) == "element_mismatch"
    # 退回: the contract and the plan have it back
    reject = f"…/payments/{body['pay_app_no']}/reject"
    county.act(reject, {"reason": "附件不全"}, "checker")
    assert county.see(f"…/contracts/{number}")["left_amt"] == "5000.00"
    # 变更, 终止: what is left goes back to the plan, and from there to the indicator
    change = {"change_no": county.number("BG"), "contract_amt": "5500.00", "reason": "补充协议"}
    amended = county.act(f"…/contracts/{number}/amend", change, "unit")
    assert (amended["version"], amended["left_amt"]) == (2, "5500.00")
    end = {"end_no": county.number("ZZ"), "reason": "供应商不能履约"}
    assert county.act(f"…/contracts/{number}/end", end, "unit")["state"] == "ended"
    less = {"adj_no": county.number("TZ"), "adj_amt": "-6000.00", "reason": "取消采购"}
    county.act(f"…/purchase-plans/{plan['pur_plan_no']}/adjustments", less, "unit")
    assert county.left(purchases) == "10000.00"
    # a contract without a plan, for what is no purchase of the government
    service = {"contract_no": county.number("HT"), "contract_amt": "600.00", **signed}
    county.act("…/contracts", service, "unit")
    named = {"contract_no": service["contract_no"]}
    county.act("…/payments", {**county.payment(services, "600.00"), **named})
    more = {**county.payment(services, "0.01"), **named}
    assert county.refused("…/payments", more) == "insufficient_contract"
    listed = county.see("…/contracts", agency_code=SCHOOL)["items"]
    assert {each["contract_no"]: each["left_amt"] for each in listed} == {
        number: "0.00",
        service["contract_no"]: "0.00",
    }
