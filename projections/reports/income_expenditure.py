"""部门收支总表: what units expect to have and what they plan to spend, side by side.

On the left 收入 by its kind and fund, on the right 支出 by class 类 of function: as asked 一上, as
planned 二上, as approved; of 支出 also as it stands after adjustments. A draft that says no income
is paid for by the appropriation alone, so that is its income.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from psycopg.sql import SQL

from budget.preparation.draft import BUDGET_DRAFT, BudgetDraft
from budget.preparation_events import DraftApproved, DraftSubmitted, IncomeRow
from budget.rows import FIRST_ROUND
from ledger.money import stored_fen
from ledger.reading.objects import streams_of
from projections.core.moments import Reach, reach
from projections.reports.budget import FROM_MOVEMENTS, TABLES, movements_scope
from projections.reports.report import AskedReport, Cells, Report

APPROPRIATION = "appropriation"  # 财政拨款
CLASS_DIGITS = 3  # 类 of a function
_INCOME = ("apply_up", "fin_audit_money", "reply_amt")
_EXPENDITURE = (*_INCOME, "cur_amt")
COLUMNS = (
    "inc_sort_code", "inc_sort_name", "fund_type_code", *(f"income_{name}" for name in _INCOME),
    "exp_func_code", "exp_func_name", *(f"expenditure_{name}" for name in _EXPENDITURE),
)  # fmt: skip
AMOUNTS = frozenset(name for name in COLUMNS if name.startswith(("income_", "expenditure_")))
_APPROVED = SQL(
    "SELECT left(r.exp_func_code, {digits}), sum(m.reply_fen),"
    " sum(m.reply_fen + m.adj_fen + m.dis_fen)" + FROM_MOVEMENTS + " GROUP BY 1"
).format(**TABLES, digits=CLASS_DIGITS)

IncomeKind = tuple[str, str]  # of income: 收入分类 and 资金性质


class _SaidRow(NamedTuple):
    """A row as a draft that was submitted says it."""

    submitted_at: int
    draft_no: str
    exp_func_class: str
    fund_type_code: str
    amt_fen: int


class _Drafts:
    """What submitted drafts of the units say, a row as the last of them does."""

    def __init__(self) -> None:
        self._rows: dict[bool, dict[str, _SaidRow]] = {True: {}, False: {}}
        self._income: dict[str, tuple[IncomeRow, ...]] = {}
        self.approved: set[str] = set()

    def take(self, draft: BudgetDraft, submitted_at: int) -> None:
        rows = self._rows[draft.round == FIRST_ROUND]
        self._income[draft.draft_no] = draft.income
        for row in draft.rows:
            said = rows.get(row.bgt_pman_id)
            if said is None or said.submitted_at < submitted_at:
                rows[row.bgt_pman_id] = _SaidRow(
                    submitted_at,
                    draft.draft_no,
                    row.exp_func_code[:CLASS_DIGITS],
                    row.fund_type_code,
                    stored_fen(row.amt),
                )

    def expenditure(self, *, first: bool) -> dict[str, int]:
        """By class of function, in fen."""
        found: dict[str, int] = {}
        for row in self._rows[first].values():
            found[row.exp_func_class] = found.get(row.exp_func_class, 0) + row.amt_fen
        return found

    def income(self, *, first: bool, approved: bool = False) -> dict[IncomeKind, int]:
        """Of the drafts of which a row still stands."""
        found: dict[IncomeKind, int] = {}
        for row in self._rows[first].values():
            if not self._income[row.draft_no] and (not approved or row.draft_no in self.approved):
                kind = APPROPRIATION, row.fund_type_code
                found[kind] = found.get(kind, 0) + row.amt_fen
        for draft_no in {row.draft_no for row in self._rows[first].values()}:
            if not approved or draft_no in self.approved:
                for each in self._income[draft_no]:
                    kind = each.inc_sort_code, each.fund_type_code
                    found[kind] = found.get(kind, 0) + stored_fen(each.amt)
        return found


def income_expenditure(asked: AskedReport, name: str) -> Report:
    """Of a unit, a department, or all."""
    scope = movements_scope(asked)
    drafts = _read(asked, reach(asked.connection, asked.ledger_id, asked.moment, scope["upto"]))
    stages = (drafts.income(first=True), drafts.income(first=False),
              drafts.income(first=False, approved=True))  # fmt: skip
    granted = {key: list(map(int, fen)) for key, *fen in asked.connection.execute(_APPROVED, scope)}
    spent = (drafts.expenditure(first=True), drafts.expenditure(first=False))
    rows = _side_by_side(_income(asked, stages), _expenditure(asked, spent, granted))
    return Report(name, "部门收支总表", scope["upto"], COLUMNS, AMOUNTS, rows)


def _income(asked: AskedReport, stages: Sequence[Mapping[IncomeKind, int]]) -> Iterator[Cells]:
    kinds = {kind for each in stages for kind in each}
    for code, fund in sorted(kinds, key=_appropriation_first):
        amounts_fen = (each.get((code, fund), 0) for each in stages)
        yield code, _income_name(asked, code), fund, *amounts_fen


def _expenditure(
    asked: AskedReport,
    spent: Sequence[Mapping[str, int]],
    granted: Mapping[str, Sequence[int]],
) -> Iterator[Cells]:
    for code in sorted({*granted, *spent[0], *spent[1]}):
        amounts_fen = (*(each.get(code, 0) for each in spent), *granted.get(code, (0, 0)))
        yield code, asked.name_of("exp_func_code", code), *amounts_fen


def _read(asked: AskedReport, reached: Reach) -> _Drafts:
    drafts = _Drafts()
    for events in streams_of(asked.connection, asked.ledger_id, BUDGET_DRAFT, reached.upto):
        counted = [
            each
            for each in events
            if not isinstance(each.event, DraftApproved)
            or reached.through is None
            or each.effective_on <= reached.through
        ]
        draft = BUDGET_DRAFT.folded(each.event for each in counted)
        submitted = [each.position for each in counted if isinstance(each.event, DraftSubmitted)]
        if draft is None or not submitted or draft.state == "returned":
            continue
        if asked.scope.holds(draft.agency_code):
            drafts.take(draft, submitted[-1])
            if draft.approve_doc_no:
                drafts.approved.add(draft.draft_no)
    return drafts


def _appropriation_first(kind: IncomeKind) -> tuple[bool, IncomeKind]:
    return kind[0] != APPROPRIATION, kind


def _income_name(asked: AskedReport, code: str) -> str:
    return "财政拨款" if code == APPROPRIATION else asked.name_of("inc_sort_code", code)


def _side_by_side(income: Iterator[Cells], expenditure: Iterator[Cells]) -> Iterator[Cells]:
    """The shorter side is left empty below its end."""
    left = ("",) * 3 + (None,) * len(_INCOME)
    right = ("",) * 2 + (None,) * len(_EXPENDITURE)
    for one, other in zip_longest(income, expenditure):
        yield *(one or left), *(other or right)
