"""用款计划: an indicator that is controlled by plan pays what is planned, and not a fen more."""

from tests.support.flows import County

FLOWS = (68,)


def scenario(county: County) -> None:
    county.open()
    county.put("…/plan-policy", {"plan_control": "total"})
    bgt_id = county.issue(county.budget("1000.00"), "1000.00", is_contrlbyplan=True)
    pays = county.payment(bgt_id, "0.01")
    assert county.refused("…/payments", pays) == "insufficient_plan"
    plan = {"plan_voucher_no": county.number("JH"), "plan_month": 3, "plan_amt": "300.00"}
    county.act(f"…/indicators/{bgt_id}/plans", plan)
    over = county.payment(bgt_id, "300.01")
    assert county.refused("…/payments", over) == "insufficient_plan"
    county.paid(bgt_id, "300.00")
    shown = county.see(f"…/indicators/{bgt_id}")
    assert (shown["plan_canuse_amt"], shown["canuse_amt"]) == ("0.00", "700.00")
