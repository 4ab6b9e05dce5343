"""结账: closing a period, once it has ended and nothing in it waits; reopening the last one.

What waits in a period is money that is neither with the payee nor free again: it would be stranded
by a closing. Each domain declares what of its own waits (:func:`declare_blockers`). The year's last
month closes with vouchers that are on their way, which it lists; they block month 13, 整理期, in
which the year's late facts are booked on its last day.
"""

import calendar
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, ClassVar, NamedTuple

import msgspec

from ledger.account_set import fiscal_year_of
from ledger.calendar import PERIODS, Periods
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.state import BEIJING, Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import OpenItem, PeriodClosed, PeriodReopened, YearClosed

BLOCKERS_TOLD_MAX = 100  # in a refusal; the others are counted
# what a closing looks for, as releases came to: money on its way; all that is unfinished; documents
# by the day that their act is of
ON_ITS_WAY, UNFINISHED, OWN_DAYS = 0, 1, 2
LATEST = OWN_DAYS
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-3])", re.ASCII)
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
LATE_MONTH = 13


class AccountingPeriod(NamedTuple):
    """A month of a year; 13 is 整理期, behind the twelfth."""

    year: int
    month: int

    @classmethod
    def named(cls, text: str, pointer: str) -> "AccountingPeriod":
        """``2026-03`` or ``2026-13``; raises RequestError ``malformed``."""
        match = _MONTH.fullmatch(text)
        if match is None:
            raise RequestError(
                Code.MALFORMED,
                "a month is written 2026-03, the year's late facts 2026-13",
                pointer=pointer,
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def ending(cls, text: str, pointer: str) -> "AccountingPeriod":
        """The one that a day ends, or ``2026-13``; raises RequestError ``malformed``."""
        if _DAY.fullmatch(text):
            with suppress(ValueError):  # there is no such day
                day = date.fromisoformat(text)
                if day == (period := cls(day.year, day.month)).last_day:
                    return period
        elif text.endswith("-13"):
            return cls.named(text, pointer)
        raise RequestError(
            Code.MALFORMED, "through is a day that ends a month, or 2026-13", pointer=pointer
        )

    @property
    def text(self) -> str:
        return f"{self.year}-{self.month:02d}"

    @property
    def is_late(self) -> bool:
        """Whether it is 整理期."""
        return self.month == LATE_MONTH

    @property
    def first_day(self) -> date:
        return self.last_day if self.is_late else date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        month = min(self.month, 12)
        return date(self.year, month, calendar.monthrange(self.year, month)[1])

    @property
    def day_before(self) -> date | None:
        """The last day before it within its year; None where there is none."""
        if self.is_late:
            return self.last_day
        return self.first_day - timedelta(days=1) if self.month > 1 else None


# ---- what waits


class Blockers(NamedTuple):
    """What of one domain may wait in a period.

    Attributes:
        needs: what a decision has to have at hand to say so.
        find: everything that waits through the period; ``in_transit`` what the year's last month
            may close with.
        acts: by kind of what waits, the operations that bring it to its end.
        since: the first edition of a closing that looks for it.
    """

    needs: tuple[Need, ...]
    find: Callable[[LedgerState, AccountingPeriod], Iterable[OpenItem]]
    acts: Mapping[str, tuple[str, ...]]
    since: int = ON_ITS_WAY


_declared: dict[str, Blockers] = {}


def declare_blockers(name: str, blockers: Blockers) -> None:
    """Enters what may wait in a domain; raises ValueError for a name that is taken."""
    if _declared.setdefault(name, blockers) is not blockers:
        raise ValueError(f"the blockers {name!r} are declared twice")


def acts_on(kind: str) -> tuple[str, ...]:
    """The operations that bring what waits to its end; () of a kind that nobody has declared."""
    acts = (act for _, each in sorted(_declared.items()) for act in each.acts.get(kind, ()))
    return tuple(dict.fromkeys(acts))


def blocker_needs() -> tuple[Need, ...]:
    """What has to be at hand for :func:`waiting_in`."""
    return tuple(need for _, each in sorted(_declared.items()) for need in each.needs)


def waiting_in(
    state: LedgerState, period: AccountingPeriod, *, edition: int = LATEST
) -> list[OpenItem]:
    """All that waits through the end of a period, in order, as closings of an edition look for
    it."""
    asked = (each for each in _declared.values() if each.since <= edition)
    found = (waiting for each in asked for waiting in each.find(state, period))
    return sorted(found, key=lambda waiting: (waiting.kind, waiting.number))


def blocking(period: AccountingPeriod, waiting: Iterable[OpenItem]) -> list[OpenItem]:
    """What of it keeps the period from being closed."""
    may_pass = period.month == 12
    return [each for each in waiting if not (may_pass and each.in_transit)]


# ---- where the periods stand


def is_closed(state: LedgerState, period: AccountingPeriod) -> bool:
    return _is_closed(state.settings.get(PERIODS), period)


def _is_closed(periods: Periods, period: AccountingPeriod) -> bool:
    if period.is_late:
        return periods.late_month_closed
    return periods.closed_through is not None and period.last_day <= periods.closed_through


def last_closed(state: LedgerState) -> AccountingPeriod | None:
    """The last period that is closed, in whole or, in older ledgers, in part; None if none is."""
    periods, year = state.settings.get(PERIODS), fiscal_year_of(state.ledger_id)
    if periods.late_month_closed:
        return AccountingPeriod(year, LATE_MONTH)
    closed = periods.closed_through
    return None if closed is None else AccountingPeriod(year, closed.month)


def has_ended(state: LedgerState, period: AccountingPeriod) -> bool:
    return state.now.astimezone(BEIJING).date() > period.last_day


def closing_number(settings: LedgerSettings, period: AccountingPeriod) -> int:
    """How often a period had been reopened when its standing or next closing was asked for."""
    return settings.get(PERIODS).reopened.get(period.text, 0)


def reopening_number(settings: LedgerSettings, period: AccountingPeriod) -> int:
    """The same of its last reopening, or, while it is closed, of the next."""
    periods = settings.get(PERIODS)
    reopened = periods.reopened.get(period.text, 0)
    return reopened if _is_closed(periods, period) else max(0, reopened - 1)


def require_year(state: LedgerState, period: AccountingPeriod) -> None:
    """Raises Refusal ``period_closed`` for a month of another year."""
    year = fiscal_year_of(state.ledger_id)
    if period.year != year:
        raise Refusal(Code.PERIOD_CLOSED, f"{period.text} is not in the fiscal year {year}")


class _OnPeriod(Command, frozen=True, kw_only=True):
    """``reopened``: how often the period had been reopened before, so that each closing and each
    reopening has a number of its own (:func:`closing_number`, :func:`reopening_number`)."""

    CHANNEL: ClassVar[str] = "结账"
    KEEPS_REFUSAL: ClassVar[bool] = False
    APPROVABLE: ClassVar[bool] = True
    reopened: int = 0


class ClosePeriod(_OnPeriod, frozen=True, kw_only=True):
    """结账: nothing takes effect on or before ``through`` any more; ``2026-13`` ends the year."""

    OPERATION: ClassVar[str] = "period.close"
    EDITION: ClassVar[int] = LATEST  # what it looks for
    through: str

    @property
    def number(self) -> str:
        return self.through + (f"/{self.reopened}" if self.reopened else "")

    @classmethod
    def number_in(cls, event: PeriodClosed) -> str:
        return event.through + (f"/{event.reopened}" if event.reopened else "")

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        closing = _CLOSINGS[edition_of(told.event)]
        return (closing(**fields_in(cls, told.event)),)

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        AccountingPeriod.ending(self.through, "/through")

    def needs(self) -> Iterable[Need]:
        return blocker_needs()

    def decide(self, state: LedgerState, by: str) -> Decision:
        period = AccountingPeriod.ending(self.through, "/through")
        require_year(state, period)
        if is_closed(state, period):
            raise Refusal(Code.PERIOD_CLOSED, f"{period.text} is closed")
        waiting = waiting_in(state, period, edition=self.EDITION)
        require_ready(state, period, waiting)
        # point of no return
        closed = PeriodClosed(
            through=self.through,
            in_transit=tuple(waiting),
            reopened=self.reopened,
            complete=self.EDITION >= UNFINISHED,
            edition=edition_told(self.EDITION),
            by=by,
        )
        return Decision(events=[(None, "", closed)], effective_on=period.last_day)


class _CloseAsBefore(ClosePeriod, frozen=True, kw_only=True):
    """As a release did that looked for less."""

    EDITION: ClassVar[int] = ON_ITS_WAY

    @property
    def body(self) -> object:
        return ClosePeriod(through=self.through, reopened=self.reopened)


class _CloseUndated(_CloseAsBefore, frozen=True, kw_only=True):
    EDITION: ClassVar[int] = UNFINISHED


_CLOSINGS: Mapping[int, type[ClosePeriod]] = {
    each.EDITION: each for each in (_CloseAsBefore, _CloseUndated, ClosePeriod)
}


def edition_of(closed: PeriodClosed | YearClosed) -> int:
    """By which edition a closing was decided."""
    return closed.edition or int(closed.complete)


def edition_told(edition: int) -> int:
    """What the event of a closing says of its edition, beside whether it is ``complete``."""
    return edition if edition > UNFINISHED else 0


def require_ready(
    state: LedgerState, period: AccountingPeriod, waiting: Iterable[OpenItem]
) -> None:
    """Raises Refusal ``period_not_ready`` with what blocks the closing."""
    year = AccountingPeriod(period.year, 12)
    if not has_ended(state, period):
        problem = f"{period.text} has not ended"
    elif period.is_late and not is_closed(state, year):
        problem = f"{year.text} is closed before the year's late facts are"
    else:
        refuse_not_ready(blocking(period, waiting), f"waiting in {period.text} or before 未了事项")
        return
    raise Refusal(Code.PERIOD_NOT_READY, problem, blockers=[], blocker_count=0)


def refuse_not_ready(blockers: Sequence[OpenItem], what: str) -> None:
    """Raises Refusal ``period_not_ready`` with what blocks a closing, where anything does."""
    if blockers:
        raise Refusal(
            Code.PERIOD_NOT_READY,
            f"{len(blockers)} {what}",
            blockers=[_told(each) for each in blockers[:BLOCKERS_TOLD_MAX]],
            blocker_count=len(blockers),
        )


def _told(waiting: OpenItem) -> dict[str, Any]:
    acts = list(acts_on(waiting.kind))
    return {"kind": waiting.kind, "number": waiting.number, "amt": waiting.amt, "acts": acts}


class ReopenPeriod(_OnPeriod, frozen=True, kw_only=True):
    """反结账: the last period that is closed takes entries again."""

    OPERATION: ClassVar[str] = "period.reopen"
    from_month: str = msgspec.field(name="from")
    reason: str

    @property
    def number(self) -> str:
        return f"{self.from_month}/{self.reopened}"

    @classmethod
    def number_in(cls, event: PeriodReopened) -> str:
        return f"{event.month}/{event.reopened}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**fields_in(cls, told.event, from_month=told.event.month)),)

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        AccountingPeriod.named(self.from_month, "/from")

    def decide(self, state: LedgerState, by: str) -> Decision:
        period = AccountingPeriod.named(self.from_month, "/from")
        require_year(state, period)
        if state.settings.get(PERIODS).year_closed:
            raise Refusal(Code.PERIOD_CLOSED, f"the year {period.year} is closed for good 年终关账")
        last = last_closed(state)
        if period != last:
            known = f"{last.text} is the last one that is closed" if last else "none is closed"
            raise Refusal(Code.INVALID_STATE, f"{period.text} cannot be reopened: {known}")
        # point of no return
        before = period.day_before
        reopened = PeriodReopened(
            month=self.from_month,
            reason=self.reason,
            closed_through=before.isoformat() if before else "",
            reopened=self.reopened,
            by=by,
        )
        return Decision(events=[(None, "", reopened)], effective_on=state.today)
