"""支出标准发布和升级, 按标准测算: a project is worth the standard times the count, to the fen."""

from tests.support.flows import County

FLOWS = (6, 15, 16, 35)


def scenario(county: County) -> None:
    county.open()
    standard = {"std_code": "GY-1", "name": "公用经费定额", "unit": "人", "amt": "3000.00"}
    county.act("~/standards", {**standard, "dep_bgt_eco_code": "30201"}, "admin")
    raised = {"change_no": "GY-2", "start_date": "2027-01-01", "amt": "3200.00"}
    county.act("~/standards/GY-1/changes", raised, "admin")
    computed = {"pro_cat_code": "21", "standard_code": "GY-1", "head_count": 12}
    place = "~/projects"
    body = {
        "pro_code": county.code[:6] + "260000000000099",
        "pro_name": "公用经费",
        "agency_code": "101001",
        "pro_total_amt": "36000.01",
        "pro_start_year": 2026,
        "pro_term": 1,
        "years": [{"fiscal_year": 2026, "amt": "36000.01"}],
        **computed,
    }
    assert county.refused(place, body, "unit") == "budget_mismatch"
    right = {"pro_total_amt": "36000.00", "years": [{"fiscal_year": 2026, "amt": "36000.00"}]}
    county.act(place, {**body, **right}, "unit")
    second = {**body, **right, "pro_code": body["pro_code"][:-1] + "8"}
    assert county.refused(place, second, "unit") == "invalid_state", "one for unit and year"
    days = {"2026-12-31": "3000.00", "2027-01-01": "3200.00"}
    for day, amt in days.items():
        assert county.see("~/standards/GY-1", as_of_effective=day)["amt"] == amt
