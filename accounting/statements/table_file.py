"""A file of statements (TOML, see accounting/statements/shipped/) as it stands.

Only form is looked at here: keys, types, and that each formula is one. What a table must be is in
``accounting.statements.checks``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from accounting.statements.formulas import Formula, Measure, parse_formula
from ledger.books.toml_form import Fault, entries_of, read_tables, refusal
from ledger.books.toml_lines import KeyPath

Of = Literal["treasury", "unit"]

_TABLES: dict[str, type] = {"version": str, "from_year": int, "statements": dict}


class ColumnEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A column: what it says of accounts, this year's or those of the year before; or the sum of
    other columns, ``-name`` subtracted."""

    title: str
    measure: Measure | Literal[""] = ""
    year: Literal["this", "before"] = "this"
    sum: tuple[str, ...] = ()


class LineEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """``[number, name, formula]``; a heading has neither number nor formula. Where a line is worked
    out in its own way in each column, ``formula`` is a table of formulas by column; a column that
    it does not name stays empty. ``each`` has a row follow for each code of an element, as
    ``exp_func_code:3`` says: by its first three digits."""

    number: str
    name: str
    formula: str | dict[str, str] = ""
    each: str = ""


class CheckEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """勾稽关系: what must be equal; in each of ``columns``, () is in all of them."""

    name: str
    left: str
    right: str
    columns: tuple[str, ...] = ()


class StatementEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table: ``form`` is the number of its form, ``of`` whose books it is of, ``period`` what its
    head says that it is for."""

    title: str
    of: Of
    form: str = ""
    period: Literal["day", "month", "year"] = "month"
    columns: dict[str, ColumnEntry]
    lines: tuple[LineEntry, ...]
    checks: tuple[CheckEntry, ...] = ()


class EachCode(NamedTuple):
    """By what a line is told apart in rows of its own: an element, so many digits of its codes."""

    element: str
    digits: int


class StatementLine(NamedTuple):
    """A line; ``formulas`` by column, none for a heading; ``depth`` is how far it is indented."""

    number: str
    name: str
    depth: int
    formulas: Mapping[str, Formula]
    each: EachCode | None = None
    code: str = ""  # of a row that is one of ``each``


class StatementCheck(NamedTuple):
    name: str
    left: Formula
    right: Formula
    columns: tuple[str, ...]


class StatementTable(NamedTuple):
    """A table of a file with its formulas read."""

    name: str
    entry: StatementEntry
    lines: tuple[StatementLine, ...]
    checks: tuple[StatementCheck, ...]

    def place(self, *keys: str | int) -> KeyPath:
        """Where something of it stands in its file."""
        return ("statements", self.name, *keys)

    def numbered(self) -> dict[str, StatementLine]:
        return {line.number: line for line in self.lines if line.number}


class TableFile(NamedTuple):
    """One file: its tables by name, valid from a fiscal year on."""

    file: str
    places: Mapping[KeyPath, int]
    version: str
    from_year: int
    tables: Mapping[str, StatementTable]


def read_table_file(text: str, file: str) -> TableFile:
    """The tables of a file; ``file`` is what it is called in what is said of it.

    Raises:
        ConfigurationError: it is no TOML, a key is unknown, missing or of another type, or a
            formula is none; each fault as ``FILE:LINE: reason``.
    """
    tables, places = read_tables(text, file, _TABLES, optional=lambda _: ())
    faults: list[Fault] = []
    entries = dict(entries_of(StatementEntry, "statements", tables["statements"].items(), faults))
    found = {name: _table(name, entry, faults) for name, entry in entries.items()}
    if faults:
        raise refusal(file, places, faults)
    return TableFile(file, places, tables["version"], tables["from_year"], found)


def _table(name: str, entry: StatementEntry, faults: list[Fault]) -> StatementTable:
    lines = tuple(
        StatementLine(
            line.number,
            line.name.strip(),
            len(line.name) - len(line.name.lstrip()),
            dict(_formulas(entry, line, ("statements", name, "lines", index, 2), faults)),
            _each(line.each, ("statements", name, "lines", index, 3), faults),
        )
        for index, line in enumerate(entry.lines)
    )
    checks = tuple(
        StatementCheck(
            name=check.name,
            left=_parsed(check.left, ("statements", name, "checks", index, "left"), faults),
            right=_parsed(check.right, ("statements", name, "checks", index, "right"), faults),
            columns=check.columns,
        )
        for index, check in enumerate(entry.checks)
    )
    return StatementTable(name, entry, lines, checks)


def _formulas(
    entry: StatementEntry, line: LineEntry, place: KeyPath, faults: list[Fault]
) -> Iterator[tuple[str, Formula]]:
    """By column; those that are sums of others have none."""
    if isinstance(line.formula, dict):
        for column, text in line.formula.items():
            yield column, _parsed(text, (*place, column), faults)
    elif line.formula:
        formula = _parsed(line.formula, place, faults)
        for column in measured(entry.columns):
            yield column, formula


def _each(text: str, place: KeyPath, faults: list[Fault]) -> EachCode | None:
    element, _, digits = text.partition(":")
    if not text or (digits.isascii() and digits.isdigit() and int(digits)):
        return EachCode(element, int(digits)) if text else None
    faults.append(Fault(place, f"{text!r} is no element and number of digits"))
    return None


def measured(columns: Mapping[str, ColumnEntry]) -> Iterable[str]:
    """The columns that are not sums of others."""
    return [name for name, column in columns.items() if not column.sum]


def _parsed(text: str, place: KeyPath, faults: list[Fault]) -> Formula:
    try:
        return parse_formula(text)
    except ValueError as error:
        faults.append(Fault(place, str(error)))
        return ()
