"""账套: what happens to a ledger itself, and the refusals it keeps on record."""

from typing import Any, ClassVar

import msgspec

from ledger.events.base import LEDGER, Event, Traits, Yuan
from ledger.events.documents import Policy
from ledger.events.registry import register


class LedgerOpened(Event, frozen=True, kw_only=True):
    """开账, with who must agree to what in it; where no policy stands, nobody else has to.

    ``policy_asked`` names the kinds of which the caller had said who must agree; ``dated_floors``
    says that no register falls below its floor on any business day, ``indicator_stages`` that what
    may not be executed yet stands in an account of its own (待下达指标), ``chart_edition`` by which
    edition of the shipped charts the year is booked. ``plan_control`` says whether plans count
    together (``total``) or month by month (``monthly``); "" is of a release that did not say, and
    did not cut them with their indicator. ``purchase_control`` says that what is marked
    是否政府采购 is paid by contracts under a purchase plan alone, ``card_control`` that 公务卡 is
    paid by what was spent with registered cards alone, ``special_accounts`` that special accounts
    财政专户 are kept and 财政专户管理资金 is paid from them, ``unit_funds`` that 单位资金 is paid
    from the units' own accounts, ``treasury_transfers`` that what is sent to tiers below is of the
    treasury's money alone, ``approvals_follow`` that none is dated before its application.
    """

    TYPE: ClassVar[str] = "ledger.opened"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="ledger.open")
    mof_div_code: str
    mof_div_name: str
    fiscal_year: int
    name: str
    approval_policy: Policy = msgspec.field(default_factory=dict)
    policy_asked: tuple[str, ...] = ()
    dated_floors: bool = False
    indicator_stages: bool = False
    chart_edition: int = 1
    plan_control: str = ""
    purchase_control: bool = False
    card_control: bool = False
    special_accounts: bool = False
    unit_funds: bool = False
    treasury_transfers: bool = False
    approvals_follow: bool = False
    by: str


class FloorsDated(Event, frozen=True, kw_only=True):
    """From here on a ledger that an earlier release opened keeps floors on every business day."""

    TYPE: ClassVar[str] = "ledger.floors_dated"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="ledger.date_floors")
    by: str


class OpenItem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Something that is not finished in a period: its state, its number, and over how much it is.

    ``in_transit``: it is on its way and comes to an end by itself.
    """

    kind: str
    number: str
    amt: Yuan
    in_transit: bool = False


class PeriodClosed(Event, frozen=True, kw_only=True):
    """Nothing may take effect on or before ``through`` any more; ``2026-13`` is 整理期.

    Attributes:
        in_transit: what the year's last month is closed with.
        reopened: how often the period had been reopened before.
        complete: whether also runs, items in suspense, documents and advances kept it open; the
            release that said nothing of it looked for money on its way alone.
        edition: 2 where it also looked for documents by the day that their act is of; a release
            that said nothing of it looked for those alone that name an ``effective_on``.
    """

    TYPE: ClassVar[str] = "ledger.period_closed"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="period.close")
    through: str
    in_transit: tuple[OpenItem, ...] = ()
    reopened: int = 0
    complete: bool = False
    edition: int = 0
    by: str


class PeriodReopened(Event, frozen=True, kw_only=True):
    """反结账: entries may take effect behind ``closed_through`` again; "" is from the year's first
    day."""

    TYPE: ClassVar[str] = "ledger.period_reopened"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="period.reopen", title="反结账")
    month: str
    reason: str
    closed_through: str = ""
    reopened: int = 0
    by: str


class YearClosed(Event, frozen=True, kw_only=True):
    """年终关账: nothing takes effect in the ledger's year any more, nor in its 整理期; ``complete``
    as of ``PeriodClosed``. From ``edition`` 2 on not what a bank says later either: it is held."""

    TYPE: ClassVar[str] = "ledger.year_closed"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="year_end.close", title="年终关账")
    complete: bool = False
    edition: int = 0
    by: str


class ClockCorrected(Event, frozen=True, kw_only=True):
    """对时: an operator puts on record that events up to ``position`` were recorded ahead of their
    time, the last of them at ``recorded_at``; time goes on from the time of this event."""

    TYPE: ClassVar[str] = "ledger.clock_corrected"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="clock.correct")
    position: int
    recorded_at: str
    reason: str
    by: str


class LossAccepted(Event, frozen=True, kw_only=True):
    """认可丢失: an operator puts on record what of a ledger's history was lost, and a new epoch.

    ``ledger`` had events up to ``last_position`` as ``source`` remembers (with that ``root`` of
    their tree, base64), and those from ``first_position`` on are lost; both 0 where it is only
    known that something may be. It stands in the ledger's own stream, or in the system ledger's
    where the ledger itself is lost; ``epoch`` counts the times, with a name of its own.
    """

    TYPE: ClassVar[str] = "ledger.loss_accepted"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="loss.accept")
    ledger: str
    epoch: int
    epoch_name: str
    first_position: int = 0
    last_position: int = 0
    root: str = ""
    source: str = ""
    reason: str
    by: str


class StandingHead(msgspec.Struct, frozen=True, array_like=True):
    """Where a standing ledger stood: ``[ledger, position, chain]``, the chain in hex."""

    ledger: str
    position: int
    chain: str


class StandingNoted(Event, frozen=True, kw_only=True):
    """What is decided from here on is decided in the knowledge of these heads; of standing ledgers
    that are not named it is what was noted last."""

    TYPE: ClassVar[str] = "standing.noted"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="standing.note", title="基础信息引用"
    )
    heads: tuple[StandingHead, ...]


class CommandRefused(Event, frozen=True, kw_only=True):
    """A refusal of an authenticated caller: part of the record like any other event."""

    TYPE: ClassVar[str] = "command.refused"
    TRAITS: ClassVar[Traits] = Traits(subject="refusal")
    operation: str
    number: str = ""
    code: str
    detail: str
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    by: str


register(
    LedgerOpened,
    FloorsDated,
    PeriodClosed,
    ClockCorrected,
    LossAccepted,
    PeriodReopened,
    YearClosed,
    StandingNoted,
    CommandRefused,
)
