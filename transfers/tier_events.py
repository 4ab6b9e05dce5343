"""往来结算: how what two tiers owe each other becomes 补助 or 上解, and what is known of it there.

A settlement is the upper tier's, and the lower one's ledger has it as its event says. What has come
to the other side is put on record by events that name the place of its word.
"""

from typing import ClassVar

from budget.transfer_events import EventPlace
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from payments.dispatch_events import ELEMENTS

_BOTH: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}}
_RULE = RuleNeeds(ELEMENTS, {"subsidy": _BOTH, "remitted": _BOTH})


class ArrivalNoted(Event, frozen=True, kw_only=True):
    """到账确认: what was dispatched is there, as the receiver's event at ``arrived`` says."""

    TYPE: ClassVar[str] = "transfer.arrival_noted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_dispatch",
        asked_by="transfer.note_arrival",
        moves=("tier_funds",),
        title="库款调度到账确认",
    )
    dispatch_no: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    arrived: EventPlace
    by: str


class FundsSettled(Event, frozen=True, kw_only=True):
    """年终结算: of what is owed between this tier and one below, ``amt`` is 补助
    (``settle_kind`` ``subsidy``) or 上解 (``remittance``)."""

    TYPE: ClassVar[str] = "transfer.settled"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_settlement",
        asked_by="transfer.settle",
        moves=("tier_funds",),
        posts={"transfer.settled": _RULE},
        title="上下级结算",
    )
    settle_no: str
    settle_kind: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    reason: str = ""
    by: str


class SettlementNoted(Event, frozen=True, kw_only=True):
    """结算确认: the tier below has it, as its event at ``taken`` says."""

    TYPE: ClassVar[str] = "transfer.settlement_noted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_settlement",
        asked_by="transfer.note_settlement",
        moves=("tier_funds",),
        ends=True,
        title="上下级结算确认",
    )
    settle_no: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    taken: EventPlace
    by: str


class SettlementTaken(Event, frozen=True, kw_only=True):
    """上级结算登记: what the tier above has settled, as its event at ``settled`` says."""

    TYPE: ClassVar[str] = "transfer.settlement_taken"
    TRAITS: ClassVar[Traits] = Traits(
        subject="taken_settlement",
        asked_by="transfer.take_settlement",
        moves=("tier_funds",),
        posts={"transfer.settlement_taken": _RULE},
        ends=True,
        title="上级结算登记",
    )
    settle_no: str
    settle_kind: str
    from_ledger: str
    from_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    settled: EventPlace
    by: str


register(ArrivalNoted, FundsSettled, SettlementNoted, SettlementTaken)
