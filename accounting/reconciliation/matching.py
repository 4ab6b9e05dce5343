"""逐笔勾对: lines of a bank against movements in the books, one to one. Pure.

A line and a movement are one where their numbers are. A line that the bank repeats is doubled; a
movement whose number no line has is missing there. What moved nothing matches nothing and is not
missed: a voucher that a bank returned may stand in its list with 0.00, and need not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from accounting.reconciliation.events import (
    DOUBLED,
    MISSING_HERE,
    MISSING_THERE,
    OTHER_AMOUNT,
    OTHER_DAY,
    Unmatched,
)
from ledger.money import yuan


class BankLine(NamedTuple):
    """A line of a bank; ``place`` as package and number in it."""

    number: str
    fen: int
    place: str


class BankMovement(NamedTuple):
    """What the books have moved on the word of a bank, on the day that the bank said."""

    number: str
    day: date
    fen: int


class ComparedLines(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found; ``packages`` are the SM3 of the packages, in order."""

    upto_position: int
    packages: tuple[str, ...]
    matched_num: int
    booked_num: int
    booked_fen: int
    differences: tuple[Unmatched, ...]


class Matcher:
    """Takes lines package by package, then the movements of the days; so neither side is held as a
    whole, but for the numbers that have been seen.

    Args:
        begin, end: the first and the last day.
    """

    def __init__(self, begin: date, end: date) -> None:
        self._begin, self._end = begin, end
        self._seen: set[str] = set()
        self._differences: list[Unmatched] = []
        self._matched = 0

    def take(self, lines: Sequence[BankLine], found: Mapping[str, Sequence[BankMovement]]) -> None:
        """Lines, and what the books have, on whatever days, under their numbers."""
        for line in lines:
            self._take(line, found.get(line.number, ()))

    def _take(self, line: BankLine, movements: Sequence[BankMovement]) -> None:
        within = [each.fen for each in movements if self._begin <= each.day <= self._end]
        booked_fen = sum(within)
        if line.number in self._seen:
            self._add(DOUBLED, line, yuan(booked_fen) if within else "")
            return
        self._seen.add(line.number)
        if within:
            if booked_fen == line.fen:
                self._matched += 1
            else:
                self._add(OTHER_AMOUNT, line, yuan(booked_fen))
        elif movements:
            on = min(each.day for each in movements)
            outside_fen = sum(each.fen for each in movements)
            self._add(OTHER_DAY, line, yuan(outside_fen), on.isoformat())
        elif line.fen:
            self._add(MISSING_HERE, line)

    def _add(self, kind: str, line: BankLine, booked_amt: str = "", booked_on: str = "") -> None:
        self._differences.append(
            Unmatched(
                kind=kind,
                number=line.number,
                amt=yuan(line.fen),
                booked_amt=booked_amt,
                booked_on=booked_on,
                place=line.place,
            )
        )

    def conclude(
        self, movements: Iterable[BankMovement], packages: Sequence[str], upto_position: int
    ) -> ComparedLines:
        """What was found, once the movements of the days are there, each of which counts."""
        missing_fen: defaultdict[str, int] = defaultdict(int)
        booked_num = booked_fen = 0
        for each in movements:
            booked_num += 1
            booked_fen += each.fen
            if each.number not in self._seen:
                missing_fen[each.number] += each.fen
        missing = [
            Unmatched(kind=MISSING_THERE, number=number, booked_amt=yuan(fen))
            for number, fen in missing_fen.items()
        ]
        return ComparedLines(
            upto_position=upto_position,
            packages=tuple(packages),
            matched_num=self._matched,
            booked_num=booked_num,
            booked_fen=booked_fen,
            differences=tuple(sorted([*self._differences, *missing], key=_in_order)),
        )


def _in_order(difference: Unmatched) -> tuple[str, str, str]:
    return difference.number, difference.kind, difference.place
