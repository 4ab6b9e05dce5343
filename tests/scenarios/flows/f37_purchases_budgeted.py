"""采购预算, 购买服务: a row of the budget that is for purchases, and its mark all the way to the
payment, also through a distribution to another unit."""

from tests.support.bookkeeper import PAYEE
from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (37, 39)


def scenario(county: County) -> None:
    county.open()
    # 采购预算: 1,000.00 for goods, 500.00 for services that are bought (购买服务)
    pro_code = county.project("1500.00", use_agency_codes=[HOSPITAL])
    county.ceiling("1500.00")
    draft_no = county.checked(county.submitted(pro_code, "1000.00", "500.00", is_gov_pur=True))
    county.act("…/budget-approvals", county.approval(draft_no))
    assert [county.row(pro_code, nth)["is_gov_pur"] for nth in (0, 1)] == [True, True]

    unmarked = county.indicator_body(pro_code, "1000.00")
    assert county.refused("…/indicators", unmarked) == "element_mismatch", "its mark would be lost"
    goods = county.issue(pro_code, "1000.00", is_gov_pur=True)
    held = county.issue(pro_code, "500.00", 1, is_gov_pur=True, bgt_exe_flag=2)
    services = county.number("ZB")
    part = {"bgt_id": services, "agency_code": HOSPITAL, "amount": "500.00"}
    county.act(f"…/indicators/{held}/distributions", {"dist_no": "FP-1", "parts": [part]})
    assert county.see(f"…/indicators/{services}")["is_gov_pur"] is True, "as the whole is"

    for bgt_id, amount, agency_code, pur_class in (
        (goods, "1000.00", SCHOOL, "A02010105 台式计算机"),
        (services, "500.00", HOSPITAL, "C21040000 物业管理服务"),
    ):
        unplanned = county.payment(bgt_id, "1.00", agency_code=agency_code)
        assert county.refused("…/payments", unplanned) == "contract_required"
        plan = {"bgt_id": bgt_id, "pur_class": pur_class}
        over = {**plan, "pur_plan_no": county.number("CG"), "pur_amt": f"{amount[:-1]}1"}
        assert county.refused("…/purchase-plans", over, "unit") == "insufficient_indicator"
        number = county.number("CG")
        county.act("…/purchase-plans", {**plan, "pur_plan_no": number, "pur_amt": amount}, "unit")
        contract = {
            "contract_no": county.number("HT"),
            "contract_name": "采购合同",
            "agency_code": agency_code,
            "contract_amt": amount,
            "pur_plan_no": number,
            "sign_date": "2026-02-02",
            **PAYEE,
        }
        county.act("…/contracts", contract, "unit")
        named = {"contract_no": contract["contract_no"], "agency_code": agency_code}
        county.paid(bgt_id, amount, **named)
        over_it = county.payment(bgt_id, "0.01", **named)
        assert county.refused("…/payments", over_it) == "insufficient_contract"
