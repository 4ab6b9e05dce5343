"""项目库: from a unit's report into the library; a state built by hand, no database."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from budget.projects.amending import AmendProject
from budget.projects.checking import CheckProject, ReturnProject, StoreProject
from budget.projects.ending import EndProject, ResumeProject, SuspendProject, TerminateProject
from budget.projects.events import GoalIndicator, ProjectGoal, ProjectYear
from budget.projects.project import PROJECT, Project
from budget.projects.reporting import ReportProject, ReviseProject
from division.agency import RegisterAgency
from division.opening import OpenDivision
from division.standard import ChangeStandard, RegisterStandard
from ledger.account_set import standing_ledger
from ledger.books import load_charts
from ledger.deciding.command import Command
from ledger.deciding.dated import DatedRow
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.opening import OpenStandingLedger
from ledger.deciding.registers import Register
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.errors import GuokuError
from ledger.integrity.chain import microseconds

ROAD = "440000260000000000001"
UNIT, DEPARTMENT, TREASURY = "unit.li", "checker.wang", "mof.zhao"
GOALS = (
    ProjectGoal(
        yearflag="1",
        kpi_target="三年内改造农村公路 120 公里",
        indicators=(GoalIndicator(name="改造里程", indexval="120", meterunit="公里"),),
    ),
)


class Library:
    """The standing ledger of Guangdong on a day, never written anywhere."""

    def __init__(self) -> None:
        self.budgeted: tuple[ProjectYear, ...] = ()  # for whatever project, by its years' ledgers
        self.state = LedgerState(standing_ledger("440000000"), load_charts())
        self.state.pass_over(1)
        self.on(date(2025, 9, 1))
        self.do(OpenStandingLedger(mof_div_code="440000000"), "guoku")

    def on(self, day: date) -> None:
        moment = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        self.state.begin(microseconds(moment), stored_code_sets.shipped())

    def do(self, command: Command, by: str = UNIT) -> None:
        if (check := getattr(command, "check", None)) is not None:
            check()
        for what, key in command.needs():
            if isinstance(what, Register) and not self.state.has_row(what, key):
                self.state.take_rows(what, {key: DatedRow(what.row())})
            elif isinstance(what, LockedFact):
                self.state.take_facts({(what.name, key): self.budgeted})
        self.state.apply(command.decide(self.state, by))

    def refused(self, command: Command, by: str = UNIT) -> tuple[str, str]:
        """Code and pointer of the refusal."""
        before = self.state.position
        with pytest.raises(GuokuError) as caught:
            self.do(command, by)
        assert self.state.position == before, "nothing else changes"
        return caught.value.code.text, str(caught.value.extra.get("pointer", ""))

    @property
    def road(self) -> Project:
        project = self.state.get(PROJECT, ROAD)
        assert project is not None
        return project

    def stored(self, **more: Any) -> Project:
        self.do(report(**more))
        self.do(CheckProject(pro_code=ROAD), DEPARTMENT)
        self.do(StoreProject(pro_code=ROAD), TREASURY)
        return self.road


@pytest.fixture
def library() -> Library:
    return Library()


def years(*amounts: str, first: int = 2026) -> tuple[ProjectYear, ...]:
    return tuple(ProjectYear(fiscal_year=first + n, amt=amt) for n, amt in enumerate(amounts))


def report(**more: Any) -> ReportProject:
    """Rural roads: 900.00 in three years."""
    fields: dict[str, Any] = {
        "pro_code": ROAD,
        "pro_name": "农村公路改造",
        "agency_code": "101001",
        "pro_cat_code": "3",
        "pro_total_amt": "900.00",
        "pro_start_year": 2026,
        "pro_term": 3,
        "years": years("300.00", "400.00", "200.00"),
        "goals": GOALS,
    }
    return ReportProject(**(fields | more))


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


# ---- figures


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


def test_who_may_draw_on_a_project(library: Library) -> None:
    road = library.stored(use_agency_codes=("101002",)).last
    assert [road.is_for(unit) for unit in ("101001", "101002", "101003")] == [True, True, False]
