"""What the years of a division have for projects and have not paid, read and locked for their end.

Amounts are those of the registers, which the years' batches write. Which rows and indicators are a
project's is asked of the read models as far as they have come, and of the events behind: that never
changes of what was issued, and of rows it is what drafts said.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from budget.balances import BALANCES
from budget.budgeted_years import lock_years
from budget.indicator import INDICATOR
from budget.pending import PENDING
from budget.projects.events import ProjectYear
from budget.projects.unspent import UNSPENT_YEARS
from budget.rows import BUDGET_ROW, ROWS
from ledger.account_set import fiscal_year_of
from ledger.events import decode, names_that
from ledger.money import yuan
from ledger.reading.locking import reads
from projections.budget_rows import BUDGET_ROWS, BudgetRows
from projections.core.fold import Projection
from projections.core.tables import Table
from projections.indicators import INDICATORS, Indicators

_OF_PROJECTS = """
SELECT g.position, p.pro_code, p.{key} FROM proj_positions g
LEFT JOIN {table} p ON p.ledger_id = g.ledger_id AND p.generation = g.generation
    AND p.pro_code = ANY(%(pro_codes)s)
WHERE g.ledger_id = %(ledger_id)s AND g.projection = %(projection)s AND g.live"""
_BEHIND = """
SELECT type, payload FROM events
WHERE ledger_id = %s AND position > %s AND type = ANY(%s) ORDER BY position"""
_LEFT = """
SELECT key, sum(part)::bigint FROM registers CROSS JOIN unnest(amounts[:%s]) AS part
WHERE ledger_id = %s AND register = %s AND key = ANY(%s) GROUP BY key"""


class _Source(NamedTuple):
    """Where numbers and their projects stand: a read model, and the events that it follows."""

    model: type[Projection]
    table: Table[Any]
    subject: str
    key: str
    # registers, and how many of their first amounts are what was not paid
    left: tuple[tuple[str, int], ...]


_SOURCES = (
    _Source(
        Indicators,
        INDICATORS,
        INDICATOR.name,
        "bgt_id",
        ((BALANCES.name, len(("available", "frozen", "occupied"))), (PENDING.name, 1)),
    ),
    _Source(
        BudgetRows,
        BUDGET_ROWS,
        BUDGET_ROW.name,
        "bgt_pman_id",
        ((ROWS.name, 1),),
    ),
)


@reads(UNSPENT_YEARS)
def lock_unspent_years(
    connection: psycopg.Connection, ledger_id: int, pro_codes: Collection[str]
) -> dict[str, tuple[ProjectYear, ...]]:
    """By project, as it stays until the transaction ends; ``ledger_id`` is the standing ledger."""
    found: dict[str, tuple[ProjectYear, ...]] = dict.fromkeys(pro_codes, ())
    for year in lock_years(connection, ledger_id):
        left_fen: defaultdict[str, int] = defaultdict(int)
        for source in _SOURCES:
            project_of = _numbers(connection, year, pro_codes, source)
            for register, count in source.left:
                asked = (count, year, register, list(project_of))
                for key, fen in connection.execute(_LEFT, asked):
                    left_fen[project_of[key]] += fen
        for pro_code, fen in sorted(left_fen.items()):
            if fen:
                told = ProjectYear(fiscal_year=fiscal_year_of(year), amt=yuan(fen))
                found[pro_code] = (*found[pro_code], told)
    return found


def _numbers(
    connection: psycopg.Connection, year: int, pro_codes: Collection[str], source: _Source
) -> dict[str, str]:
    """The projects of what is theirs, by its number."""
    asked = {"ledger_id": year, "projection": source.model.name, "pro_codes": list(pro_codes)}
    of_projects = SQL(_OF_PROJECTS).format(
        table=Identifier(source.table.name), key=Identifier(source.key)
    )
    shown = connection.execute(of_projects, asked).fetchall()
    position = shown[0][0] if shown else 0
    found = {number: pro_code for _, pro_code, number in shown if number is not None}
    names = list(names_that(lambda traits: traits.subject == source.subject))
    for type_name, payload in connection.execute(_BEHIND, (year, position, names)):
        event = decode(type_name, payload)  # what the read model has not come to
        if (pro_code := getattr(event, "pro_code", "")) in pro_codes:
            found[getattr(event, source.key)] = pro_code
    return found
