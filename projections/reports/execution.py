"""预算执行表: what was paid in each month against the budget, by row, unit, project and function.

What is paid counts in the month of its business day, less what came back in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from psycopg.sql import SQL, Identifier

from projections.budget_rows import BUDGET_MOVEMENTS
from projections.reports.budget import FROM_MOVEMENTS, TABLES, movements_scope
from projections.reports.indicators import MONTHS, IndicatorOn, indicators_on, reached_by
from projections.reports.report import AskedReport, Cells, Report

PAID = tuple(f"paid_{month:02d}" for month in MONTHS)
AMOUNTS = ("cur_amt", "amount", *PAID, "pay_amt", "rest_amt")
EXECUTION_BY = {
    "execution_by_row": ("预算执行表 (预算行)", ("bgt_pman_id",)),
    "execution_by_agency": ("预算执行表 (单位)", ("agency_code", "agency_name")),
    "execution_by_project": ("预算执行表 (项目)", ("pro_code", "pro_name")),
    "execution_by_function": ("预算执行表 (功能分类)", ("exp_func_code", "exp_func_name")),
}
_CURRENT = SQL(
    "SELECT {keys}, sum(m.reply_fen + m.adj_fen + m.dis_fen)"
    + FROM_MOVEMENTS
    + " GROUP BY {keys} ORDER BY {keys}"
)
_ROW_OF = SQL("""
SELECT DISTINCT bgt_id, bgt_pman_id FROM {movements}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND position <= %(upto)s
    AND bgt_id <> ''""").format(movements=Identifier(BUDGET_MOVEMENTS.name))

Key = tuple[str, ...]


class Executed(NamedTuple):
    """Of one key: what its indicators have, and what was paid of them by month, in fen."""

    key: Key
    amount_fen: int
    paid_fen: tuple[int, ...]

    def with_one(self, one: IndicatorOn) -> "Executed":
        """With one more of its indicators."""
        paid_fen = tuple(fen + more for fen, more in zip(self.paid_fen, one.paid_fen, strict=True))
        return Executed(self.key, self.amount_fen + one.amounts_fen[0], paid_fen)


def execution_by(asked: AskedReport, name: str) -> Report:
    """Against ``cur_amt`` of the rows stands ``amount`` of the indicators, those beside the budget
    among them; ``rest_amt`` is what of ``amount`` is not paid, ``rate`` the percentage of
    ``cur_amt`` that is."""
    title, keys = EXECUTION_BY[name]
    scope, reached = movements_scope(asked), reached_by(asked)
    found = indicators_on(asked, reached, () if keys == ("bgt_pman_id",) else keys)
    executed = _of_rows(asked, scope, found) if keys == ("bgt_pman_id",) else _grouped(found, keys)
    rows = _joined(executed, _current(asked, scope, keys))
    position = min(scope["upto"], reached.upto)
    columns = (*keys, *AMOUNTS, "rate")
    return Report(name, title, position, columns, frozenset(AMOUNTS), rows)


def _grouped(found: Iterable[IndicatorOn], keys: Sequence[str]) -> Iterator[Executed]:
    for key, members in groupby(found, lambda one: tuple(one.codes[name] for name in keys)):
        executed = _nothing(key)
        for one in members:
            executed = executed.with_one(one)
        yield executed


def _of_rows(
    asked: AskedReport, scope: dict[str, Any], found: Iterable[IndicatorOn]
) -> Iterator[Executed]:
    """The same by the rows of which they were issued; what is of none stands first, under ""."""
    row_of: dict[str, str] = dict(asked.connection.execute(_ROW_OF, scope).fetchall())
    by_row: dict[Key, Executed] = {}
    for one in found:
        key: Key = (row_of.get(one.bgt_id, ""),)
        by_row[key] = by_row.get(key, _nothing(key)).with_one(one)
    for key in sorted(by_row):
        yield by_row[key]


def _nothing(key: Key) -> Executed:
    return Executed(key, 0, (0,) * len(MONTHS))


def _current(asked: AskedReport, scope: dict[str, Any], keys: Sequence[str]) -> dict[Key, int]:
    """变动后预算数 of each key, in the order of the keys."""
    columns = [name for name in keys if name != "exp_func_name"]
    statement = _CURRENT.format(
        **TABLES, keys=SQL(", ").join(Identifier("r", column) for column in columns)
    )
    found = {}
    for *key, fen in asked.connection.execute(statement, scope):
        if "exp_func_name" in keys:
            key.append(asked.name_of("exp_func_code", key[0]))
        found[tuple(key)] = int(fen)
    return found


def _joined(executed: Iterable[Executed], current: dict[Key, int]) -> Iterator[Cells]:
    """Keys of the budget and of what was executed, in their order; both come in it."""
    waiting = iter(sorted(current))
    before = next(waiting, None)
    for one in executed:
        while before is not None and before < one.key:
            yield _cells(_nothing(before), current[before])
            before = next(waiting, None)
        if before == one.key:
            before = next(waiting, None)
        yield _cells(one, current.get(one.key, 0))
    while before is not None:
        yield _cells(_nothing(before), current[before])
        before = next(waiting, None)


def _cells(one: Executed, cur_fen: int) -> Cells:
    paid_fen = sum(one.paid_fen)
    rate = f"{paid_fen * 10_000 // cur_fen / 100:.2f}" if cur_fen else ""
    return (
        *one.key, cur_fen, one.amount_fen, *one.paid_fen, paid_fen, one.amount_fen - paid_fen, rate,
    )  # fmt: skip
