"""预算报表: what the approved rows of a budget add up to, by one of their codes.

A report is the rows' movements, added up twice: once by what it groups by, once in all. A row's
codes do not change once it is approved, so what they were at a moment is what they are.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from psycopg.sql import SQL, Identifier

from budget.adjusting.adjusting import ADJUSTMENT, Adjustment
from ledger.reading.objects import read_objects
from projections.account_sums import live_model
from projections.budget_rows import BUDGET_MOVEMENTS, BUDGET_ROWS, BudgetRows
from projections.core.moments import reach
from projections.reports.report import WITHIN, AskedReport, Cells, Report, streamed

AMOUNTS = ("reply_amt", "adj_amt", "dis_amt", "cur_amt", "issued_amt", "rest_amt")
CHANGES = ("adj_amt", "dis_amt")
_ADJUSTMENTS_AT_ONCE = 1_000

FROM_MOVEMENTS = """
FROM {movements} m JOIN {rows} r
    ON r.ledger_id = m.ledger_id AND r.generation = m.generation AND r.bgt_pman_id = m.bgt_pman_id
WHERE m.ledger_id = %(ledger_id)s AND m.generation = %(generation)s AND m.position <= %(upto)s
    AND (%(through)s::date IS NULL OR m.effective_on <= %(through)s) AND """ + WITHIN.format(t="r")
TABLES = {
    "movements": Identifier(BUDGET_MOVEMENTS.name),
    "rows": Identifier(BUDGET_ROWS.name),
}
_SUMS = SQL(
    "SELECT {keys}, sum(m.reply_fen), sum(m.adj_fen), sum(m.dis_fen), sum(m.issued_fen)"
    + FROM_MOVEMENTS
    + " GROUP BY {keys} ORDER BY {keys}"
)
_CHANGES = SQL(
    "SELECT m.number, m.effective_on, m.bgt_pman_id, r.agency_code, r.agency_name, r.pro_code,"
    " r.pro_name, m.adj_fen, m.dis_fen"
    + FROM_MOVEMENTS
    + " AND (m.adj_fen <> 0 OR m.dis_fen <> 0) ORDER BY m.position"
).format(**TABLES)


class ReportOfCode(NamedTuple):
    """A report of sums: the code it groups by, and the name beside it.

    Attributes:
        name: the column of the row with the name; "" where the code set has it.
    """

    title: str
    code: str
    name: str = ""

    @property
    def shown(self) -> tuple[str, str]:
        """The columns of code and name."""
        return self.code, self.name or self.code.replace("_code", "_name")


BY_CODE = {
    "by_agency": ReportOfCode("部门预算汇总表", "agency_code", "agency_name"),
    "by_project": ReportOfCode("项目支出预算表", "pro_code", "pro_name"),
    "by_function": ReportOfCode("支出预算表 (功能分类)", "exp_func_code"),
    "by_economy": ReportOfCode("支出预算表 (政府预算经济分类)", "gov_bgt_eco_code"),
    "by_fund": ReportOfCode("支出预算表 (资金性质)", "fund_type_code"),
}


def movements_scope(asked: AskedReport) -> dict[str, Any]:
    """What ``FROM_MOVEMENTS`` is asked with, as far as the read model has come."""
    model = live_model(asked.connection, asked.ledger_id, BudgetRows.name)
    reached = reach(asked.connection, asked.ledger_id, asked.moment, model.position)
    return {
        "ledger_id": asked.ledger_id,
        "generation": model.generation,
        "upto": min(reached.upto, model.position),
        "through": reached.through,
        **asked.scope.values,
    }


def by_code(asked: AskedReport, name: str) -> Report:
    """Sums of the rows of each code."""
    grouping, scope = BY_CODE[name], movements_scope(asked)
    columns = (*grouping.shown, *AMOUNTS)
    rows = _sums(asked, grouping, scope)
    return Report(name, grouping.title, scope["upto"], columns, frozenset(AMOUNTS), rows)


def _sums(asked: AskedReport, by: ReportOfCode, scope: dict[str, Any]) -> Iterator[Cells]:
    found = (by.code, by.name) if by.name else (by.code,)
    keys = SQL(", ").join(SQL("r.{}").format(Identifier(column)) for column in found)
    for row in streamed(asked, _SUMS.format(**TABLES, keys=keys), scope):
        codes, (reply, adj, dis, issued) = row[: len(found)], map(int, row[len(found) :])
        called = codes[1] if by.name else asked.name_of(by.code, codes[0])
        cur = reply + adj + dis
        yield codes[0], called, reply, adj, dis, cur, issued, cur - issued


def adjustments(asked: AskedReport, name: str) -> Report:
    """Each row that an adjustment has changed, with its kind, document and reason."""
    scope = movements_scope(asked)
    columns = (
        "adj_no", "kind", "approval_doc_no", "reason", "effective_on", "bgt_pman_id",
        "agency_code", "agency_name", "pro_code", "pro_name", *CHANGES,
    )  # fmt: skip
    rows = _changes(asked, scope)
    return Report(name, "调整调剂台账", scope["upto"], columns, frozenset(CHANGES), rows)


def _changes(asked: AskedReport, scope: dict[str, Any]) -> Iterator[Cells]:
    found = streamed(asked, _CHANGES, scope)
    while part := list(islice(found, _ADJUSTMENTS_AT_ONCE)):
        said: dict[str, Adjustment] = read_objects(
            asked.connection, asked.ledger_id, ADJUSTMENT, {number for number, *_ in part}
        )
        for number, day, *of_row, adj_fen, dis_fen in part:
            one = said[number].said
            told = (number, one.kind, one.approval_doc_no, one.reason, day.isoformat())
            yield *told, *of_row, adj_fen, dis_fen
