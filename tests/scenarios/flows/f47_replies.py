"""批复到部门和单位 (预算法 §52): told within 20 and 15 days, or late, and the table says who is."""

from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (46, 47, 48)


def scenario(county: County) -> None:
    county.open()
    county.budget("600.00")  # approved on 20 January
    county.budget("400.00", agency_code=HOSPITAL)
    in_time = {"doc_no": county.number("PF"), "agency_code": "101", "replied_on": "2026-02-09"}
    county.act("…/budget-replies", in_time)
    late = {"doc_no": county.number("PF"), "agency_code": SCHOOL, "replied_on": "2026-02-25"}
    county.act("…/budget-replies", late)
    told = county.see("…/budget-reports/replies", as_of_effective="2026-03-01")["rows"]
    states = {row["agency_code"] or row["dept_code"]: row["state"] for row in told}
    assert states == {"101": "in_time", SCHOOL: "late", "102": "overdue", HOSPITAL: "waiting"}
    early = county.see("…/budget-reports/replies", as_of_effective="2026-02-01")["rows"]
    assert {row["state"] for row in early if row["level"] == "dept"} == {"due"}
