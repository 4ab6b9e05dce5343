"""预算行: what happens to a row of the budget, from its first draft to its adjustments."""

from typing import ClassVar

import msgspec

from ledger.elements.register import DIMENSIONS
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_GRANTED: AmountMoves = {"indicator": {"rest": 1}}
_WITHDRAWN: AmountMoves = {"indicator": {"rest": -1}}


class _RowSaid(Event, frozen=True, kw_only=True):
    """A row as a draft that was submitted says it."""

    bgt_pman_id: str
    draft_no: str
    round: int
    agency_code: str
    agency_name: str = ""
    pro_code: str
    pro_name: str = ""
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: Yuan
    is_gov_pur: bool | None = None


class RowAsked(_RowSaid, frozen=True, kw_only=True):
    """预算行申报: the row is on record from here on, under a number of its own."""

    TYPE: ClassVar[str] = "budget_row.asked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_row",
        opens=("budget_row.open", "bgt_pman_id"),
        step="budget",
        title="预算行申报",
    )


class RowRestated(_RowSaid, frozen=True, kw_only=True):
    """A later draft says the row otherwise, or again."""

    TYPE: ClassVar[str] = "budget_row.restated"
    TRAITS: ClassVar[Traits] = Traits(subject="budget_row", step="budget", title="预算行重报")


class RowFigures(msgspec.Struct, frozen=True, gc=False):
    """A row's amounts after an event: cur = reply + adj + dis, rest = cur - issued."""

    reply_amt: Yuan
    adj_amt: Yuan
    dis_amt: Yuan
    cur_amt: Yuan
    issued_amt: Yuan
    rest_amt: Yuan


class RowReplied(Event, frozen=True, kw_only=True):
    """年初批复数: the row may be issued as indicators from here on."""

    TYPE: ClassVar[str] = "budget_row.replied"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_row",
        moves=("budget_row", "project_budget", "fund_budget"),
        posts={"budget_row.replied": RuleNeeds(DIMENSIONS, {"amount": _GRANTED})},
        step="budget",
        title="预算行批复",
    )
    bgt_pman_id: str
    pro_code: str
    fund_type_code: str
    approve_doc_no: str
    reply_amt: Yuan
    figures: RowFigures


class RowAdjusted(Event, frozen=True, kw_only=True):
    """调整 (``adj_amt``) or 调剂 (``dis_amt``) of a row, each with its sign."""

    TYPE: ClassVar[str] = "budget_row.adjusted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_row",
        moves=("budget_row", "project_budget", "fund_budget"),
        posts={
            "budget_row.adjusted": RuleNeeds(
                DIMENSIONS, {"increase": _GRANTED, "decrease": _WITHDRAWN}
            )
        },
        step="budget",
        title="预算行调整调剂",
    )
    bgt_pman_id: str
    pro_code: str
    fund_type_code: str
    adj_no: str
    adj_amt: Yuan = "0.00"
    dis_amt: Yuan = "0.00"
    figures: RowFigures


class NewRow(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A row that an adjustment brings into being."""

    bgt_pman_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    is_gov_pur: bool | None = None


class AdjustmentPart(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is taken from one row and given to another."""

    amt: Yuan
    from_bgt_pman_id: str = ""
    to_bgt_pman_id: str = ""


class BudgetAdjusted(Event, frozen=True, kw_only=True):
    """调整调剂; what became of each row follows."""

    TYPE: ClassVar[str] = "budget.adjusted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_adjustment", asked_by="budget.adjust", title="预算调整调剂"
    )
    adj_no: str
    kind: str
    parts: tuple[AdjustmentPart, ...]
    new_rows: tuple[NewRow, ...] = ()
    approval_doc_no: str = ""
    reason: str
    by: str


register(RowAsked, RowRestated, RowReplied, RowAdjusted, BudgetAdjusted)
