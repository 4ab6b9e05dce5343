"""待下达 → 可执行, and 收回: an indicator is enabled, or what is not used of it goes back.

Pure decisions. In the books the two stages are two accounts: nobody pays, freezes or plans what is
pending (待下达指标); enabling moves it to what is available (支出指标) (财办〔2022〕36号).
"""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import ClassVar

from budget.advances import taken_of_limit
from budget.balances import BALANCES
from budget.events import IndicatorEnabled, IndicatorRecalled
from budget.indicator import INDICATOR, Indicator, moved_with_row, require, rule_of
from budget.indicators import OnIndicator, with_plan_cut
from budget.parts import needs_limit, needs_whole, whole_moved, with_whole
from budget.pending import PENDING
from budget.plans import cut_with
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, yuan


class EnableIndicator(OnIndicator, frozen=True, kw_only=True):
    """可执行: all that is pending of an indicator can be paid from the day on.

    Of a ledger that an earlier release opened, whose indicators have no stages, the flag alone is
    lifted.
    """

    OPERATION: ClassVar[str] = "indicator.enable"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标下达"
    NUMBER: ClassVar[str] = "bgt_id"
    KEEPS_REFUSAL: ClassVar[bool] = False  # what is refused today may be enabled another day

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        if indicator.is_executable:
            raise Refusal(
                Code.INVALID_STATE, f"indicator {self.bgt_id} is executable", bgt_id=self.bgt_id
            )
        if not indicator.is_pending:
            return self._flag_alone(indicator, day, by)
        if indicator.is_distributed:
            raise Refusal(
                Code.INVALID_STATE,
                f"indicator {self.bgt_id} is distributed (待分配): its rest goes to units, too,"
                " or is recalled",
                bgt_id=self.bgt_id,
            )
        amounts = {"amount": _left_fen(state, indicator, day)}
        after = moved_with_row(state, day, self.bgt_id, "", IndicatorEnabled.TYPE, amounts)
        # point of no return
        enabled = IndicatorEnabled(
            bgt_id=self.bgt_id,
            amt=yuan(amounts["amount"]),
            pending_amt=yuan(after[1].row.pending),
            figures=after[0].row.figures(),
            by=by,
        )
        return self._decision(state, day, enabled, *after, number=self.bgt_id, amounts_fen=amounts)

    def _flag_alone(self, indicator: Indicator, day: date, by: str) -> Decision:
        enabled = IndicatorEnabled(
            bgt_id=self.bgt_id, amt=yuan(0), figures=indicator.figures, by=by
        )
        return Decision(events=[(INDICATOR, self.bgt_id, enabled)], effective_on=day)


class RecallIndicator(OnIndicator, frozen=True, kw_only=True):
    """收回: what is available of an indicator, or pending, goes back; never what is paid, occupied
    or frozen.

    It goes back to the row of the budget that it was issued from, or the indicator that it was
    distributed from, and may be issued or distributed again; where there is neither, to where the
    budget has its money from. Without ``amt`` all there is is recalled;
    without ``recall_no`` the recall bears the number of its indicator.
    """

    OPERATION: ClassVar[str] = "indicator.recall"
    APPROVABLE: ClassVar[bool] = True
    LOOKS_FURTHER: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标调整调剂"
    recall_no: str = ""
    amt: str = ""
    reason: str = ""

    @property
    def number(self) -> str:
        return self.recall_no or self.bgt_id

    @classmethod
    def number_in(cls, event: IndicatorRecalled) -> str:
        return event.recall_no

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        """The day, the number and the amount may have been left out."""
        event: IndicatorRecalled = told.event
        numbers = ("", event.recall_no) if event.recall_no == event.bgt_id else (event.recall_no,)
        for dated, number, amt in product((None, told.day), numbers, (event.amt, "")):
            yield cls(
                bgt_id=event.bgt_id,
                recall_no=number,
                amt=amt,
                reason=event.reason,
                effective_on=dated,
            )

    def check(self) -> None:
        if self.amt:
            parse_yuan(self.amt, pointer="/amt")

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        yield from needs_whole(state, self.bgt_id)
        yield from needs_limit(state, self.bgt_id)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        row_id, pending = indicator.row_id, indicator.is_pending
        rule = rule_of(IndicatorRecalled.TYPE, indicator.taken_from, pending=pending)
        amt_fen = parse_yuan(self.amt) if self.amt else _left_fen(state, indicator, day)
        amounts = {"amount": amt_fen}
        source = indicator.from_transfer
        after = moved_with_row(state, day, self.bgt_id, row_id, rule, amounts, source)
        cut = cut_with(state, indicator, day, amt_fen, after[0], self.number, by)
        whole = whole_moved(state, indicator, day, amt_fen, self.number, by)
        limit = taken_of_limit(state, indicator.advance_of, day, -amt_fen)
        # point of no return
        recalled = IndicatorRecalled(
            bgt_id=self.bgt_id,
            recall_no=self.number,
            amt=yuan(amt_fen),
            reason=self.reason,
            bgt_pman_id=row_id,
            advance_of=indicator.advance_of,
            from_transfer=source,
            pending_amt=yuan(after[1].row.pending) if pending else "",
            figures=after[0].row.figures(),
            by=by,
        )
        after += limit
        decision = self._decision(
            state, day, recalled, *after, number=self.number, amounts_fen=amounts, rule_name=rule
        )
        return with_whole(state, with_plan_cut(decision, self.bgt_id, cut), whole)


def _left_fen(state: LedgerState, indicator: Indicator, day: date) -> int:
    """What is pending, or available, on the day and on every later one.

    Raises:
        Refusal: ``insufficient_indicator`` where that is nothing.
    """
    bgt_id = indicator.bgt_id
    if indicator.is_pending:
        levels = [(row.pending, on) for on, row in state.row_on(PENDING, bgt_id, day).levels(day)]
    else:
        of_day = state.row_on(BALANCES, bgt_id, day).levels(day)
        levels = [(row.available, on) for on, row in of_day]
    left_fen, on = min(levels)
    if left_fen <= 0:
        raise Refusal(
            Code.INSUFFICIENT_INDICATOR,
            f"indicator {bgt_id} has nothing left on {on}",
            bgt_id=bgt_id,
            available_amt=yuan(max(0, left_fen)),
            on=on.isoformat(),
        )
    return left_fen
