"""A register's row on every business day, so that its floors hold on each of them.

What a payment takes on a day is missing on that day and on every later one. Nearly always a row
moves on the last day it has moved on, or on a later one: then nothing has to be asked but the row
itself. What is dated back has to leave enough on every day that was booked already, and for that
the closings of those days are needed; they are read when they are.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from functools import cache
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

R = TypeVar("R", bound=msgspec.Struct)

NEVER = date.min  # of a row that nothing has moved yet
UNTOLD = date.max  # of a row that an earlier release kept without days

_day = itemgetter(0)


class DatedRow(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """A row as it is after all that has moved it, whatever the days.

    Attributes:
        row: its amounts.
        day: the last day on which it has moved.
        earlier: its closings on the other days on which it has moved, in order; None where they
            were not read.
    """

    row: R
    day: date = NEVER
    earlier: tuple[tuple[date, R], ...] | None = ()

    def tells(self, day: date) -> bool:
        """Whether what it is on this day and on later ones is at hand."""
        return day >= self.day or self.earlier is not None

    @property
    def first_day(self) -> date:
        """The first day on which it has moved, where the earlier ones are at hand."""
        return self.earlier[0][0] if self.earlier else self.day

    def levels(self, day: date) -> list[tuple[date, R]]:
        """What it is at the end of the day, which :meth:`tells`, and of each later one on which
        it has moved."""
        if day >= self.day:
            return [(day, self.row)]
        assert self.earlier is not None, "the closings of the days are read before"
        place = bisect_right(self.earlier, day, key=_day)
        before = self.earlier[place - 1][1] if place else type(self.row)()
        return [(day, before), *self.earlier[place:], (self.day, self.row)]

    def moved(self, day: date, changes_fen: Mapping[str, int]) -> "DatedMovement[R]":
        """The row after its fields have changed on a day that it :meth:`tells`."""
        if day >= self.day:
            closings: tuple[tuple[date, R], ...] = ()
            if self.day not in (NEVER, day):
                closings = ((self.day, self.row),)
            earlier = None if self.earlier is None else self.earlier + closings
            row, is_short = changed(self.row, changes_fen)
            return DatedMovement(DatedRow(row, day, earlier), closings, is_short)
        assert self.earlier is not None, "the closings of the days are read before"
        days, rows = zip(*self.levels(day), strict=True)
        rows, short = zip(*(changed(row, changes_fen) for row in rows), strict=True)
        before = self.earlier[: bisect_right(self.earlier, day, key=_day)]
        if before and before[-1][0] == day:
            before = before[:-1]
        *later, (_, row) = zip(days, rows, strict=True)
        closings = tuple(later)
        return DatedMovement(DatedRow(row, self.day, before + closings), closings, any(short))


class DatedMovement(NamedTuple, Generic[R]):
    """A row after a movement, and the closings of earlier days that are new or others now;
    ``is_short``: whether more of a field is taken on one of these days than it had."""

    after: DatedRow[R]
    closings: tuple[tuple[date, R], ...]
    is_short: bool


def changed(row: R, changes_fen: Mapping[str, int]) -> tuple[R, bool]:
    """The row with its changes added, and whether more of a field is taken than it had."""
    of, amounts_fen = type(row), list(astuple(row))
    places = _places(of)
    is_short = False
    for name, change_fen in changes_fen.items():
        place = places[name]
        amounts_fen[place] = after_fen = amounts_fen[place] + change_fen
        if after_fen < 0 and change_fen < 0:
            is_short = True
    return of(*amounts_fen), is_short


@cache
def _places(of: type[msgspec.Struct]) -> dict[str, int]:
    """Where each field of a row stands."""
    return {name: place for place, name in enumerate(of.__struct_fields__)}
