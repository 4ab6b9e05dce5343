"""年终关账: nothing of the year is spent, owed or left over any more. Pure decisions.

The closing is final: what comes later is of the next year. Behind it the program hands on what was
carried over, empties the book of indicators, and says when that is done (``YearHandedOver``); a
year that is closed and not handed over is gone on with, whatever has stopped the program.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import msgspec

from budget.balances import BALANCES
from budget.pending import PENDING
from budget.received import RECEIVED_AMOUNTS
from budget.rows import ROWS
from budget.year_end.writing_off import require_year_closed
from budget.year_end_events import YearHandedOver
from ledger.account_set import fiscal_year_of
from ledger.calendar import PERIODS
from ledger.closing import (
    LATE_MONTH,
    LATEST,
    ON_ITS_WAY,
    UNFINISHED,
    AccountingPeriod,
    Blockers,
    blocker_needs,
    declare_blockers,
    edition_of,
    edition_told,
    is_closed,
    refuse_not_ready,
    require_ready,
    waiting_in,
)
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.registers import WHOLE
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, OpenItem, YearClosed
from ledger.money import yuan

UNSPENT = "unspent"  # what an indicator has left that was neither carried over nor taken back
declare_blockers(
    UNSPENT, Blockers((), lambda _state, _period: (), {UNSPENT: ("year_end.carry_over",)})
)
# what has to be at hand for :func:`left_over`
LEFT: tuple[Need, ...] = ((BALANCES, WHOLE), (PENDING, WHOLE), (RECEIVED_AMOUNTS, WHOLE))


class HandedOn(msgspec.Struct, frozen=True):
    """To which ledger the year was handed over, "" while it was not, and which of its books with
    it, in how many parts."""

    to_ledger: str = ""
    carryovers_amt: str = "0.00"
    indicators: int = 0
    books: tuple[str, ...] = ()
    openings: int = 0


def _fold(handed: HandedOn, event: Event) -> HandedOn:
    if isinstance(event, YearHandedOver):
        return HandedOn(
            event.to_ledger, event.carryovers_amt, event.indicators, event.books, event.openings
        )
    return handed


HANDED_OVER = declare(Setting("handed_over", HandedOn(), _fold))


class CloseYear(Command, frozen=True, kw_only=True):
    """年终关账: the year's ledger is closed for good, and handed over to the next."""

    OPERATION: ClassVar[str] = "year_end.close"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "年终结转"
    KEEPS_REFUSAL: ClassVar[bool] = False
    EDITION: ClassVar[int] = LATEST  # as of ``ledger.closing.ClosePeriod``

    @property
    def number(self) -> str:
        return "year"

    @classmethod
    def number_in(cls, event: YearClosed) -> str:
        return "year"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (_CLOSINGS[edition_of(told.event)](),)

    def needs(self) -> Iterable[Need]:
        return (*blocker_needs(), *LEFT)

    def decide(self, state: LedgerState, by: str) -> Decision:
        late = AccountingPeriod(fiscal_year_of(state.ledger_id), LATE_MONTH)
        if state.settings.get(PERIODS).year_closed:
            raise Refusal(Code.PERIOD_CLOSED, f"the year {late.year} is closed")
        if not is_closed(state, late):
            require_ready(state, late, waiting_in(state, late, edition=self.EDITION))
        refuse_not_ready(left_over(state), f"{late.year} is not settled 未结转收回")
        # point of no return
        closed = YearClosed(
            complete=self.EDITION >= UNFINISHED, edition=edition_told(self.EDITION), by=by
        )
        return Decision(events=[(None, "", closed)], effective_on=late.last_day)


class _CloseAsBefore(CloseYear, frozen=True, kw_only=True):
    """As a release did that looked for less."""

    EDITION: ClassVar[int] = ON_ITS_WAY

    @property
    def body(self) -> object:
        return CloseYear()


class _CloseUndated(_CloseAsBefore, frozen=True, kw_only=True):
    EDITION: ClassVar[int] = UNFINISHED


_CLOSINGS: Mapping[int, type[CloseYear]] = {
    each.EDITION: each for each in (_CloseAsBefore, _CloseUndated, CloseYear)
}


def left_over(state: LedgerState) -> list[OpenItem]:
    """The indicators, and documents of the tier above, of which something is neither spent, carried
    over nor taken back."""
    return [
        OpenItem(kind=UNSPENT, number=bgt_id, amt=yuan(fen))
        for bgt_id, fen in sorted(_left_fen(state).items())
    ]


def _left_fen(state: LedgerState) -> dict[str, int]:
    left = {key: row.available + row.frozen for key, row in state.rows_of(BALANCES).items()}
    for key, row in state.rows_of(PENDING).items():
        left[key] = left.get(key, 0) + row.pending
    for key, received in state.rows_of(RECEIVED_AMOUNTS).items():
        left[key] = left.get(key, 0) + received.rest
    return {key: fen for key, fen in left.items() if fen}


class HandOverYear(Command, frozen=True, kw_only=True):
    """年度移交: says that the next year has all, and that the book of indicators is empty; asked by
    the program."""

    OPERATION: ClassVar[str] = "year_end.hand_over"
    KEEPS_REFUSAL: ClassVar[bool] = False
    to_ledger: str
    to_position: int
    indicators: int
    carryovers_amt: str
    books: tuple[str, ...] = ()
    openings: int = 0

    @property
    def number(self) -> str:
        return "year"

    @classmethod
    def number_in(cls, event: YearHandedOver) -> str:
        return "year"

    def needs(self) -> Iterable[Need]:
        return *LEFT, (ROWS, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_closed(state)
        if standing := next(_standing(state), ""):
            raise Refusal(Code.INVALID_STATE, f"{standing} is not written off 未核销")
        # point of no return
        handed = YearHandedOver(
            to_ledger=self.to_ledger,
            to_position=self.to_position,
            indicators=self.indicators,
            carryovers_amt=self.carryovers_amt,
            books=self.books,
            openings=self.openings,
            by=by,
        )
        return Decision(events=[(None, "", handed)], effective_on=state.today)


def _standing(state: LedgerState) -> Iterator[str]:
    """What the book of indicators still has."""
    for bgt_id, row in state.rows_of(BALANCES).items():
        if row.amount:
            yield f"indicator {bgt_id}"
    for bgt_id, pending in state.rows_of(PENDING).items():
        if pending.pending:
            yield f"indicator {bgt_id}"
    for bgt_pman_id, of_row in state.rows_of(ROWS).items():
        if of_row.rest:
            yield f"budget row {bgt_pman_id}"
