"""绩效指标库: by what the goals of a division's projects may be measured, in three levels, by days.

An indicator that is told again from another day on is another from that day on, and what it was
before stays what it was. A goal names an indicator of the lowest level that the library has
(:meth:`PerformanceLibrary.is_lowest_on`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from division.by_day import is_day
from division.performance_events import PerformanceIndicator, PerformanceIndicatorsSet
from ledger.deciding.command import Command, Told
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

INDICATORS_MAX = 1_000  # of one telling
FIRST, SECOND, THIRD = "1", "2", "3"
_ABOVE = {SECOND: FIRST, THIRD: SECOND}


class PerformanceLibrary(msgspec.Struct, frozen=True):
    """The indicators by their codes, each with its versions in the order of their first days."""

    by_code: Mapping[str, tuple[PerformanceIndicator, ...]] = {}

    @property
    def is_kept(self) -> bool:
        """Whether goals are held to it: a division that has told of none has no library."""
        return bool(self.by_code)

    def on(self, code: str, day: date) -> PerformanceIndicator | None:
        """An indicator on a day; None where there is none, or none above it."""
        told = self._version(code, day)
        if told is None or told.perf_ind_level == FIRST:
            return told
        return told if self.on(told.parent_perf_ind_code, day) is not None else None

    def is_lowest_on(self, code: str, day: date) -> bool:
        """Whether a goal may be measured by it: a third-level one, or a second-level one that has
        none below it on the day, whose projects name indicators of their own."""
        told = self.on(code, day)
        if told is None or told.perf_ind_level == FIRST:
            return False
        return told.perf_ind_level == THIRD or not any(
            below is not None and below.parent_perf_ind_code == code
            for below in (self._version(each, day) for each in self.by_code)
        )

    def above(self, told: PerformanceIndicator, day: date) -> Iterator[PerformanceIndicator]:
        """It, and those above it, upwards."""
        found: PerformanceIndicator | None = told
        while found is not None:
            yield found
            found = self._version(found.parent_perf_ind_code, day)

    def _version(self, code: str, day: date) -> PerformanceIndicator | None:
        begun = [v for v in self.by_code.get(code, ()) if v.start_date <= day.isoformat()]
        if not begun or (len(begun[-1].end_date) > 0 and begun[-1].end_date <= day.isoformat()):
            return None
        return begun[-1]


def fold(library: PerformanceLibrary, event: Event) -> PerformanceLibrary:
    if not isinstance(event, PerformanceIndicatorsSet):
        return library
    by_code = dict(library.by_code)
    for told in event.indicators:
        others = (v for v in by_code.get(told.perf_ind_code, ()) if v.start_date != told.start_date)
        versions = sorted((*others, told), key=lambda version: version.start_date)
        by_code[told.perf_ind_code] = tuple(versions)
    return PerformanceLibrary(dict(sorted(by_code.items())))


PERFORMANCE_LIBRARY = declare(Setting("performance_library", PerformanceLibrary(), fold))


class SetPerformanceIndicators(Command, frozen=True, kw_only=True):
    """绩效指标库维护: tells of indicators what they are, from a day on; all others stay."""

    OPERATION: ClassVar[str] = "performance_indicators.set"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "绩效指标库"
    NUMBER: ClassVar[str] = "change_no"
    change_no: str = ""
    indicators: tuple[PerformanceIndicator, ...]

    def check(self) -> None:
        """Raises RequestError for none at all, too many, one that is told twice, or what no
        indicator can be."""
        if not 0 < len(self.indicators) <= INDICATORS_MAX:
            problem = f"1 to {INDICATORS_MAX} indicators are told"
            raise RequestError(Code.MALFORMED, problem, pointer="/indicators")
        seen: set[tuple[str, str]] = set()
        for index, told in enumerate(self.indicators):
            place = f"/indicators/{index}"
            if (told.perf_ind_code, told.start_date) in seen:
                raise RequestError(Code.MALFORMED, "it is told twice", pointer=place)
            seen.add((told.perf_ind_code, told.start_date))
            _check(told, place)

    def decide(self, state: LedgerState, by: str) -> Decision:
        told = PerformanceIndicatorsSet(change_no=self.change_no, indicators=self.indicators, by=by)
        before = state.settings.get(PERFORMANCE_LIBRARY)
        _require_tree(fold(before, told), self.indicators)
        # point of no return
        return Decision(events=[(None, "", told)], effective_on=state.today)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: PerformanceIndicatorsSet = told.event
        return (cls(change_no=event.change_no, indicators=event.indicators),)


def _check(told: PerformanceIndicator, place: str) -> None:
    """Raises RequestError."""
    if (told.perf_ind_level in _ABOVE) != bool(told.parent_perf_ind_code):
        raise RequestError(
            Code.MALFORMED,
            "those of the second and third level, and they alone, name the one above",
            pointer=f"{place}/parent_perf_ind_code",
        )
    for name in ("meterunit", "computesign"):
        if getattr(told, name) and told.perf_ind_level != THIRD:
            raise RequestError(
                Code.MALFORMED, "a third-level one is measured", pointer=f"{place}/{name}"
            )
    for name in ("start_date", "end_date"):
        if getattr(told, name) and not is_day(getattr(told, name)):
            raise RequestError(
                Code.MALFORMED, "a date is written YYYY-MM-DD", pointer=f"{place}/{name}"
            )
    if told.end_date and told.end_date <= told.start_date:
        raise RequestError(
            Code.MALFORMED, "it ends after it has begun", pointer=f"{place}/end_date"
        )


def _require_tree(library: PerformanceLibrary, told: Iterable[PerformanceIndicator]) -> None:
    """What is told stands below one of the level above it, and keeps its own level.

    Raises:
        Refusal: ``element_invalid``.
    """
    for index, indicator in enumerate(told):
        place = f"/indicators/{index}"
        levels = {each.perf_ind_level for each in library.by_code[indicator.perf_ind_code]}
        if len(levels) > 1:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{indicator.perf_ind_code} is of another level already",
                pointer=f"{place}/perf_ind_level",
            )
        parent = indicator.parent_perf_ind_code
        if not parent:
            continue
        above = {each.perf_ind_level for each in library.by_code.get(parent, ())}
        if above != {_ABOVE[indicator.perf_ind_level]}:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{parent!r} is no indicator of the level above {indicator.perf_ind_code}",
                pointer=f"{place}/parent_perf_ind_code",
            )
