"""项目申报: a unit asks for a project, and mends what it has asked for until it is stored."""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from budget.projects.computed import (
    COMPUTED,
    amounts_asked,
    moved,
    needs_standard,
    places_of,
    require_free,
    require_same_places,
    standard_amt,
)
from budget.projects.content import (
    check_change,
    check_content,
    needs_agencies,
    require_codes,
    require_own_code,
    total_asked,
)
from budget.projects.counted import needs_counted, require_counted
from budget.projects.events import ProjectGoal, ProjectReported, ProjectRevised, ProjectYear
from budget.projects.figures import require_sums
from budget.projects.measured import require_measured
from budget.projects.project import (
    BEFORE_LIBRARY,
    PROJECT,
    fold,
    needs_project,
    require_project,
)
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan


class ReportProject(Command, frozen=True, kw_only=True):
    """申报: its code is its number. ``years`` make up ``pro_total_amt``."""

    OPERATION: ClassVar[str] = "project.report"
    CHANNEL: ClassVar[str] = "项目申报"
    NUMBER: ClassVar[str] = "pro_code"
    KIND: ClassVar[AnyKind] = PROJECT
    KEEPS_REFUSAL: ClassVar[bool] = False  # a project keeps its code when its figures are mended
    LOOKS_FURTHER: ClassVar[bool] = True
    pro_code: str
    pro_name: str
    agency_code: str
    pro_cat_code: str
    pro_total_amt: str
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

    def check(self) -> None:
        """Raises RequestError, ``malformed`` or ``invalid_amount``."""
        if not self.years:
            raise RequestError(Code.MALFORMED, "a project has a year at least", pointer="/years")
        check_content(self)
        parse_yuan(self.pro_total_amt, pointer="/pro_total_amt")

    def needs(self) -> tuple[Need, ...]:
        places = ((COMPUTED, place) for place in places_of(self))
        return (*needs_agencies(self), *needs_standard(self), *places)

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        return needs_counted(state, self)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        for amt in amounts_asked(told.event):
            yield cls(**fields_in(cls, told.event, standard_amt=amt))

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_own_code(state, self.pro_code)
        require_codes(state, self, state.today)
        require_measured(state, self.goals, state.today)
        fields = msgspec.structs.asdict(self)
        fields["standard_amt"] = standard_amt(state, self, self.pro_start_year)
        reported = ProjectReported(**fields, by=by)
        project = fold(None, reported)
        assert project is not None, "a report makes a project"
        require_sums(project.last, parse_yuan(self.pro_total_amt, pointer="/pro_total_amt"))
        require_counted(state, self, project.last)
        places = places_of(reported)
        require_free(state, places)
        # point of no return
        return Decision(
            events=[(PROJECT, self.pro_code, reported)],
            effective_on=state.today,
            moved=moved(state, places, 1),
        )


class ReviseProject(Command, frozen=True, kw_only=True):
    """修改: tells what is other of a project that is not in the library, from its beginning; it is
    reported again, whoever had checked it. What is left out stays."""

    OPERATION: ClassVar[str] = "project.revise"
    CHANNEL: ClassVar[str] = "项目申报"
    NUMBER: ClassVar[str] = "change_no"
    KIND: ClassVar[AnyKind] = PROJECT
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    pro_code: str
    change_no: str = ""
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

    def check(self) -> None:
        """Raises RequestError, ``malformed`` or ``invalid_amount``."""
        check_change(self)

    def needs(self) -> tuple[Need, ...]:
        project = needs_project(self.pro_code)
        return (*project, *needs_agencies(self), *needs_standard(self))

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        return needs_counted(state, self)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        for amt in amounts_asked(told.event):
            yield cls(**fields_in(cls, told.event, standard_amt=amt))

    def decide(self, state: LedgerState, by: str) -> Decision:
        project = require_project(state, self.pro_code)
        require_codes(state, self, state.today)
        require_measured(state, self.goals, state.today)
        fields = msgspec.structs.asdict(self)
        first_year = self.pro_start_year or project.last.pro_start_year
        fields["standard_amt"] = standard_amt(state, self, first_year)
        revised = ProjectRevised(**fields, by=by)
        after = fold(project, revised)
        assert after is not None, "a revised project is one"
        require_same_places(project.last, after.last)
        require_sums(after.last, total_asked(self, project.last, after.last))
        require_counted(state, self, after.last)
        require_project(state, self.pro_code, *BEFORE_LIBRARY)
        # point of no return
        return Decision(events=[(PROJECT, self.pro_code, revised)], effective_on=state.today)
