"""预算指标: issue, adjust, reallocate, freeze, plan."""

from typing import ClassVar

import msgspec

from ledger.elements.register import DIMENSIONS
from ledger.events import LEDGER, AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from ledger.money import parse_yuan, stored_fen

_ISSUED: AmountMoves = {"indicator": {"available": 1}}
_CUT: AmountMoves = {"indicator": {"available": -1}}
# of a row of the budget: what an indicator has more, the row has less to issue (支出预算)
_TAKEN: AmountMoves = {"indicator": {"available": 1, "rest": -1}}
_GIVEN_BACK: AmountMoves = {"indicator": {"available": -1, "rest": 1}}
_FROZEN: AmountMoves = {"indicator": {"available": -1, "frozen": 1}}
_UNFROZEN: AmountMoves = {"indicator": {"available": 1, "frozen": -1}}
# 待下达 (A8) is no part of what is available
_PENDING: AmountMoves = {"indicator": {"pending": 1}}
_PENDING_TAKEN: AmountMoves = {"indicator": {"pending": 1, "rest": -1}}
_ENABLED: AmountMoves = {"indicator": {"available": 1, "pending": -1}}
_PENDING_CUT: AmountMoves = {"indicator": {"pending": -1}}
_PENDING_GIVEN_BACK: AmountMoves = {"indicator": {"pending": -1, "rest": 1}}
# registers that an indicator moves when it has more, or less, than it had
_OF_ISSUE = ("indicator", "budget_row", "advance_limit", "received_transfer")


class Figures(msgspec.Struct, frozen=True, gc=False):
    """An indicator's amounts after an event (canuse = amount - frozen - pay_app - pay)."""

    amount: Yuan
    frozen_amt: Yuan
    pay_app_amt: Yuan
    pay_amt: Yuan
    canuse_amt: Yuan
    plan_amt: Yuan
    plan_canuse_amt: Yuan


class IndicatorIssued(Event, frozen=True, kw_only=True):
    """批复下达: names travel with codes (names of the code set ``codes_version``).

    ``bgt_pman_id`` names the row of the budget that it is issued from; "" where there is none.
    ``pro_cat_code`` is the category of its project in the library; "" of one that is of no row.
    ``pending_amt`` is what is 待下达 behind it; "" of one that is executable from the first, or is
    of a ledger that knows no stages. ``advance_of`` is the unit whose limit of advances it takes of
    (提前下达), which its adjustments and recalls name, too; "" where none limits it.
    ``from_transfer`` is the document of what the tier above has sent that it takes of, which these
    name likewise; "" where it takes of none.
    """

    TYPE: ClassVar[str] = "indicator.issued"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.issue",
        moves=(*_OF_ISSUE, "indicator_pending"),
        posts={
            "indicator.issued": RuleNeeds(DIMENSIONS, {"amount": _ISSUED}),
            "indicator.issued_of_row": RuleNeeds(DIMENSIONS, {"amount": _TAKEN}),
            "indicator.issued_pending": RuleNeeds(DIMENSIONS, {"amount": _PENDING}),
            "indicator.issued_pending_of_row": RuleNeeds(DIMENSIONS, {"amount": _PENDING_TAKEN}),
        },
        step="indicator",
        title="批复下达",
    )
    bgt_id: str
    agency_code: str
    agency_name: str = ""
    pro_code: str
    pro_name: str = ""
    pro_cat_code: str = ""
    pro_cat_name: str = ""
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    gov_bgt_eco_name: str
    dep_bgt_eco_code: str
    dep_bgt_eco_name: str
    fund_type_code: str
    fund_type_name: str
    bgt_type_code: str
    bgt_type_name: str
    amount: Yuan
    is_contrlbyplan: bool = False
    bgt_exe_flag: int = 1
    bgt_pman_id: str = ""
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    sup_bgt_doc_no: str = ""
    source_type_code: str = ""
    budget_level_code: str = ""
    is_gov_pur: bool = False
    is_dir_code: str = ""
    track_pro_code: str = ""
    ori_bgt_id: str = ""
    mof_dep_code: str = ""
    bond_code: str = ""
    advance_of: str = ""
    from_transfer: str = ""
    pending_amt: str = ""
    codes_version: str
    figures: Figures
    by: str


class IndicatorEnabled(Event, frozen=True, kw_only=True):
    """可执行: what was pending can be paid from here on.

    ``amt`` is what was pending and ``pending_amt`` what still is; of an indicator of a ledger that
    knows no stages, whose flag alone is lifted, 0 and "".
    """

    TYPE: ClassVar[str] = "indicator.enabled"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.enable",
        moves=("indicator", "indicator_pending"),
        posts={"indicator.enabled": RuleNeeds(DIMENSIONS, {"amount": _ENABLED})},
        step="indicator",
        title="可执行",
    )
    bgt_id: str
    amt: Yuan
    pending_amt: str = ""
    figures: Figures
    by: str


class IndicatorRecalled(Event, frozen=True, kw_only=True):
    """收回: what is not used goes back, to the row of the budget where there is one.

    ``pending_amt`` is what is 待下达 behind it; "" of an indicator that is executable.
    """

    TYPE: ClassVar[str] = "indicator.recalled"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.recall",
        moves=(*_OF_ISSUE, "indicator_pending"),
        posts={
            "indicator.recalled": RuleNeeds(DIMENSIONS, {"amount": _CUT}),
            "indicator.recalled_of_row": RuleNeeds(DIMENSIONS, {"amount": _GIVEN_BACK}),
            "indicator.recalled_pending": RuleNeeds(DIMENSIONS, {"amount": _PENDING_CUT}),
            "indicator.recalled_pending_of_row": RuleNeeds(
                DIMENSIONS, {"amount": _PENDING_GIVEN_BACK}
            ),
        },
        step="indicator",
        title="收回",
    )
    bgt_id: str
    recall_no: str
    amt: Yuan
    reason: str = ""
    bgt_pman_id: str = ""
    advance_of: str = ""
    from_transfer: str = ""
    pending_amt: str = ""
    figures: Figures
    by: str


class IndicatorAdjusted(Event, frozen=True, kw_only=True):
    """追加 (positive) or 追减 (negative)."""

    TYPE: ClassVar[str] = "indicator.adjusted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.adjust",
        moves=_OF_ISSUE,
        posts={
            "indicator.adjusted": RuleNeeds(DIMENSIONS, {"increase": _ISSUED, "decrease": _CUT}),
            "indicator.adjusted_of_row": RuleNeeds(
                DIMENSIONS, {"increase": _TAKEN, "decrease": _GIVEN_BACK}
            ),
        },
        step="indicator",
        title="追加追减",
    )
    bgt_id: str
    adj_no: str
    adj_amt: Yuan
    reason: str
    bgt_pman_id: str = ""
    advance_of: str = ""
    from_transfer: str = ""
    figures: Figures
    by: str


class IndicatorReallocatedOut(Event, frozen=True, kw_only=True):
    """调剂, the giving side; it stands directly before the receiving side."""

    TYPE: ClassVar[str] = "indicator.reallocated_out"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.reallocate",
        moves=("indicator", "budget_row"),
        posts={"indicator.reallocated_out": RuleNeeds(DIMENSIONS, {"amount": _GIVEN_BACK})},
        step="indicator",
        title="调剂调出",
    )
    bgt_id: str
    to_bgt_id: str
    adj_no: str
    amt: Yuan
    reason: str
    bgt_pman_id: str = ""
    figures: Figures
    by: str


class IndicatorReallocatedIn(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "indicator.reallocated_in"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "budget_row"),
        posts={"indicator.reallocated_in": RuleNeeds(DIMENSIONS, {"amount": _TAKEN})},
        step="indicator",
        title="调剂调入",
    )
    bgt_id: str
    from_bgt_id: str
    adj_no: str
    amt: Yuan
    bgt_pman_id: str = ""
    figures: Figures
    by: str


class IndicatorFrozen(Event, frozen=True, kw_only=True):
    """冻结, by hand or, where ``run_no`` names it, by a run of many payments, which alone sets it
    free; runs of earlier releases are not named."""

    TYPE: ClassVar[str] = "indicator.frozen"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.freeze",
        moves=("indicator",),
        posts={"indicator.frozen": RuleNeeds(DIMENSIONS, {"amount": _FROZEN})},
        step="indicator",
        title="冻结",
    )
    bgt_id: str
    freeze_no: str
    amt: Yuan
    figures: Figures
    by: str
    run_no: str = ""


class IndicatorUnfrozen(Event, frozen=True, kw_only=True):
    """解冻; ``run_no`` as there."""

    TYPE: ClassVar[str] = "indicator.unfrozen"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.unfreeze",
        moves=("indicator",),
        posts={"indicator.unfrozen": RuleNeeds(DIMENSIONS, {"amount": _UNFROZEN})},
        step="indicator",
        title="解冻",
    )
    bgt_id: str
    freeze_no: str
    amt: Yuan
    figures: Figures
    by: str
    run_no: str = ""


class PlanSet(Event, frozen=True, kw_only=True):
    """用款计划: a month's plan of an indicator, or (negative) a cut of it."""

    TYPE: ClassVar[str] = "plan.set"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="plan.set",
        moves=("indicator",),
        step="plan",
        title="用款计划",
    )
    bgt_id: str
    plan_voucher_no: str
    plan_month: int
    plan_amt: Yuan
    figures: Figures
    by: str


class PlannedMonth(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is planned of a month, or cut of it."""

    plan_month: int
    plan_amt: Yuan


class PlanCut(Event, frozen=True, kw_only=True):
    """用款计划核减: what is cut of plans by an act on their indicator, which stands before it under
    the number ``adj_no``; of which ``months`` it is."""

    TYPE: ClassVar[str] = "plan.cut"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator", moves=("indicator",), step="plan", title="用款计划核减"
    )
    bgt_id: str
    adj_no: str
    cut_amt: Yuan
    months: tuple[PlannedMonth, ...]
    figures: Figures
    by: str


class PlanPolicySet(Event, frozen=True, kw_only=True):
    """用款计划控制: from here on all plans count together (``total``), or each from its month on
    (``monthly``)."""

    TYPE: ClassVar[str] = "ledger.plan_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="plan_policy.set", title="用款计划控制"
    )
    plan_control: str
    by: str


def moved_by(event: Event, control: str) -> int:
    """Fen by which one fen of an own event's amount moves a balance of its indicator.

    As its posting rule is held to move it: the amount of an event is what its rule is given as
    ``amount``, one that has a sign as ``increase`` and, turned, as ``decrease``. A plan moves none;
    what was issued and recalled of an indicator that is pending has a rule of its own.
    """
    posts = event.TRAITS.posts
    pending = f"{event.TYPE}_pending" if getattr(event, "pending_amt", "") else ""
    if (needs := posts.get(pending) or posts.get(event.TYPE)) is None:
        return 0
    given = "amount" if "amount" in needs.amounts else "increase"
    return needs.amounts[given]["indicator"].get(control, 0)


def amount_of(event: Event) -> int:
    """The amount of an own event of an indicator in fen, with its sign where it has one."""
    match event:
        case IndicatorIssued():
            return parse_yuan(event.amount)
        case IndicatorAdjusted():
            return parse_yuan(event.adj_amt, signed=True)
        case PlanSet():
            return parse_yuan(event.plan_amt, signed=True)
        case PlanCut():
            return -parse_yuan(event.cut_amt)
        case IndicatorEnabled():
            return stored_fen(event.amt)
    return stored_fen(event.amt)  # type: ignore[attr-defined]


register(
    IndicatorIssued,
    IndicatorEnabled,
    IndicatorRecalled,
    IndicatorAdjusted,
    IndicatorReallocatedOut,
    IndicatorReallocatedIn,
    IndicatorFrozen,
    IndicatorUnfrozen,
    PlanSet,
    PlanCut,
    PlanPolicySet,
)
