"""The elements of indicators and of lines that say their own, as formulas of statements ask."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import psycopg

from accounting.statements.checks import ELEMENTS
from ledger.account_set import STANDING_YEAR, division_of, ledger_id
from projections.account_sums import live_model
from projections.indicators import Indicators

OF_INDICATOR = ELEMENTS[:6]
_INDICATORS = """
SELECT bgt_id, agency_code, exp_func_code, gov_bgt_eco_code, dep_bgt_eco_code, fund_type_code,
       pro_code
FROM proj_indicators
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND (%(agency_code)s = '' OR agency_code = %(agency_code)s)"""
_PROJECTS = """
SELECT pro_code, pro_cat_code FROM projects WHERE ledger_id = %s AND start_date <= %s
ORDER BY start_date"""

Codes = tuple[str, ...]  # of ELEMENTS, "" where there is none
NO_CODES: Codes = ("",) * len(ELEMENTS)


class IndicatorCodes:
    """Of the indicators of a ledger, or of one unit: all are read when one is asked for, but those
    that were read before (``read``)."""

    def __init__(
        self, connection: psycopg.Connection, key: int, agency_code: str, through: date
    ) -> None:
        standing = ledger_id(division_of(key), STANDING_YEAR)
        self._connection = connection
        self._categories: dict[str, str] = dict(
            connection.execute(_PROJECTS, (standing, through)).fetchall()
        )
        generation = live_model(connection, key, Indicators.name).generation
        self._scope = {"ledger_id": key, "generation": generation, "agency_code": agency_code}
        self._of: dict[str, Codes] = {"": NO_CODES}
        self._has_all = False

    def read(self, bgt_ids: Collection[str]) -> None:
        """Has some at hand, where not all are wanted."""
        missing = [] if self._has_all else [each for each in bgt_ids if each not in self._of]
        if missing:
            self._of.update(dict.fromkeys(missing, NO_CODES))
            self._take(_INDICATORS + " AND bgt_id = ANY(%(bgt_ids)s)", {"bgt_ids": missing})

    def of(self, bgt_id: str) -> Codes:
        """Those of an indicator."""
        if bgt_id not in self._of and not self._has_all:
            self._has_all = True
            self._take(_INDICATORS, {})
        return self._of.get(bgt_id, NO_CODES)

    def _take(self, statement: str, asked: Mapping[str, Any]) -> None:
        for bgt_id, *codes in self._connection.execute(statement, {**self._scope, **asked}):
            self._of[bgt_id] = self.all(dict(zip(OF_INDICATOR, codes, strict=True)))

    def all(self, codes: Mapping[str, str]) -> Codes:
        """Those that a line says, and the category of its project."""
        found = {"pro_cat_code": self._categories.get(codes.get("pro_code", ""), ""), **codes}
        return tuple(found.get(name, "") for name in ELEMENTS)
