"""Statements as tests read them."""

from datetime import date
from typing import Any

from accounting.statements import load_statements
from ledger.books import load_charts
from ledger.money import yuan
from projections.core.moments import Moment
from projections.core.runner import Runner
from projections.statements.figures import StatementScope
from projections.statements.reading import (
    AskedStatement,
    ExplainedCell,
    ShownStatement,
    explain_cell,
    find_table,
    read_statement,
)
from tests.support.bookkeeper import Bookkeeper

CHARTS = load_charts()
STATEMENTS = load_statements(CHARTS)


def asked(b: Bookkeeper, name: str, agency_code: str = "", **of: Any) -> AskedStatement:
    Runner(b.pool).catch_up()
    scope = StatementScope(b.ledger_id, Moment(**of), agency_code)
    table = find_table(STATEMENTS, b.ledger_id, name, agency_code)
    return AskedStatement(CHARTS, STATEMENTS, table, scope, b.clock.now.date())


def statement(b: Bookkeeper, name: str, agency_code: str = "", **of: Any) -> ShownStatement:
    """A table now, or as of a moment: ``effective``, ``position``, ``recorded``."""
    with b.pool.connection() as connection:
        return read_statement(connection, asked(b, name, agency_code, **of))


def lines(shown: ShownStatement, column: str = "amt") -> dict[str, str]:
    """The amounts of a column by the name of their line; those that are zero left out."""
    return {
        line.name: yuan(fen)
        for line, cells in shown.worked.rows
        if cells and (fen := cells[column])
    }


def broken(b: Bookkeeper, *agency_codes: str) -> list[str]:
    """The checks of all tables that do not hold, of the treasury and of each unit."""
    found = []
    for name, table in STATEMENTS.of_year(b.year).items():
        for agency_code in agency_codes if table.entry.of == "unit" else ("",):
            checks = statement(b, name, agency_code).worked.checks
            found += [f"{agency_code} {check.name}".strip() for check in checks if not check.holds]
    return found


def number_of(name: str, line_name: str, year: int = 2026) -> str:
    """The number of a line by its name; that of a row of a code as it is."""
    if "-" in line_name:
        return line_name
    table = STATEMENTS.of_year(year)[name]
    return next(line.number for line in table.lines if line.name == line_name)


def explained(
    b: Bookkeeper,
    name: str,
    line_name: str,
    column: str = "amt",
    *,
    agency_code: str = "",
    after: int = 0,
    most: int = 100,
    **of: date,
) -> ExplainedCell:
    """A page of the journals under a cell."""
    cell = number_of(name, line_name), column
    question = asked(b, name, agency_code, **of)
    with b.pool.connection() as connection:
        return explain_cell(connection, question, cell, after, most)
