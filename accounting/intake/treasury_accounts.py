"""国库主体: whose books a report of the central bank about a treasury account belongs to.

A message names six digits of the division and the year; divisions below a county share them.
"""

import psycopg

from accounting.income_report import REPORTED_DAYS
from ledger.account_set import division_of, fiscal_year_of
from ledger.reading.loading import read_rows
from ledger.reading.objects import list_heads
from payments.clearing.cash import CASH, split_key

_OWN_DIVISION = "000"  # behind the six digits: the division itself, none below it


def ledger_of_account(
    connection: psycopg.Connection, adm_div_code: str, st_year: int, tre_code: str
) -> int | None:
    """Of the ledgers that a message may mean, the one that keeps this account already, or the
    division's own, or the first; None where there is none."""
    heads = [
        head
        for head in list_heads(connection, adm_div_code)
        if fiscal_year_of(head.ledger_id) == st_year
    ]
    if len(heads) > 1:
        for head in heads:
            reported = tre_code in head.settings.get(REPORTED_DAYS).last
            if reported or _keeps(connection, head.ledger_id, tre_code):
                return head.ledger_id
        heads.sort(key=lambda head: not division_of(head.ledger_id).endswith(_OWN_DIVISION))
    return heads[0].ledger_id if heads else None


def _keeps(connection: psycopg.Connection, ledger_id: int, tre_code: str) -> bool:
    return any(split_key(key)[0] == tre_code for key in read_rows(connection, ledger_id, CASH))
