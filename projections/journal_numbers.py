"""凭证号: the number of each journal in the month of each set of books that it is of.

The sets of books 账套 are 指标账, the treasury's two sides, each unit's two, and the zero-balance
account; a journal has a number in each that it touches. They count up by position, from 1 for each
set and month, so they are without gap, a rebuild gives the same, and those of a closed month stay
as they are: nothing is booked in it any more. What is booked on the year's last day when December
is closed is of month 13 整理期. Openings are no vouchers and have no number.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec

from budget.indicator import BEGINNINGS
from ledger.books.posted import Posted
from ledger.closing import LATE_MONTH
from ledger.events import (
    Event,
    JournalPosted,
    PeriodClosed,
    PeriodReopened,
    names_that,
    types_that,
)
from projections.core.fold import Fact, Rows, RowsByTable
from projections.core.tables import Table

INDICATOR, TREASURY, UNIT, ZERO_BALANCE = "indicator", "treasury", "unit", "zero_balance"
SETS = (INDICATOR, TREASURY, UNIT, ZERO_BALANCE)
SET_OF = {"A": INDICATOR, "B": TREASURY, "C": TREASURY, "D": UNIT, "E": UNIT, "F": ZERO_BALANCE}
_CLOSED = "closed"  # by month, 1 where it is: December alone is looked at
_YEAR_END = "-12-31"
_DECEMBER, _LAST = 12, 31
_UNITS_KNOWN_MAX = 10_000


class CounterRow(msgspec.Struct, gc=False):
    """A row of ``proj_journal_counters``: the last number of a set in a month; that of a unit is
    ``unit/101001``."""

    acct_set: str
    acct_month: int
    last_no: int


class UnitRow(msgspec.Struct, gc=False):
    """A row of ``proj_journal_units``: whose indicator it is."""

    bgt_id: str
    agency_code: str


COUNTERS = Table(
    "proj_journal_counters",
    CounterRow,
    ("acct_set", "acct_month"),
    integers=("acct_month", "last_no"),
)
UNITS = Table("proj_journal_units", UnitRow, ("bgt_id",))
# journals, whose each indicator is, and what closes and reopens months
FOLLOWED: frozenset[type[Event]] = frozenset(
    (
        JournalPosted,
        *BEGINNINGS,
        *types_that(lambda traits: traits.asked_by.startswith("period.")),
    )
)


class IssuedView(msgspec.Struct, frozen=True, gc=False):
    """Of what an indicator begins with."""

    bgt_id: str
    agency_code: str


class JournalNumbers(msgspec.Struct, frozen=True, gc=False):
    """The numbers of a journal, 0 in a set that it is not of."""

    acct_month: int = 0
    indicator: int = 0
    treasury: int = 0
    unit: int = 0
    zero_balance: int = 0


class Numbering:
    """Gives out numbers, from where the rows of before end.

    Args:
        anew: whether there are none.
    """

    def __init__(self, *, anew: bool) -> None:
        self._anew = anew
        self._counters: dict[tuple[str, int], CounterRow] = {}
        self._held: set[tuple[str, int]] = set()
        self._units: dict[str, str] = {}
        self._new_units: list[UnitRow] = []

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if self._anew:
            return {}
        told = {fact.event.bgt_id for fact in facts if type(fact.event) is Posted}
        return {UNITS: told - {""}}

    def needs_further(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if self._anew:
            return {}
        units = dict(self._units)
        sets = {INDICATOR, TREASURY, ZERO_BALANCE, _CLOSED}
        for fact in facts:
            if type(fact.event) is IssuedView:
                units[fact.event.bgt_id] = fact.event.agency_code
            elif type(fact.event) is Posted:
                sets.add(_set_of_unit(_unit(fact.event, units)))
        return {COUNTERS: sets}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        if table is UNITS:
            self._units.update((row.bgt_id, row.agency_code) for row in rows.values())
        else:
            for row in rows.values():
                key = row.acct_set, row.acct_month
                if self._counters.setdefault(key, row) is row:  # of a part before: it has gone on
                    self._held.add(key)

    def follow(self, fact: Fact) -> None:
        """Takes in what is no journal."""
        event = fact.event
        if type(event) is IssuedView:
            self._units[event.bgt_id] = event.agency_code
            self._new_units.append(UnitRow(event.bgt_id, event.agency_code))
        elif isinstance(event, PeriodClosed):
            if event.through.endswith(_YEAR_END):
                self._counter(_CLOSED, _DECEMBER).last_no = 1
        elif isinstance(event, PeriodReopened):
            closed = int(event.closed_through.endswith(_YEAR_END))
            self._counter(_CLOSED, _DECEMBER).last_no = closed

    def numbers(self, fact: Fact, books: str) -> JournalNumbers:
        """The next numbers, for a journal that touches the books of these letters."""
        journal, day = fact.event, fact.effective_on
        if journal.event in _openings():
            return JournalNumbers()
        month = day.month
        if month == _DECEMBER and day.day == _LAST and self._counter(_CLOSED, month).last_no:
            month = LATE_MONTH
        given = [0] * len(SETS)
        for index in _sets_of(books):
            name = SETS[index]
            key = _set_of_unit(_unit(journal, self._units)) if name == UNIT else name
            if (counter := self._counters.get((key, month))) is None:
                counter = self._counter(key, month)
            counter.last_no += 1
            given[index] = counter.last_no
        return JournalNumbers(month, *given)

    def _counter(self, acct_set: str, month: int) -> CounterRow:
        key = acct_set, month
        if (counter := self._counters.get(key)) is None:
            counter = self._counters[key] = CounterRow(acct_set, month, 0)
        return counter

    def new(self) -> RowsByTable:
        """Rows that the tables have not."""
        counters = [row for key, row in self._counters.items() if key not in self._held]
        return {UNITS: self._new_units, COUNTERS: counters}

    def changed(self) -> RowsByTable:
        """Those that they have."""
        return {COUNTERS: [row for key, row in self._counters.items() if key in self._held]}


@cache
def _openings() -> frozenset[str]:
    """Asked for when all events are known: those of other rooms may come behind this module."""
    return frozenset(names_that(lambda traits: traits.of_year == "opens"))


@cache
def _sets_of(books: str) -> list[int]:
    """The places in ``SETS`` of those that books of these letters belong to."""
    return sorted({SETS.index(SET_OF[letter]) for letter in books if letter in SET_OF})


@lru_cache(_UNITS_KNOWN_MAX)
def _set_of_unit(agency_code: str) -> str:
    return f"{UNIT}/{agency_code}"


def _unit(journal: Posted, units: Mapping[str, str]) -> str:
    """The unit that a journal is of; "" where it names none."""
    if journal.bgt_id:
        return units.get(journal.bgt_id, "")
    codes = msgspec.json.decode(journal.line_codes, type=tuple[dict[str, str], ...])
    return next((each["agency_code"] for each in codes if "agency_code" in each), "")
