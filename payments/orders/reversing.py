"""红冲: a step of an advance that was entered by mistake is taken back. Pure decisions.

What the central bank itself has said came back is its word, and is not taken back here. With a
转列支出 taken back the advance stands out again, so that a return of it can be booked.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.indicator import INDICATOR, moved
from budget.indicator import require as require_indicator
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import JournalPosted
from ledger.money import parse_yuan
from payments.clearing.cash import CASH, gone_again, moved_cash
from payments.order_events import AdvanceExpensed, AdvanceRecovered, AdvanceStepReversed
from payments.orders.advance import ADVANCE, STANDING_OUT, Advance, require_paid
from payments.orders.advance_steps import kept_apart
from payments.orders.ordering import kept_by


class ReverseAdvanceStep(Command, frozen=True, kw_only=True):
    """红冲 of 转列支出 or 收回, once; ``step_no`` is the reversal's own number."""

    OPERATION: ClassVar[str] = "advance.reverse"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预拨暂付"
    NUMBER: ClassVar[str] = "step_no"
    KIND: ClassVar[AnyKind] = ADVANCE
    LOOKS_FURTHER: ClassVar[bool] = True
    adv_no: str
    step_no: str
    of_step_no: str
    reason: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (STANDING_OUT, WHOLE), (CASH, WHOLE)

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        advance = state.get(ADVANCE, self.adv_no)
        step = None if advance is None else advance.step_to_reverse(self.of_step_no)
        return ((INDICATOR, step.bgt_id),) if isinstance(step, AdvanceExpensed) else ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        advance = require_paid(state, self.adv_no)
        step = advance.step_to_reverse(self.of_step_no)
        if step is None:
            raise Refusal(
                Code.INVALID_STATE,
                f"advance {self.adv_no} has no step {self.of_step_no!r} to take back 无可红冲",
                pointer="/of_step_no",
            )
        stands = state.moved(STANDING_OUT, self.adv_no, day, {"left": parse_yuan(step.amt)})
        if isinstance(step, AdvanceExpensed):
            event, entry, rows = self._expense(state, day, advance, step, by)
        else:
            event, entry, rows = self._recovery(state, day, advance, step, by)
        return Decision(
            events=[(ADVANCE, self.adv_no, event), (ADVANCE, self.adv_no, entry)],
            effective_on=day,
            moved=[stands, *rows],
        )

    def _expense(
        self, state: LedgerState, day: date, advance: Advance, step: AdvanceExpensed, by: str
    ) -> tuple[AdvanceStepReversed, JournalPosted, list[MovedRow]]:
        """The indicator has it again."""
        indicator, books = require_indicator(state, step.bgt_id, day), state.books(day)
        amount_fen, rule = parse_yuan(step.amt), "advance.expense_reversed"
        unit_fen = amount_fen if advance.ordered.agency_code else 0
        amounts = {"expensed": amount_fen, "of_unit": unit_fen}
        borne = moved(state, day, step.bgt_id, rule, amounts)
        # point of no return
        event = AdvanceStepReversed(
            adv_no=self.adv_no,
            step_no=self.step_no,
            of_step_no=self.of_step_no,
            bgt_id=step.bgt_id,
            amt=step.amt,
            reason=self.reason,
            figures=borne.row.figures(),
            by=by,
        )
        entry = books.post(
            event.TYPE,
            source=state.next_position,
            number=self.step_no,
            amounts_fen=amounts,
            codes={**indicator.paying_codes, "acct_cls_id": advance.ordered.acct_cls_id},
            bgt_id=step.bgt_id,
            rule_name=rule,
        )
        return event, kept_apart(books, entry, advance, indicator), [borne]

    def _recovery(
        self, state: LedgerState, day: date, advance: Advance, step: AdvanceRecovered, by: str
    ) -> tuple[AdvanceStepReversed, JournalPosted, list[MovedRow]]:
        """The treasury account that had it back has it no more.

        Raises:
            Refusal: ``insufficient_cash``.
        """
        fund, acct = step.fund_type_code, step.cash_acct
        amount_fen = parse_yuan(step.amt)
        rows = moved_cash(state, day, lambda owed_of: gone_again(acct, fund, step.amt, owed_of))
        # point of no return
        event = AdvanceStepReversed(
            adv_no=self.adv_no,
            step_no=self.step_no,
            of_step_no=self.of_step_no,
            amt=step.amt,
            fund_type_code=fund,
            cash_acct=acct,
            reason=self.reason,
            by=by,
        )
        entry = state.books(day).post(
            event.TYPE,
            source=state.next_position,
            number=self.step_no,
            amounts_fen={
                "recovered": amount_fen,
                "from_unit": amount_fen if advance.ordered.agency_code else 0,
            },
            codes={"acct_cls_id": advance.ordered.acct_cls_id, "fund_type_code": fund},
            rule_name="advance.recovery_reversed",
        )
        return event, kept_by(entry, advance.kept_by), rows
