"""What rows of a file of code sets must be besides well formed: each check is one function.

All of them once loaded without a word, and changed what is accepted: a class whose only child had
lost its parent was issued and paid as a leaf; a date like ``2026-W01-1`` is a day of 2025.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ledger.elements.code_sets import CodeRow, division_prefix
from ledger.elements.register import PAIRS

NumberedRows = list[tuple[int, CodeRow]]  # rows, each with its line
Problems = Iterator[tuple[int, str]]


class Levels(NamedTuple):
    """How the digits of a code tell its class: the first so many, then so many a level."""

    first: int
    each: int

    def above(self, code: str) -> str:
        """The class of a code; "" of one that has none."""
        return code[: -self.each] if len(code) > self.first else ""


# 政府收支分类: 类 of three digits, 款, 项 and 目 of two more each; 资金性质 and 项目类别 by digits
LEVELS = {
    "exp_func_code": Levels(3, 2),
    "gov_bgt_eco_code": Levels(3, 2),
    "dep_bgt_eco_code": Levels(3, 2),
    "inc_sort_code": Levels(3, 2),
    "fund_type_code": Levels(1, 1),
    "pro_cat_code": Levels(1, 1),
}


def codes_stand_once(rows: NumberedRows) -> Problems:
    """No two rows say something of one code in one division, year and from one day on."""
    first: dict[object, int] = {}
    for number, row in rows:
        if (before := first.setdefault(row.key, number)) != number:
            yield number, f"{row.element} {row.code} stands on line {before} already"


def no_code_is_its_own_ancestor(rows: NumberedRows) -> Problems:
    """Going up from a code ends at a root."""
    parent = {(row.element, row.code): row.parent for _, row in rows}
    for number, row in rows:
        above = row.parent
        passed: set[str] = set()
        while above and above not in passed:
            if above == row.code:
                yield number, f"{row.element} {row.code} is its own ancestor"
                break
            passed.add(above)
            above = parent.get((row.element, above), "")


def codes_lie_in_the_class_of_their_digits(rows: NumberedRows) -> Problems:
    """2010101 lies in 20101, and says so: only what has no codes below it is issued and paid."""
    for number, row in rows:
        if (levels := LEVELS.get(row.element)) is None:
            continue
        above = levels.above(row.code)
        if row.parent != above and row.parent != row.code:  # its own ancestor: said already
            expected = f"lies in {above} by its digits" if above else "is a class by its digits"
            named = f"names {row.parent} as its parent" if row.parent else "names no parent"
            yield number, f"{row.element} {row.code} {expected}, and {named}"


def divisions_lie_below_their_parents(rows: NumberedRows) -> Problems:
    """A division's code begins as its parent's does; rows of a division hold for all below it."""
    for number, row in rows:
        if row.element != "mof_div_code" or not row.parent:
            continue
        if not row.code.startswith(division_prefix(row.parent)):
            yield number, f"mof_div_code {row.code} does not lie below {row.parent}"


def pairs_have_no_parents(rows: NumberedRows) -> Problems:
    """A pair holds for what lies below its halves; nothing lies below a pair."""
    for number, row in rows:
        if row.element in PAIRS and row.parent:
            yield number, f"{row.element} {row.code} is a pair, and names a parent {row.parent}"


def leaves_have_nothing_below(rows: NumberedRows) -> Problems:
    """What is said to be a leaf is no parent in the same file."""
    below: dict[tuple[str, str], int] = {}
    for number, row in rows:
        below.setdefault((row.element, row.parent), number)
    for number, row in rows:
        if row.is_leaf and (child := below.get((row.element, row.code))) is not None:
            yield number, f"{row.element} {row.code} is no leaf: line {child} lies below it"


def rows_hold_on_some_day(rows: NumberedRows) -> Problems:
    """A row of a year has days in that year."""
    for number, row in rows:
        year = row.fiscal_year
        if year and not row.start_date.year <= int(year) <= row.end_date.year:
            yield (
                number,
                (
                    f"{row.element} {row.code} is of {year} and holds from {row.start_date} to"
                    f" {row.end_date}: on no day"
                ),
            )


CHECKS: tuple[Callable[[NumberedRows], Problems], ...] = (
    codes_stand_once,
    no_code_is_its_own_ancestor,
    codes_lie_in_the_class_of_their_digits,
    divisions_lie_below_their_parents,
    pairs_have_no_parents,
    leaves_have_nothing_below,
    rows_hold_on_some_day,
)


def problems_of(rows: Iterable[tuple[int, CodeRow]]) -> Problems:
    """What is wrong with rows that are well formed each: of each line the first finding."""
    numbered = list(rows)
    found: dict[int, str] = {}
    for check in CHECKS:
        for number, problem in check(numbered):
            found.setdefault(number, problem)
    yield from found.items()
