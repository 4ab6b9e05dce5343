"""人员信息和基本支出测算: wages follow the people a unit has, and nobody's word."""

from tests.support.flows import SCHOOL, County

FLOWS = (3, 15)


def scenario(county: County) -> None:
    county.open()
    # 42 in their posts of 45, 44 from the new school year on; 7 are retired
    people = {"staff_no": f"{SCHOOL}-1", "staff_count": 42, "post_count": 45}
    county.act("~/staff", people, "admin")
    county.act("~/staff", {"staff_no": f"{SCHOOL}-3", "staff_count": 7}, "admin")
    autumn = {"change_no": "RY-1", "start_date": "2027-09-01", "staff_count": 44}
    county.act(f"~/staff/{SCHOOL}-1/changes", autumn, "admin")
    wages = {"name": "基本工资", "unit": "人", "amt": "60000.00", "dep_bgt_eco_code": "30101"}
    county.act("~/standards", {"std_code": "GZ-1", "staff_kind": "1", **wages}, "admin")

    def computed(heads: int, amt: str) -> dict[str, object]:
        figures = {"pro_total_amt": amt, "years": [{"fiscal_year": 2026, "amt": amt}]}
        return {"pro_cat_code": "1", "standard_code": "GZ-1", "head_count": heads, **figures}

    body = {
        "pro_code": county.code[:6] + "260000000000077",
        "pro_name": "在职人员工资",
        "agency_code": SCHOOL,
        "pro_start_year": 2026,
        "pro_term": 1,
    }
    one_more = {**body, **computed(43, "2580000.00")}
    assert county.refused("~/projects", one_more, "unit") == "budget_mismatch"
    county.act("~/projects", {**body, **computed(42, "2520000.00")}, "unit")
    # each day has its people, and an element of them one channel
    for day, count in {"2027-08-31": 42, "2027-09-01": 44}.items():
        shown = county.see(f"~/staff/{SCHOOL}-1", as_of_effective=day)
        assert (shown["staff_count"], shown["post_count"]) == (count, 45)
    assert county.see("/v1/elements/staff_count")["channel"] == "人员信息登记"
