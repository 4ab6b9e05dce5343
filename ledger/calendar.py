"""会计期间: the dates on which something may still take effect.

The fiscal year is the calendar year (预算法 §18). A closed period stays closed: what comes late is
dated after it, and corrections are made by reversing entries in an open one.
"""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.account_set import is_standing, within_year
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, PeriodClosed, PeriodReopened, YearClosed

LATE_MONTH = "-13"  # how the name of 整理期 ends
DAYS_KNOWN_MAX = 1_000  # written again and again


class Periods(msgspec.Struct, frozen=True):
    """Which periods are closed.

    Attributes:
        closed_through: the last day on which nothing takes effect any more.
        late_month_closed: whether month 13, 整理期, is closed.
        reopened: how often each month has been reopened.
        year_closed: whether the year is closed for good 年终关账.
        is_final: whether it takes no word of a bank's behind that either; a year that an earlier
            release has closed does.
    """

    closed_through: date | None = None
    late_month_closed: bool = False
    reopened: dict[str, int] = msgspec.field(default_factory=dict)
    year_closed: bool = False
    is_final: bool = False


def _fold(periods: Periods, event: Event) -> Periods:
    if isinstance(event, PeriodClosed):
        if event.through.endswith(LATE_MONTH):
            return msgspec.structs.replace(periods, late_month_closed=True)
        return msgspec.structs.replace(periods, closed_through=date.fromisoformat(event.through))
    if isinstance(event, YearClosed):
        return msgspec.structs.replace(
            periods, late_month_closed=True, year_closed=True, is_final=bool(event.edition)
        )
    if isinstance(event, PeriodReopened):
        through = event.closed_through
        return Periods(
            closed_through=date.fromisoformat(through) if through else None,
            reopened={**periods.reopened, event.month: periods.reopened.get(event.month, 0) + 1},
        )
    return periods


PERIODS = declare(Setting("periods", Periods(), _fold))


@lru_cache(DAYS_KNOWN_MAX)
def day_text(day: date) -> str:
    """``2026-03-02``, as events name a day."""
    return day.isoformat()


def effective_day(state: LedgerState, asked: date | None, *, ahead: bool = False) -> date:
    """The business date of a command: as asked, or today.

    Args:
        ahead: whether it may take effect on a day that has not come: what gives and takes back
            authority to spend may, what pays, returns, clears or closes may not.

    Raises:
        Refusal: ``period_closed`` outside the ledger's year or in a closed period; ``future_date``.
    """
    day = asked or state.today
    if day.year != state.fiscal_year and not is_standing(state.ledger_id):
        raise Refusal(Code.PERIOD_CLOSED, f"{day} is not in the fiscal year {state.fiscal_year}")
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
    return _first_open(state, within_year(state.ledger_id, day))


def _first_open(state: LedgerState, day: date) -> date:
    """The same of a day in the ledger's year."""
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
    if said.year == state.fiscal_year and since <= said <= state.calendar_day:
        return _first_open(state, said)
    return first_open_day(state, max(state.today, since))


def require_not_final(state: LedgerState) -> None:
    """That what has happened may still be booked: the next year has begun with what this one has
    left, so what moves a book of it behind its closing stands in no year's books.

    Raises:
        Refusal: ``period_closed``.
    """
    if state.settings.get(PERIODS).is_final:
        raise Refusal(
            Code.PERIOD_CLOSED, f"the year {state.fiscal_year} is closed for good 年终关账"
        )


def clearing_day(state: LedgerState, asked: date) -> date:
    """As :func:`effective_day`; in 整理期 what is owed of the year is cleared on its last day.

    Raises:
        Refusal: as there.
    """
    periods, year_end = state.settings.get(PERIODS), within_year(state.ledger_id, date.max)
    late_month = periods.closed_through == year_end and not periods.late_month_closed
    return asked if late_month and asked == year_end else effective_day(state, asked)
