"""预算报表: what the approved rows of a budget add up to, by one of their codes, as of any moment.

A report is the rows' movements, added up twice: once by what it groups by, once in all. A row's
codes do not change once it is approved, so what they were at a moment is what they are.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from budget.adjusting.adjusting import ADJUSTMENT, Adjustment
from ledger.errors import Code, RequestError
from ledger.money import yuan
from ledger.reading.objects import read_objects
from projections.account_sums import live_model
from projections.budget_rows import BUDGET_MOVEMENTS, BUDGET_ROWS, BudgetRows
from projections.core.moments import Moment, one_moment, reach

AMOUNTS = ("reply_amt", "adj_amt", "dis_amt", "cur_amt", "issued_amt", "rest_amt")
CHANGES = ("adj_amt", "dis_amt")
ROWS_MAX = 100_000  # of a report

_FROM = """
FROM {movements} m JOIN {rows} r
    ON r.ledger_id = m.ledger_id AND r.generation = m.generation AND r.bgt_pman_id = m.bgt_pman_id
WHERE m.ledger_id = %(ledger_id)s AND m.generation = %(generation)s AND m.position <= %(upto)s
    AND (%(through)s::date IS NULL OR m.effective_on <= %(through)s)
    AND (%(agency_code)s::text IS NULL OR r.agency_code = %(agency_code)s)
    AND (cardinality(%(prefixes)s::text[]) = 0 OR r.agency_code ^@ ANY(%(prefixes)s))"""
_TABLES = {
    "movements": Identifier(BUDGET_MOVEMENTS.name),
    "rows": Identifier(BUDGET_ROWS.name),
}
_SUMS = SQL(
    "SELECT {shown}, sum(m.reply_fen), sum(m.adj_fen), sum(m.dis_fen), sum(m.issued_fen)"
    + _FROM
    + " GROUP BY {keys} ORDER BY {keys} LIMIT {most}"
)
_CHANGES = SQL(
    "SELECT m.number, m.effective_on, m.bgt_pman_id, r.agency_code, r.agency_name, r.pro_code,"
    " r.pro_name, m.adj_fen, m.dis_fen"
    + _FROM
    + " AND (m.adj_fen <> 0 OR m.dis_fen <> 0) ORDER BY m.position LIMIT {most}"
).format(**_TABLES, most=ROWS_MAX + 1)


class ReportOfCode(NamedTuple):
    """A report of sums: the code it groups by, and the name beside it.

    Attributes:
        name: the column of the row with the name; "" where the code set has it.
    """

    title: str
    code: str
    name: str = ""


BY_CODE = {
    "by_agency": ReportOfCode("部门预算汇总表", "agency_code", "agency_name"),
    "by_project": ReportOfCode("项目支出预算表", "pro_code", "pro_name"),
    "by_function": ReportOfCode("支出预算表 (功能分类)", "exp_func_code"),
    "by_economy": ReportOfCode("支出预算表 (政府预算经济分类)", "gov_bgt_eco_code"),
    "by_fund": ReportOfCode("支出预算表 (资金性质)", "fund_type_code"),
}
ADJUSTMENTS = "adjustments"
TITLES = {**{name: each.title for name, each in BY_CODE.items()}, ADJUSTMENTS: "调整调剂台账"}


class BudgetReport(NamedTuple):
    """A report; ``totals`` are the sums of the rows' columns of those names, in yuan text."""

    name: str
    title: str
    position: int
    columns: Sequence[str]
    rows: list[dict[str, str]]
    totals: dict[str, str]


class ReportScope(NamedTuple):
    """Of whom: a unit, or those whose codes have one of the beginnings; None and () is all."""

    agency_code: str | None = None
    prefixes: Sequence[str] = ()


def read_report(
    connection: psycopg.Connection,
    ledger_id: int,
    name: str,
    moment: Moment,
    scope: ReportScope,
    name_of: Callable[[str, str], str],
) -> BudgetReport:
    """A report as of a moment, as far as the read model has come.

    Args:
        name: one of ``TITLES``.
        name_of: what a code of an element is called, where a row does not say so itself.

    Raises:
        RequestError: ``malformed`` for an impossible moment, ``too_many_items`` for a report of
            more rows than ``ROWS_MAX``.
    """
    with one_moment(connection):
        model = live_model(connection, ledger_id, BudgetRows.name)
        reached = reach(connection, ledger_id, moment, model.position)
        position = min(reached.upto, model.position)
        values = {
            "ledger_id": ledger_id,
            "generation": model.generation,
            "upto": position,
            "through": reached.through,
            "agency_code": scope.agency_code,
            "prefixes": list(scope.prefixes),
        }
        if name == ADJUSTMENTS:
            return _adjustments(connection, ledger_id, values, position)
        return _sums(connection, name, values, position, name_of)


def _sums(
    connection: psycopg.Connection,
    name: str,
    values: dict[str, Any],
    position: int,
    name_of: Callable[[str, str], str],
) -> BudgetReport:
    grouping = BY_CODE[name]
    columns = [grouping.code, *([grouping.name] if grouping.name else [])]
    named = grouping.name or grouping.code.replace("_code", "_name")
    keys = SQL(", ").join(SQL("r.{}").format(Identifier(column)) for column in columns)
    statement = _SUMS.format(**_TABLES, shown=keys, keys=keys, most=ROWS_MAX + 1)
    rows, totals_fen = [], dict.fromkeys(AMOUNTS, 0)
    for *codes, reply, adj, dis, issued in _bounded(connection, statement, values):
        cur = reply + adj + dis
        amounts_fen = (reply, adj, dis, cur, issued, cur - issued)
        for column, fen in zip(AMOUNTS, amounts_fen, strict=True):
            totals_fen[column] += int(fen)
        amounts = {c: yuan(int(fen)) for c, fen in zip(AMOUNTS, amounts_fen, strict=True)}
        called = codes[1] if grouping.name else name_of(grouping.code, codes[0])
        rows.append({grouping.code: codes[0], named: called, **amounts})
    return BudgetReport(
        name,
        grouping.title,
        position,
        (grouping.code, named, *AMOUNTS),
        rows,
        {column: yuan(fen) for column, fen in totals_fen.items()},
    )


def _adjustments(
    connection: psycopg.Connection, ledger_id: int, values: dict[str, Any], position: int
) -> BudgetReport:
    """Each row that an adjustment has changed, with its kind, document and reason."""
    found = _bounded(connection, _CHANGES, values)
    said: dict[str, Adjustment] = read_objects(
        connection, ledger_id, ADJUSTMENT, {number for number, *_ in found}
    )
    columns = (
        "adj_no", "kind", "approval_doc_no", "reason", "effective_on", "bgt_pman_id",
        "agency_code", "agency_name", "pro_code", "pro_name", *CHANGES,
    )  # fmt: skip
    rows, totals_fen = [], dict.fromkeys(CHANGES, 0)
    for number, day, *of_row, adj_fen, dis_fen in found:
        asked = said[number].said
        told = (number, asked.kind, asked.approval_doc_no, asked.reason, day.isoformat(), *of_row)
        amounts = (yuan(adj_fen), yuan(dis_fen))
        rows.append(dict(zip(columns, (*told, *amounts), strict=True)))
        totals_fen["adj_amt"] += adj_fen
        totals_fen["dis_amt"] += dis_fen
    totals = {column: yuan(fen) for column, fen in totals_fen.items()}
    return BudgetReport(ADJUSTMENTS, TITLES[ADJUSTMENTS], position, columns, rows, totals)


def _bounded(
    connection: psycopg.Connection, statement: Any, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    found = connection.execute(statement, values).fetchall()
    if len(found) > ROWS_MAX:
        raise RequestError(
            Code.TOO_MANY_ITEMS,
            f"the report has more than {ROWS_MAX} rows: ask for one unit",
            pointer="/agency_code",
        )
    return found
