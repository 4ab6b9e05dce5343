"""What callers see of a project 项目: as it stands, what it was on every day, and who did what."""

from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.models.enums import LevelCode, ProjectState
from api.http.views import Committed
from budget.projects.events import ProjectGoal
from budget.projects.project import PlannedYear, Project, ProjectVersion
from ledger.account_set import ledger_text
from ledger.deciding.state import BEIJING
from ledger.events import TYPES, decode
from ledger.money import yuan
from ledger.reading.objects import StoredRow

# what a version says of a project, as it stands in it
SAID = (
    "pro_name",
    "agency_code",
    "pro_cat_code",
    "pro_start_year",
    "pro_term",
    "use_agency_codes",
    "mof_dep_code",
    "parent_pro_code",
    "track_pro_code",
    "is_track",
    "is_gov_pur",
    "pro_des",
    "standard_code",
    "head_count",
)


class ProjectYearView(msgspec.Struct, kw_only=True):
    """A year of a project: ``amt`` holds; asked was ``declared_amt`` 申报数, granted by the
    department ``dept_check_amt`` 部门审核数 and by the treasury ``mof_check_amt`` 财政审核数."""

    fiscal_year: int
    amt: str
    declared_amt: str
    dept_check_amt: str | None
    mof_check_amt: str | None


class GoalIndicatorView(msgspec.Struct, kw_only=True):
    """By what a goal is measured 绩效指标."""

    name: str
    indexval: str
    lv1_perf_ind_code: str
    lv2_perf_ind_code: str
    lv3_perf_ind_code: str
    computesign: str
    meterunit: str
    weight: str


class ProjectGoalView(msgspec.Struct, kw_only=True):
    """A goal 绩效目标; ``yearflag`` is 0 of one year, 1 of all its years."""

    yearflag: str
    kpi_target: str
    indicators: list[GoalIndicatorView]


class ProjectView(msgspec.Struct, kw_only=True):
    """A project on the day that is asked for, else today; the answer to an act shows it as it is
    in the end. ``version`` counts how often it was told what it is."""

    ledger: str
    pro_code: str
    state: ProjectState
    is_suspended: bool
    is_in_library: bool
    version: int
    start_date: str | None
    pro_name: str
    agency_code: str
    pro_cat_code: str
    pro_total_amt: str
    pro_start_year: int
    pro_term: int
    years: list[ProjectYearView]
    goals: list[ProjectGoalView]
    use_agency_codes: tuple[str, ...]
    mof_dep_code: str
    parent_pro_code: str
    track_pro_code: str
    is_track: bool
    is_gov_pur: bool
    pro_des: str
    standard_code: str
    standard_amt: str | None
    head_count: int
    made_by: tuple[str, ...]
    reason: str
    commit: Committed = UNSET


class ProjectVersionView(msgspec.Struct, kw_only=True):
    """What a project is from ``start_date`` on."""

    start_date: str | None
    change_no: str
    pro_name: str
    agency_code: str
    pro_cat_code: str
    pro_total_amt: str
    pro_start_year: int
    pro_term: int
    years: list[ProjectYearView]


class ProjectStepView(msgspec.Struct, kw_only=True):
    """A step of a project 办理过程: an event, where it stands, and whose it was."""

    position: int
    type: str
    title: str
    recorded_at: datetime
    by: str
    level: LevelCode | UnsetType = UNSET
    change_no: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class ProjectHistoryView(ProjectView, kw_only=True):
    """A project with its versions, in the order of their first days, and its steps."""

    versions: list[ProjectVersionView]
    steps: list[ProjectStepView]


def project_view(key: int, project: Project, *, day: date | None = None) -> ProjectView:
    return ProjectView(**_fields(key, project, day))


def history_view(
    key: int, project: Project, day: date | None, rows: list[StoredRow]
) -> ProjectHistoryView:
    """With the events that have made it what it is."""
    return ProjectHistoryView(
        **_fields(key, project, day),
        versions=[_version(version) for version in project.versions],
        steps=[_step(row) for row in rows],
    )


def _fields(key: int, project: Project, day: date | None) -> dict[str, Any]:
    shown = project.last if day is None else project.on(day)
    return {
        "ledger": ledger_text(key),
        "pro_code": project.pro_code,
        "state": project.state,
        "is_suspended": project.is_suspended,
        "is_in_library": project.is_in_library,
        "version": project.version,
        "start_date": _day(shown.start_date),
        "pro_total_amt": yuan(shown.pro_total_fen),
        "years": [_year(year) for year in shown.years],
        "goals": [_goal(goal) for goal in shown.goals],
        "made_by": project.made_by,
        "reason": project.reason,
        "standard_amt": shown.standard_amt or None,
        **{name: getattr(shown, name) for name in SAID},
    }


def _day(start_date: date) -> str | None:
    """None of what holds from the beginning."""
    return None if start_date == date.min else start_date.isoformat()


def _year(year: PlannedYear) -> ProjectYearView:
    return ProjectYearView(
        fiscal_year=year.fiscal_year,
        amt=yuan(year.amt_fen),
        declared_amt=yuan(year.declared_fen),
        dept_check_amt=None if year.dept_fen is None else yuan(year.dept_fen),
        mof_check_amt=None if year.mof_fen is None else yuan(year.mof_fen),
    )


def _goal(goal: ProjectGoal) -> ProjectGoalView:
    indicators = [
        GoalIndicatorView(**{n: getattr(each, n) for n in GoalIndicatorView.__struct_fields__})
        for each in goal.indicators
    ]
    return ProjectGoalView(
        yearflag=goal.yearflag, kpi_target=goal.kpi_target, indicators=indicators
    )


def _version(version: ProjectVersion) -> ProjectVersionView:
    return ProjectVersionView(
        start_date=_day(version.start_date),
        change_no=version.change_no,
        pro_name=version.pro_name,
        agency_code=version.agency_code,
        pro_cat_code=version.pro_cat_code,
        pro_total_amt=yuan(version.pro_total_fen),
        pro_start_year=version.pro_start_year,
        pro_term=version.pro_term,
        years=[_year(year) for year in version.years],
    )


def _step(row: StoredRow) -> ProjectStepView:
    event: Any = decode(row.type, row.payload)
    return ProjectStepView(
        position=row.position,
        type=row.type,
        title=TYPES[event.TYPE].TRAITS.title,
        recorded_at=row.recorded_at.astimezone(BEIJING),
        by=event.by,
        level=getattr(event, "level", UNSET),
        change_no=getattr(event, "change_no", "") or UNSET,
        reason=getattr(event, "reason", "") or UNSET,
    )
