"""指标: an indicator as its events have left it, its journal, and what it is controlled by."""

from collections.abc import Mapping
from datetime import date

import msgspec

from budget.advance_events import IndicatorAbsorbed
from budget.balances import BALANCES, PENDING_CONTROL
from budget.distribution_events import IndicatorAllotted, IndicatorDistributed
from budget.events import (
    Figures,
    IndicatorEnabled,
    IndicatorFrozen,
    IndicatorIssued,
    IndicatorUnfrozen,
    PlanCut,
    PlanSet,
)
from budget.pending import PENDING
from budget.received import moved_received
from budget.rows import moved_row
from budget.year_end_events import (
    IndicatorCarriedIn,
    IndicatorCarriedOver,
    IndicatorReleased,
    carried_mark,
)
from ledger.books import Books, merge
from ledger.deciding.objects import Kind
from ledger.deciding.registers import AnyRegister, MovedRow
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted, sharing, types_that
from ledger.money import stored_fen

CODED = (*DIMENSIONS, "bgt_type_code")  # its elements that have code sets
# of these only a code with none below it is issued and paid
LEAF_CODES = ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code", "fund_type_code")
# the types that one begins with
BEGINNINGS: tuple[type[IndicatorIssued], ...] = tuple(
    cls
    for cls in types_that(lambda traits: traits.subject == "indicator")
    if issubclass(cls, IndicatorIssued)
)
_CODES_AND_NAMES = ("exp_func", "gov_bgt_eco", "dep_bgt_eco", "fund_type", "bgt_type")
EXECUTABLE, NOT_EXECUTABLE = 1, 2  # 指标可执行标志: 是, 否
MONTHS = 12
# what many say alike: codes, their names, amounts
SHARED = (
    "agency_code",
    "agency_name",
    "pro_cat_code",
    "pro_cat_name",
    *(f"{kind}_{what}" for kind in _CODES_AND_NAMES for what in ("code", "name")),
    "amount",
)


class Indicator(msgspec.Struct, frozen=True):
    """An indicator: what was issued, and its figures after its own last event.

    Attributes:
        enabled: whether it was made executable after it had been issued.
        pending_amt: what of it is 待下达, in yuan; "" of one that never was.
        planned: 用款计划 by month, in fen; () where there never was any.
        is_distributed: whether units have indicators of it (待分配分配).
        set_aside_fen: what is frozen by hand; beside it purchase plans and runs freeze, too.
        absorbed_by: the row of the budget that has absorbed it (预拨核销); "" of all others.
        run_nos: the runs of many payments that have frozen of it under their own names.
        carried: what was carried over of it to the next year, in fen, and as it was told last.
    """

    issued: IndicatorIssued
    figures: Figures
    enabled: bool = False
    pending_amt: str = ""
    planned: tuple[int, ...] = ()
    is_distributed: bool = False
    set_aside_fen: int = 0
    absorbed_by: str = ""
    run_nos: tuple[str, ...] = ()
    carried: tuple[int, IndicatorCarriedOver | None] = (0, None)

    @property
    def carried_fen(self) -> int:
        """What of it goes on next year, in fen."""
        return self.carried[0]

    @property
    def bgt_id(self) -> str:
        return self.issued.bgt_id

    @property
    def distributed_from(self) -> str:
        """The indicator that it is a part of; "" of one that is issued by itself."""
        return self.issued.ori_bgt_id if isinstance(self.issued, IndicatorAllotted) else ""

    @property
    def bgt_pman_id(self) -> str:
        """The row of the budget that it is of; "" where there is none."""
        return self.issued.bgt_pman_id or self.absorbed_by

    @property
    def row_id(self) -> str:
        """The row of the budget that it takes of and gives back to; "" where there is none, or
        where another indicator stands between."""
        return "" if self.distributed_from else self.bgt_pman_id

    @property
    def advance_of(self) -> str:
        """The unit whose limit of advances it takes of and gives back to; "" of all others."""
        return "" if self.absorbed_by else self.issued.advance_of

    @property
    def taken_from(self) -> str:
        """What has given to it: a row of the budget, an indicator that it is part of, or what came
        from the tier above."""
        return self.distributed_from or self.row_id or self.from_transfer

    @property
    def from_transfer(self) -> str:
        """The document of what the tier above has sent that it takes of and gives back to; "" where
        there is none."""
        return self.issued.from_transfer

    @property
    def is_executable(self) -> bool:
        """Whether it can be paid from, on days that have come."""
        return self.issued.bgt_exe_flag == EXECUTABLE or self.enabled

    @property
    def is_pending(self) -> bool:
        """Whether what it has stands in 待下达指标."""
        return self.pending_amt != "" and not self.enabled

    @property
    def bgt_exe_flag(self) -> int:
        """指标可执行标志, as it is now."""
        return EXECUTABLE if self.is_executable else NOT_EXECUTABLE

    @property
    def codes(self) -> dict[str, str]:
        issued = self.issued
        return {
            "agency_code": issued.agency_code,
            "pro_code": issued.pro_code,
            "exp_func_code": issued.exp_func_code,
            "gov_bgt_eco_code": issued.gov_bgt_eco_code,
            "dep_bgt_eco_code": issued.dep_bgt_eco_code,
            "fund_type_code": issued.fund_type_code,
        }

    @property
    def is_carried(self) -> bool:
        """Whether the year before has handed it on; whatever else says 上年结转 was typed, and no
        财政应返还额度 was booked for it."""
        return type(self.issued) is IndicatorCarriedIn  # no isinstance(): every payment asks

    @property
    def paying_codes(self) -> dict[str, str]:
        """Its codes, and by which the books tell whether paying from it is revenue of the year."""
        return {**self.codes, **carried_mark(self.is_carried)}


def _fold(indicator: Indicator | None, event: Event) -> Indicator | None:
    if isinstance(event, IndicatorIssued):
        own = sharing(event.figures, Figures.__struct_fields__)
        return Indicator(sharing(event, SHARED), own, pending_amt=event.pending_amt)
    if indicator is None or isinstance(event, JournalPosted):
        return indicator
    figures: Figures = getattr(event, "figures", indicator.figures)
    pending_amt: str = getattr(event, "pending_amt", "") or indicator.pending_amt
    enabled = indicator.enabled or isinstance(event, IndicatorEnabled)
    planned = _planned(indicator.planned, event)
    distributed = indicator.is_distributed or isinstance(event, IndicatorDistributed)
    set_aside_fen = indicator.set_aside_fen + _set_aside(event)
    runs = indicator.run_nos
    if isinstance(event, IndicatorFrozen) and event.run_no:
        runs = (*runs, event.run_no)
    row = event.bgt_pman_id if isinstance(event, IndicatorAbsorbed) else indicator.absorbed_by
    return Indicator(
        indicator.issued,
        figures,
        enabled,
        pending_amt,
        planned,
        distributed,
        set_aside_fen,
        row,
        runs,
        _carried(indicator.carried, event),
    )


def _carried(
    carried: tuple[int, IndicatorCarriedOver | None], event: Event
) -> tuple[int, IndicatorCarriedOver | None]:
    if isinstance(event, IndicatorCarriedOver):
        return carried[0] + stored_fen(event.amt), event
    return carried


def _set_aside(event: Event) -> int:
    """By how much an event changes what is frozen by hand, and by runs that are not named."""
    match event:
        case IndicatorFrozen(run_no=""):
            return stored_fen(event.amt)
        case IndicatorUnfrozen(run_no="") | IndicatorReleased():
            return -stored_fen(event.amt)
    return 0


def _planned(planned: tuple[int, ...], event: Event) -> tuple[int, ...]:
    """用款计划 by month after one more event."""
    if isinstance(event, PlanSet):
        changes = {event.plan_month: stored_fen(event.plan_amt)}
    elif isinstance(event, PlanCut):
        changes = {month.plan_month: -stored_fen(month.plan_amt) for month in event.months}
    else:
        return planned
    before = planned or (0,) * MONTHS
    return tuple(fen + changes.get(month, 0) for month, fen in enumerate(before, 1))


def _rows_of(indicator: Indicator) -> tuple[tuple[AnyRegister, str], ...]:
    bgt_id = indicator.bgt_id
    if indicator.pending_amt:
        return (BALANCES, bgt_id), (PENDING, bgt_id)
    return ((BALANCES, bgt_id),)


INDICATOR: Kind[Indicator] = Kind(
    name="indicator",
    opened_by="indicator.issue",
    fold=_fold,
    rows=_rows_of,
)


def require(
    state: LedgerState, bgt_id: str, on: date | None = None, *, pointer: str = "/bgt_id"
) -> Indicator:
    """The indicator, for an act that takes effect ``on`` a day.

    Raises:
        Refusal: ``indicator_not_found``; ``indicator_not_executable`` before its own day.
    """
    if (indicator := state.get(INDICATOR, bgt_id)) is None:
        raise Refusal(
            Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id, pointer=pointer
        )
    if on is not None and (first := state.first_day(BALANCES, bgt_id, on)) > on:
        raise Refusal(
            Code.INDICATOR_NOT_EXECUTABLE,
            f"indicator {bgt_id} is dated {first}, after {on}",
            bgt_id=bgt_id,
            on=first.isoformat(),
        )
    return indicator


def require_executable(indicator: Indicator) -> None:
    """Refuses with ``indicator_not_executable`` what was not made executable yet."""
    if not indicator.is_executable:
        raise Refusal(
            Code.INDICATOR_NOT_EXECUTABLE,
            f"indicator {indicator.bgt_id} may not be executed (指标可执行标志)",
            bgt_id=indicator.bgt_id,
        )


def require_not_pending(indicator: Indicator, *, pointer: str = "/bgt_id") -> None:
    """Refuses with ``indicator_not_executable`` an act on what is 待下达: that is enabled first, or
    recalled."""
    if indicator.is_pending:
        raise Refusal(
            Code.INDICATOR_NOT_EXECUTABLE,
            f"indicator {indicator.bgt_id} is pending (待下达): enable it first",
            bgt_id=indicator.bgt_id,
            pointer=pointer,
        )


def moved(
    state: LedgerState,
    day: date,
    bgt_id: str,
    rule: str,
    amounts_fen: Mapping[str, int],
    held_fen: int = 0,
) -> MovedRow:
    """The indicator's balances as a rule's posting leaves them on a day.

    Args:
        held_fen: what is frozen besides, for a purchase, or, below zero, taken off that.

    Raises:
        Refusal: ``insufficient_indicator`` where a controlled account would fall below zero, on
            that day or on a later one.
        RequestError: ``invalid_amount`` where the indicator would outgrow what can be written.
    """
    changes = state.books(day).controlled(rule, amounts_fen)
    if held_fen:
        name, amounts = holding(held_fen)
        for control, fen in state.books(day).controlled(name, amounts).items():
            changes[control] = changes.get(control, 0) + fen
    return state.moved(BALANCES, bgt_id, day, changes)


def holding(held_fen: int) -> tuple[str, dict[str, int]]:
    """The rule by which an amount is frozen, or set free, and what it is given."""
    rule = IndicatorFrozen.TYPE if held_fen > 0 else IndicatorUnfrozen.TYPE
    return rule, {"amount": abs(held_fen)}


def with_held(
    books: Books, entry: JournalPosted, held_fen: int, codes: Mapping[str, str]
) -> JournalPosted:
    """The journal of an act, and in it what the act freezes for a purchase or sets free, as
    :func:`moved` has moved it."""
    if not held_fen:
        return entry
    rule, amounts = holding(held_fen)
    held = books.post(
        entry.event,
        source=entry.source,
        number=entry.number,
        amounts_fen=amounts,
        codes=codes,
        bgt_id=entry.bgt_id,
        rule_name=rule,
    )
    return merge([entry, held])


def moved_with_row(
    state: LedgerState,
    day: date,
    bgt_id: str,
    bgt_pman_id: str,
    rule: str,
    amounts_fen: Mapping[str, int],
    from_transfer: str = "",
) -> list[MovedRow]:
    """The same, and behind it what is pending, and the row or the transfer that the indicator is
    issued from, where the rule moves them.

    Raises:
        Refusal: ``insufficient_budget``, too, where the row has less than nothing left to issue.
    """
    changes = state.books(day).controlled(rule, amounts_fen)
    rest_fen, pending_fen = changes.pop("rest", 0), changes.pop(PENDING_CONTROL, 0)
    after = [state.moved(BALANCES, bgt_id, day, changes)]
    if pending_fen:
        after.append(state.moved(PENDING, bgt_id, day, {PENDING_CONTROL: pending_fen}))
    if bgt_pman_id and rest_fen:
        after.append(moved_row(state, bgt_pman_id, day, rest_fen))
    elif from_transfer and rest_fen:
        after.append(moved_received(state, from_transfer, day, rest_fen))
    return after


def rule_of(event: str, taken_from: str, *, pending: bool = False) -> str:
    """The rule by which an event is booked: that of an indicator which is 待下达, or is taken from
    a row or another indicator, is another one."""
    stage = "_pending" if pending else ""
    return f"{event}{stage}_of_row" if taken_from else f"{event}{stage}"


def journal(
    state: LedgerState,
    event: str,
    day: date,
    *,
    number: str,
    indicator: Indicator,
    amounts_fen: Mapping[str, int],
    ahead: int = 0,
    rule_name: str = "",
) -> JournalPosted:
    """The journal of the event that will stand ``ahead`` places after the next position."""
    return state.books(day).post(
        event,
        source=state.next_position + ahead,
        number=number,
        amounts_fen=amounts_fen,
        codes=indicator.codes,
        bgt_id=indicator.bgt_id,
        rule_name=rule_name,
    )
