"""全省执行情况: what indicators have, what of it is occupied and paid, over many divisions.

What goes from one tier to another is no unit's indicator, so nothing is counted twice: the sum over
a province, its cities, counties and townships is what their units have.
"""

from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from ledger.account_set import YEARS, ledger_text
from projections.province.sight import Sight, seen_by

# by what rows are made, and of which columns each is
GROUPS: dict[str, tuple[str, ...]] = {
    "division": ("mof_div_code",),
    "agency": ("mof_div_code", "agency_code", "agency_name"),
    "fund_type": ("fund_type_code",),
    "function": ("exp_func_code", "exp_func_name"),
    "economy": ("gov_bgt_eco_code",),
    "project": ("pro_code", "pro_name"),
}
_OF_DIVISION = SQL("lpad((t.ledger_id / {})::text, 9, '0')").format(YEARS)
_SUMS = ("amount_fen", "pending_fen", "frozen_fen", "pay_app_fen", "pay_fen", "canuse_fen")
_EXECUTION = SQL("""
SELECT {keys}, {sums} FROM province_positions g JOIN province_indicators t
    ON t.ledger_id = g.ledger_id AND t.generation = g.generation
WHERE g.projection = 'indicators' AND g.live AND g.ledger_id %% {years} = %s
GROUP BY {ordinals} ORDER BY {ordinals}""")
_POSITIONS = SQL("""
SELECT ledger_id, position FROM province_positions
WHERE projection = %s AND live AND ledger_id %% {years} = %s
ORDER BY ledger_id""").format(years=YEARS)


class ExecutionRow(NamedTuple):
    """Of one key: the division where rows are by it or by its units, codes and names, and sums in
    fen: 指标, 待下达, 冻结, 占用, 支付, 可用."""

    key: tuple[str, ...]
    amounts_fen: tuple[int, ...]

    @property
    def paid_rate(self) -> str:
        """What of the indicators is paid, in per cent with two decimals; "" of nothing."""
        amount_fen, paid_fen = self.amounts_fen[0], self.amounts_fen[4]
        return f"{paid_fen * 10_000 // amount_fen / 100:.2f}" if amount_fen else ""


class ProvinceExecution(NamedTuple):
    """The rows, their sum, and the ledgers that they are of, each with the position of which."""

    columns: tuple[str, ...]
    rows: list[ExecutionRow]
    total: ExecutionRow
    positions: dict[str, int]


def execution(
    connection: psycopg.Connection, sight: Sight, fiscal_year: int, group: str
) -> ProvinceExecution:
    """Of the indicators of a year, by one of ``GROUPS``; by units, by their divisions first."""
    columns = GROUPS[group]
    keys = [_OF_DIVISION if name == "mof_div_code" else Identifier("t", name) for name in columns]
    statement = _EXECUTION.format(
        keys=SQL(", ").join(keys),
        sums=SQL(", ").join(SQL("sum({})").format(Identifier("t", name)) for name in _SUMS),
        ordinals=SQL(", ").join(Literal(n) for n in range(1, len(keys) + 1)),
        years=YEARS,
    )
    with seen_by(connection, sight):
        rows = [
            ExecutionRow(
                tuple(found[: len(columns)]), tuple(int(fen) for fen in found[len(columns) :])
            )
            for found in connection.execute(statement, (fiscal_year,))
        ]
        positions = positions_of(connection, fiscal_year, "indicators")
    sums = [sum(each) for each in zip(*(row.amounts_fen for row in rows), strict=True)]
    total = ExecutionRow((), tuple(sums) or (0,) * len(_SUMS))
    return ProvinceExecution(columns, rows, total, positions)


def positions_of(
    connection: psycopg.Connection, fiscal_year: int, projection: str
) -> dict[str, int]:
    """By the ledgers that are seen, how far a read model has followed them."""
    found = connection.execute(_POSITIONS, (projection, fiscal_year))
    return {ledger_text(key): position for key, position in found}
