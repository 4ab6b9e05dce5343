"""评审: department and treasury grant less than is asked; the budget goes by the last of them."""

from tests.support.flows import County

FLOWS = (19,)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.report_project("1000.00")
    place = f"~/projects/{pro_code}"
    for level, amt, by in (("dept", "900.00", "unit_checker"), ("mof", "800.00", "checker")):
        granted = {"level": level, "audit_years": [{"fiscal_year": 2026, "amt": amt}]}
        county.act(f"{place}/check", granted, by)
    county.act(f"{place}/store", by="checker")
    shown = county.see(place)
    [year] = shown["years"]
    told = {name: year[name] for name in ("declared_amt", "dept_check_amt", "mof_check_amt", "amt")}
    assert told == {
        "declared_amt": "1000.00",  # 申报数
        "dept_check_amt": "900.00",  # 部门审核数
        "mof_check_amt": "800.00",  # 财政审核数
        "amt": "800.00",
    }
    county.ceiling("1000.00")
    one_fen = county.draft_body(pro_code, "800.01")
    assert county.refused("…/budget-drafts", one_fen, "unit") == "budget_mismatch"
    county.checked(county.submitted(pro_code, "800.00"))
    assert county.row(pro_code)["fin_audit_money"] == "800.00"
