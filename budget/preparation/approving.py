"""预算批准和批复: checked drafts become the budget, and each row may be issued from there on.

The drafts of one approval take effect together or not at all. Where the division has said what
income it expects, the expenditure of each of 四本账 has to equal it (预算法 §12).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import ClassVar

from budget.planned_projects import PLAN_OF_DIVISION, require_planned
from budget.preparation.draft import (
    BUDGET_DRAFT,
    CHECKED,
    BudgetDraft,
    by_project,
    require_draft,
)
from budget.preparation_events import (
    BudgetApproved,
    DraftApproved,
    DraftRow,
    IncomeBudgetSet,
)
from budget.row_events import RowReplied
from budget.rows import BUDGET_ROW, ROWS, SECOND_ROUND, BudgetRow, moved_row
from budget.totals import (
    FUND_BUDGETS,
    INCOME,
    PROJECT_BUDGETS,
    income_key,
    require_balance,
)
from ledger.account_set import division_of, within_year
from ledger.calendar import effective_day
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan

DRAFTS_MAX = 20_000  # of one approval


class SetIncomeBudget(Command, frozen=True, kw_only=True):
    """本级收入预算: what the division expects of a kind of income in the year, from now on."""

    OPERATION: ClassVar[str] = "income_budget.set"
    CHANNEL: ClassVar[str] = "收入预算"
    inc_sort_code: str
    fund_type_code: str
    amt: str

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt", zero=True)

    def needs(self) -> Iterable[Need]:
        return ((INCOME, WHOLE),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day, division = state.today, division_of(state.ledger_id)
        names = {
            element: state.codes.check(
                element,
                getattr(self, element),
                on=day,
                mof_div_code=division,
                pointer=f"/{element}",
            )
            for element in ("inc_sort_code", "fund_type_code")
        }
        key = income_key(self.inc_sort_code, self.fund_type_code)
        change_fen = parse_yuan(self.amt, zero=True) - state.row(INCOME, key).expected
        after = state.moved(INCOME, key, day, {"expected": change_fen})
        # point of no return
        expected = IncomeBudgetSet(
            inc_sort_code=self.inc_sort_code,
            inc_sort_name=names["inc_sort_code"],
            fund_type_code=self.fund_type_code,
            amt=self.amt,
            change_amt=yuan(change_fen),
            by=by,
        )
        return Decision(events=[(None, "", expected)], effective_on=day, moved=[after])


class ApproveBudget(Command, frozen=True, kw_only=True):
    """批准: the checked drafts of the second round that it names are the budget, as of its day."""

    OPERATION: ClassVar[str] = "budget.approve"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预算批复"
    NUMBER: ClassVar[str] = "approve_doc_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    ALSO: ClassVar[tuple[AnyKind, ...]] = (BUDGET_ROW,)
    approve_doc_no: str
    approved_on: date
    draft_nos: tuple[str, ...]

    def check(self) -> None:
        if not 0 < len(self.draft_nos) <= DRAFTS_MAX:
            raise RequestError(
                Code.MALFORMED, f"an approval names 1 to {DRAFTS_MAX} drafts", pointer="/draft_nos"
            )
        if len(set(self.draft_nos)) < len(self.draft_nos):
            raise RequestError(
                Code.MALFORMED, "an approval names each draft once", pointer="/draft_nos"
            )

    def needs(self) -> Iterable[Need]:
        yield INCOME, WHOLE
        yield FUND_BUDGETS, WHOLE
        for draft_no in self.draft_nos:
            yield BUDGET_DRAFT, draft_no

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        for draft_no in self.draft_nos:
            draft = state.get(BUDGET_DRAFT, draft_no)
            for row in draft.rows if draft is not None else ():
                yield BUDGET_ROW, row.bgt_pman_id
                yield ROWS, row.bgt_pman_id
                yield PLAN_OF_DIVISION, row.pro_code
                yield PROJECT_BUDGETS, row.pro_code

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, within_year(state.ledger_id, self.approved_on))
        drafts = [
            _approvable(state, draft_no, by, f"/draft_nos/{index}")
            for index, draft_no in enumerate(self.draft_nos)
        ]
        rows = [(draft, row) for draft in drafts for row in draft.rows]
        totals = _moved_totals(state, day, [row for _, row in rows])
        # point of no return
        approved = BudgetApproved(
            approve_doc_no=self.approve_doc_no,
            approved_on=self.approved_on.isoformat(),
            draft_nos=self.draft_nos,
            rows_count=len(rows),
            reply_amt=yuan(sum(stored_fen(row.amt) for _, row in rows)),
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(None, "", approved)]
        moved = list(totals)
        for draft in drafts:
            taken = DraftApproved(draft_no=draft.draft_no, approve_doc_no=self.approve_doc_no)
            events.append((BUDGET_DRAFT, draft.draft_no, taken))
        for _, row in rows:
            after = _granted(state, day, row)
            moved.append(after)
            events += _reply(state, day, row, after, self.approve_doc_no, ahead=len(events))
        settled = [(BUDGET_DRAFT, draft.draft_no) for draft in drafts]
        return Decision(events=events, effective_on=day, moved=moved, settles=settled)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: BudgetApproved = told.event
        return (
            cls(
                approve_doc_no=event.approve_doc_no,
                approved_on=date.fromisoformat(event.approved_on),
                draft_nos=event.draft_nos,
            ),
        )


def _approvable(state: LedgerState, draft_no: str, by: str, pointer: str) -> BudgetDraft:
    """A checked draft of the second round, made by somebody else, whose rows say what it says."""
    draft = require_draft(state, draft_no, CHECKED, pointer=pointer)
    if draft.round != SECOND_ROUND:
        raise Refusal(
            Code.INVALID_STATE, f"the draft {draft_no} is of the first round 一上", pointer=pointer
        )
    if same_person(by, draft.entered.by):
        raise Refusal(Code.SAME_PERSON, "whoever made a draft may not approve it", pointer=pointer)
    for row in draft.rows:
        standing = state.get(BUDGET_ROW, row.bgt_pman_id)
        if standing is None or standing.said.draft_no != draft_no or standing.approve_doc_no:
            raise Refusal(
                Code.INVALID_STATE,
                f"budget row {row.bgt_pman_id} is said otherwise by a later draft, or approved",
                pointer=pointer,
                bgt_pman_id=row.bgt_pman_id,
            )
    return draft


def _moved_totals(state: LedgerState, day: date, rows: Sequence[DraftRow]) -> list[MovedRow]:
    """What is budgeted of each project and fund with these rows.

    Raises:
        Refusal: ``budget_mismatch`` where a project's plan, or the income of one of 四本账, has
            another amount.
    """
    projects_fen, funds_fen = by_project(rows), dict[str, int]()
    for row in rows:
        funds_fen[row.fund_type_code] = funds_fen.get(row.fund_type_code, 0) + stored_fen(row.amt)
    with_before = {
        pro_code: fen + state.row(PROJECT_BUDGETS, pro_code).budgeted
        for pro_code, fen in projects_fen.items()
    }
    require_planned(state, with_before)
    require_balance(state.rows_of(INCOME), state.rows_of(FUND_BUDGETS), funds_fen)
    return [
        *(state.moved(PROJECT_BUDGETS, p, day, {"budgeted": f}) for p, f in projects_fen.items()),
        *(state.moved(FUND_BUDGETS, fund, day, {"budgeted": f}) for fund, f in funds_fen.items()),
    ]


def _granted(state: LedgerState, day: date, row: DraftRow) -> MovedRow:
    changes = state.books(day).controlled(RowReplied.TYPE, {"amount": stored_fen(row.amt)})
    return moved_row(state, row.bgt_pman_id, day, changes["rest"], reply=stored_fen(row.amt))


def _reply(
    state: LedgerState,
    day: date,
    row: DraftRow,
    after: MovedRow,
    approve_doc_no: str,
    *,
    ahead: int,
) -> list[tuple[AnyKind | None, str, Event]]:
    """The row's event, and its journal: 指标来源 to 支出预算."""
    standing: BudgetRow | None = state.get(BUDGET_ROW, row.bgt_pman_id)
    assert standing is not None
    replied = RowReplied(
        bgt_pman_id=row.bgt_pman_id,
        pro_code=row.pro_code,
        fund_type_code=row.fund_type_code,
        approve_doc_no=approve_doc_no,
        reply_amt=row.amt,
        figures=after.row.figures(),
    )
    entry = state.books(day).post(
        RowReplied.TYPE,
        source=state.next_position + ahead,
        number=approve_doc_no,
        amounts_fen={"amount": stored_fen(row.amt)},
        codes=standing.codes,
    )
    return [(BUDGET_ROW, row.bgt_pman_id, replied), (BUDGET_ROW, row.bgt_pman_id, entry)]
