"""项目: what a project is, on every day, and how far it has come.

What it is called, whose it is and what its years are, is told by versions. The first holds from its
beginning, and before, too: it had no other name then. What is amended when a project is in the
library begins on a day, so that what was budgeted and paid before keeps the old, and what comes
after has the new.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from budget.levels import DEPARTMENT
from budget.projects.computed import COMPUTED, places_of
from budget.projects.events import (
    ProjectAmended,
    ProjectChecked,
    ProjectEnded,
    ProjectGoal,
    ProjectReported,
    ProjectResumed,
    ProjectReturned,
    ProjectRevised,
    ProjectStored,
    ProjectSuspended,
    ProjectTerminated,
    ProjectYear,
)
from division.shown import shown_in_tables
from ledger.deciding.command import Need
from ledger.deciding.objects import Kind
from ledger.deciding.state import LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen

REPORTED, RETURNED = "reported", "returned"
DEPT_CHECKED, MOF_CHECKED = "dept_checked", "mof_checked"
IN_LIBRARY, ENDED, TERMINATED = "in_library", "ended", "terminated"
BEFORE_LIBRARY = (REPORTED, RETURNED, DEPT_CHECKED, MOF_CHECKED)

PERSONNEL, PUBLIC, OTHER_RUNNING, SPECIFIC = "1", "21", "22", "3"  # 人员, 公用, 其他运转, 特定目标

# what an event of a change tells of a project under the same names, if it tells it
_TOLD = (
    "pro_name",
    "agency_code",
    "pro_cat_code",
    "pro_start_year",
    "pro_term",
    "goals",
    "use_agency_codes",
    "mof_dep_code",
    "parent_pro_code",
    "track_pro_code",
    "is_track",
    "is_gov_pur",
    "pro_des",
    "standard_code",
    "standard_amt",
    "head_count",
)


class PlannedYear(msgspec.Struct, frozen=True):
    """A year of a project in fen: as it was told 申报, and as the department and the treasury have
    granted it where they looked at it otherwise."""

    fiscal_year: int
    declared_fen: int
    dept_fen: int | None = None
    mof_fen: int | None = None

    @property
    def amt_fen(self) -> int:
        """What holds: the treasury's word before the department's before the unit's."""
        for granted in (self.mof_fen, self.dept_fen):
            if granted is not None:
                return granted
        return self.declared_fen


class ProjectVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a project is from ``start_date`` on: of the first, ever; its ``change_no`` is ""."""

    start_date: date
    change_no: str
    pro_name: str
    agency_code: str
    pro_cat_code: str
    pro_start_year: int
    pro_term: int
    years: tuple[PlannedYear, ...]
    goals: tuple[ProjectGoal, ...]
    use_agency_codes: tuple[str, ...]
    mof_dep_code: str
    parent_pro_code: str
    track_pro_code: str
    is_track: bool
    is_gov_pur: bool
    pro_des: str
    standard_code: str
    standard_amt: str
    head_count: int

    @property
    def pro_total_fen(self) -> int:
        return sum(year.amt_fen for year in self.years)

    def year_amt_fen(self, fiscal_year: int) -> int:
        """What the project is to cost in a year, 0 where it has no such year."""
        return sum(year.amt_fen for year in self.years if year.fiscal_year == fiscal_year)

    def is_for(self, agency_code: str) -> bool:
        """使用范围: whether a unit may draw on it: its own, and those that it names."""
        return agency_code == self.agency_code or agency_code in self.use_agency_codes


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as its events have left it.

    Attributes:
        versions: in the order of their first days.
        version: how often it was told what it is.
        made_by: who has told it; none of them may check or store it.
        revised: the numbers of the changes before it was stored.
        reason: of its return, suspension or termination.
        is_plan_stopped: whether nothing may be budgeted by its plan: it is suspended or over.
        acts: what brought it from its last report to where it stands.
    """

    pro_code: str
    versions: tuple[ProjectVersion, ...]
    state: str = REPORTED
    is_suspended: bool = False
    is_plan_stopped: bool = False
    version: int = 1
    made_by: tuple[str, ...]
    revised: tuple[str, ...] = ()
    reason: str = ""
    acts: tuple[Event, ...] = ()

    @property
    def is_in_library(self) -> bool:
        """Whether it may be budgeted for."""
        return self.state == IN_LIBRARY and not self.is_suspended

    @property
    def last(self) -> ProjectVersion:
        """The version that begins last."""
        return self.versions[-1]

    def on(self, day: date) -> ProjectVersion:
        """What it is on that day."""
        return [version for version in self.versions if version.start_date <= day][-1]

    def year_amt_fen(self, fiscal_year: int) -> int:
        """What it is to cost in a year, by all that is known of it."""
        return self.last.year_amt_fen(fiscal_year)

    def budgetable_fen(self, fiscal_year: int) -> int:
        """What of that may be budgeted in the year: nothing while it is suspended, or over."""
        return 0 if self.is_plan_stopped else self.year_amt_fen(fiscal_year)


# ---- folding


def fold(project: Project | None, event: Event) -> Project | None:
    if isinstance(event, ProjectReported):
        return Project(pro_code=event.pro_code, versions=(_first(event),), made_by=(event.by,))
    return None if project is None else _after(project, event)


def _after(project: Project, event: Event) -> Project:
    match event:
        case ProjectRevised():
            return _revised(project, event)
        case ProjectAmended():
            return _amended(project, event)
        case ProjectChecked():
            granted = granted_years(project.last.years, event.level, event.audit_years)
            checked = msgspec.structs.replace(project.last, years=granted)
            state = DEPT_CHECKED if event.level == DEPARTMENT else MOF_CHECKED
            return _moved(project, event, state=state, versions=(checked,))
        case ProjectReturned():
            return _moved(project, event, state=RETURNED, reason=event.reason)
        case ProjectStored():
            return _moved(project, event, state=IN_LIBRARY, reason="")
        case ProjectSuspended():
            return _stopped(project, event, is_suspended=True)
        case ProjectResumed():
            return _moved(project, event, is_suspended=False, is_plan_stopped=False, reason="")
        case ProjectTerminated():
            return _stopped(project, event, state=TERMINATED)
        case ProjectEnded():
            return _stopped(project, event, state=ENDED)
        case _:
            return project


def _moved(project: Project, event: Event, **changes: Any) -> Project:
    return msgspec.structs.replace(project, acts=(*project.acts, event), **changes)


def _stopped(
    project: Project, event: ProjectSuspended | ProjectTerminated | ProjectEnded, **changes: Any
) -> Project:
    stopped = project.is_plan_stopped or event.stops_plan
    return _moved(project, event, is_plan_stopped=stopped, reason=event.reason, **changes)


def _first(event: ProjectReported) -> ProjectVersion:
    told = {name: getattr(event, name) for name in _TOLD}
    return ProjectVersion(
        start_date=date.min,
        change_no="",
        years=planned_years(event.years),
        **told,
    )


def _revised(project: Project, event: ProjectRevised) -> Project:
    """What nothing rests on is mended from its beginning, and checked anew."""
    told = changed(project.last, event)
    if not event.years:  # what was granted is void with the check
        declared = tuple(PlannedYear(y.fiscal_year, y.declared_fen) for y in told.years)
        told = msgspec.structs.replace(told, years=declared)
    return msgspec.structs.replace(
        project,
        versions=(told,),
        state=REPORTED,
        version=project.version + 1,
        made_by=(*project.made_by, event.by),
        revised=(*project.revised, event.change_no),
        reason="",
        acts=(),
    )


def _amended(project: Project, event: ProjectAmended) -> Project:
    start = date.fromisoformat(event.start_date)
    told = changed(project.on(start), event, start_date=start, change_no=event.change_no)
    kept = (version for version in project.versions if version.start_date != start)
    return msgspec.structs.replace(
        project,
        versions=tuple(sorted((*kept, told), key=lambda version: version.start_date)),
        version=project.version + 1,
    )


def changed(version: ProjectVersion, change: Any, **more: Any) -> ProjectVersion:
    """A version with what a command or an event tells of it; what is left out stays."""
    for name in _TOLD:
        value = getattr(change, name, "")
        if value not in ("", (), None):
            more[name] = value
    if change.years:
        more["years"] = planned_years(change.years)
    return msgspec.structs.replace(version, **more)


def planned_years(years: Iterable[ProjectYear]) -> tuple[PlannedYear, ...]:
    """Years in their order, as they were told."""
    planned = (PlannedYear(year.fiscal_year, stored_fen(year.amt)) for year in years)
    return tuple(sorted(planned, key=lambda year: year.fiscal_year))


def granted_years(
    years: Iterable[PlannedYear], level: str, granted: Iterable[ProjectYear]
) -> tuple[PlannedYear, ...]:
    """Years after a check by the department or the treasury; each grants what it says nothing
    else of."""
    said = {year.fiscal_year: stored_fen(year.amt) for year in granted}
    field = "dept_fen" if level == DEPARTMENT else "mof_fen"
    return tuple(
        msgspec.structs.replace(year, **{field: said.get(year.fiscal_year, year.amt_fen)})
        for year in years
    )


def _rows(ledger_id: int, project: Project) -> Iterable[TableRow]:
    """A row a version: whose the project is from its first day on, and how far it has come."""
    for version in project.versions:
        yield (
            ledger_id,
            project.pro_code,
            version.start_date.isoformat(),
            version.agency_code,
            version.pro_cat_code,
            project.state,
        )


PROJECTS = ObjectTable(
    name="projects",
    columns=(
        ("ledger_id", "bigint"),
        ("pro_code", "text"),
        ("start_date", "date"),
        ("agency_code", "text"),
        ("pro_cat_code", "text"),
        ("state", "text"),
    ),
    key=3,
    rows=_rows,
)
PROJECT: Kind[Project] = shown_in_tables(
    Kind(
        name="project",
        opened_by="project.report",
        fold=fold,
        rows=lambda project: ((COMPUTED, place) for place in places_of(project.last)),
        tables=(PROJECTS,),
        acts=lambda project: project.acts,
        cost=lambda _: 6,
    )
)


# ---- what decisions ask


def needs_project(pro_code: str) -> tuple[Need, ...]:
    return ((PROJECT, pro_code),)


def require_project(state: LedgerState, pro_code: str, *states: str) -> Project:
    """The project, in one of these states.

    Raises:
        Refusal: ``invalid_state``, ``not_found``.
    """
    project = state.get(PROJECT, pro_code)
    if project is None:
        raise Refusal(Code.NOT_FOUND, f"no project {pro_code!r} was reported here")
    if states and project.state not in states:
        raise Refusal(
            Code.INVALID_STATE, f"the project is {project.state}", project_state=project.state
        )
    return project


def require_goals(version: ProjectVersion) -> None:
    """A project of a specific aim 特定目标类 is in the library with its goals 绩效目标.

    Raises:
        Refusal: ``invalid_state``.
    """
    if version.pro_cat_code.startswith(SPECIFIC) and not version.goals:
        raise Refusal(
            Code.INVALID_STATE,
            "a project of a specific aim 特定目标类 is in the library with its goals 绩效目标",
            pointer="/goals",
        )
