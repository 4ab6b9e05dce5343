"""Which indicators are beneath a cell, where they are few: then their journals are looked for, and
not all that there are."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Literal

from accounting.statements.differences import DIFFERENCE
from accounting.statements.evaluation import Leaf
from accounting.statements.formulas import ElementCodes
from projections.statements.indicator_codes import OF_INDICATOR

FEW = 2_000
_MATCHING = """
WITH categories AS (
    SELECT DISTINCT ON (pro_code) pro_code, pro_cat_code FROM projects
    WHERE ledger_id = %(standing)s AND start_date <= %(through)s
    ORDER BY pro_code, start_date DESC
)
SELECT i.bgt_id FROM proj_indicators i LEFT JOIN categories c USING (pro_code)
WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s AND ({leaves})
LIMIT {most}"""


def few_matching(
    connection: psycopg.Connection, scope: dict[str, Any], leaves: Sequence[Leaf]
) -> list[str] | None:
    """The indicators whose journals may be beneath a cell; None where they are more than a few.

    Args:
        scope: ``ledger_id``, ``standing``, ``indicators``, ``through``.
    """
    conditions = [_condition(leaf.term.elements) for leaf in leaves]
    statement = SQL(_MATCHING).format(
        leaves=SQL(" OR ").join(conditions) if conditions else SQL("false"),
        most=Literal(FEW + 1),
    )
    found = [bgt_id for (bgt_id,) in connection.execute(statement, scope)]
    return None if len(found) > FEW else found


def _condition(elements: Sequence[ElementCodes]) -> Composed:
    """That an indicator has the codes of a term; what its journals' lines tell is not looked at."""
    parts = [_holds(each) for each in elements if each.element != DIFFERENCE]
    return SQL("({})").format(SQL(" AND ").join(parts) if parts else SQL("true"))


def _holds(each: ElementCodes) -> Composed:
    if each.element == "pro_cat_code":
        column = SQL("coalesce(c.pro_cat_code, '')")
    elif each.element in OF_INDICATOR:
        column = SQL("i." + each.element)
    else:  # no indicator has it
        column = SQL("''")
    begins = SQL("{} ^@ ANY({})").format(column, Literal(list(each.prefixes)))
    return SQL("NOT ({})").format(begins) if each.without else SQL("({})").format(begins)
