"""一级项目, 二级项目申报, 审核入库: reported, given back, mended, checked and stored."""

from tests.support.flows import County

FLOWS = (13, 14, 20)


def scenario(county: County) -> None:
    county.open()
    above = county.report_project("5000.00", agency_code="101", pro_name="校舍安全")
    own = county.report_project("1000.00", parent_pro_code=above)
    place = f"~/projects/{own}"
    county.act(f"{place}/return", {"reason": "测算依据不足"}, "unit_checker")
    assert county.refused(f"{place}/store", by="checker") == "invalid_state"
    years = [{"fiscal_year": 2026, "amt": "900.00"}]
    mended = {"reason": "核实", "pro_total_amt": "900.00", "years": years}
    county.act(f"{place}/amend", mended, "unit")
    county.act(f"{place}/check", by="unit_checker")
    granted = {"level": "mof", "audit_years": [{"fiscal_year": 2026, "amt": "800.00"}]}
    county.act(f"{place}/check", granted, "checker")
    stored = county.act(f"{place}/store", by="checker")
    assert (stored["state"], stored["pro_total_amt"]) == ("in_library", "800.00")
    assert stored["parent_pro_code"] == above
    # 先入库、再安排预算: what is only reported is not budgeted for
    county.ceiling("9999.00", "101")
    draft_no = {"draft_no": county.number("YS"), "agency_code": "101", "round": 2}
    row = {"bgt_pman_id": f"{above}-0", "pro_code": above, "amt": "1.00"}
    from tests.support.flows import CODES

    body = {**draft_no, "rows": [{**row, **CODES}]}
    assert county.refused("…/budget-drafts", body, "unit") == "element_invalid"
