"""滚动, 中期规划, 结转次年: a project of three years is rolled on, and budgeted year by year."""

from tests.support.flows import County

FLOWS = (21, 24, 28)


def scenario(county: County) -> None:
    county.open()
    years = [{"fiscal_year": year, "amt": f"{year - 2023}00.00"} for year in (2026, 2027, 2028)]
    pro_code = county.project("1200.00", pro_term=3, years=years)
    place = "~/project-reports/three_year_roll"
    [row] = county.see(place)["rows"]
    assert [row[f"amt_{year}"] for year in (2026, 2027, 2028)] == ["300.00", "400.00", "500.00"]
    [rolled] = county.see(place, first_year=2027)["rows"]
    assert (rolled["before_amt"], rolled["amt_2029"]) == ("300.00", "0.00")
    # this year has what is planned for it, and not a fen of the next
    county.ceiling("9999.00")
    over = county.draft_body(pro_code, "300.00", "0.01")
    assert county.refused("…/budget-drafts", over, "unit") == "budget_mismatch"
    county.submitted(pro_code, "300.00")
    # the next year goes on with the same project
    county.http.ledger = county.year(2027)
    county.ceiling("9999.00")
    draft_no = county.submitted(pro_code, "400.00")
    assert county.see(f"…/budget-drafts/{draft_no}")["state"] == "submitted"
