"""A table worked out: its cells, and whether its checks hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from accounting.statements.formulas import (
    AccountTerm,
    ElementCodes,
    Formula,
    LineTerm,
    SignedTerm,
)
from accounting.statements.table_file import (
    ColumnEntry,
    EachCode,
    StatementCheck,
    StatementLine,
    StatementTable,
)

Fen = int | None  # None where there is nothing to be known: the year before has no ledger


class StatementFigures(Protocol):
    """What the accounts of a moment hold."""

    def of(self, term: AccountTerm, measure: str, year: str) -> Fen:
        """The amount of the term's accounts in fen, each on the side of its normal balance.

        Args:
            measure: one of ``formulas.MEASURES``.
            year: ``this`` or ``before``.
        """

    def codes(self, terms: Sequence[AccountTerm], each: EachCode) -> Sequence[str]:
        """The beginnings of the codes of an element under which the accounts of this year moved."""


class CheckResult(NamedTuple):
    """Both sides of a check, in fen; ``column`` is that in which it was made, "" for none."""

    name: str
    column: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right


class Worked(NamedTuple):
    """A table with its cells: for each line the fen by column."""

    table: StatementTable
    rows: tuple[tuple[StatementLine, Mapping[str, Fen]], ...]
    checks: tuple[CheckResult, ...]


class Leaf(NamedTuple):
    """Accounts beneath a cell: how often they count in it, and as what."""

    times: int
    term: AccountTerm
    measure: str
    year: str


class StatementCells:
    """The cells of one table over the same figures; each is worked out once."""

    def __init__(self, table: StatementTable, figures: StatementFigures) -> None:
        self.table = table
        self._figures = figures
        self._lines = table.numbered()
        self._cells: dict[tuple[str, str], Fen] = {}

    def line(self, number: str) -> StatementLine:
        """A line by its number, or a row of one code: ``5-201``. Raises KeyError."""
        number, _, code = number.partition("-")
        line = self._lines[number]
        if not code:
            return line
        if line.each is None:
            raise KeyError(code)
        of_code = ElementCodes(line.each.element, (code,))
        formulas = {
            column: tuple(
                SignedTerm(sign, term._replace(elements=(*term.elements, of_code)))
                for sign, term in formula
                if isinstance(term, AccountTerm)
            )
            for column, formula in line.formulas.items()
        }
        return line._replace(
            number=f"{number}-{code}", name=code, depth=line.depth + 1, formulas=formulas, code=code
        )

    def lines(self) -> Iterator[StatementLine]:
        """Those of the table, each with its rows of codes behind it."""
        for line in self.table.lines:
            yield line
            if line.each is not None:
                terms = [
                    term
                    for formula in line.formulas.values()
                    for _, term in formula
                    if isinstance(term, AccountTerm)
                ]
                for code in self._figures.codes(terms, line.each):
                    yield self.line(f"{line.number}-{code}")

    def cell(self, number: str, column: str) -> Fen:
        """The fen of a cell; None where it is empty."""
        place = number, column
        if place not in self._cells:
            entry = self.table.entry.columns[column]
            if entry.sum:
                parts = ((sign, self.cell(number, name)) for sign, name in _parts(entry))
                self._cells[place] = _added(
                    None if fen is None else sign * fen for sign, fen in parts
                )
            else:
                formula = self.line(number).formulas.get(column)
                self._cells[place] = None if formula is None else self._sum(formula, column)
        return self._cells[place]

    def _sum(self, formula: Formula, column: str) -> Fen:
        total = 0
        for sign, term in formula:
            fen = (
                self.cell(term.line, column)
                if isinstance(term, LineTerm)
                else self.of_account(term, column)
            )
            if fen is None:
                return None
            total += sign * fen
        return total

    def of_account(self, term: AccountTerm, column: str) -> Fen:
        """What accounts are in a column; ``closing`` of this year where a column has no measure."""
        entry = self.table.entry.columns.get(column)
        measure = term.measure or (entry.measure if entry else "") or "closing"
        return self._figures.of(term, measure, entry.year if entry else "this")

    def leaves(self, number: str, column: str) -> list[Leaf]:
        """The accounts beneath a cell."""
        entry = self.table.entry.columns[column]
        if entry.sum:
            return [
                leaf._replace(times=leaf.times * sign)
                for sign, name in _parts(entry)
                for leaf in self.leaves(number, name)
            ]
        found: list[Leaf] = []
        for sign, term in self.line(number).formulas.get(column, ()):
            if isinstance(term, AccountTerm):
                found.append(Leaf(sign, term, term.measure or entry.measure, entry.year))
            else:
                beneath = self.leaves(term.line, column)
                found += [leaf._replace(times=sign * leaf.times) for leaf in beneath]
        return found


def worked_out(
    table: StatementTable,
    tables: Mapping[str, StatementTable],
    figures: StatementFigures,
    *,
    only: str = "",
) -> Worked:
    """The cells of a table and its checks.

    Args:
        tables: those that its checks name, by name.
        only: the number of a line: no other one is worked out, and no check.
    """
    checks = () if only else table.checks
    statements: dict[str, StatementCells] = {"": StatementCells(table, figures)}
    for check in checks:
        for _, term in (*check.left, *check.right):
            if isinstance(term, LineTerm) and term.table not in statements:
                statements[term.table] = StatementCells(tables[term.table], figures)
    own = statements[""]
    rows = tuple(
        (line, {c: own.cell(line.number, c) for c in table.entry.columns} if line.number else {})
        for line in ([own.line(only)] if only else own.lines())
    )
    results = (r for check in checks for r in _results(check, statements))
    return Worked(table, rows, tuple(results))


def _results(
    check: StatementCheck, statements: Mapping[str, StatementCells]
) -> Iterator[CheckResult]:
    """One for each column; one alone where both sides say all by themselves. A side of which
    nothing is known is not checked."""
    terms = [term for _, term in (*check.left, *check.right)]
    said = all(t.column if isinstance(t, LineTerm) else t.measure for t in terms)
    columns = [""] if said else check.columns or list(statements[""].table.entry.columns)
    for column in columns:
        left, right = (_side(side, column, statements) for side in (check.left, check.right))
        if left is not None and right is not None:
            yield CheckResult(check.name, column, left, right)


def _parts(column: ColumnEntry) -> Iterator[tuple[int, str]]:
    """The columns that one adds up, with their signs."""
    for part in column.sum:
        yield -1 if part.startswith("-") else 1, part.removeprefix("-")


def _side(formula: Formula, column: str, statements: Mapping[str, StatementCells]) -> Fen:
    parts: list[Fen] = []
    for sign, term in formula:
        if isinstance(term, LineTerm):
            fen = statements[term.table].cell(term.line, term.column or column)
        else:
            fen = statements[""].of_account(term, column)
        parts.append(None if fen is None else sign * fen)
    return _added(parts)


def _added(parts: Iterable[Fen]) -> Fen:
    """The sum of what there is; None where there is nothing."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
