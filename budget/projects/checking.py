"""项目审核, 入库: the department checks what was reported, then the treasury, and it is stored.

Whoever has told what a project is neither checks nor stores it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from budget.levels import DEPARTMENT, LEVELS, TREASURY
from budget.projects.events import ProjectChecked, ProjectReturned, ProjectStored, ProjectYear
from budget.projects.figures import check_years, require_known_years, require_sums
from budget.projects.project import (
    BEFORE_LIBRARY,
    DEPT_CHECKED,
    MOF_CHECKED,
    PROJECT,
    REPORTED,
    RETURNED,
    Project,
    fold,
    needs_project,
    require_goals,
    require_project,
)
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

_STATE_BEFORE = {DEPARTMENT: REPORTED, TREASURY: DEPT_CHECKED}


class _OnReported(Command, frozen=True, kw_only=True):
    """An act on a project on its way into the library. It has no number: what it leaves tells
    whether it was done."""

    KIND: ClassVar[AnyKind] = PROJECT
    CHANNEL: ClassVar[str] = "项目审核"
    KEEPS_REFUSAL: ClassVar[bool] = False
    pro_code: str

    def needs(self) -> tuple[Need, ...]:
        return needs_project(self.pro_code)


class _OnVersion(_OnReported, frozen=True, kw_only=True):
    """``version`` is the one that was looked at; 0 is whichever stands."""

    version: int = 0

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        for version in (0, told.event.version):
            yield cls(**fields_in(cls, told.event, version=version))

    def is_told_by(self, event: Any) -> bool:
        told = self.version in (0, event.version)
        return told and all(
            getattr(self, name) == getattr(event, name)
            for name in self.__struct_fields__
            if name != "version"
        )

    def _require_seen(self, project: Project) -> None:
        if self.version not in (0, project.version):
            raise Refusal(
                Code.INVALID_STATE,
                f"it was changed since: it stands at version {project.version}",
            )


class CheckProject(_OnVersion, frozen=True, kw_only=True):
    """审核 by the department, or by the treasury. ``audit_years`` are what it grants otherwise than
    it was asked; the total is what the years make up then."""

    OPERATION: ClassVar[str] = "project.check"
    level: str = DEPARTMENT
    audit_years: tuple[ProjectYear, ...] = ()

    def check(self) -> None:
        """Raises RequestError, ``malformed`` or ``invalid_amount``."""
        if self.level not in LEVELS:
            raise RequestError(Code.MALFORMED, "level is dept 部门 or mof 财政", pointer="/level")
        check_years(self.audit_years, "/audit_years", zero=True)

    def decide(self, state: LedgerState, by: str) -> Decision:
        project = require_project(state, self.pro_code)
        require_known_years(project.last, self.audit_years)
        checked = ProjectChecked(
            pro_code=self.pro_code,
            level=self.level,
            version=project.version,
            audit_years=self.audit_years,
            by=by,
        )
        after = fold(project, checked)
        assert after is not None, "a checked project is one"
        require_sums(after.last, after.last.pro_total_fen)
        require_project(state, self.pro_code, _STATE_BEFORE[self.level])
        self._require_seen(project)
        require_another(project, by)
        # point of no return
        return act_decision(state, checked)


class StoreProject(_OnVersion, frozen=True, kw_only=True):
    """入库, of what the department at least has checked. A project of a specific aim 特定目标类 has
    goals by then."""

    OPERATION: ClassVar[str] = "project.store"
    CHANNEL: ClassVar[str] = "项目入库"

    def decide(self, state: LedgerState, by: str) -> Decision:
        project = require_project(state, self.pro_code, DEPT_CHECKED, MOF_CHECKED)
        self._require_seen(project)
        require_goals(project.last)
        require_another(project, by)
        # point of no return
        stored = ProjectStored(pro_code=self.pro_code, version=project.version, by=by)
        decision = act_decision(state, stored)
        # from here on it is asked for by the years, each of which knows it as of its own position
        return msgspec.structs.replace(decision, settles=[(PROJECT, self.pro_code)])


class ReturnProject(_OnReported, frozen=True, kw_only=True):
    """退回: its unit mends it, and so reports it again."""

    OPERATION: ClassVar[str] = "project.return"
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        before = [each for each in BEFORE_LIBRARY if each != RETURNED]
        require_project(state, self.pro_code, *before)
        # point of no return
        returned = ProjectReturned(pro_code=self.pro_code, reason=self.reason, by=by)
        return act_decision(state, returned)


def require_another(project: Project, by: str) -> None:
    """That somebody else has told what the project is; raises Refusal, ``same_person``."""
    if any(same_person(by, maker) for maker in project.made_by):
        raise Refusal(
            Code.SAME_PERSON, "whoever has reported a project neither checks nor stores it"
        )


def act_decision(state: LedgerState, event: Event, rows: Sequence[MovedRow] = ()) -> Decision:
    """An event of one project, from today on, and the rows that it moves."""
    pro_code: str = event.pro_code  # type: ignore[attr-defined]  # each of them has one
    return Decision(events=[(PROJECT, pro_code, event)], effective_on=state.today, moved=list(rows))
