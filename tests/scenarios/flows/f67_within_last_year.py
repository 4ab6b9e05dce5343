"""提前下达 within last year's same period (预算法 §54), then the budget: its row absorbs it."""

from tests.support.bookkeeper import ELEMENTS
from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (42, 67)


def scenario(county: County) -> None:
    county.open()
    told = {"limits": [{"agency_code": SCHOOL, "amt": "200.00"}], "basis": "上年一月支出"}
    county.act("…/advance-limits", {"limit_no": "XE-1", **told})
    pro_code = f"{county.code[:6]}269999999999999"  # in the library later on

    def advance(amount: str, **more: str) -> dict[str, str]:
        body = {**ELEMENTS, "bgt_id": county.number("ZB"), "amount": amount, "bgt_type_code": "11"}
        return {**body, "pro_code": pro_code, **more}

    first = advance("150.00")
    county.act("…/indicators", first)
    assert county.refused("…/indicators", advance("50.01")) == "insufficient_budget", "a fen"
    of_other = advance("1.00", agency_code=HOSPITAL)
    assert county.refused("…/indicators", of_other) == "insufficient_budget", "it has no limit"
    as_ever = advance("1.00", bgt_type_code="21")
    assert county.refused("…/indicators", as_ever) == "insufficient_budget", "it is no advance"
    county.paid(first["bgt_id"], "120.00", pro_code=pro_code)
    [unit] = county.see("…/budget-reports/advance_limits")["rows"]
    assert (unit["agency_code"], unit["advanced_amt"], unit["left_amt"]) == (
        SCHOOL, "150.00", "50.00"
    )  # fmt: skip

    # the congress approves 1,000.00 for the school: for the project that it was advanced for, too
    county.project("1000.00", pro_code=pro_code)
    county.ceiling("1000.00")
    draft_no = county.checked(county.submitted(pro_code, "1000.00"))
    county.act("…/budget-approvals", county.approval(draft_no))
    place = f"…/indicators/{first['bgt_id']}"
    county.act(f"{place}/absorb", {"bgt_pman_id": f"{pro_code}-0"})
    row = county.row(pro_code)
    assert (row["issued_amt"], row["rest_amt"]) == ("150.00", "850.00")
    assert county.balance("指标来源") == "1000.00", "the source has the budget, and it once"
    assert county.see(place)["bgt_pman_id"] == f"{pro_code}-0"
    over = county.indicator_body(pro_code, "850.01")
    assert county.refused("…/indicators", over) == "insufficient_budget"

    # what is left of it goes back to the row
    county.act(f"{place}/recall", {"recall_no": county.number("SH")})
    assert county.row(pro_code)["rest_amt"] == "880.00"
    trace = county.see(f"{place}/trace")
    assert {"project": pro_code, "budget": f"{pro_code}-0"}.items() <= {
        step["step"]: step["number"] for step in trace["origin"]
    }.items()
