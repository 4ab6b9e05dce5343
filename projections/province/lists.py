"""Payments and indicators of many divisions, in pages; how many they are, and what they come to.

Of each ledger the first rows behind the place are found by its own index, and of these the first of
all ledgers are shown: a page costs some hundred rows of each ledger, whatever their number.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Generic, LiteralString, NamedTuple, TypeVar

import msgspec
import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal, Placeholder

from ledger.account_set import YEARS, division_of, ledger_text
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan
from payments.payment import STATUSES
from projections.core.listing import POSITION_MAX, Total, a_day, a_text
from projections.province.sight import Sight, seen_by
from projections.queries import item_of

R = TypeVar("R", bound=msgspec.Struct)

_PAGE = SQL("""
SELECT r.* FROM province_positions g CROSS JOIN LATERAL (
    SELECT {columns} FROM {table} t
    WHERE t.ledger_id = g.ledger_id AND t.generation = g.generation {conditions} {behind}
    ORDER BY {order} LIMIT %(limit)s) AS r
WHERE g.projection = %(projection)s AND g.live AND g.ledger_id %% {years} = %(fiscal_year)s
ORDER BY {order_of_all} LIMIT %(limit)s""")
_TOTAL = SQL("""
SELECT count, sum FROM province_positions g CROSS JOIN LATERAL (
    SELECT count(*), sum(t.{amount}) FROM {table} t
    WHERE t.ledger_id = g.ledger_id AND t.generation = g.generation {conditions}) AS r
WHERE g.projection = %(projection)s AND g.live AND g.ledger_id %% {years} = %(fiscal_year)s""")

_BEHIND_DAY: LiteralString = """
AND (t.effective_on, t.{}) > (%(day)s, CASE WHEN g.ledger_id > %(ledger_id)s THEN -1
    WHEN g.ledger_id = %(ledger_id)s THEN %(within)s ELSE %(end)s END)"""
_BEHIND_LEDGER: LiteralString = """
AND g.ledger_id >= %(ledger_id)s
AND t.{} > CASE WHEN g.ledger_id = %(ledger_id)s THEN %(within)s ELSE '' END"""


class RowPlace(NamedTuple):
    """Behind which a page begins: the row's day (None where the list has no days), its ledger, and
    its number or position there."""

    day: date | None
    ledger_id: int
    within: str | int


class Narrowing(NamedTuple):
    """A condition with a place for its value, and how that is read from its text."""

    condition: SQL
    parse: Callable[[str, str], Any] = a_text


class ListQuery(NamedTuple):
    """What a list is asked for.

    Attributes:
        fiscal_year: of the ledgers.
        filters: texts by name; None and "" are no filter.
    """

    sight: Sight
    fiscal_year: int
    filters: Mapping[str, str | None]


class ProvincePage(NamedTuple):
    """Items as callers see them, and the place behind the last one, None where nothing follows."""

    items: list[dict[str, Any]]
    after: RowPlace | None


class ProvinceList(Generic[R]):
    """One list over ledgers.

    Args:
        projection: whose live rows are read.
        table: where they are seen.
        row: their struct; its fields are columns.
        amount: the column that a total adds up.
        filters: by the name callers use.
        within: the column that orders and names a row within its ledger; with ``has_days`` behind
            its day.
        has_days: whether rows stand by their days, over all ledgers; else by ledgers.
    """

    def __init__(
        self,
        projection: str,
        table: str,
        row: type[R],
        *,
        amount: str,
        filters: Mapping[str, Narrowing],
        within: str,
        has_days: bool,
    ) -> None:
        self._projection, self._row, self._filters = projection, row, filters
        self._within, self._has_days = within, has_days
        own = ("effective_on", within) if has_days else (within,)
        over_all = ("effective_on", "ledger_id", within) if has_days else ("ledger_id", within)
        self._parts: dict[str, Composable] = {
            "columns": _names("t", row.__struct_fields__),
            "table": Identifier(table),
            "order": _names("t", own),
            "order_of_all": _names("r", over_all),
            "amount": Identifier(amount),
            "years": Literal(YEARS),
        }
        self.place_shape = (has_days, int if has_days else str)  # whether with a day, and its last
        self._behind = SQL(_BEHIND_DAY if has_days else _BEHIND_LEDGER).format(Identifier(within))

    def page(
        self, connection: psycopg.Connection, asked: ListQuery, after: RowPlace | None, size: int
    ) -> ProvincePage:
        """Raises RequestError ``malformed`` for a filter."""
        conditions, values = self._conditions(asked)
        values["limit"] = size + 1
        if after is not None:
            # what of a ledger lies behind the place: from the same day on those of ledgers behind
            # it, from its row on those of its own, from the next day on those of ledgers before it
            values |= {"day": after.day, "ledger_id": after.ledger_id, "within": after.within}
            values["end"] = POSITION_MAX
        statement = _PAGE.format(
            **self._parts,
            conditions=conditions,
            behind=self._behind if after is not None else SQL(""),
        )
        with seen_by(connection, asked.sight):
            rows = [self._row(*found) for found in connection.execute(statement, values)]
        if len(rows) <= size:
            return ProvincePage([_shown(row) for row in rows], None)
        del rows[size:]
        return ProvincePage([_shown(row) for row in rows], self._place(rows[-1]))

    def total(self, connection: psycopg.Connection, asked: ListQuery) -> Total:
        """Of all pages together; raises RequestError ``malformed`` for a filter."""
        conditions, values = self._conditions(asked)
        statement = _TOTAL.format(**self._parts, conditions=conditions)
        with seen_by(connection, asked.sight):
            # all pages of a ledger in their order, and not row by row in that of an index, to which
            # the planner is misled by conditions whose values it does not know
            connection.execute("SET LOCAL enable_indexscan = off")
            found = connection.execute(statement, values).fetchall()
        return Total(
            sum(count for count, _ in found), sum(int(fen or Decimal(0)) for _, fen in found)
        )

    def _place(self, row: Any) -> RowPlace:
        day = row.effective_on if self._has_days else None
        return RowPlace(day, row.ledger_id, getattr(row, self._within))

    def _conditions(self, asked: ListQuery) -> tuple[Composable, dict[str, Any]]:
        conditions: list[Composable] = []
        values: dict[str, Any] = {
            "projection": self._projection,
            "fiscal_year": asked.fiscal_year,
        }
        for name, text in asked.filters.items():
            if not text:
                continue
            known = self._filters[name]
            key = f"asked_{name}"
            values[key] = known.parse(text, f"/{name}")
            conditions.append(known.condition.format(Placeholder(key)))
        return SQL(" ").join(conditions), values


def _shown(row: Any) -> dict[str, Any]:
    item = item_of(row, leave_out=("ledger_id",))
    key: int = row.ledger_id
    return {"ledger": ledger_text(key), "mof_div_code": division_of(key), **item}


def _names(table: str, columns: Iterable[str]) -> Composable:
    return SQL(", ").join(Identifier(table, column) for column in columns)


class ProvincePaymentRow(msgspec.Struct):
    """A row of ``province_payments``."""

    ledger_id: int
    pay_app_no: str
    status: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    pay_fen: int
    xpay_fen: int
    refund_fen: int
    pay_cert_no: str
    pay_bank_code: str
    effective_on: date
    applied_position: int


class ProvinceIndicatorRow(msgspec.Struct):
    """A row of ``province_indicators``."""

    ledger_id: int
    bgt_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    bgt_type_code: str
    amount_fen: int
    pending_fen: int
    frozen_fen: int
    pay_app_fen: int
    pay_fen: int
    canuse_fen: int
    effective_on: date


def _status(text: str, pointer: str) -> str:
    if text not in STATUSES:
        raise RequestError(Code.MALFORMED, f"it is one of {', '.join(STATUSES)}", pointer=pointer)
    return text


def _fen(text: str, pointer: str) -> int:
    return parse_yuan(text, pointer=pointer)


_OF_CODES = {
    "agency_code": Narrowing(SQL("AND t.agency_code = {}")),
    "pro_code": Narrowing(SQL("AND t.pro_code = {}")),
    "exp_func_code": Narrowing(SQL("AND t.exp_func_code = {}")),
    "gov_bgt_eco_code": Narrowing(SQL("AND t.gov_bgt_eco_code = {}")),
    "fund_type_code": Narrowing(SQL("AND t.fund_type_code = {}")),
}
PAYMENTS = ProvinceList(
    "payments",
    "province_payments",
    ProvincePaymentRow,
    amount="pay_fen",
    filters={
        **_OF_CODES,
        "status": Narrowing(SQL("AND t.status = {}"), _status),
        "payee_acct_no": Narrowing(SQL("AND t.payee_acct_no = {}")),
        "payee_acct_name": Narrowing(SQL("AND t.payee_acct_name = {}")),
        "pay_cert_no": Narrowing(SQL("AND t.pay_cert_no = {}")),
        "min_amt": Narrowing(SQL("AND t.pay_fen >= {}"), _fen),
        "max_amt": Narrowing(SQL("AND t.pay_fen <= {}"), _fen),
        "from": Narrowing(SQL("AND t.effective_on >= {}"), a_day),
        "to": Narrowing(SQL("AND t.effective_on <= {}"), a_day),
    },
    within="applied_position",
    has_days=True,
)
INDICATORS = ProvinceList(
    "indicators",
    "province_indicators",
    ProvinceIndicatorRow,
    amount="amount_fen",
    filters=_OF_CODES,
    within="bgt_id",
    has_days=False,
)
