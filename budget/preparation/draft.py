"""部门预算草案: a unit's draft of one round, as its events have left it."""

from collections.abc import Iterable, Mapping

import msgspec

from budget.preparation_events import (
    DraftApproved,
    DraftChecked,
    DraftEntered,
    DraftReturned,
    DraftRow,
    DraftRowsEntered,
    DraftSubmitted,
    IncomeRow,
    PlannedPart,
)
from ledger.deciding.objects import Kind
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

DRAFT, SUBMITTED, CHECKED, APPROVED, RETURNED = (
    "draft",
    "submitted",
    "checked",
    "approved",
    "returned",
)


class BudgetDraft(msgspec.Struct, frozen=True):
    """A draft.

    Attributes:
        state: see the names above.
        checked: (level, person) of each check, in order.
        planned: what it has taken of ceilings.
    """

    entered: DraftEntered
    rows: tuple[DraftRow, ...]
    state: str = DRAFT
    submitted_by: str = ""
    checked: tuple[tuple[str, str], ...] = ()
    planned: tuple[PlannedPart, ...] = ()
    approve_doc_no: str = ""
    reason: str = ""

    @property
    def draft_no(self) -> str:
        return self.entered.draft_no

    @property
    def agency_code(self) -> str:
        return self.entered.agency_code

    @property
    def round(self) -> int:
        return self.entered.round

    @property
    def income(self) -> tuple[IncomeRow, ...]:
        return self.entered.income

    @property
    def amount_fen(self) -> int:
        return sum(stored_fen(row.amt) for row in self.rows)

    @property
    def persons(self) -> tuple[str, ...]:
        """Who has made it, sent it on, and agreed to it so far."""
        return (self.entered.by, self.submitted_by, *(person for _, person in self.checked))


def _fold(draft: BudgetDraft | None, event: Event) -> BudgetDraft | None:
    if isinstance(event, DraftEntered):
        return BudgetDraft(event, event.rows)
    if draft is None:
        return None
    replace = msgspec.structs.replace
    match event:
        case DraftRowsEntered():
            return replace(draft, rows=(*draft.rows, *event.rows))
        case DraftSubmitted():
            return replace(draft, state=SUBMITTED, submitted_by=event.by, planned=event.planned)
        case DraftChecked():
            return replace(draft, state=CHECKED, checked=(*draft.checked, (event.level, event.by)))
        case DraftReturned():
            return replace(draft, state=RETURNED, planned=(), reason=event.reason)
        case DraftApproved():
            return replace(draft, state=APPROVED, approve_doc_no=event.approve_doc_no)
    return draft


BUDGET_DRAFT: Kind[BudgetDraft] = Kind(
    name="budget_draft",
    opened_by="budget_draft.enter",
    fold=_fold,
    cost=lambda draft: 1 + 2 * draft.entered.rows_count,
)


def require_draft(
    state: LedgerState, draft_no: str, *states: str, pointer: str = ""
) -> BudgetDraft:
    """The draft in one of these states.

    Raises:
        Refusal: ``invalid_state``; ``not_found``.
    """
    if (draft := state.get(BUDGET_DRAFT, draft_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no budget draft {draft_no!r}", pointer=pointer)
    if draft.state not in states:
        raise Refusal(Code.INVALID_STATE, f"the draft {draft_no} is {draft.state}", pointer=pointer)
    return draft


def planned_parts(rows: Iterable[DraftRow]) -> tuple[PlannedPart, ...]:
    """What rows take of each ceiling: by fund and category of the project."""
    totals_fen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row.fund_type_code, row.pro_cat_code
        totals_fen[key] = totals_fen.get(key, 0) + stored_fen(row.amt)
    return tuple(
        PlannedPart(fund_type_code=fund, pro_cat_code=category, amt=yuan(fen))
        for (fund, category), fen in sorted(totals_fen.items())
    )


def by_project(rows: Iterable[DraftRow]) -> Mapping[str, int]:
    """What rows have of each project, in fen."""
    totals_fen: dict[str, int] = {}
    for row in rows:
        totals_fen[row.pro_code] = totals_fen.get(row.pro_code, 0) + stored_fen(row.amt)
    return totals_fen
