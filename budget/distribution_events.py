"""待分配指标分配: what is pending of an indicator goes to units, and what comes back of it."""

from typing import ClassVar

import msgspec

from budget.events import Figures, IndicatorIssued
from ledger.elements.register import DIMENSIONS
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

# 支出预算 is passed through, as by a reallocation: no row has more or less to issue behind the two
_GIVEN: AmountMoves = {"indicator": {"pending": -1, "rest": 1}}
_BACK: AmountMoves = {"indicator": {"pending": 1, "rest": -1}}
_ALLOTTED: AmountMoves = {"indicator": {"available": 1, "rest": -1}}


class DistributedPart(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An indicator that a distribution brings into being, of a unit.

    ``gov_bgt_eco_code`` follows the kind of the unit, ``dep_bgt_eco_code`` may be finer; "" is that
    of the distributed one. So are the marks, which a part may only repeat. Without a word on it a
    part is executable, and not planned.
    """

    bgt_id: str
    agency_code: str
    amount: Yuan
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""
    is_dir_code: str = ""
    track_pro_code: str = ""
    is_contrlbyplan: bool | None = None
    bgt_exe_flag: int | None = None


class IndicatorDistributed(Event, frozen=True, kw_only=True):
    """待分配分配: of what is pending ``amt`` goes to units; their indicators follow.

    ``pending_amt`` is what is still to be distributed behind it.
    """

    TYPE: ClassVar[str] = "indicator.distributed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.distribute",
        moves=("indicator", "indicator_pending"),
        posts={"indicator.distributed": RuleNeeds(DIMENSIONS, {"amount": _GIVEN})},
        step="indicator",
        title="待分配分配",
    )
    bgt_id: str
    dist_no: str
    amt: Yuan
    parts: tuple[DistributedPart, ...]
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    reason: str = ""
    pending_amt: str
    figures: Figures
    by: str


class IndicatorAllotted(IndicatorIssued, frozen=True, kw_only=True):
    """分配下达: an indicator begins that is a part of another, ``ori_bgt_id``.

    It is of the row of the budget that the other is issued from (``bgt_pman_id``), which it takes
    nothing of: that row has given to the other one already. ``dist_no`` is of the distribution.
    """

    TYPE: ClassVar[str] = "indicator.allotted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={
            "indicator.allotted": RuleNeeds(DIMENSIONS, {"amount": _ALLOTTED}),
            "indicator.allotted_pending": RuleNeeds(DIMENSIONS, {"amount": _BACK}),
        },
        opens=("indicator.issue", "bgt_id"),
        step="indicator",
        title="分配下达",
    )
    dist_no: str


class _DistributionMoved(Event, frozen=True, kw_only=True):
    """``adj_no`` is the number of the act on the part, ``part_bgt_id``, behind which it stands;
    ``pending_amt`` what is to be distributed behind it."""

    bgt_id: str
    part_bgt_id: str
    adj_no: str
    amt: Yuan
    pending_amt: str
    figures: Figures
    by: str


class DistributionRaised(_DistributionMoved, frozen=True, kw_only=True):
    """分配追加: a part has more, and so much less is to be distributed."""

    TYPE: ClassVar[str] = "indicator.distribution_raised"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={"indicator.distribution_raised": RuleNeeds(DIMENSIONS, {"amount": _GIVEN})},
        step="indicator",
        title="分配追加",
    )


class DistributionReturned(_DistributionMoved, frozen=True, kw_only=True):
    """分配退回: what a part gives up is to be distributed again."""

    TYPE: ClassVar[str] = "indicator.distribution_returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={"indicator.distribution_returned": RuleNeeds(DIMENSIONS, {"amount": _BACK})},
        step="indicator",
        title="分配退回",
    )


register(IndicatorDistributed, IndicatorAllotted, DistributionRaised, DistributionReturned)
