"""开账: opening a division's year."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, TypeVar

import msgspec

from ledger.account_set import STANDING_YEAR, SYSTEM_DIVISION, ledger_id
from ledger.books.charts import EDITION
from ledger.deciding.approvals import after, check_policy, default_policies
from ledger.deciding.command import Command, Told
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event, FloorsDated, LedgerOpened, Policy

FISCAL_YEAR_MIN, FISCAL_YEAR_MAX = 2000, 2099
TOTAL, MONTHLY = "total", "monthly"  # 用款计划: all of them count together, or month by month


class Title(msgspec.Struct, frozen=True):
    """What a ledger is called, and its division."""

    name: str = ""
    mof_div_name: str = ""


def _fold(title: Title, event: Event) -> Title:
    return Title(event.name, event.mof_div_name) if isinstance(event, LedgerOpened) else title


TITLE = declare(Setting("title", Title(), _fold))


class IndicatorStages(msgspec.Struct, frozen=True):
    """Whether indicators of the ledger are 待下达 before they are executable. An earlier release
    issued what may not be executed into 支出指标 at once."""

    known: bool = False


def _indicator_stages(stages: IndicatorStages, event: Event) -> IndicatorStages:
    return IndicatorStages(event.indicator_stages) if isinstance(event, LedgerOpened) else stages


INDICATOR_STAGES = declare(Setting("indicator_stages", IndicatorStages(), _indicator_stages))


class DatedFloors(msgspec.Struct, frozen=True):
    """Whether the ledger says that no register falls below its floor on any business day. Every
    decision keeps to it; a verification asks it of what was recorded since it was said."""

    said: bool = False


def _dated_floors(dated: DatedFloors, event: Event) -> DatedFloors:
    if isinstance(event, LedgerOpened):
        return DatedFloors(event.dated_floors)
    return DatedFloors(True) if isinstance(event, FloorsDated) else dated


DATED_FLOORS = declare(Setting("dated_floors", DatedFloors(), _dated_floors))


def require_plan_control(plan_control: str) -> None:
    """Raises RequestError ``malformed`` for what is no control of plans."""
    if plan_control not in (TOTAL, MONTHLY):
        raise RequestError(
            Code.MALFORMED, f"plan_control is {TOTAL} or {MONTHLY}", pointer="/plan_control"
        )


LedgerOpening = TypeVar("LedgerOpening", bound="OpenLedger")


class OpenLedger(Command, frozen=True, kw_only=True):
    """Opens the ledger of a division's fiscal year; its key is its number.

    ``approval_policy`` says of some kinds who must agree to them; the others are as by default.
    ``plan_control`` says how plans count (``budget.plan_policy``).
    """

    OPERATION: ClassVar[str] = "ledger.open"
    CHANNEL: ClassVar[str] = "账套开立"
    STAGES: ClassVar[bool] = True  # whether it knows indicators that are 待下达
    CHARTS: ClassVar[int] = EDITION  # by which edition of the shipped charts it books
    PLANS: ClassVar[bool] = True  # whether it says how plans count
    PURCHASES: ClassVar[bool] = True  # whether purchases are paid by contracts under a plan alone
    CARDS: ClassVar[bool] = True  # whether 公务卡 is paid by what was spent with registered cards
    SPECIAL: ClassVar[bool] = True  # whether special accounts 财政专户 are kept
    UNIT_FUNDS: ClassVar[bool] = True  # whether 单位资金 is paid from the units' own accounts
    TRANSFERS: ClassVar[bool] = True  # whether transfers are of the treasury's money alone
    FOLLOWS: ClassVar[bool] = True  # approvals are not dated before the application
    DEFAULT: ClassVar[int] = 0  # of which release the default of approvals is, from the last
    mof_div_code: str
    fiscal_year: int
    name: str
    approval_policy: Policy = msgspec.field(default_factory=dict)
    plan_control: str = TOTAL

    @property
    def body(self) -> object:
        return msgspec.structs.replace(
            self, approval_policy=dict(sorted(self.approval_policy.items()))
        )

    def check(self) -> None:
        """Raises RequestError ``malformed`` for a policy of unknown kinds or roles."""
        check_policy(self.approval_policy, "/approval_policy")
        require_plan_control(self.plan_control)

    @property
    def number(self) -> str:
        return "open"

    @classmethod
    def number_in(cls, event: LedgerOpened) -> str:
        return "open"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: LedgerOpened = told.event
        if event.mof_div_code == SYSTEM_DIVISION and event.fiscal_year != STANDING_YEAR:
            yield OpenSystemLedger(fiscal_year=event.fiscal_year, name=event.name)
            return
        for default in range(len(default_policies()) if event.approval_policy else 1):
            yield _asked(event, default)

    @property
    def ledger_id(self) -> int:
        """The store's key; raises RequestError for a division or year of the wrong shape."""
        if not (self.mof_div_code.isascii() and self.mof_div_code.isdigit()) or (
            len(self.mof_div_code) != 9 or self.mof_div_code[0] == "0"
        ):
            raise RequestError(
                Code.MALFORMED, "mof_div_code has nine digits", pointer="/mof_div_code"
            )
        if not FISCAL_YEAR_MIN <= self.fiscal_year <= FISCAL_YEAR_MAX:
            raise RequestError(
                Code.MALFORMED, "fiscal_year is a year such as 2026", pointer="/fiscal_year"
            )
        return ledger_id(self.mof_div_code, self.fiscal_year)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = date(self.fiscal_year, 1, 1)
        if state.position > 0:
            raise Refusal(Code.INVALID_STATE, "the ledger is open already")
        division = state.codes.check(
            "mof_div_code",
            self.mof_div_code,
            on=day,
            mof_div_code=self.mof_div_code,
            pointer="/mof_div_code",
        )
        # point of no return
        opened = LedgerOpened(
            mof_div_code=self.mof_div_code,
            mof_div_name=division,
            fiscal_year=self.fiscal_year,
            name=self.name,
            approval_policy=after(default_policies()[self.DEFAULT], self.approval_policy),
            policy_asked=tuple(sorted(self.approval_policy)),
            dated_floors=True,
            indicator_stages=self.STAGES,
            chart_edition=self.CHARTS,
            plan_control=self.plan_control if self.PLANS else "",
            purchase_control=self.PURCHASES,
            card_control=self.CARDS,
            special_accounts=self.SPECIAL,
            unit_funds=self.UNIT_FUNDS,
            treasury_transfers=self.TRANSFERS,
            approvals_follow=self.FOLLOWS,
            by=by,
        )
        return Decision(events=[(None, "", opened)], effective_on=day)


class _OpenWithApprovalsOfAnyDay(OpenLedger, frozen=True, kw_only=True):
    """As an earlier release did: a payment was approved as of a day before its application."""

    FOLLOWS: ClassVar[bool] = False

    @property
    def body(self) -> object:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return OpenLedger(**fields).body


class _OpenWithTransfersOfAll(_OpenWithApprovalsOfAnyDay, frozen=True, kw_only=True):
    """As a release before that did: transfers were of any fund."""

    TRANSFERS: ClassVar[bool] = False


class _OpenWithoutUnitFunds(_OpenWithTransfersOfAll, frozen=True, kw_only=True):
    """As a release before that did: 单位资金 was not paid."""

    UNIT_FUNDS: ClassVar[bool] = False


class _OpenWithoutSpecialAccounts(_OpenWithoutUnitFunds, frozen=True, kw_only=True):
    """As a release before that did: special accounts were not kept."""

    SPECIAL: ClassVar[bool] = False


class _OpenWithoutCards(_OpenWithoutSpecialAccounts, frozen=True, kw_only=True):
    """As a release before that did: cards were not registered."""

    CARDS: ClassVar[bool] = False


class _OpenWithoutPurchases(_OpenWithoutCards, frozen=True, kw_only=True):
    """As a release before that did: purchases had no plans."""

    PURCHASES: ClassVar[bool] = False


class _OpenWithoutPlans(_OpenWithoutPurchases, frozen=True, kw_only=True):
    """As a release before that did: nothing was said of plans."""

    PLANS: ClassVar[bool] = False


class _OpenFirstEdition(_OpenWithoutPlans, frozen=True, kw_only=True):
    """As a release before that did: there was one chart."""

    CHARTS: ClassVar[int] = 1


class _OpenFormerLedger(_OpenFirstEdition, frozen=True, kw_only=True):
    """As a release before that did: indicators had no stages."""

    STAGES: ClassVar[bool] = False


def _asked(event: LedgerOpened, default: int) -> OpenLedger:
    """What was asked of the release whose default of approvals that was."""
    if event.fiscal_year == STANDING_YEAR:
        standing = OpenStandingLedger if event.approval_policy else _OpenFormerStandingLedger
        return _by_default(standing, default)(mof_div_code=event.mof_div_code)
    return _by_default(_opening(event), default)(
        mof_div_code=event.mof_div_code,
        fiscal_year=event.fiscal_year,
        name=event.name,
        approval_policy={kind: event.approval_policy[kind] for kind in event.policy_asked},
        plan_control=event.plan_control or TOTAL,
    )


def _by_default(opening: type[LedgerOpening], default: int) -> type[LedgerOpening]:
    if not default:
        return opening
    return msgspec.defstruct(  # type: ignore[return-value]  # a struct of its bases
        opening.__name__,
        [],
        bases=(opening,),
        namespace={"DEFAULT": default, "__doc__": opening.__doc__},
        frozen=True,
        kw_only=True,
    )


def _opening(event: LedgerOpened) -> type[OpenLedger]:
    """How the release has opened the ledger that has left this event."""
    if not event.indicator_stages:
        return _OpenFormerLedger
    if event.chart_edition == 1:
        return _OpenFirstEdition
    if not event.plan_control:
        return _OpenWithoutPlans
    if not event.purchase_control:
        return _OpenWithoutPurchases
    if not event.card_control:
        return _OpenWithoutCards
    if not event.special_accounts:
        return _OpenWithoutSpecialAccounts
    if not event.unit_funds:
        return _OpenWithoutUnitFunds
    if not event.treasury_transfers:
        return _OpenWithTransfersOfAll
    return OpenLedger if event.approvals_follow else _OpenWithApprovalsOfAnyDay


class DateFloors(Command, frozen=True, kw_only=True):
    """Says of a ledger that an earlier release opened what a new one says when it is opened."""

    OPERATION: ClassVar[str] = "ledger.date_floors"
    KEEPS_REFUSAL: ClassVar[bool] = False

    @property
    def number(self) -> str:
        return "floors"

    @classmethod
    def number_in(cls, event: FloorsDated) -> str:
        return "floors"

    def decide(self, state: LedgerState, by: str) -> Decision:
        if state.settings.get(DATED_FLOORS).said:
            raise Refusal(Code.INVALID_STATE, "its floors hold on every business day already")
        # point of no return
        return Decision(events=[(None, "", FloorsDated(by=by))], effective_on=state.today)


class _OpenedByProgram(OpenLedger, frozen=True, kw_only=True):
    """Opens a ledger that nobody asks for by its division's code."""

    @property
    def ledger_id(self) -> int:
        return ledger_id(self.mof_div_code, self.fiscal_year)

    def _opened(self, state: LedgerState, by: str, day: date) -> Decision:
        if state.position > 0:
            raise Refusal(Code.INVALID_STATE, "the ledger is open already")
        # point of no return
        opened = LedgerOpened(
            mof_div_code=self.mof_div_code,
            mof_div_name=self.name,
            fiscal_year=self.fiscal_year,
            name=self.name,
            approval_policy=self._policy(),
            by=by,
        )
        return Decision(events=[(None, "", opened)], effective_on=day)

    def _policy(self) -> Policy:
        return {}


class OpenSystemLedger(_OpenedByProgram, frozen=True, kw_only=True):
    """Opens a year's system ledger, which belongs to no division; asked by the program alone."""

    mof_div_code: str = SYSTEM_DIVISION
    name: str = "系统账套"

    def decide(self, state: LedgerState, by: str) -> Decision:
        return self._opened(state, by, date(self.fiscal_year, 1, 1))


class OpenStandingLedger(_OpenedByProgram, frozen=True, kw_only=True):
    """Opens the standing ledger of a division, or of all; asked by the program, when the first
    thing is put on record there."""

    fiscal_year: int = STANDING_YEAR
    name: str = "基础信息"

    def decide(self, state: LedgerState, by: str) -> Decision:
        return self._opened(state, by, state.today)

    def _policy(self) -> Policy:
        return after(default_policies()[self.DEFAULT], self.approval_policy)


class _OpenFormerStandingLedger(OpenStandingLedger, frozen=True, kw_only=True):
    """As an earlier release did: what is done to a division waited for nobody."""

    @property
    def body(self) -> object:
        return OpenStandingLedger(mof_div_code=self.mof_div_code)

    def _policy(self) -> Policy:
        return {}
