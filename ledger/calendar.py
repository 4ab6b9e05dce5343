"""会计期间: the dates on which something may still take effect.

The fiscal year is the calendar year (预算法 §18). A closed period stays closed: what comes late is
dated after it, and corrections are made by reversing entries in an open one.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from ledger.account_set import fiscal_year_of, is_standing, within_year
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, PeriodClosed


class Periods(msgspec.Struct, frozen=True):
    """``closed_through`` is the last day on which nothing takes effect any more."""

    closed_through: date | None = None


def _fold(periods: Periods, event: Event) -> Periods:
    return (
        Periods(date.fromisoformat(event.through)) if isinstance(event, PeriodClosed) else periods
    )


PERIODS = declare(Setting("periods", Periods(), _fold))


def effective_day(state: LedgerState, asked: date | None, *, ahead: bool = False) -> date:
    """The business date of a command: as asked, or today.

    Args:
        ahead: whether it may take effect on a day that has not come: what gives and takes back
            authority to spend may, what pays, returns, clears or closes may not.

    Raises:
        Refusal: ``period_closed`` outside the ledger's year or in a closed period; ``future_date``.
    """
    day = asked or state.today
    year = fiscal_year_of(state.ledger_id)
    if not is_standing(state.ledger_id) and day.year != year:
        raise Refusal(Code.PERIOD_CLOSED, f"{day} is not in the fiscal year {year}")
    closed = state.settings.get(PERIODS).closed_through
    if closed is not None and day <= closed:
        raise Refusal(Code.PERIOD_CLOSED, f"the books are closed through {closed}")
    if day > state.calendar_day and not ahead:
        today = state.calendar_day
        raise Refusal(Code.FUTURE_DATE, f"{day} has not come: it is {today} in Beijing")
    return day


def first_open_day(state: LedgerState, day: date) -> date:
    """``day``, or the next one on which the books are open: for facts that cannot be refused.

    Money that the bank has moved is booked whatever the calendar says. When the whole year is
    closed there is no open day left and the year's last day takes it, visibly late.
    """
    day = within_year(state.ledger_id, day)
    closed = state.settings.get(PERIODS).closed_through
    if closed is None or day > closed:
        return day
    return within_year(state.ledger_id, date.fromordinal(closed.toordinal() + 1))


def evidence_day(state: LedgerState, said: date, *, since: date) -> date:
    """The day on which something is booked that a bank says it did, and that cannot be refused.

    It is the bank's day where the ledger's year has it, it is not in the future, and not before
    what it answers (a bank's clock may be a little slow or fast at midnight); else, visibly late,
    the day on which it is learned.

    Args:
        said: the bank's date.
        since: the day of what it answers: the payment, the claim.
    """
    if said.year == fiscal_year_of(state.ledger_id) and since <= said <= state.calendar_day:
        return first_open_day(state, said)
    return first_open_day(state, max(state.today, since))


class ClosePeriod(Command, frozen=True, kw_only=True):
    """结账: nothing takes effect on or before ``through`` any more."""

    OPERATION: ClassVar[str] = "period.close"
    APPROVABLE: ClassVar[bool] = True
    through: date

    @property
    def number(self) -> str:
        return self.through.isoformat()

    @classmethod
    def number_in(cls, event: PeriodClosed) -> str:
        return event.through

    @classmethod
    def bodies_in(cls, event: PeriodClosed, day: date) -> Iterable[object]:
        return (cls(through=date.fromisoformat(event.through)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.through)
        # point of no return
        return Decision(
            events=[(None, "", PeriodClosed(through=day.isoformat(), by=by))],
            effective_on=day,
        )
