"""The elements of indicators and of lines that say their own, as formulas of statements ask."""

from collections.abc import Mapping
from datetime import date

import psycopg

from accounting.statements.checks import ELEMENTS
from ledger.account_set import STANDING_YEAR, division_of, ledger_id
from projections.account_sums import live_model
from projections.indicators import Indicators

_OF_INDICATOR = ELEMENTS[:6]
_INDICATORS = """
SELECT bgt_id, agency_code, exp_func_code, gov_bgt_eco_code, dep_bgt_eco_code, fund_type_code,
       pro_code
FROM proj_indicators
WHERE ledger_id = %s AND generation = %s AND (%s = '' OR agency_code = %s)"""
_PROJECTS = """
SELECT pro_code, pro_cat_code FROM projects WHERE ledger_id = %s AND start_date <= %s
ORDER BY start_date"""

Codes = tuple[str, ...]  # of ELEMENTS, "" where there is none
NO_CODES: Codes = ("",) * len(ELEMENTS)


class IndicatorCodes:
    """Read once: of all indicators of a ledger, or those of one unit."""

    def __init__(
        self, connection: psycopg.Connection, key: int, agency_code: str, through: date
    ) -> None:
        standing = ledger_id(division_of(key), STANDING_YEAR)
        self._categories: dict[str, str] = dict(
            connection.execute(_PROJECTS, (standing, through)).fetchall()
        )
        generation = live_model(connection, key, Indicators.name).generation
        rows = connection.execute(_INDICATORS, (key, generation, agency_code, agency_code))
        self._of = {
            bgt_id: self.all(dict(zip(_OF_INDICATOR, codes, strict=True)))
            for bgt_id, *codes in rows
        }

    def of(self, bgt_id: str) -> Codes:
        """Those of an indicator."""
        return self._of.get(bgt_id, NO_CODES)

    def all(self, codes: Mapping[str, str]) -> Codes:
        """Those that a line says, and the category of its project."""
        found = {"pro_cat_code": self._categories.get(codes.get("pro_code", ""), ""), **codes}
        return tuple(found.get(name, "") for name in ELEMENTS)
