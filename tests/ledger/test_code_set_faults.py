"""Faults of code-set files that once loaded in silence and changed what is issued and paid.

The shipped files are broken one line or one column at a time, by a list that is made and not
chosen; each fault is refused, by the check that is named, with its line.
"""

import csv
import io
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from ledger.elements import file_checks
from ledger.elements.files import Codes
from ledger.elements.stored_code_sets import shipped, shipped_rows
from ledger.errors import ConfigurationError
from tests.support.paths import ROOT

FOLDER = ROOT / "ledger" / "data" / "code_sets"
FILES = sorted(path.name for path in FOLDER.glob("*.csv"))
Table = list[list[str]]
Fault = Callable[[Table, int], None]  # done to a table, at a line of it


@cache
def table_of(name: str) -> Table:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@cache
def known() -> Codes:
    return frozenset((row.element, row.code) for row in shipped().rows())


def refused(name: str, table: Table) -> str:
    """What is said of a file; "" where it loads."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    try:
        shipped_rows(name, text.getvalue(), known())
    except ConfigurationError as error:
        return str(error.detail)
    return ""


def put(column: str, value: str) -> Fault:
    """A cell is another, in a column that is there or comes with it."""

    def fault(table: Table, at: int) -> None:
        if column not in table[0]:
            for row in table:
                row.append("")
            table[0][-1] = column
        table[at][table[0].index(column)] = value

    return fault


def both(*faults: Fault) -> Fault:
    def fault(table: Table, at: int) -> None:
        for each in faults:
            each(table, at)

    return fault


def doubled(table: Table, at: int) -> None:
    table.insert(at, list(table[at]))


def cut_short(table: Table, at: int) -> None:
    del table[at][-1]


def too_long(table: Table, at: int) -> None:
    table[at].append("x")


def full_width(table: Table, at: int) -> None:
    wide = str.maketrans("0123456789-", "０１２３４５６７８９－")
    table[at][1] = table[at][1].translate(wide)


def misspelt(table: Table, at: int) -> None:
    table[at][0] += "s"


ANYWHERE: dict[str, Fault] = {
    "a line stands twice": doubled,
    "a cell less": cut_short,
    "a cell more": too_long,
    "the element is misspelt": misspelt,
    "digits as wide as characters": full_width,
    "no name": put("name", ""),
    "a parent that there is not": put("parent", "98"),
    "of another element": put("element", "mof_dep_code"),
    "it ends before it starts": both(
        put("start_date", "2026-02-01"), put("end_date", "2026-01-01")
    ),
    "a week is no day": put("start_date", "2026-W01-1"),
    "a day that there is not": put("end_date", "2026-02-30"),
    "yes is 1": put("is_enabled", "true"),
    "no year": put("fiscal_year", "26"),
    "no division": put("mof_div_code", "44"),
    "a column that nobody knows": put("level", "1"),
    "of a year on none of its days": both(
        put("fiscal_year", "2026"), put("start_date", "2027-01-01")
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_fault_of_any_line_is_refused(name: str) -> None:
    lines = len(table_of(name)) - 1
    for what, fault in ANYWHERE.items():
        for at in {1, (lines + 1) // 2, lines}:
            table = [list(row) for row in table_of(name)]
            fault(table, at)
            assert "line " in refused(name, table), (what, at)


@pytest.mark.parametrize("name", FILES)
def test_a_column_left_out_misspelt_or_doubled_is_refused(name: str) -> None:
    for at, column in enumerate(table_of(name)[0]):
        gone = [row[:at] + row[at + 1 :] for row in table_of(name)]
        assert column in refused(name, gone)
        other = [list(row) for row in table_of(name)]
        other[0][at] = f"{column}s"
        assert "line 1" in refused(name, other)
        assert "twice" in refused(name, [[*row, row[at]] for row in table_of(name)])


def test_the_shipped_files_are_whole() -> None:
    assert {name: refused(name, table_of(name)) for name in FILES} == dict.fromkeys(FILES, "")


def nested() -> Iterator[tuple[str, int]]:
    """Every line of a shipped file whose code lies below another by its digits."""
    for element, levels in file_checks.LEVELS.items():
        name = f"{element}.csv"
        for at, row in enumerate(table_of(name)[1:], 1):
            if levels.above(row[1]):
                yield name, at


def test_a_code_that_has_lost_its_class_or_lies_in_another_is_refused() -> None:
    """Where 20101 had lost its only children it was issued as a leaf; below 20102 they were not
    seen either."""
    lines = list(nested())
    assert len(lines) > 700
    for name, at in lines[::9]:
        element, code, _, parent = table_of(name)[at]
        others = [
            row[1] for row in table_of(name)[1:] if row[1] != parent and not row[1].startswith(code)
        ]
        for wrong in ("", others[0], others[-1]):
            table = [list(row) for row in table_of(name)]
            table[at][3] = wrong
            said = refused(name, table)
            assert f"line {at + 1}: {element} {code} lies in {parent} by its digits" in said
    table = [list(row) for row in table_of("exp_func_code.csv")]
    table[1][3] = "202"
    assert "line 2: exp_func_code 201 is a class by its digits, and names 202" in refused(
        "exp_func_code.csv", table
    )


@pytest.mark.parametrize(
    ("name", "at", "fault", "said"),
    [
        ("mof_div_code.csv", -1, put("parent", "110000000"), "does not lie below 110000000"),
        ("gov_dep_eco.csv", 2, put("parent", "50101-30101"), "is a pair, and names a parent"),
        ("fund_type_exp_func.csv", 2, put("parent", "11-201"), "is a pair, and names a parent"),
        ("exp_func_code.csv", 1, put("is_leaf", "1"), "201 is no leaf: line 3 lies below it"),
    ],
)
def test_what_a_code_is_said_to_be_fits_the_others(
    name: str, at: int, fault: Fault, said: str
) -> None:
    table = [list(row) for row in table_of(name)]
    at %= len(table)
    fault(table, at)
    assert f"line {at + 1}: " in refused(name, table)
    assert said in refused(name, table)


def test_a_file_of_another_element_is_not_the_file_of_this_one() -> None:
    """A classification under another's name would stand twice, and the other one nowhere."""
    said = refused("set_mode_code.csv", table_of("pay_bus_type_code.csv"))
    assert (
        said == "set_mode_code.csv: line 2: pay_bus_type_code stands in the file of set_mode_code"
    )


def test_every_check_is_named_and_says_what_it_holds() -> None:
    assert all(check.__doc__ for check in file_checks.CHECKS)
