"""Answers about the budget: ceilings, drafts, approvals, rows."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.models.enums import DraftStatus
from api.http.views import Committed
from budget.adjusting.adjusting import Adjustment
from budget.preparation.ceilings import IssuedCeiling
from budget.preparation.draft import BudgetDraft
from budget.preparation.replying import BudgetReply
from budget.preparation_events import DraftRow
from budget.rows import BudgetRow, RowAmounts
from ledger.account_set import ledger_text
from ledger.money import yuan


class CeilingView(msgspec.Struct, kw_only=True):
    """控制数; ``rest_amt`` is what no draft had taken of it then."""

    ledger: str
    ceiling_no: str
    agency_code: str
    fund_type_code: str
    pro_cat_code: str
    amt: str
    rest_amt: str
    by: str
    commit: Committed = UNSET


class DraftRowView(msgspec.Struct, kw_only=True, gc=False):
    bgt_pman_id: str
    pro_code: str
    pro_name: str
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: str
    is_gov_pur: bool


class IncomeRowView(msgspec.Struct, kw_only=True, gc=False):
    inc_sort_code: str
    fund_type_code: str
    amt: str


class DraftCheckView(msgspec.Struct, kw_only=True, gc=False):
    level: str
    by: str


class DraftView(msgspec.Struct, kw_only=True):
    """A unit's draft; its rows stand in the answer to GET alone. ``same_file_draft_nos`` are other
    drafts that the file in which it was sent has become."""

    ledger: str
    draft_no: str
    agency_code: str
    agency_name: str
    round: int
    state: DraftStatus
    amt: str
    rows_count: int
    checked: list[DraftCheckView]
    approve_doc_no: str
    reason: str
    by: str
    file_sm3: str
    same_file_draft_nos: list[str] | UnsetType = UNSET
    rows: list[DraftRowView] | UnsetType = UNSET
    income: list[IncomeRowView] | UnsetType = UNSET
    commit: Committed = UNSET


class BudgetRowView(msgspec.Struct, kw_only=True, gc=False):
    """A row of the budget (BGT_PM_ANNUAL): cur = reply + adj + dis, rest = cur - issued."""

    bgt_pman_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    is_gov_pur: bool
    draft_no: str
    approve_doc_no: str
    apply_up: str
    fin_audit_money: str
    reply_amt: str
    adj_amt: str
    dis_amt: str
    cur_amt: str
    issued_amt: str
    rest_amt: str


class BudgetApprovalView(msgspec.Struct, kw_only=True):
    """批复: the first thousand of its rows; the rest are listed by ``budget-rows``."""

    ledger: str
    approve_doc_no: str
    approved_on: str
    draft_nos: tuple[str, ...]
    rows: list[BudgetRowView]
    rows_count: int
    reply_amt: str
    commit: Committed = UNSET


class BudgetReplyView(msgspec.Struct, kw_only=True):
    """批复下达: a department, or a unit, and since when it has its approved budget."""

    ledger: str
    doc_no: str
    agency_code: str
    agency_name: str
    replied_on: str
    by: str
    commit: Committed = UNSET


class AdjustmentView(msgspec.Struct, kw_only=True):
    """调整调剂, with the rows that it has changed, as they were directly after it."""

    ledger: str
    adj_no: str
    kind: str
    approval_doc_no: str
    reason: str
    rows: list[BudgetRowView]
    by: str
    commit: Committed = UNSET


class IncomeBudgetView(msgspec.Struct, kw_only=True):
    ledger: str
    inc_sort_code: str
    fund_type_code: str
    amt: str
    commit: Committed = UNSET


def reply_view(key: int, reply: BudgetReply, commit: Any = UNSET) -> BudgetReplyView:
    told = msgspec.structs.asdict(reply.said)
    return BudgetReplyView(ledger=ledger_text(key), **told, commit=commit)


def ceiling_view(key: int, ceiling: IssuedCeiling, commit: Any = UNSET) -> CeilingView:
    said = ceiling.said
    return CeilingView(
        ledger=ledger_text(key),
        ceiling_no=said.ceiling_no,
        agency_code=said.agency_code,
        fund_type_code=said.fund_type_code,
        pro_cat_code=said.pro_cat_code,
        amt=said.amt,
        rest_amt=said.rest_amt,
        by=said.by,
        commit=commit,
    )


def draft_view(
    key: int, draft: BudgetDraft, commit: Any = UNSET, *, with_rows: bool = False
) -> DraftView:
    entered = draft.entered
    view = DraftView(
        ledger=ledger_text(key),
        draft_no=draft.draft_no,
        agency_code=draft.agency_code,
        agency_name=entered.agency_name,
        round=draft.round,
        state=DraftStatus(draft.state),
        amt=yuan(draft.amount_fen),
        rows_count=entered.rows_count,
        checked=[DraftCheckView(level=level, by=by) for level, by in draft.checked],
        approve_doc_no=draft.approve_doc_no,
        reason=draft.reason,
        by=entered.by,
        file_sm3=entered.file_sm3,
        commit=commit,
    )
    if with_rows:
        view.rows = [_draft_row(row) for row in draft.rows]
        view.income = [IncomeRowView(**msgspec.structs.asdict(row)) for row in draft.income]
    return view


def _draft_row(row: DraftRow) -> DraftRowView:
    told = msgspec.structs.asdict(row) | {"is_gov_pur": bool(row.is_gov_pur)}
    return DraftRowView(**told)


def adjustment_view(key: int, subjects: Iterable[object], commit: Any = UNSET) -> AdjustmentView:
    """Of an adjustment and the rows that it has changed."""
    changed = list(subjects)
    said = next(each.said for each in changed if isinstance(each, Adjustment))
    return AdjustmentView(
        ledger=ledger_text(key),
        adj_no=said.adj_no,
        kind=said.kind,
        approval_doc_no=said.approval_doc_no,
        reason=said.reason,
        rows=[row_view(each) for each in changed if isinstance(each, BudgetRow)],
        by=said.by,
        commit=commit,
    )


def row_view(row: BudgetRow, amounts: RowAmounts | None = None) -> BudgetRowView:
    """A row; ``amounts`` as the register has them, else as its last event left them."""
    said, figures = row.said, row.figures if amounts is None else amounts.figures()
    return BudgetRowView(
        bgt_pman_id=said.bgt_pman_id,
        agency_code=said.agency_code,
        agency_name=said.agency_name,
        pro_code=said.pro_code,
        pro_name=said.pro_name,
        pro_cat_code=said.pro_cat_code,
        exp_func_code=said.exp_func_code,
        gov_bgt_eco_code=said.gov_bgt_eco_code,
        dep_bgt_eco_code=said.dep_bgt_eco_code,
        fund_type_code=said.fund_type_code,
        is_gov_pur=bool(said.is_gov_pur),
        draft_no=said.draft_no,
        approve_doc_no=row.approve_doc_no,
        apply_up=yuan(row.apply_up_fen),
        fin_audit_money=yuan(row.fin_audit_fen),
        **msgspec.structs.asdict(figures),
    )
