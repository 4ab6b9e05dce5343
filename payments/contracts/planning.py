"""采购计划: registering a purchase plan, and adjusting what it holds. Pure decisions."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.indicator import (
    INDICATOR,
    Indicator,
    holding,
    journal,
    moved,
    require,
    require_not_pending,
)
from division.agencies import refuse_ended
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.events import JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.contracts.events import PurchasePlanAdjusted, PurchasePlanRegistered
from payments.contracts.plan import PLANS, PURCHASE_PLAN, plan_moved, require_plan


class RegisterPurchasePlan(Command, frozen=True, kw_only=True):
    """采购计划: ``pur_amt`` of an indicator is frozen for a purchase of ``pur_class``."""

    OPERATION: ClassVar[str] = "purchase_plan.register"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "采购计划"
    NUMBER: ClassVar[str] = "pur_plan_no"
    KIND: ClassVar[AnyKind] = PURCHASE_PLAN
    KEEPS_REFUSAL: ClassVar[bool] = False
    pur_plan_no: str
    bgt_id: str
    pur_class: str
    pur_amt: str
    effective_on: date | None = None

    def check(self) -> None:
        parse_yuan(self.pur_amt, pointer="/pur_amt")

    def needs(self) -> Iterable[Need]:
        return (
            (PURCHASE_PLAN, self.pur_plan_no),
            (PLANS, self.pur_plan_no),
            (INDICATOR, self.bgt_id),
        )

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        require_not_pending(indicator)
        issued = indicator.issued
        refuse_ended(state, issued.agency_code, day, pointer="/bgt_id")
        pur_fen = parse_yuan(self.pur_amt, pointer="/pur_amt")
        held = _held(state, indicator, day, pur_fen)
        planned = plan_moved(state, self.pur_plan_no, day, pur_fen)
        # point of no return
        registered = PurchasePlanRegistered(
            pur_plan_no=self.pur_plan_no,
            bgt_id=self.bgt_id,
            agency_code=issued.agency_code,
            pur_class=self.pur_class,
            pur_amt=self.pur_amt,
            left_amt=yuan(planned.row.left),
            figures=held.row.figures(),
            by=by,
        )
        entry = _journal(state, registered.TYPE, day, self.pur_plan_no, indicator, pur_fen)
        return Decision(
            events=[
                (PURCHASE_PLAN, self.pur_plan_no, registered),
                (PURCHASE_PLAN, self.pur_plan_no, entry),
            ],
            effective_on=day,
            moved=[held, planned],
        )


class AdjustPurchasePlan(Command, frozen=True, kw_only=True):
    """采购计划调整: more is frozen, or, below zero, what no contract has is set free."""

    OPERATION: ClassVar[str] = "purchase_plan.adjust"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "采购计划"
    NUMBER: ClassVar[str] = "adj_no"
    KIND: ClassVar[AnyKind] = PURCHASE_PLAN
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    pur_plan_no: str
    adj_no: str
    adj_amt: str
    reason: str
    effective_on: date | None = None

    def check(self) -> None:
        parse_yuan(self.adj_amt, pointer="/adj_amt", signed=True)

    def needs(self) -> Iterable[Need]:
        return ((PURCHASE_PLAN, self.pur_plan_no),)

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        plan = state.get(PURCHASE_PLAN, self.pur_plan_no)
        return () if plan is None else ((INDICATOR, plan.bgt_id),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        plan = require_plan(state, self.pur_plan_no)
        indicator = require(state, plan.bgt_id, day)
        change_fen = parse_yuan(self.adj_amt, pointer="/adj_amt", signed=True)
        planned = plan_moved(state, self.pur_plan_no, day, change_fen)
        held = _held(state, indicator, day, change_fen)
        # point of no return
        adjusted = PurchasePlanAdjusted(
            pur_plan_no=self.pur_plan_no,
            adj_no=self.adj_no,
            bgt_id=plan.bgt_id,
            adj_amt=self.adj_amt,
            pur_amt=yuan(stored_fen(plan.pur_amt) + change_fen),
            left_amt=yuan(planned.row.left),
            reason=self.reason,
            figures=held.row.figures(),
            by=by,
        )
        entry = _journal(state, adjusted.TYPE, day, self.adj_no, indicator, change_fen)
        return Decision(
            events=[
                (PURCHASE_PLAN, self.pur_plan_no, adjusted),
                (PURCHASE_PLAN, self.pur_plan_no, entry),
            ],
            effective_on=day,
            moved=[held, planned],
        )


def _held(state: LedgerState, indicator: Indicator, day: date, held_fen: int) -> MovedRow:
    """The indicator's balances with an amount frozen, or set free."""
    return moved(state, day, indicator.bgt_id, *holding(held_fen))


def _journal(
    state: LedgerState, event: str, day: date, number: str, indicator: Indicator, held_fen: int
) -> JournalPosted:
    rule, amounts = holding(held_fen)
    return journal(
        state,
        event,
        day,
        number=number,
        indicator=indicator,
        amounts_fen=amounts,
        rule_name=rule,
    )
