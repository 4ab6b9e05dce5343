"""分月用款计划: a plan of December pays nothing in March, and is cut with its indicator."""

from tests.support.flows import County

FLOWS = (68,)


def scenario(county: County) -> None:
    county.open(plan_control="monthly")
    whole = {"is_contrlbyplan": True, "effective_on": "2026-01-20"}
    bgt_id = county.issue(county.budget("100000.00"), "100000.00", **whole)
    for month, amt in ((2, "10000.00"), (12, "50000.00")):
        plan = {"plan_voucher_no": county.number("JH"), "plan_month": month, "plan_amt": amt}
        county.act(f"…/indicators/{bgt_id}/plans", {**plan, "effective_on": "2026-01-20"})
    march = {"effective_on": "2026-03-02"}
    over = county.payment(bgt_id, "10000.01", **march)
    assert county.refused("…/payments", over) == "insufficient_plan"
    county.act("…/payments", county.payment(bgt_id, "10000.00", **march))
    assert county.refused("…/payments", county.payment(bgt_id, "1.00", **march)) == (
        "insufficient_plan"
    )
    # of 90,000.00 that are left 50,000.00 go: the plan has no more than what remains
    cut = {"adj_no": county.number("TJ"), "adj_amt": "-50000.00", "reason": "压减"}
    county.act(f"…/indicators/{bgt_id}/adjustments", cut)
    shown = county.see(f"…/indicators/{bgt_id}")
    assert (shown["canuse_amt"], shown["plan_canuse_amt"]) == ("40000.00", "40000.00")
