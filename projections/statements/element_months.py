"""What indicators' journals came to, by the elements that tables tell apart, added up of months.

What each indicator's journals come to in a month is stored (``projections.indicator_months``). The
database adds that up: without those elements that differ from indicator to indicator, which leaves
some hundred rows of a province, but for the one of them by which a table has its rows.
"""

from collections.abc import Iterator, Mapping, Set
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed

from accounting.statements.checks import ELEMENTS
from accounting.statements.differences import DIFFERENCE
from ledger.account_set import STANDING_YEAR, division_of, ledger_id
from projections.account_sums import live_model
from projections.indicators import Indicators
from projections.journals import AccountTotals, Journals
from projections.statements.indicator_codes import Codes

FINE = frozenset({"agency_code", "pro_code"})  # nearly one for each indicator
_DAY = timedelta(days=1)
_CODES = {
    **{name: SQL("i." + name) for name in ELEMENTS[:6]},
    "pro_cat_code": SQL("coalesce(c.pro_cat_code, '')"),
    "inc_sort_code": SQL("''::text"),
    DIFFERENCE: SQL("''::text"),
}
_NONE = SQL("''::text")
# An indicator's codes are numbered first, so that the months are grouped by whole numbers. Most
# shapes do not touch the book that is asked for: their months are passed over in the index.
_SUMS = """
WITH categories AS (
    SELECT DISTINCT ON (pro_code) pro_code, pro_cat_code FROM projects
    WHERE ledger_id = %(standing)s AND start_date <= %(through)s
    ORDER BY pro_code, start_date DESC
), indicators AS MATERIALIZED (
    SELECT i.bgt_id, dense_rank() OVER (ORDER BY {codes}) AS codes_no, ARRAY[{codes}] AS codes
    FROM proj_indicators i LEFT JOIN categories c USING (pro_code)
    WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s
      AND (%(agency_code)s = '' OR i.agency_code = %(agency_code)s)
), shapes AS MATERIALIZED (
    SELECT shape_id, shape FROM proj_journal_shapes
    WHERE ledger_id = %(ledger_id)s AND generation = %(totals)s AND strpos(shape, %(of_book)s) > 0
), sums AS (
    SELECT i.codes_no, t.month = %(month_no)s AS of_month, t.shape_id, sum(t.fen) AS fen
    FROM indicators i JOIN proj_indicator_months t
        ON t.ledger_id = %(ledger_id)s AND t.generation = %(totals)s AND t.bgt_id = i.bgt_id
    WHERE t.month = ANY(%(months)s) AND t.shape_id = ANY(ARRAY(SELECT shape_id FROM shapes))
    GROUP BY 1, 2, 3
)
SELECT n.codes, m.of_month, s.shape, m.fen
FROM sums m JOIN (SELECT DISTINCT codes_no, codes FROM indicators) n USING (codes_no)
JOIN shapes s USING (shape_id)"""
_LATER = """
SELECT EXISTS (SELECT FROM proj_journals WHERE ledger_id = %(ledger_id)s
    AND generation = %(journals)s AND effective_on > %(through)s AND effective_on <= %(month_end)s)
"""


class ElementMonths:
    """Of a ledger, or of one unit; made and asked in ``moments.one_moment``.

    Attributes:
        months: those of which all that counts is stored; () of a moment in the past.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        key: int,
        agency_code: str,
        upto: int,
        through: date,
    ) -> None:
        self._connection = connection
        totals = live_model(connection, key, AccountTotals.name)
        self._scope: dict[str, Any] = {
            "ledger_id": key,
            "standing": ledger_id(division_of(key), STANDING_YEAR),
            "agency_code": agency_code,
            "through": through,
            "month_no": through.month,
            "month_end": (through.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY,
            "totals": totals.generation,
            "indicators": live_model(connection, key, Indicators.name).generation,
            "journals": live_model(connection, key, Journals.name).generation,
        }
        self.months: tuple[int, ...] = ()
        if upto == totals.position:
            last = through.month - self._is_cut()
            self.months = tuple(range(1, last + 1))

    def _is_cut(self) -> bool:
        """Whether something is dated in the month of the last day and behind that."""
        row = self._connection.execute(_LATER, self._scope).fetchone()
        assert row is not None
        return bool(row[0])

    def sums(self, letter: str, fine: Set[str]) -> Iterator[tuple[Codes, bool, bytes, int]]:
        """Of what touches a book: codes of ``ELEMENTS``, whether it is of the last day's month,
        shape and fen; of ``FINE`` those that ``fine`` does not name are ""."""
        if not self.months:
            return
        scope = {**self._scope, "months": list(self.months), "of_book": f'["{letter}'}
        rows = self._connection.execute(_statement(fine), scope, binary=True)
        for codes, of_month, shape, fen in rows:
            yield tuple(codes), of_month, shape.encode(), int(fen)


def _statement(fine: Set[str]) -> Composed:
    told: Mapping[str, Any] = {**_CODES, **dict.fromkeys(FINE - fine, _NONE)}
    return SQL(_SUMS).format(codes=SQL(", ").join(told[name] for name in ELEMENTS))


def told_apart(codes: Codes, fine: Set[str]) -> Codes:
    """Those of an indicator as ``ElementMonths.sums`` gives them."""
    left_out = FINE - fine
    return tuple(
        "" if name in left_out else code for name, code in zip(ELEMENTS, codes, strict=True)
    )
