"""A statement as of a moment, as the ways in show it."""

from datetime import date
from typing import NamedTuple

import psycopg

from accounting.statements import StatementCells, Statements, Worked, worked_out
from accounting.statements.evaluation import Fen, Leaf
from accounting.statements.table_file import StatementTable
from ledger.account_set import fiscal_year_of
from ledger.books import Charts
from ledger.errors import Code, RequestError
from ledger.money import yuan
from projections.core.moments import one_moment
from projections.statements.figures import LedgerFigures, StatementScope
from projections.statements.journals_beneath import EntryPage, entries_beneath


class AskedStatement(NamedTuple):
    """A table, of what, as of when; ``today`` is the day in Beijing on which it is asked for."""

    charts: Charts
    statements: Statements
    table: StatementTable
    scope: StatementScope
    today: date


class ShownStatement(NamedTuple):
    """A table worked out: its cells, the last day and the last position that count."""

    worked: Worked
    through: date
    position: int


def find_table(statements: Statements, key: int, name: str, agency_code: str) -> StatementTable:
    """A table by its name.

    Raises:
        RequestError: ``not_found`` where there is none in the ledger's year, ``malformed`` for one
            of the treasury's books that is asked for of a unit.
    """
    tables = statements.of_year(fiscal_year_of(key))
    if (table := tables.get(name)) is None:
        known = ", ".join(tables)
        raise RequestError(Code.NOT_FOUND, f"there is no statement {name[:60]!r}: {known}")
    if agency_code and table.entry.of != "unit":
        raise RequestError(
            Code.MALFORMED, f"{name} is of the treasury, of no unit", pointer="/agency_code"
        )
    return table


def read_statement(
    connection: psycopg.Connection, asked: AskedStatement, *, only: str = ""
) -> ShownStatement:
    """The table, in one moment.

    Args:
        only: the number of a line: no other one is worked out, and no check.

    Raises:
        RequestError: ``malformed`` for an impossible moment.
    """
    if only:
        require_line(asked.table, only)
    with one_moment(connection):
        figures = figures_of(connection, asked)
        tables = asked.statements.of_year(fiscal_year_of(asked.scope.ledger_id))
        worked = worked_out(asked.table, tables, figures, only=only)
    return ShownStatement(worked, figures.this.through, figures.this.upto)


def require_line(table: StatementTable, number: str) -> None:
    """Raises RequestError ``malformed`` for the number of no line, nor of a row of a code."""
    plain, _, code = number.partition("-")
    line = table.numbered().get(plain)
    if line is None or (code and (line.each is None or not code.isalnum())):
        raise RequestError(
            Code.MALFORMED, f"{table.name} has no line {number[:20]!r}", pointer="/line"
        )


class ExplainedCell(NamedTuple):
    """A cell: its fen, the accounts beneath it, and a page of their journals."""

    fen: Fen
    leaves: list[Leaf]
    page: EntryPage
    position: int


def explain_cell(
    connection: psycopg.Connection,
    asked: AskedStatement,
    cell: tuple[str, str],
    after: int,
    most: int,
) -> ExplainedCell:
    """The journals under a cell, behind a position.

    Args:
        cell: the number of its line, and its column.

    Raises:
        RequestError: ``malformed`` for a line or column that there is not, or an impossible moment.
    """
    table, (number, column) = asked.table, cell
    require_line(table, number)
    if column not in table.entry.columns:
        known = ", ".join(table.entry.columns)
        raise RequestError(Code.MALFORMED, f"column is one of {known}", pointer="/column")
    with one_moment(connection):
        figures = figures_of(connection, asked)
        statement = StatementCells(table, figures)
        leaves = statement.leaves(number, column)
        of_year = figures.this if all(leaf.year == "this" for leaf in leaves) else figures.before
        page = (
            entries_beneath(connection, of_year, asked.statements.accounts, leaves, after, most)
            if of_year
            else EntryPage([], None)
        )
        fen = statement.cell(number, column)
    return ExplainedCell(fen, leaves, page, figures.this.upto)


def figures_of(connection: psycopg.Connection, asked: AskedStatement) -> LedgerFigures:
    """What the accounts hold for it; within ``moments.one_moment``."""
    return LedgerFigures(
        connection, asked.charts, asked.statements.accounts, asked.scope, asked.today
    )


def shown(fen: Fen) -> str:
    """An amount as it is told; "" for an empty cell."""
    return "" if fen is None else yuan(fen)
