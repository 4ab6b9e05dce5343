"""What the years of a division have budgeted for projects, read and locked for an amendment.

A year's batch holds its ledger's head while it decides. So whoever holds the heads of all years
knows what they have budgeted, and none budgets more until he has committed.
"""

from collections.abc import Collection

import psycopg

from budget.projects.budgeted import BUDGETED_YEARS
from budget.projects.events import ProjectYear
from budget.totals import PROJECT_BUDGETS
from ledger.account_set import YEARS, fiscal_year_of
from ledger.money import yuan
from ledger.reading.locking import reads

_LOCK = """
SELECT ledger_id FROM ledgers
WHERE ledger_id > %(standing)s AND ledger_id < %(standing)s + %(years)s
ORDER BY ledger_id FOR SHARE"""
_ROWS = """
SELECT key, ledger_id, amounts[1]::bigint FROM registers
WHERE ledger_id = ANY(%s) AND register = %s AND key = ANY(%s) AND amounts[1] > 0
ORDER BY key, ledger_id"""


@reads(BUDGETED_YEARS)
def lock_budgeted_years(
    connection: psycopg.Connection, ledger_id: int, pro_codes: Collection[str]
) -> dict[str, tuple[ProjectYear, ...]]:
    """By project, as it stays until the transaction ends; ``ledger_id`` is the standing ledger."""
    years = lock_years(connection, ledger_id)
    found: dict[str, tuple[ProjectYear, ...]] = dict.fromkeys(pro_codes, ())
    rows = connection.execute(_ROWS, (years, PROJECT_BUDGETS.name, list(pro_codes)))
    for pro_code, year, budgeted_fen in rows:
        told = ProjectYear(fiscal_year=fiscal_year_of(year), amt=yuan(budgeted_fen))
        found[pro_code] = (*found[pro_code], told)
    return found


def lock_years(connection: psycopg.Connection, ledger_id: int) -> list[int]:
    """The years' ledgers of a standing one; none commits a batch until the transaction ends."""
    heads = connection.execute(_LOCK, {"standing": ledger_id, "years": YEARS})
    return [year for (year,) in heads]
