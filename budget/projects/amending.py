"""项目调整: what is other of a project in the library, from a day on; others agree to it."""

from collections.abc import Iterable
from datetime import date
from itertools import product
from typing import ClassVar

import msgspec

from budget.projects.budgeted import BUDGETED_YEARS, require_budgeted
from budget.projects.computed import (
    amounts_asked,
    needs_standard,
    require_same_places,
    standard_amt,
)
from budget.projects.content import check_change, needs_agencies, require_codes, total_asked
from budget.projects.counted import needs_counted, require_counted
from budget.projects.events import ProjectAmended, ProjectGoal, ProjectYear
from budget.projects.figures import require_sums
from budget.projects.measured import require_measured
from budget.projects.project import (
    IN_LIBRARY,
    PROJECT,
    Project,
    fold,
    needs_project,
    require_goals,
    require_project,
)
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal


class AmendProject(Command, frozen=True, kw_only=True):
    """调整: a new version from ``start_date`` on, today where it is left out. What is left out of
    the rest stays. No year falls below what its ledger has budgeted already."""

    OPERATION: ClassVar[str] = "project.amend"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "项目调整"
    NUMBER: ClassVar[str] = "change_no"
    KIND: ClassVar[AnyKind] = PROJECT
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    pro_code: str
    change_no: str = ""
    start_date: date | None = None
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
        budgeted = (BUDGETED_YEARS, self.pro_code)
        return (*project, budgeted, *needs_agencies(self), *needs_standard(self))

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        return needs_counted(state, self)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        start = date.fromisoformat(told.event.start_date)
        for start_date, amt in product((None, start), amounts_asked(told.event)):
            said = {"start_date": start_date, "standard_amt": amt}
            yield cls(**fields_in(cls, told.event, **said))

    def decide(self, state: LedgerState, by: str) -> Decision:
        project = require_project(state, self.pro_code)
        start = self.start_date or state.today
        require_codes(state, self, start)
        require_measured(state, self.goals, start)
        fields = msgspec.structs.asdict(self) | {"start_date": start.isoformat()}
        first_year = self.pro_start_year or project.on(start).pro_start_year
        fields["standard_amt"] = standard_amt(state, self, first_year)
        budgeted = state.fact(BUDGETED_YEARS, self.pro_code)
        amended = ProjectAmended(**fields, budgeted=budgeted, by=by)
        after = fold(project, amended)
        assert after is not None, "an amended project is one"
        then = after.on(start)
        require_same_places(project.last, then)
        require_sums(then, total_asked(self, project.on(start), then))
        require_counted(state, self, then)
        require_budgeted(after, budgeted)
        require_project(state, self.pro_code, IN_LIBRARY)
        require_goals(then)
        _require_last(project, start)
        # point of no return
        return Decision(events=[(PROJECT, self.pro_code, amended)], effective_on=state.today)


def _require_last(project: Project, start: date) -> None:
    """Whatever begins later was told by who knew nothing of this; raises ``invalid_state``."""
    if (later := project.last.start_date) > start:
        raise Refusal(
            Code.INVALID_STATE, f"another version begins on {later}: amend it from that day on"
        )
