"""工作日历: which days are worked on. What nobody has told goes by the day of the week."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from division.base_events import CalendarDay, CalendarSet
from ledger.deciding.command import Command, Told
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import Event

DAYS_MAX = 400  # of one telling: a year's, and a few of the next
_SATURDAY = 5


class Calendar(msgspec.Struct, frozen=True):
    """Which days are worked on.

    Attributes:
        other: the days that are other than their day of the week says, ``2026-10-01`` and whether
            it is worked on.
        binding_years: in which documents to the central bank are dated by it.
    """

    other: Mapping[str, bool] = {}
    binding_years: tuple[int, ...] = ()

    def is_workday(self, day: date) -> bool:
        return self.other.get(day.isoformat(), _as_in_any_week(day))


def _as_in_any_week(day: date) -> bool:
    """Monday to Friday."""
    return day.weekday() < _SATURDAY


def fold(calendar: Calendar, event: Event) -> Calendar:
    if not isinstance(event, CalendarSet):
        return calendar
    other = dict(calendar.other)
    for told in event.days:
        other.pop(told.date, None)
        if told.is_workday != _as_in_any_week(date.fromisoformat(told.date)):
            other[told.date] = told.is_workday
    years = {date.fromisoformat(told.date).year for told in event.days} if event.binding else set()
    binding = tuple(sorted(years.union(calendar.binding_years)))
    return Calendar(dict(sorted(other.items())), binding)


CALENDAR = declare(Setting("calendar", Calendar(), fold))


class WorkingDay(msgspec.Struct, frozen=True):
    """A day, and whether it is worked on."""

    date: date
    is_workday: bool


class SetCalendar(Command, frozen=True, kw_only=True):
    """Tells of days whether they are worked on: holidays, and the weekends worked in for them."""

    OPERATION: ClassVar[str] = "calendar.set"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "工作日历"
    NUMBER: ClassVar[str] = "change_no"
    BINDING: ClassVar[bool] = True  # whether what goes to the central bank is dated by it
    change_no: str = ""
    days: tuple[WorkingDay, ...]

    def check(self) -> None:
        """Raises RequestError for no day at all, too many, or one that is told twice."""
        if not 0 < len(self.days) <= DAYS_MAX:
            raise RequestError(Code.MALFORMED, f"1 to {DAYS_MAX} days are told", pointer="/days")
        if len({told.date for told in self.days}) < len(self.days):
            raise RequestError(Code.MALFORMED, "a day is told twice", pointer="/days")

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        told = CalendarSet(
            change_no=self.change_no,
            days=tuple(CalendarDay(day.date.isoformat(), day.is_workday) for day in self.days),
            binding=self.BINDING,
            by=by,
        )
        return Decision(events=[(None, "", told)], effective_on=state.today)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: CalendarSet = told.event
        days = (WorkingDay(date.fromisoformat(day.date), day.is_workday) for day in event.days)
        told_by = cls if event.binding else _SetFormerCalendar
        return (told_by(change_no=event.change_no, days=tuple(days)),)


class _SetFormerCalendar(SetCalendar, frozen=True, kw_only=True):
    """As an earlier release did: nothing was dated by it."""

    BINDING: ClassVar[bool] = False

    @property
    def body(self) -> object:
        return SetCalendar(change_no=self.change_no, days=self.days).body
