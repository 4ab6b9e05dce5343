"""Rows of a register in all ledgers of a division: its years, each with keys of its own."""

from collections.abc import Sequence

import psycopg

from ledger.account_set import YEARS
from ledger.deciding.registers import AnyRegister

_ROWS = """
SELECT key, ledger_id FROM registers
WHERE ledger_id BETWEEN %s AND %s AND register = %s AND key = ANY(%s) ORDER BY ledger_id"""


def ledgers_with_row(
    connection: psycopg.Connection, division: int, register: AnyRegister, keys: Sequence[str]
) -> dict[str, list[int]]:
    """By key the ledgers of the division in which there is such a row.

    Args:
        division: what the keys of its ledgers begin with, as a number.
        register: one that keeps no row whose fields are all zero.
    """
    assert not register.keeps_zero, "a row that has nothing would be found"
    span = division * YEARS, division * YEARS + YEARS - 1
    found: dict[str, list[int]] = {}
    for key, ledger_id in connection.execute(_ROWS, (*span, register.name, list(keys))):
        found.setdefault(key, []).append(ledger_id)
    return found
