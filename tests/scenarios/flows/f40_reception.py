"""三公经费科目: 公务接待 50206 goes with 30217, and not with 培训费 30216."""

from tests.support.flows import CODES, SCHOOL, County

FLOWS = (40,)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.project("100.00")
    wrong = {"gov_bgt_eco_code": "50206", "dep_bgt_eco_code": "30216"}
    body = {"draft_no": county.number("YS"), "agency_code": SCHOOL, "round": 2}
    row = {"bgt_pman_id": f"{pro_code}-0", "pro_code": pro_code, **CODES, "amt": "100.00"}
    asked = {**body, "rows": [{**row, **wrong}]}
    assert county.refused("…/budget-drafts", asked, "unit") in (
        "element_invalid",
        "element_mismatch",
    )
    right = {**wrong, "dep_bgt_eco_code": "30217"}
    county.act("…/budget-drafts", {**body, "rows": [{**row, **right}]}, "unit")
