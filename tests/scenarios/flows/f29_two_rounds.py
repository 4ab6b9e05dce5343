"""一上, 一下 (控制数), 二上: wishes of 1,000.00, a ceiling of 800.00, a plan within it."""

from tests.support.flows import SCHOOL, County

FLOWS = (29, 30, 31, 32, 33, 36)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.project("1000.00")
    wishes = county.submitted(pro_code, "1000.00", of_round=1)
    county.act(f"…/budget-drafts/{wishes}/check", by="unit_checker")
    county.ceiling("700.00")
    county.ceiling("800.00")  # 调整控制数: this holds from now on
    over = county.draft(pro_code, "800.01")
    assert county.refused(f"…/budget-drafts/{over}/submit", by="unit") == "insufficient_ceiling"
    plan = county.submitted(pro_code, "800.00")
    row = county.row(pro_code)
    assert (row["apply_up"], row["fin_audit_money"]) == ("1000.00", "800.00")
    # a second plan finds nothing left, until the first is given back
    other = county.draft(county.project("1.00"), "1.00")
    assert county.refused(f"…/budget-drafts/{other}/submit", by="unit") == "insufficient_ceiling"
    county.act(f"…/budget-drafts/{plan}/return", {"reason": "压减"}, "checker")
    county.act(f"…/budget-drafts/{other}/submit", by="unit")
    # the table of the unit has both rounds beside each other
    name = "…/budget-reports/income_expenditure"
    totals = county.see(name, agency_code=SCHOOL)["totals"]
    assert totals["expenditure_apply_up"] == totals["income_apply_up"] == "1000.00"
    assert totals["expenditure_fin_audit_money"] == totals["income_fin_audit_money"] == "1.00"
