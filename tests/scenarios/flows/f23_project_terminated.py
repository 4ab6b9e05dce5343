"""项目暂停, 终止, 结束: what is suspended or terminated is budgeted for no more."""

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


def _draft(county: County, pro_code: str) -> dict[str, object]:
    row = {"bgt_pman_id": county.number("R"), "pro_code": pro_code, **CODES, "amt": "1.00"}
    head = {"draft_no": county.number("YS"), "agency_code": SCHOOL, "round": 2}
    return {**head, "rows": [row]}
