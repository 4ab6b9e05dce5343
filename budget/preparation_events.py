"""预算编制和批复: ceilings, drafts, what income is expected, and the approved budget."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register


class DraftRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A row as a draft has it (BGT_PM_ANNUAL); names and the project's category as of its day."""

    bgt_pman_id: str
    pro_code: str
    pro_name: str
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: Yuan
    is_gov_pur: bool | None = None


class IncomeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a unit expects to have, by 收入分类; ``appropriation`` is 财政拨款 of a fund."""

    inc_sort_code: str
    fund_type_code: str
    amt: Yuan


class PlannedPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a draft takes of one ceiling."""

    fund_type_code: str
    pro_cat_code: str
    amt: Yuan


class CeilingSet(Event, frozen=True, kw_only=True):
    """控制数下达: what a unit may plan of a fund for a category of projects is this from now on;
    ``change_amt`` is by how much it was raised or cut, ``rest_amt`` what drafts have left of it."""

    TYPE: ClassVar[str] = "ceiling.set"
    TRAITS: ClassVar[Traits] = Traits(
        subject="ceiling", asked_by="ceiling.set", moves=("ceiling",), title="控制数下达"
    )
    ceiling_no: str
    agency_code: str
    fund_type_code: str
    pro_cat_code: str
    amt: Yuan
    change_amt: Yuan
    rest_amt: Yuan
    by: str


class DraftEntered(Event, frozen=True, kw_only=True):
    """编报: a unit's draft of one round (1 一上, 2 二上); rows beyond the first ones follow it.
    ``file_sm3`` is that of the file in which it was sent; "" where it was not sent in one."""

    TYPE: ClassVar[str] = "budget_draft.entered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_draft",
        asked_by="budget_draft.enter",
        moves=("draft_file",),
        step="draft",
        title="预算编报",
    )
    draft_no: str
    agency_code: str
    agency_name: str = ""
    round: int
    rows_count: int
    rows: tuple[DraftRow, ...]
    income: tuple[IncomeRow, ...] = ()
    file_sm3: str = ""
    codes_version: str
    by: str


class DraftRowsEntered(Event, frozen=True, kw_only=True):
    """More rows of the draft before it, in their order."""

    TYPE: ClassVar[str] = "budget_draft.rows"
    TRAITS: ClassVar[Traits] = Traits(subject="budget_draft", title="预算编报明细")
    draft_no: str
    rows: tuple[DraftRow, ...]


class DraftSubmitted(Event, frozen=True, kw_only=True):
    """送审; ``planned`` is what a draft of the second round takes of the unit's ceilings."""

    TYPE: ClassVar[str] = "budget_draft.submitted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_draft",
        asked_by="budget_draft.submit",
        moves=("ceiling",),
        step="draft",
        title="预算送审",
    )
    draft_no: str
    agency_code: str
    planned: tuple[PlannedPart, ...] = ()
    by: str


class DraftChecked(Event, frozen=True, kw_only=True):
    """审核, by the department (``dept``) or the treasury (``mof``)."""

    TYPE: ClassVar[str] = "budget_draft.checked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_draft", asked_by="budget_draft.check", step="draft", title="预算审核"
    )
    draft_no: str
    level: str
    by: str


class DraftReturned(Event, frozen=True, kw_only=True):
    """退回: what it had taken of the unit's ceilings is free again."""

    TYPE: ClassVar[str] = "budget_draft.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_draft",
        asked_by="budget_draft.return",
        moves=("ceiling",),
        step="draft",
        title="预算退回",
    )
    draft_no: str
    agency_code: str
    planned: tuple[PlannedPart, ...] = ()
    reason: str
    by: str


class DraftApproved(Event, frozen=True, kw_only=True):
    """The draft has become a part of the approved budget."""

    TYPE: ClassVar[str] = "budget_draft.approved"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_draft", ends=True, step="draft", title="纳入批准预算"
    )
    draft_no: str
    approve_doc_no: str


class IncomeBudgetSet(Event, frozen=True, kw_only=True):
    """本级收入预算: what the division expects of a kind of income is this from now on;
    ``change_amt`` is by how much it was raised or cut."""

    TYPE: ClassVar[str] = "income_budget.set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="income_budget.set", moves=("income_budget",), title="收入预算"
    )
    inc_sort_code: str
    inc_sort_name: str = ""
    fund_type_code: str
    amt: Yuan
    change_amt: Yuan
    by: str


class BudgetApproved(Event, frozen=True, kw_only=True):
    """预算批准和批复: these drafts are the budget; their rows follow."""

    TYPE: ClassVar[str] = "budget.approved"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="budget.approve", title="预算批复")
    approve_doc_no: str
    approved_on: str
    draft_nos: tuple[str, ...]
    rows_count: int
    reply_amt: Yuan
    by: str


class BudgetReplied(Event, frozen=True, kw_only=True):
    """批复下达: since ``replied_on`` the unit, or the department, has its approved budget."""

    TYPE: ClassVar[str] = "budget.replied"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_reply", asked_by="budget.reply", title="批复下达"
    )
    doc_no: str
    agency_code: str
    agency_name: str = ""
    replied_on: str
    by: str


register(
    CeilingSet,
    DraftEntered,
    DraftRowsEntered,
    DraftSubmitted,
    DraftChecked,
    DraftReturned,
    DraftApproved,
    IncomeBudgetSet,
    BudgetApproved,
    BudgetReplied,
)
