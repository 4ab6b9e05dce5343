"""项目库: from a unit's report into the library; a state built by hand, no database."""

from datetime import date
from typing import Any

import pytest

from budget.projects.amending import AmendProject
from budget.projects.checking import CheckProject, ReturnProject, StoreProject
from budget.projects.ending import EndProject, ResumeProject, SuspendProject, TerminateProject
from budget.projects.events import ProjectYear
from budget.projects.reporting import ReviseProject
from ledger.deciding.command import Command
from tests.support.project_library import (
    DEPARTMENT,
    GOALS,
    ROAD,
    TREASURY,
    UNIT,
    Library,
    report,
    years,
)


@pytest.fixture
def library() -> Library:
    return Library()


def test_a_project_is_reported_checked_twice_and_stored(library: Library) -> None:
    library.do(report())
    assert (library.road.state, library.road.is_in_library) == ("reported", False)
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    assert library.road.state == "dept_checked"
    library.do(CheckProject(pro_code=ROAD, level="mof"), TREASURY)
    assert library.road.state == "mof_checked"
    library.do(StoreProject(pro_code=ROAD), TREASURY)
    assert (library.road.state, library.road.is_in_library) == ("in_library", True)
    assert [library.road.year_amt_fen(year) for year in range(2025, 2030)] == [
        0, 300_00, 400_00, 200_00, 0,
    ]  # fmt: skip


# ---- who checks, and what


def test_whoever_has_told_what_it_is_neither_checks_nor_stores_it(library: Library) -> None:
    library.do(report())
    for maker in (UNIT, UNIT.upper()):
        assert library.refused(CheckProject(pro_code=ROAD), maker) == ("same_person", "")
    library.do(ReviseProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新"), "unit.he")
    assert library.refused(CheckProject(pro_code=ROAD), "unit.he") == ("same_person", "")
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    for maker in (UNIT, "unit.he"):
        assert library.refused(StoreProject(pro_code=ROAD), maker) == ("same_person", "")


def test_each_step_has_its_place(library: Library) -> None:
    library.do(report())
    treasury = CheckProject(pro_code=ROAD, level="mof")
    assert library.refused(treasury, TREASURY)[0] == "invalid_state"
    assert library.refused(StoreProject(pro_code=ROAD), TREASURY)[0] == "invalid_state"
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    assert library.refused(CheckProject(pro_code=ROAD), DEPARTMENT)[0] == "invalid_state"
    library.do(StoreProject(pro_code=ROAD), TREASURY)
    assert library.refused(treasury, TREASURY)[0] == "invalid_state"
    assert library.refused(ReturnProject(pro_code=ROAD, reason="x"), TREASURY)[0] == "invalid_state"
    assert library.refused(CheckProject(pro_code="P0"), DEPARTMENT)[0] == "not_found"


def test_what_is_granted_takes_the_place_of_what_was_asked(library: Library) -> None:
    """申报 300, 部门 250, 财政 240: the treasury's word holds."""
    library.do(report())
    library.do(CheckProject(pro_code=ROAD, audit_years=years("250.00")), DEPARTMENT)
    library.do(CheckProject(pro_code=ROAD, level="mof", audit_years=years("240.00")), TREASURY)
    first, second, _ = library.road.last.years
    assert (first.declared_fen, first.dept_fen, first.mof_fen) == (300_00, 250_00, 240_00)
    assert (second.declared_fen, second.dept_fen, second.mof_fen) == (400_00, 400_00, 400_00)
    assert library.road.last.pro_total_fen == 840_00
    assert library.road.year_amt_fen(2026) == 240_00


def test_only_years_that_were_asked_for_are_granted(library: Library) -> None:
    library.do(report())
    fourth = CheckProject(pro_code=ROAD, audit_years=years("1.00", first=2029))
    refused = library.refused(fourth, DEPARTMENT)
    assert refused == ("budget_mismatch", "/audit_years/0/fiscal_year")
    nothing = CheckProject(pro_code=ROAD, audit_years=years("0.00", "0.00", "0.00"))
    assert library.refused(nothing, DEPARTMENT) == ("budget_mismatch", "/pro_total_amt")


def test_a_specific_aim_is_stored_with_its_goals(library: Library) -> None:
    library.do(report(goals=()))
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    refused = library.refused(StoreProject(pro_code=ROAD), TREASURY)
    assert refused == ("invalid_state", "/goals")
    library.do(ReviseProject(pro_code=ROAD, change_no="1", reason="补充", goals=GOALS))
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    library.do(StoreProject(pro_code=ROAD), TREASURY)
    other = report(pro_code="P2", pro_cat_code="22", goals=())
    library.do(other)
    library.do(CheckProject(pro_code="P2"), DEPARTMENT)
    library.do(StoreProject(pro_code="P2"), TREASURY)


# ---- mending before it is stored


def test_what_is_returned_is_mended_and_checked_anew(library: Library) -> None:
    library.do(report())
    library.do(CheckProject(pro_code=ROAD, audit_years=years("250.00")), DEPARTMENT)
    library.do(ReturnProject(pro_code=ROAD, reason="里程不实"), TREASURY)
    assert (library.road.state, library.road.reason) == ("returned", "里程不实")
    assert library.refused(CheckProject(pro_code=ROAD), DEPARTMENT)[0] == "invalid_state"
    mended = ReviseProject(
        pro_code=ROAD,
        change_no="1",
        reason="核减",
        pro_total_amt="800.00",
        years=years("200.00", "400.00", "200.00"),
    )
    library.do(mended)
    assert (library.road.state, library.road.reason, library.road.version) == ("reported", "", 2)
    assert len(library.road.versions) == 1, "nothing rested on what it was"
    assert library.road.on(date(2020, 1, 1)).pro_total_fen == 800_00
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)


def test_a_check_is_of_what_was_looked_at(library: Library) -> None:
    """The unit changes its project while the checker reads it: what he sends is void."""
    library.do(report())
    renamed = ReviseProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新名")
    library.do(renamed)
    assert library.refused(CheckProject(pro_code=ROAD, version=1), DEPARTMENT)[0] == "invalid_state"
    library.do(CheckProject(pro_code=ROAD, version=2), DEPARTMENT)
    assert library.refused(StoreProject(pro_code=ROAD, version=1), TREASURY)[0] == "invalid_state"


def test_a_change_before_the_library_takes_every_check_back(library: Library) -> None:
    library.do(report())
    library.do(CheckProject(pro_code=ROAD, audit_years=years("250.00")), DEPARTMENT)
    library.do(ReviseProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新名"))
    assert library.road.state == "reported"
    assert library.road.year_amt_fen(2026) == 300_00, "as the unit asked"


def test_a_change_of_years_says_its_total(library: Library) -> None:
    library.do(report())
    change: dict[str, Any] = {"pro_code": ROAD, "change_no": "1", "reason": "核减"}
    fewer = years("200.00", "400.00", "200.00")
    refused = library.refused(ReviseProject(**change, years=fewer))
    assert refused == ("budget_mismatch", "/pro_total_amt")
    assert library.refused(ReviseProject(**change)) == ("malformed", "")
    library.do(ReviseProject(**change, years=years("100.00", "600.00", "200.00")))


# ---- in the library


def test_before_its_day_a_project_keeps_its_name_and_its_years(library: Library) -> None:
    """Renamed and cut from June on: reports of May know nothing of it."""
    library.stored()
    library.on(date(2026, 5, 20))
    amend = AmendProject(
        pro_code=ROAD,
        change_no="TZ-1",
        start_date=date(2026, 6, 1),
        reason="规划调整",
        pro_name="农村公路提升",
        agency_code="101002",
        pro_total_amt="800.00",
        years=years("300.00", "300.00", "200.00"),
    )
    library.do(amend)
    for day, name, unit, second in (
        (date(2020, 1, 1), "农村公路改造", "101001", 400_00),
        (date(2026, 5, 31), "农村公路改造", "101001", 400_00),
        (date(2026, 6, 1), "农村公路提升", "101002", 300_00),
        (date(2027, 1, 1), "农村公路提升", "101002", 300_00),
    ):
        then = library.road.on(day)
        assert (then.pro_name, then.agency_code, then.year_amt_fen(2027)) == (name, unit, second)
    assert library.road.year_amt_fen(2027) == 300_00
    assert library.road.is_in_library


def test_an_amendment_of_the_same_day_takes_the_place_of_the_one_before(library: Library) -> None:
    library.stored()
    of_day: dict[str, Any] = {"pro_code": ROAD, "start_date": date(2026, 6, 1), "reason": "更名"}
    library.do(AmendProject(**of_day, change_no="1", pro_name="一名"))
    library.do(AmendProject(**of_day, change_no="2", pro_des="说明"))
    assert [version.pro_name for version in library.road.versions] == ["农村公路改造", "一名"]
    assert library.road.last.pro_des == "说明"
    earlier = of_day | {"start_date": date(2026, 3, 1)}
    refused = library.refused(AmendProject(**earlier, change_no="3", pro_name="二名"))
    assert refused[0] == "invalid_state", "what begins in June knew nothing of it"


def test_what_is_amended_makes_up_its_total_too(library: Library) -> None:
    library.stored()
    one_fen = AmendProject(
        pro_code=ROAD, change_no="1", reason="x", years=years("300.00", "400.00", "200.01")
    )
    assert library.refused(one_fen) == ("budget_mismatch", "/pro_total_amt")
    shorter = AmendProject(pro_code=ROAD, change_no="1", reason="x", pro_term=2)
    assert library.refused(shorter) == ("budget_mismatch", "/years")


def test_no_year_falls_below_what_its_ledger_has_budgeted(library: Library) -> None:
    """400.00 were planned for 2027, and 350.00 of it are budgeted."""
    library.stored()
    library.budgeted = (ProjectYear(fiscal_year=2027, amt="350.00"),)
    cut: dict[str, Any] = {"pro_code": ROAD, "change_no": "1", "reason": "核减"}
    one_fen_less = years("300.00", "349.99", "200.00")
    refused = library.refused(AmendProject(**cut, pro_total_amt="849.99", years=one_fen_less))
    assert refused == ("insufficient_budget", "/years")
    one_year = AmendProject(**cut, pro_total_amt="300.00", pro_term=1, years=years("300.00"))
    assert library.refused(one_year) == ("insufficient_budget", "/years")
    rest = years("300.00", "350.00", "200.00")
    library.do(AmendProject(**cut, pro_total_amt="850.00", years=rest))


def test_each_way_of_changing_has_its_time(library: Library) -> None:
    library.do(report())
    amend = AmendProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新")
    assert library.refused(amend)[0] == "invalid_state"
    library.do(CheckProject(pro_code=ROAD), DEPARTMENT)
    library.do(StoreProject(pro_code=ROAD), TREASURY)
    revise = ReviseProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新")
    assert library.refused(revise)[0] == "invalid_state"


def test_a_suspended_project_is_budgeted_for_again_when_it_is_resumed(library: Library) -> None:
    library.stored()
    resume = ResumeProject(pro_code=ROAD, change_no="2", reason="核查完毕")
    assert library.refused(resume)[0] == "invalid_state"
    suspend = SuspendProject(pro_code=ROAD, change_no="1", reason="审计核查")
    library.do(suspend)
    assert (library.road.is_in_library, library.road.reason) == (False, "审计核查")
    assert library.refused(suspend)[0] == "invalid_state"
    library.do(resume)
    assert library.road.is_in_library


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (TerminateProject(pro_code=ROAD, reason="不再实施"), "terminated"),
        (EndProject(pro_code=ROAD), "ended"),
    ],
)
def test_what_has_ended_is_over(library: Library, end: Command, state: str) -> None:
    library.stored()
    library.do(end)
    assert (library.road.state, library.road.is_in_library) == (state, False)
    rename = AmendProject(pro_code=ROAD, change_no="1", reason="更名", pro_name="新")
    assert library.refused(rename)[0] == "invalid_state"
    for again in (
        SuspendProject(pro_code=ROAD, change_no="1", reason="x"),
        TerminateProject(pro_code=ROAD, reason="x"),
        EndProject(pro_code=ROAD),
    ):
        assert library.refused(again)[0] == "invalid_state"


@pytest.mark.parametrize(
    "end", [TerminateProject(pro_code=ROAD, reason="不再实施"), EndProject(pro_code=ROAD)]
)
def test_nothing_ends_of_which_a_year_has_money_left(library: Library, end: Command) -> None:
    """It could be given up while its indicators were still there to be paid from."""
    library.stored()
    library.unspent = (ProjectYear(fiscal_year=2027, amt="0.01"),)
    assert library.refused(end)[0] == "invalid_state"
    library.unspent = ()
    library.do(end)


def test_nothing_is_planned_of_what_is_suspended_or_over(library: Library) -> None:
    library.stored()
    assert library.road.budgetable_fen(2026) == 300_00
    library.do(SuspendProject(pro_code=ROAD, change_no="1", reason="审计核查"))
    assert (library.road.budgetable_fen(2026), library.road.year_amt_fen(2026)) == (0, 300_00)
    library.do(ResumeProject(pro_code=ROAD, change_no="2", reason="核查完毕"))
    assert library.road.budgetable_fen(2026) == 300_00
    library.do(TerminateProject(pro_code=ROAD, reason="不再实施"))
    assert library.road.budgetable_fen(2026) == 0


def test_who_may_draw_on_a_project(library: Library) -> None:
    road = library.stored(use_agency_codes=("101002",)).last
    assert [road.is_for(unit) for unit in ("101001", "101002", "101003")] == [True, True, False]
