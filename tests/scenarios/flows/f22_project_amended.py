"""项目变更: a project changes its name; what was issued before keeps the old one, what follows has
the new."""

from tests.support.flows import County

FLOWS = (22,)
NAME = "综合楼修缮"


def scenario(county: County) -> None:
    county.open()
    pro_code = county.budget("600.00", "400.00", planned="1000.00")
    before = county.issue(pro_code, "600.00")
    position = county.see("…/budget-reports/indicators_by_project")["position"]
    change = {"change_no": "XM-1", "reason": "更名", "pro_name": NAME}
    county.act(f"~/projects/{pro_code}/amend", change, "unit")
    after = county.issue(pro_code, "400.00", 1)
    names = {bgt_id: county.see(f"…/indicators/{bgt_id}")["pro_name"] for bgt_id in (before, after)}
    assert names == {before: "教学楼修缮", after: NAME}
    told = county.see("…/budget-reports/indicators_by_project")["rows"]
    assert {row["pro_name"]: row["amount"] for row in told} == {
        "教学楼修缮": "600.00",
        NAME: "400.00",
    }
    then = county.see("…/budget-reports/indicators_by_project", as_of_position=position)["rows"]
    assert [row["pro_name"] for row in then] == ["教学楼修缮"]
    versions = county.see(f"~/projects/{pro_code}")["versions"]
    assert [each["pro_name"] for each in versions] == ["教学楼修缮", NAME]
    # and its total is not taken below what is budgeted
    years = [{"fiscal_year": 2026, "amt": "999.99"}]
    cut = {"change_no": "XM-2", "reason": "压减", "pro_total_amt": "999.99", "years": years}
    assert county.refused(f"~/projects/{pro_code}/amend", cut, "unit") == "insufficient_budget"
