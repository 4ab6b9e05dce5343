"""核销: when a year is closed its book of indicators comes to nothing. Pure decisions.

What was paid, what went on to the next year, and what of the budget no indicator has taken goes off
指标来源. The program asks for it, for each indicator and each row once.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.balances import BALANCES
from budget.indicator import INDICATOR, journal, moved, require
from budget.rows import BUDGET_ROW, ROWS, moved_row, require_row
from budget.year_end_events import IndicatorWrittenOff, RowWrittenOff
from ledger.calendar import PERIODS
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import yuan


def require_year_closed(state: LedgerState) -> None:
    """Raises Refusal ``invalid_state`` while anything may still be booked in the year."""
    if not state.settings.get(PERIODS).year_closed:
        raise Refusal(Code.INVALID_STATE, f"the year {state.fiscal_year} is not closed")


class WriteOffIndicator(Command, frozen=True, kw_only=True):
    """指标核销: what was paid of an indicator, and what was carried over, goes off the book."""

    OPERATION: ClassVar[str] = "indicator.write_off"
    NUMBER: ClassVar[str] = "bgt_id"
    KIND: ClassVar[AnyKind] = INDICATOR
    KEEPS_REFUSAL: ClassVar[bool] = False
    bgt_id: str

    def needs(self) -> Iterable[Need]:
        return ((INDICATOR, self.bgt_id),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_closed(state)
        indicator = require(state, self.bgt_id)
        day = date(state.fiscal_year, 12, 31)
        paid_fen = state.row(BALANCES, self.bgt_id).paid
        amounts = {"amount": paid_fen, "carried": indicator.carried_fen}
        if not any(amounts.values()):
            raise Refusal(
                Code.INVALID_STATE, f"indicator {self.bgt_id} has nothing to be written off"
            )
        after = moved(state, day, self.bgt_id, IndicatorWrittenOff.TYPE, amounts)
        # point of no return
        event = IndicatorWrittenOff(
            bgt_id=self.bgt_id,
            amt=yuan(paid_fen),
            carryovers_amt=yuan(indicator.carried_fen),
            figures=after.row.figures(),
            by=by,
        )
        entry = journal(
            state,
            event.TYPE,
            day,
            number=self.bgt_id,
            indicator=indicator,
            amounts_fen=amounts,
        )
        return Decision(
            events=[(INDICATOR, self.bgt_id, event), (INDICATOR, self.bgt_id, entry)],
            effective_on=day,
            moved=[after],
        )


class WriteOffRow(Command, frozen=True, kw_only=True):
    """预算核销: what of a row of the budget was not issued lapses."""

    OPERATION: ClassVar[str] = "budget_row.write_off"
    NUMBER: ClassVar[str] = "bgt_pman_id"
    KIND: ClassVar[AnyKind] = BUDGET_ROW
    KEEPS_REFUSAL: ClassVar[bool] = False
    bgt_pman_id: str

    def needs(self) -> Iterable[Need]:
        return (BUDGET_ROW, self.bgt_pman_id), (ROWS, self.bgt_pman_id)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_closed(state)
        row = require_row(state, self.bgt_pman_id)
        day = date(state.fiscal_year, 12, 31)
        rest_fen = state.row(ROWS, self.bgt_pman_id).rest
        if not rest_fen:
            raise Refusal(Code.INVALID_STATE, f"budget row {self.bgt_pman_id} is issued whole")
        after = moved_row(state, self.bgt_pman_id, day, -rest_fen)
        # point of no return
        event = RowWrittenOff(bgt_pman_id=self.bgt_pman_id, amt=yuan(rest_fen), by=by)
        entry = state.books(day).post(
            event.TYPE,
            source=state.next_position,
            number=self.bgt_pman_id,
            amounts_fen={"amount": rest_fen},
            codes=row.codes,
        )
        return Decision(
            events=[
                (BUDGET_ROW, self.bgt_pman_id, event),
                (BUDGET_ROW, self.bgt_pman_id, entry),
            ],
            effective_on=day,
            moved=[after],
        )
