"""预算指标: adjust, reallocate, freeze, plan. Pure decisions.

先有预算、再有指标、后有支出: nothing is paid that no indicator covers, and no indicator is cut
below what is paid, occupied or frozen (财办〔2022〕36号).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from itertools import product
from typing import ClassVar

from budget.advances import taken_of_limit
from budget.balances import BALANCES
from budget.beside import require_may_have_more
from budget.between import require_marks_kept, rows_between
from budget.events import (
    IndicatorAdjusted,
    IndicatorFrozen,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    IndicatorUnfrozen,
    PlanCut,
    PlanSet,
)
from budget.indicator import (
    INDICATOR,
    Indicator,
    journal,
    moved,
    moved_with_row,
    require,
    require_not_pending,
    rule_of,
)
from budget.parts import needs_limit, needs_whole, whole_moved, with_whole
from budget.plans import check_plan, cut_with, plan_of
from division.agencies import refuse_ended
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, commands
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan, yuan


class OnIndicator(Command, frozen=True, kw_only=True):
    """A command about one existing indicator."""

    KIND: ClassVar[AnyKind] = INDICATOR
    bgt_id: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return ((INDICATOR, self.bgt_id),)

    def _decision(
        self,
        state: LedgerState,
        day: date,
        event: Event,
        *after: MovedRow,
        number: str,
        amounts_fen: Mapping[str, int],
        rule_name: str = "",
    ) -> Decision:
        entry = journal(
            state,
            event.TYPE,
            day,
            number=number,
            indicator=require(state, self.bgt_id),
            amounts_fen=amounts_fen,
            rule_name=rule_name,
        )
        return Decision(
            events=[(INDICATOR, self.bgt_id, event), (INDICATOR, self.bgt_id, entry)],
            effective_on=day,
            moved=list(after),
        )


def with_plan_cut(
    decision: Decision, bgt_id: str, cut: tuple[PlanCut, MovedRow] | None
) -> Decision:
    """The decision, and behind it what it cuts of the plan of an indicator that it takes of."""
    if cut is not None:
        event, balances = cut
        decision.events.append((INDICATOR, bgt_id, event))
        decision.moved = [*decision.moved, balances]
    return decision


class AdjustIndicator(OnIndicator, frozen=True, kw_only=True):
    """追加 or 追减 (negative): never below what is paid, occupied and frozen, and of an indicator
    that is issued from a row never above what the row has left, of a part of one that is
    distributed never above what that has left to distribute; beside the budget only as it could be
    issued there now."""

    OPERATION: ClassVar[str] = "indicator.adjust"
    APPROVABLE: ClassVar[bool] = True
    LOOKS_FURTHER: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标调整调剂"
    NUMBER: ClassVar[str] = "adj_no"
    adj_no: str
    adj_amt: str
    reason: str

    def check(self) -> None:
        parse_yuan(self.adj_amt, pointer="/adj_amt", signed=True)

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        yield from needs_whole(state, self.bgt_id)
        yield from needs_limit(state, self.bgt_id)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        require_not_pending(indicator)
        row_id = indicator.row_id
        rule = rule_of(IndicatorAdjusted.TYPE, indicator.taken_from)
        change_fen = parse_yuan(self.adj_amt, pointer="/adj_amt", signed=True)
        if change_fen > 0:
            refuse_ended(state, indicator.issued.agency_code, day, pointer="/bgt_id")
        amounts = {"increase": max(0, change_fen), "decrease": max(0, -change_fen)}
        source = indicator.from_transfer
        after = moved_with_row(state, day, self.bgt_id, row_id, rule, amounts, source)
        cut = cut_with(state, indicator, day, -change_fen, after[0], self.adj_no, by)
        whole = whole_moved(state, indicator, day, -change_fen, self.adj_no, by)
        require_may_have_more(state, indicator, change_fen)
        limit = taken_of_limit(state, indicator.advance_of, day, change_fen)
        # point of no return
        adjusted = IndicatorAdjusted(
            bgt_id=self.bgt_id,
            adj_no=self.adj_no,
            adj_amt=self.adj_amt,
            reason=self.reason,
            bgt_pman_id=row_id,
            advance_of=indicator.advance_of,
            from_transfer=source,
            figures=after[0].row.figures(),
            by=by,
        )
        after += limit
        decision = self._decision(
            state, day, adjusted, *after, number=self.adj_no, amounts_fen=amounts, rule_name=rule
        )
        return with_whole(state, with_plan_cut(decision, self.bgt_id, cut), whole)


class ReallocateIndicator(OnIndicator, frozen=True, kw_only=True):
    """调剂: from one indicator to another, the total staying as it is."""

    OPERATION: ClassVar[str] = "indicator.reallocate"
    APPROVABLE: ClassVar[bool] = True
    LOOKS_FURTHER: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标调整调剂"
    NUMBER: ClassVar[str] = "adj_no"
    adj_no: str
    to_bgt_id: str
    amt: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return ((INDICATOR, self.bgt_id), (INDICATOR, self.to_bgt_id))

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        yield from needs_limit(state, self.bgt_id)
        yield from needs_limit(state, self.to_bgt_id)

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt")
        if self.to_bgt_id == self.bgt_id:
            raise RequestError(
                Code.MALFORMED, "an indicator gives to another", pointer="/to_bgt_id"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        giving = require(state, self.bgt_id, day)
        taking = require(state, self.to_bgt_id, day, pointer="/to_bgt_id")
        require_not_pending(giving)
        require_not_pending(taking, pointer="/to_bgt_id")
        refuse_ended(state, taking.issued.agency_code, day, pointer="/to_bgt_id")
        if giving.issued.fund_type_code != taking.issued.fund_type_code:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "资金性质 of the two indicators differ",
                pointer="/to_bgt_id",
                bgt_id=self.to_bgt_id,
            )
        require_marks_kept(state, giving, taking)
        out_row, in_row = rows_between(giving, taking)
        amounts = {"amount": parse_yuan(self.amt, pointer="/amt")}
        out_type = IndicatorReallocatedOut.TYPE
        in_type = IndicatorReallocatedIn.TYPE
        less = moved_with_row(state, day, self.bgt_id, out_row, out_type, amounts)
        more = moved_with_row(state, day, self.to_bgt_id, in_row, in_type, amounts)
        cut = cut_with(state, giving, day, amounts["amount"], less[0], self.adj_no, by)
        require_may_have_more(state, taking, amounts["amount"], pointer="/to_bgt_id")
        # point of no return
        out = IndicatorReallocatedOut(
            bgt_id=self.bgt_id,
            to_bgt_id=self.to_bgt_id,
            adj_no=self.adj_no,
            amt=self.amt,
            reason=self.reason,
            bgt_pman_id=out_row,
            figures=less[0].row.figures(),
            by=by,
        )
        into = IndicatorReallocatedIn(
            bgt_id=self.to_bgt_id,
            from_bgt_id=self.bgt_id,
            adj_no=self.adj_no,
            amt=self.amt,
            bgt_pman_id=in_row,
            figures=more[0].row.figures(),
            by=by,
        )
        decision = Decision(
            events=[
                (INDICATOR, self.bgt_id, out),
                (INDICATOR, self.bgt_id, self._entry(state, day, out_type, giving, amounts, 0)),
                (INDICATOR, self.to_bgt_id, into),
                (INDICATOR, self.to_bgt_id, self._entry(state, day, in_type, taking, amounts, 2)),
            ],
            effective_on=day,
            moved=[*less, *more],
        )
        return with_plan_cut(decision, self.bgt_id, cut)

    def _entry(
        self,
        state: LedgerState,
        day: date,
        event: str,
        indicator: Indicator,
        amounts_fen: Mapping[str, int],
        ahead: int,
    ) -> JournalPosted:
        return journal(
            state,
            event,
            day,
            number=self.adj_no,
            indicator=indicator,
            amounts_fen=amounts_fen,
            ahead=ahead,
        )


class _Freezing(OnIndicator, frozen=True, kw_only=True):
    NUMBER: ClassVar[str] = "freeze_no"
    freeze_no: str
    amt: str
    EVENT: ClassVar[type[IndicatorFrozen | IndicatorUnfrozen]]

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt")

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        require_not_pending(indicator)
        amounts = {"amount": parse_yuan(self.amt, pointer="/amt")}
        after = moved(state, day, self.bgt_id, self.EVENT.TYPE, amounts)
        if self.EVENT is IndicatorUnfrozen:
            _require_set_aside(state, indicator, day, amounts["amount"])
        # point of no return
        event = self.EVENT(
            bgt_id=self.bgt_id,
            freeze_no=self.freeze_no,
            amt=self.amt,
            figures=after.row.figures(),
            by=by,
        )
        return self._decision(state, day, event, after, number=self.freeze_no, amounts_fen=amounts)


def _require_set_aside(
    state: LedgerState, indicator: Indicator, day: date, wanted_fen: int
) -> None:
    """What a purchase plan holds is set free by the plan alone, what a run of many payments has
    frozen by the run: what they hold after all days stays frozen from the day on, so that a freeze
    of a later day is not set free before it.

    Raises:
        Refusal: ``insufficient_indicator``.
    """
    frozen = state.row_on(BALANCES, indicator.bgt_id, day)
    planned_fen = frozen.row.frozen - indicator.set_aside_fen
    least_fen = min(row.frozen for _, row in frozen.levels(day))
    set_aside_fen = max(0, min(indicator.set_aside_fen, least_fen - planned_fen))
    if wanted_fen > set_aside_fen:
        raise Refusal(
            Code.INSUFFICIENT_INDICATOR,
            f"of indicator {indicator.bgt_id} freezes hold {yuan(set_aside_fen)} from {day} on;"
            " what else is frozen is held by purchase plans and runs of many payments",
            bgt_id=indicator.bgt_id,
            available_amt=yuan(set_aside_fen),
            requested_amt=yuan(wanted_fen),
        )


class FreezeIndicator(_Freezing, frozen=True, kw_only=True):
    """冻结: what is frozen cannot be applied for."""

    OPERATION: ClassVar[str] = "indicator.freeze"
    CHANNEL: ClassVar[str] = "指标冻结解冻"
    EVENT = IndicatorFrozen


class UnfreezeIndicator(_Freezing, frozen=True, kw_only=True):
    """解冻."""

    OPERATION: ClassVar[str] = "indicator.unfreeze"
    CHANNEL: ClassVar[str] = "指标冻结解冻"
    EVENT = IndicatorUnfrozen


class SetPlan(OnIndicator, frozen=True, kw_only=True):
    """用款计划: within the indicator, and never cut below what is used of it."""

    OPERATION: ClassVar[str] = "plan.set"
    CHANNEL: ClassVar[str] = "用款计划"
    NUMBER: ClassVar[str] = "plan_voucher_no"
    plan_voucher_no: str
    plan_month: int | str  # 3, or "03" as the exchange tables write it
    plan_amt: str

    def check(self) -> None:
        parse_yuan(self.plan_amt, pointer="/plan_amt", signed=True)
        if self._month() not in range(1, 13):
            raise RequestError(
                Code.MALFORMED, "plan_month is a month, 1 to 12", pointer="/plan_month"
            )

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        """The month may have been written in three ways."""
        event: PlanSet = told.event
        written: tuple[int | str, ...] = (
            event.plan_month,
            f"{event.plan_month:02d}",
            str(event.plan_month),
        )
        for dated, month in product((None, told.day), written):
            yield cls(
                bgt_id=event.bgt_id,
                plan_voucher_no=event.plan_voucher_no,
                plan_month=month,
                plan_amt=event.plan_amt,
                effective_on=dated,
            )

    def _month(self) -> int:
        text = str(self.plan_month)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else 0

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        require_not_pending(indicator)
        change_fen = parse_yuan(self.plan_amt, pointer="/plan_amt", signed=True)
        before = state.row_on(BALANCES, self.bgt_id, day)
        check_plan(plan_of(state, indicator), before, day, self._month(), change_fen)
        after = state.moved(BALANCES, self.bgt_id, day, {"plan": change_fen})
        # point of no return
        plan = PlanSet(
            bgt_id=self.bgt_id,
            plan_voucher_no=self.plan_voucher_no,
            plan_month=self._month(),
            plan_amt=yuan(change_fen),
            figures=after.row.figures(),
            by=by,
        )
        return Decision(
            events=[(INDICATOR, self.bgt_id, plan)],
            effective_on=day,
            moved=[after],
        )


def number_of(event: Event) -> str:
    """The business number that an act on an indicator was asked under, as its event holds it."""
    return _command(event.TRAITS.asked_by).number_in(event)


@cache
def _command(operation: str) -> type[Command]:
    return commands()[operation]
