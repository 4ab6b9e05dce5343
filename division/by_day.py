"""By days 按日: what is registered once, and told to be other from a day on.

A change tells what is other from its day on and nothing else. So what is told late of an earlier
day takes nothing back of what was told of a later one, and what was before stays what it was.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, Generic, TypeVar

import msgspec

from ledger.deciding.command import Command, fields_in
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event


class VersionByDay(msgspec.Struct, frozen=True):
    """What something is from a day on, until another version of it begins."""

    start_date: date


V = TypeVar("V", bound=VersionByDay)


class Registered(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """What was registered, as its events have left it.

    Attributes:
        number: by which it is known.
        versions: what it is, by the days from which on it is that.
        told: the changes, in the order in which they were told.
        end_date: the first day on which there is no such thing.
    """

    number: str
    versions: tuple[V, ...]
    told: tuple[Any, ...] = ()
    end_date: date | None = None

    @property
    def start_date(self) -> date:
        """The first day; ``date.min`` of what has been there all along."""
        return self.versions[0].start_date

    def on(self, day: date) -> V | None:
        """What it is on that day; None before it began, and from its end on."""
        if self.end_date is not None and day >= self.end_date:
            return None
        for version in reversed(self.versions):
            if version.start_date <= day:
                return version
        return None


R = TypeVar("R", bound=Registered[Any])


class ByDay(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """How one kind of thing is told.

    Attributes:
        registered, changed: its events, which have ``start_date`` and ``end_date`` as text.
        version: what it is, with the fields of its number, of ``fixed`` and of ``changing``.
        number: the field by which it is known.
        changing: what may be other from a day on; ``fixed``: what else it is, and stays.
        of: what it is folded to.
        more: what else of it a change tells.
    """

    registered: type[Event]
    changed: type[Event]
    version: type[VersionByDay]
    number: str
    changing: tuple[str, ...]
    of: type[R]
    fixed: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def all_fields(self) -> tuple[str, ...]:
        return (self.number, *self.fixed, *self.changing)

    def fold(self, thing: R | None, event: Event) -> R | None:
        """It after one more event; others leave it as it is."""
        told: Any = event
        if isinstance(event, self.registered):
            first = self.version(
                start_date=_day(told.start_date) or date.min,
                **{name: getattr(told, name) for name in self.all_fields},
            )
            return self.of(
                number=getattr(told, self.number),
                versions=(first,),
                end_date=_day(told.end_date),
            )
        if isinstance(event, self.changed) and thing is not None:
            changes = (*thing.told, told)
            more = {name: value for name in self.more if (value := getattr(told, name))}
            return msgspec.structs.replace(
                thing,
                versions=self._versions(thing.versions[0], changes),
                told=changes,
                end_date=_day(told.end_date) or thing.end_date,
                **more,
            )
        return thing

    def _versions(self, first: VersionByDay, told: Iterable[Any]) -> tuple[Any, ...]:
        """The versions that changes make of the first one: by their days, and of one day in the
        order in which they were told."""
        versions = [first]
        for change in sorted(told, key=lambda each: str(each.start_date)):
            other = {name: said for name in self.changing if is_said(said := getattr(change, name))}
            if not other:
                continue  # its end alone
            start = date.fromisoformat(change.start_date)
            after = msgspec.structs.replace(versions[-1], start_date=start, **other)
            if versions[-1].start_date == start:
                versions.pop()
            versions.append(after)
        return tuple(versions)

    # ---- what commands on it share

    def check_change(self, command: Any) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        changes = any(is_said(getattr(command, name)) for name in self.changing)
        if not changes and command.end_date is None:
            raise RequestError(Code.MALFORMED, "a change says what is other")
        if changes and command.start_date is None:
            raise RequestError(
                Code.MALFORMED, "a change says from which day on", pointer="/start_date"
            )

    def require(self, thing: R | None, command: Any) -> R:
        """What the command changes, on days that it has.

        Raises:
            Refusal: ``not_found``; ``element_invalid`` for a day before it began.
        """
        number = getattr(command, self.number)
        if thing is None:
            raise Refusal(Code.NOT_FOUND, f"no {self.number} {number!r} is registered here")
        for name in ("start_date", "end_date"):
            day = getattr(command, name)
            if day is not None and day < thing.start_date:
                raise Refusal(
                    Code.ELEMENT_INVALID,
                    f"{self.number} {number} began on {thing.start_date}",
                    pointer=f"/{name}",
                )
        return thing

    def event(self, command: Any, by: str) -> Event:
        """What the command leaves: its own fields, days as text."""
        cls = self.changed if hasattr(command, "change_no") else self.registered
        said = {name: getattr(command, name) for name in command.__struct_fields__}
        days = {name: _text(said[name]) for name in ("start_date", "end_date")}
        return cls(**{**said, **days, "by": by})


def is_said(value: object) -> bool:
    """Whether a change says this; False, too, may be said."""
    return value not in ("", None)


def is_day(text: str) -> bool:
    """Whether text is a day as the ministry writes it, ``2026-03-02``."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def check_days(command: Any) -> None:
    """Raises RequestError for what ends before it has begun."""
    start, end = command.start_date, command.end_date
    if start is not None and end is not None and end <= start:
        raise RequestError(Code.MALFORMED, "it ends after it has begun", pointer="/end_date")


def asked(cls: type[Command], event: Any) -> Command:
    """The command that an event answers."""
    days = {name: _day(getattr(event, name)) for name in ("start_date", "end_date")}
    return cls(**fields_in(cls, event, **days))


def decision(state: LedgerState, kind: Any, number: str, event: Event) -> Decision:
    """It is put on record today, from whatever day on it holds."""
    return Decision(events=[(kind, number, event)], effective_on=state.today)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
