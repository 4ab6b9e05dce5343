"""项目暂停, 终止, 结束: what is suspended or over is budgeted for no more, and what it has left is
taken back before."""

from tests.support.flows import CODES, SCHOOL, County

FLOWS = (23,)


def scenario(county: County) -> None:
    county.open()
    county.ceiling("9999.00")
    suspended, ended = county.project("100.00"), county.project("100.00")
    county.act(f"~/projects/{suspended}/suspend", {"change_no": "ZT-1", "reason": "核查"}, "unit")
    assert county.refused("…/budget-drafts", _draft(county, suspended), "unit") == "element_invalid"
    county.act(f"~/projects/{suspended}/resume", {"change_no": "HF-1", "reason": "核毕"}, "unit")
    county.act("…/budget-drafts", _draft(county, suspended), "unit")
    county.act(f"~/projects/{suspended}/terminate", {"reason": "撤销"}, "unit")
    county.act(f"~/projects/{ended}/end", {"reason": "完工"}, "unit")
    states = {
        row["pro_code"]: row["state"]
        for row in county.see("~/project-reports/project_list")["rows"]
    }
    assert states == {suspended: "terminated", ended: "ended"}
    for pro_code in states:
        refused = county.refused("…/budget-drafts", _draft(county, pro_code), "unit")
        assert refused == "element_invalid"
    _given_up_half_way(county)


def _given_up_half_way(county: County) -> None:
    """Of 500.00 an indicator has 300.00, of which 120.00 is paid when the project is given up."""
    pro_code = county.budget("500.00")
    bgt_id = county.issue(pro_code, "300.00")
    county.paid(bgt_id, "120.00", pro_code=pro_code)
    terminate = f"~/projects/{pro_code}/terminate"
    assert county.refused(terminate, {"reason": "撤销"}, "unit") == "invalid_state"
    back = {"adj_no": county.number("SH"), "adj_amt": "-180.00", "reason": "收回"}
    county.act(f"…/indicators/{bgt_id}/adjustments", back)
    assert county.refused(terminate, {"reason": "撤销"}, "unit") == "invalid_state"
    cut = {
        "adj_no": county.number("TZ"),
        "kind": "cut",
        "parts": [{"from_bgt_pman_id": county.row(pro_code)["bgt_pman_id"], "amt": "380.00"}],
        "approval_doc_no": "批复1号",
        "reason": "项目终止",
    }
    county.act("…/budget-adjustments", cut)
    county.act(terminate, {"reason": "撤销"}, "unit")
    row = county.row(pro_code)
    assert (row["cur_amt"], row["issued_amt"], row["rest_amt"]) == ("120.00", "120.00", "0.00")


def _draft(county: County, pro_code: str) -> dict[str, object]:
    row = {"bgt_pman_id": county.number("R"), "pro_code": pro_code, **CODES, "amt": "1.00"}
    head = {"draft_no": county.number("YS"), "agency_code": SCHOOL, "round": 2}
    return {**head, "rows": [row]}
