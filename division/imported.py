"""The tables of a standing ledger whose history was imported."""

import psycopg

from division.folded import folded_objects
from division.shown import all_shown
from ledger.account_set import is_standing
from ledger.writing import restoring


def write_tables(connection: psycopg.Connection, ledger_id: int) -> None:
    """Writes the rows that show the objects of a standing ledger; of others there are none."""
    if not is_standing(ledger_id):
        return
    for kind in all_shown():
        found = folded_objects(connection, ledger_id, (kind,))
        restoring.write_tables(connection, ledger_id, kind, [each.obj for each in found])
