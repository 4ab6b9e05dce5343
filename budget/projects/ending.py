"""项目暂停, 恢复, 终止, 结束: whether a project is budgeted for any more; others agree to it."""

from typing import ClassVar

from budget.projects.checking import act_decision
from budget.projects.computed import moved, places_of
from budget.projects.events import (
    ProjectEnded,
    ProjectResumed,
    ProjectSuspended,
    ProjectTerminated,
)
from budget.projects.project import (
    BEFORE_LIBRARY,
    IN_LIBRARY,
    PROJECT,
    needs_project,
    require_project,
)
from budget.projects.unspent import UNSPENT_YEARS, require_nothing_left
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal


class _OnProject(Command, frozen=True, kw_only=True):
    KIND: ClassVar[AnyKind] = PROJECT
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "项目调整"
    KEEPS_REFUSAL: ClassVar[bool] = False
    pro_code: str

    def needs(self) -> tuple[Need, ...]:
        return needs_project(self.pro_code)

    def _require_suspended(self, state: LedgerState, *, is_suspended: bool) -> None:
        project = require_project(state, self.pro_code, IN_LIBRARY)
        if project.is_suspended is not is_suspended:
            told = "suspended" if project.is_suspended else "not suspended"
            raise Refusal(Code.INVALID_STATE, f"the project is {told}")


class SuspendProject(_OnProject, frozen=True, kw_only=True):
    """暂停: nothing more is budgeted for it until it is resumed."""

    OPERATION: ClassVar[str] = "project.suspend"
    NUMBER: ClassVar[str] = "change_no"
    change_no: str = ""
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        self._require_suspended(state, is_suspended=False)
        # point of no return
        suspended = ProjectSuspended(
            pro_code=self.pro_code,
            change_no=self.change_no,
            reason=self.reason,
            stops_plan=True,
            by=by,
        )
        return act_decision(state, suspended)


class ResumeProject(_OnProject, frozen=True, kw_only=True):
    """恢复."""

    OPERATION: ClassVar[str] = "project.resume"
    NUMBER: ClassVar[str] = "change_no"
    change_no: str = ""
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        self._require_suspended(state, is_suspended=True)
        # point of no return
        resumed = ProjectResumed(
            pro_code=self.pro_code, change_no=self.change_no, reason=self.reason, by=by
        )
        return act_decision(state, resumed)


class _OverProject(_OnProject, frozen=True, kw_only=True):
    """Its code is the number, as nothing ends twice."""

    NUMBER: ClassVar[str] = "pro_code"

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), (UNSPENT_YEARS, self.pro_code))

    def _require_nothing_left(self, state: LedgerState) -> None:
        require_nothing_left(state.fact(UNSPENT_YEARS, self.pro_code))


class TerminateProject(_OverProject, frozen=True, kw_only=True):
    """终止, wherever it stands, when what is left of it was taken back."""

    OPERATION: ClassVar[str] = "project.terminate"
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        project = require_project(state, self.pro_code, *BEFORE_LIBRARY, IN_LIBRARY)
        self._require_nothing_left(state)
        frees = places_of(project.last)
        # point of no return
        terminated = ProjectTerminated(
            pro_code=self.pro_code, reason=self.reason, frees=frees, stops_plan=True, by=by
        )
        return act_decision(state, terminated, moved(state, frees, -1))


class EndProject(_OverProject, frozen=True, kw_only=True):
    """结束 of a project in the library that has come to its end; what is left was taken back."""

    OPERATION: ClassVar[str] = "project.end"
    reason: str = ""

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_project(state, self.pro_code, IN_LIBRARY)
        self._require_nothing_left(state)
        # point of no return
        ended = ProjectEnded(pro_code=self.pro_code, reason=self.reason, stops_plan=True, by=by)
        return act_decision(state, ended)
