"""项目库: the figures and codes of a project, to the fen; a state built by hand, no database."""

from datetime import date
from typing import Any

import msgspec
import pytest

from budget.projects.ending import TerminateProject
from budget.projects.events import ProjectGoal
from budget.projects.reporting import ReviseProject
from division.agency import RegisterAgency
from division.opening import OpenDivision
from division.staff import ChangeStaff, RegisterStaff
from division.standard import ChangeStandard, RegisterStandard
from tests.support.project_library import (
    ROAD,
    Library,
    report,
    years,
)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"pro_total_amt": "900.01"}, "/pro_total_amt"),
        ({"pro_total_amt": "899.99"}, "/pro_total_amt"),
        ({"pro_start_year": 2027}, "/years"),
        ({"pro_term": 2}, "/years"),
        ({"pro_total_amt": "900.00", "years": years("900.00", first=2029)}, "/years"),
    ],
)
def test_years_make_up_the_total_to_the_fen_and_lie_in_the_term(
    library: Library, wrong: dict[str, Any], pointer: str
) -> None:
    assert library.refused(report(**wrong)) == ("budget_mismatch", pointer)
    library.do(report())  # the number is free for what is mended


@pytest.mark.parametrize(
    ("wrong", "code", "pointer"),
    [
        ({"years": ()}, "malformed", "/years"),
        ({"years": years("450.00") * 2}, "malformed", "/years/1/fiscal_year"),
        ({"years": years("900.0")}, "invalid_amount", "/years/0/amt"),
        ({"years": years("0.00", "900.00")}, "invalid_amount", "/years/0/amt"),
        ({"years": years("-1.00", "901.00")}, "invalid_amount", "/years/0/amt"),
        ({"years": years("900.00", first=26)}, "malformed", "/years/0/fiscal_year"),
        ({"pro_total_amt": "9e2"}, "invalid_amount", "/pro_total_amt"),
        ({"pro_term": 0}, "malformed", "/pro_term"),
        ({"goals": (ProjectGoal(yearflag="2", kpi_target="x"),)}, "malformed", "/goals/0/yearflag"),
        ({"head_count": -1}, "malformed", "/head_count"),
        ({"standard_code": "GY-01", "standard_amt": "1.00"}, "malformed", "/head_count"),
        ({"standard_amt": "1.00", "head_count": 3}, "malformed", "/standard_amt"),
    ],
)
def test_what_is_no_figure_is_malformed(
    library: Library, wrong: dict[str, Any], code: str, pointer: str
) -> None:
    assert library.refused(report(**wrong)) == (code, pointer)


RUNNING: dict[str, Any] = {
    "pro_cat_code": "21",
    "pro_total_amt": "24000.00",
    "pro_term": 1,
    "years": years("24000.00"),
    "standard_code": "GY-01",
    "standard_amt": "8000.00",
    "head_count": 3,
    "goals": (),
}


def test_running_costs_are_the_standard_times_the_heads(library: Library) -> None:
    more = RUNNING | {"pro_total_amt": "24000.01", "years": years("24000.01")}
    assert library.refused(report(**more)) == ("budget_mismatch", "/years")
    specific = report(**RUNNING | {"pro_cat_code": "3"})
    assert library.refused(specific) == ("budget_mismatch", "/standard_code")
    library.do(report(**RUNNING))
    fourth: dict[str, Any] = {"pro_code": ROAD, "change_no": "1", "reason": "增人", "head_count": 4}
    assert library.refused(ReviseProject(**fourth)) == ("budget_mismatch", "/years")
    library.do(ReviseProject(**fourth, pro_total_amt="32000.00", years=years("32000.00")))
    assert library.road.last.pro_total_fen == 32_000_00


def test_of_a_unit_a_standard_and_a_year_one_project_is_computed(library: Library) -> None:
    library.do(report(**RUNNING))
    second = report(pro_code="P2", **RUNNING)
    assert library.refused(second) == ("invalid_state", "/standard_code")
    for other in (
        {"agency_code": "101002"},
        {"standard_code": "GY-02"},
        {"pro_start_year": 2027, "years": years("24000.00", first=2027)},
    ):
        library.do(report(**RUNNING | other | {"pro_code": f"P{len(str(other))}"}))
    library.do(TerminateProject(pro_code=ROAD, reason="重复"))
    library.do(second)
    assert library.refused(report(pro_code="P3", **RUNNING)) == ("invalid_state", "/standard_code")


def test_the_standard_is_what_the_division_has_registered(library: Library) -> None:
    """8,000.00 a head until 2026, 9,000.00 from 2027 on; projects of 2027 are told in 2026."""
    library.do(OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"), "admin")
    unit: dict[str, Any] = {"agency_name": "省交通运输厅", "agency_type_code": "1"}
    library.do(RegisterAgency(agency_code="101001", **unit), "admin")
    assert library.refused(report(**RUNNING)) == ("element_invalid", "/standard_code")
    of: dict[str, Any] = {"name": "公用定额", "unit": "人", "dep_bgt_eco_code": "302"}
    library.do(RegisterStandard(std_code="GY-01", amt="8000.00", **of), "admin")
    raised = ChangeStandard(
        std_code="GY-01", change_no="1", start_date=date(2027, 1, 1), amt="9000.00"
    )
    library.do(raised, "admin")
    wrong = report(**RUNNING | {"standard_amt": "8000.01"})
    assert library.refused(wrong) == ("budget_mismatch", "/standard_amt")
    unsaid = RUNNING | {"standard_amt": ""}
    library.do(report(**unsaid))
    assert library.road.last.standard_amt == "8000.00"
    later = {
        "pro_code": "P2",
        "pro_start_year": 2027,
        "pro_total_amt": "27000.00",
        "years": years("27000.00", first=2027),
    }
    library.do(report(**unsaid | later))


def test_heads_are_those_that_are_registered(library: Library) -> None:
    """Three at work until August, five from September on; whom the standard does not count, none
    asks for."""
    library.do(OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"), "admin")
    unit: dict[str, Any] = {"agency_name": "省交通运输厅", "agency_type_code": "1"}
    library.do(RegisterAgency(agency_code="101001", **unit), "admin")
    of: dict[str, Any] = {"name": "公用定额", "unit": "人", "dep_bgt_eco_code": "302"}
    library.do(RegisterStandard(std_code="GY-01", amt="8000.00", staff_kind="1", **of), "admin")
    assert library.refused(report(**RUNNING)) == ("budget_mismatch", "/head_count")
    library.do(RegisterStaff(staff_no="101001-1", staff_count=2), "admin")
    library.do(RegisterStaff(staff_no="101001-2", staff_count=3), "admin")
    assert library.refused(report(**RUNNING)) == ("budget_mismatch", "/head_count")
    three = ChangeStaff(
        staff_no="101001-1", change_no="1", start_date=date(2026, 1, 1), staff_count=3
    )
    library.do(three, "admin")
    library.do(report(**RUNNING))
    five = ChangeStaff(
        staff_no="101001-1", change_no="2", start_date=date(2026, 1, 1), staff_count=5
    )
    library.do(five, "admin")
    change: dict[str, Any] = {"pro_code": ROAD, "reason": "增人"}
    library.do(ReviseProject(change_no="3", pro_name="公用经费", **change))  # not counted anew
    grown = ReviseProject(
        change_no="4", head_count=4, pro_total_amt="32000.00", years=years("32000.00"), **change
    )
    assert library.refused(grown) == ("budget_mismatch", "/head_count")
    right = msgspec.structs.replace(
        grown, head_count=5, pro_total_amt="40000.00", years=years("40000.00")
    )
    library.do(right)
    assert library.road.last.head_count == 5


def test_what_is_computed_stays_what_it_is_computed_for(library: Library) -> None:
    library.do(report(**RUNNING))
    change: dict[str, Any] = {"pro_code": ROAD, "change_no": "1", "reason": "x"}
    for other in ({"agency_code": "101002"}, {"standard_code": "GY-02", "standard_amt": "8000.00"}):
        moved = ReviseProject(**change, **other, head_count=3)
        assert library.refused(moved) == ("element_mismatch", "/standard_code")
    library.do(report(pro_code="P2"))
    computed = ReviseProject(
        pro_code="P2", change_no="2", reason="x", standard_code="G", standard_amt="1.00",
        head_count=1,
    )  # fmt: skip
    assert library.refused(computed) == ("element_mismatch", "/standard_code")


# ---- codes


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"pro_code": "440100260000000000001"}, "/pro_code"),
        ({"pro_cat_code": "2"}, "/pro_cat_code"),
        ({"pro_cat_code": "9"}, "/pro_cat_code"),
        ({"agency_code": "1"}, "/agency_code"),
        ({"use_agency_codes": ("101002", "?")}, "/use_agency_codes/1"),
    ],
)
def test_codes_are_in_force_and_the_project_is_the_divisions_own(
    library: Library, wrong: dict[str, Any], pointer: str
) -> None:
    assert library.refused(report(**wrong)) == ("element_invalid", pointer)


def test_where_units_are_kept_only_they_have_projects(library: Library) -> None:
    library.do(OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"), "admin")
    assert library.refused(report()) == ("element_invalid", "/agency_code")
    unit: dict[str, Any] = {"agency_name": "省交通运输厅", "agency_type_code": "1"}
    library.do(RegisterAgency(agency_code="101001", **unit), "admin")
    library.do(report())
    shared = report(pro_code="P2", use_agency_codes=("101002",))
    assert library.refused(shared) == ("element_invalid", "/use_agency_codes/0")
