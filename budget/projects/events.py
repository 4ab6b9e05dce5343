"""What happens to a project 项目."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register


class ProjectYear(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """分年支出计划: what a project is to cost in a year."""

    fiscal_year: int
    amt: Yuan


class GoalIndicator(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """绩效指标: by what a goal is measured (PM_PERF_INDICATOR); ``indexval`` with its
    ``computesign`` and ``meterunit``, ``weight`` with two decimals of a hundred."""

    name: str
    indexval: str
    lv1_perf_ind_code: str = ""
    lv2_perf_ind_code: str = ""
    lv3_perf_ind_code: str = ""
    computesign: str = ""
    meterunit: str = ""
    weight: str = ""


class ProjectGoal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """绩效目标 (PM_PERF_GOAL_INFO): ``yearflag`` 0 of one year 年度, 1 of all its years 总体."""

    yearflag: str
    kpi_target: str
    indicators: tuple[GoalIndicator, ...] = ()


class ProjectReported(Event, frozen=True, kw_only=True):
    """项目申报: a unit has asked for a project."""

    TYPE: ClassVar[str] = "project.reported"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project",
        step="project",
        asked_by="project.report",
        moves=("computed_project",),
        title="项目申报",
    )
    pro_code: str
    pro_name: str
    agency_code: str
    pro_cat_code: str
    pro_total_amt: Yuan
    pro_start_year: int
    pro_term: int
    years: tuple[ProjectYear, ...]
    goals: tuple[ProjectGoal, ...] = ()
    use_agency_codes: tuple[str, ...] = ()
    mof_dep_code: str = ""
    parent_pro_code: str = ""
    track_pro_code: str = ""
    is_track: bool = False
    is_gov_pur: bool = False
    pro_des: str = ""
    standard_code: str = ""
    standard_amt: str = ""
    head_count: int = 0
    by: str


class ProjectRevised(Event, frozen=True, kw_only=True):
    """项目修改: what is told here is other, from the project's beginning, and it is reported again;
    what is left out stays as it was."""

    TYPE: ClassVar[str] = "project.revised"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.revise", title="项目修改"
    )
    pro_code: str
    change_no: str
    reason: str
    pro_name: str = ""
    agency_code: str = ""
    pro_cat_code: str = ""
    pro_total_amt: str = ""
    pro_start_year: int | None = None
    pro_term: int | None = None
    years: tuple[ProjectYear, ...] = ()
    goals: tuple[ProjectGoal, ...] = ()
    use_agency_codes: tuple[str, ...] = ()
    mof_dep_code: str = ""
    parent_pro_code: str = ""
    track_pro_code: str = ""
    is_track: bool | None = None
    is_gov_pur: bool | None = None
    pro_des: str = ""
    standard_code: str = ""
    standard_amt: str = ""
    head_count: int | None = None
    by: str


class ProjectAmended(Event, frozen=True, kw_only=True):
    """项目调整: what is told here is other from ``start_date`` on, of a project in the library;
    ``budgeted`` is what its years had budgeted by then."""

    TYPE: ClassVar[str] = "project.amended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.amend", title="项目调整"
    )
    pro_code: str
    change_no: str
    start_date: str
    reason: str
    pro_name: str = ""
    agency_code: str = ""
    pro_cat_code: str = ""
    pro_total_amt: str = ""
    pro_start_year: int | None = None
    pro_term: int | None = None
    years: tuple[ProjectYear, ...] = ()
    goals: tuple[ProjectGoal, ...] = ()
    use_agency_codes: tuple[str, ...] = ()
    mof_dep_code: str = ""
    parent_pro_code: str = ""
    track_pro_code: str = ""
    is_track: bool | None = None
    is_gov_pur: bool | None = None
    pro_des: str = ""
    standard_code: str = ""
    standard_amt: str = ""
    head_count: int | None = None
    budgeted: tuple[ProjectYear, ...] = ()
    by: str


class ProjectChecked(Event, frozen=True, kw_only=True):
    """项目审核, by the department (``dept``) or the treasury (``mof``): ``audit_years`` are what it
    grants of years that it does not grant as they were told."""

    TYPE: ClassVar[str] = "project.checked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.check", title="项目审核"
    )
    pro_code: str
    level: str
    version: int
    audit_years: tuple[ProjectYear, ...] = ()
    by: str


class ProjectReturned(Event, frozen=True, kw_only=True):
    """项目退回: its unit is to mend it."""

    TYPE: ClassVar[str] = "project.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.return", title="项目退回"
    )
    pro_code: str
    reason: str
    by: str


class ProjectStored(Event, frozen=True, kw_only=True):
    """项目入库: it may be budgeted for from now on."""

    TYPE: ClassVar[str] = "project.stored"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.store", title="项目入库"
    )
    pro_code: str
    version: int
    by: str


class ProjectSuspended(Event, frozen=True, kw_only=True):
    """项目暂停: nothing more is budgeted for it, until it is resumed.

    ``stops_plan`` here, and of the events that end a project: whether a year that notes it takes
    its plan for nothing from then on. Those of former releases said nothing of it, and drafts that
    had been entered were approved all the same.
    """

    TYPE: ClassVar[str] = "project.suspended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.suspend", title="项目暂停"
    )
    pro_code: str
    change_no: str
    reason: str
    stops_plan: bool = False
    by: str


class ProjectResumed(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "project.resumed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.resume", title="项目恢复"
    )
    pro_code: str
    change_no: str
    reason: str
    by: str


class ProjectTerminated(Event, frozen=True, kw_only=True):
    """项目终止: it is given up before its end; ``frees`` are the places that it had as one that is
    computed (``budget.projects.computed``)."""

    TYPE: ClassVar[str] = "project.terminated"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project",
        step="project",
        asked_by="project.terminate",
        moves=("computed_project",),
        title="项目终止",
    )
    pro_code: str
    reason: str
    frees: tuple[str, ...] = ()
    stops_plan: bool = False
    by: str


class ProjectEnded(Event, frozen=True, kw_only=True):
    """项目结束: it has come to its end."""

    TYPE: ClassVar[str] = "project.ended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="project", step="project", asked_by="project.end", title="项目结束"
    )
    pro_code: str
    reason: str = ""
    stops_plan: bool = False
    by: str


register(
    ProjectReported,
    ProjectRevised,
    ProjectAmended,
    ProjectChecked,
    ProjectReturned,
    ProjectStored,
    ProjectSuspended,
    ProjectResumed,
    ProjectTerminated,
    ProjectEnded,
)
