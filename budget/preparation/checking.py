"""送审, 审核, 退回: a draft on its way from the unit through its department to the treasury."""

from collections.abc import Iterable
from typing import Any, ClassVar

from budget.levels import DEPARTMENT, LEVELS
from budget.planned_projects import PLAN_OF_DIVISION, require_planned
from budget.preparation.ceilings import CEILINGS, ceiling_key
from budget.preparation.draft import (
    BUDGET_DRAFT,
    CHECKED,
    DRAFT,
    SUBMITTED,
    BudgetDraft,
    by_project,
    planned_parts,
    require_draft,
)
from budget.preparation_events import (
    DraftChecked,
    DraftReturned,
    DraftRow,
    DraftSubmitted,
    PlannedPart,
)
from budget.row_events import RowAsked, RowRestated
from budget.rows import BUDGET_ROW, SECOND_ROUND
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import stored_fen


class _OnDraft(Command, frozen=True, kw_only=True):
    KIND: ClassVar[AnyKind] = BUDGET_DRAFT
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "预算审核"
    draft_no: str

    def needs(self) -> Iterable[Need]:
        return ((BUDGET_DRAFT, self.draft_no),)


class SubmitDraft(_OnDraft, frozen=True, kw_only=True):
    """送审: its rows are on record under numbers of their own, and a draft of the second round
    takes its part of the unit's ceilings. A draft of the second round replaces what the first one
    has said of a row."""

    OPERATION: ClassVar[str] = "budget_draft.submit"
    NUMBER: ClassVar[str] = "draft_no"
    LOOKS_FURTHER: ClassVar[bool] = True
    ALSO: ClassVar[tuple[AnyKind, ...]] = (BUDGET_ROW,)

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        if (draft := state.get(BUDGET_DRAFT, self.draft_no)) is None:
            return
        for row in draft.rows:
            yield BUDGET_ROW, row.bgt_pman_id
            yield PLAN_OF_DIVISION, row.pro_code
        if draft.round == SECOND_ROUND:
            for part in planned_parts(draft.rows):
                yield CEILINGS, _key(draft, part)

    def decide(self, state: LedgerState, by: str) -> Decision:
        draft = require_draft(state, self.draft_no, DRAFT)
        opened, said = _rows_said(state, draft)
        require_planned(state, by_project(draft.rows))
        planned = planned_parts(draft.rows) if draft.round == SECOND_ROUND else ()
        taken = _move_ceilings(state, draft, planned, -1)
        # point of no return
        submitted = DraftSubmitted(
            draft_no=self.draft_no, agency_code=draft.agency_code, planned=planned, by=by
        )
        return Decision(
            events=[(BUDGET_DRAFT, self.draft_no, submitted), *said],
            effective_on=state.today,
            moved=taken,
            opens=[(BUDGET_ROW, number) for number in opened],
        )


def _rows_said(
    state: LedgerState, draft: BudgetDraft
) -> tuple[list[str], list[tuple[AnyKind | None, str, Event]]]:
    """Which rows come into being, and what is said of each.

    Raises:
        Refusal: ``element_mismatch`` for another unit's row, ``invalid_state`` for one that is
            approved.
    """
    opened: list[str] = []
    said: list[tuple[AnyKind | None, str, Event]] = []
    for row in draft.rows:
        number = row.bgt_pman_id
        before = state.get(BUDGET_ROW, number)
        if before is None:
            opened.append(number)
        elif before.said.agency_code != draft.agency_code:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"budget row {number} is of unit {before.said.agency_code}",
                bgt_pman_id=number,
            )
        elif before.approve_doc_no:
            raise Refusal(
                Code.INVALID_STATE, f"budget row {number} is approved", bgt_pman_id=number
            )
        event = _row_event(RowAsked if before is None else RowRestated, draft, row)
        said.append((BUDGET_ROW, number, event))
    return opened, said


def _row_event(
    cls: type[RowAsked | RowRestated], draft: BudgetDraft, row: DraftRow
) -> RowAsked | RowRestated:
    own = {name: getattr(row, name) for name in DraftRow.__struct_fields__}
    return cls(
        draft_no=draft.draft_no,
        round=draft.round,
        agency_code=draft.agency_code,
        agency_name=draft.entered.agency_name,
        **own,
    )


def _move_ceilings(
    state: LedgerState, draft: BudgetDraft, planned: Iterable[PlannedPart], sign: int
) -> list[MovedRow]:
    """Raises Refusal ``insufficient_ceiling`` for the first that leaves too little."""
    day = state.today
    return [
        state.moved(CEILINGS, _key(draft, part), day, {"rest": sign * stored_fen(part.amt)})
        for part in planned
    ]


def _key(draft: BudgetDraft, part: PlannedPart) -> str:
    return ceiling_key(draft.agency_code, part.fund_type_code, part.pro_cat_code)


class CheckDraft(_OnDraft, frozen=True, kw_only=True):
    """审核, by the unit's department (``dept``) or the treasury (``mof``); each agrees once, and
    nobody to what he has made."""

    OPERATION: ClassVar[str] = "budget_draft.check"
    level: str = ""  # who checks in one role alone need not say in which

    @property
    def number(self) -> str:
        return f"{self.draft_no} {self.level or DEPARTMENT}"

    @classmethod
    def number_in(cls, event: Any) -> str:
        return f"{event.draft_no} {event.level}"

    def check(self) -> None:
        if self.level and self.level not in LEVELS:
            raise RequestError(Code.MALFORMED, f"level is {' or '.join(LEVELS)}", pointer="/level")

    def decide(self, state: LedgerState, by: str) -> Decision:
        draft = require_draft(state, self.draft_no, SUBMITTED, CHECKED)
        if any(same_person(by, person) for person in draft.persons):
            raise Refusal(Code.SAME_PERSON, "whoever made or checked a draft may not check it")
        # point of no return
        level = self.level or DEPARTMENT
        checked = DraftChecked(draft_no=self.draft_no, level=level, by=by)
        return Decision(events=[(BUDGET_DRAFT, self.draft_no, checked)], effective_on=state.today)


class ReturnDraft(_OnDraft, frozen=True, kw_only=True):
    """退回: the unit's ceilings are free again; it enters another draft."""

    OPERATION: ClassVar[str] = "budget_draft.return"
    NUMBER: ClassVar[str] = "draft_no"
    LOOKS_FURTHER: ClassVar[bool] = True
    reason: str

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        if (draft := state.get(BUDGET_DRAFT, self.draft_no)) is not None:
            for part in draft.planned:
                yield CEILINGS, _key(draft, part)

    def decide(self, state: LedgerState, by: str) -> Decision:
        draft = require_draft(state, self.draft_no, SUBMITTED, CHECKED)
        free = _move_ceilings(state, draft, draft.planned, 1)
        # point of no return
        returned = DraftReturned(
            draft_no=self.draft_no,
            agency_code=draft.agency_code,
            planned=draft.planned,
            reason=self.reason,
            by=by,
        )
        return Decision(
            events=[(BUDGET_DRAFT, self.draft_no, returned)],
            effective_on=state.today,
            moved=free,
        )
