"""提前下达: what units may be advanced before the approval, and what rows absorb of it."""

from typing import ClassVar

import msgspec

from ledger.elements.register import DIMENSIONS
from ledger.events import LEDGER, Event, RuleNeeds, Traits, Yuan, register


class AdvanceLimit(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a unit may be advanced: last year's same period, in yuan."""

    agency_code: str
    amt: Yuan


class AdvanceLimitsSet(Event, frozen=True, kw_only=True):
    """提前下达限额: last year's same period (``basis`` says how it was found), by unit.

    ``change_amts`` are by how much each limit is more than before, or less.
    """

    TYPE: ClassVar[str] = "ledger.advance_limits_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER,
        asked_by="advance_limits.set",
        moves=("advance_limit",),
        title="提前下达限额",
    )
    limit_no: str
    limits: tuple[AdvanceLimit, ...]
    change_amts: tuple[Yuan, ...]
    basis: str = ""
    by: str


class IndicatorAbsorbed(Event, frozen=True, kw_only=True):
    """预拨核销: an indicator of before the approval is of a row of the budget from here on, which
    has ``amt`` less to issue."""

    TYPE: ClassVar[str] = "indicator.absorbed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.absorb",
        moves=("budget_row",),
        posts={
            "indicator.absorbed": RuleNeeds(DIMENSIONS, {"amount": {"indicator": {"rest": -1}}})
        },
        step="indicator",
        title="预拨核销",
    )
    bgt_id: str
    bgt_pman_id: str
    amt: Yuan
    by: str


register(AdvanceLimitsSet, IndicatorAbsorbed)
