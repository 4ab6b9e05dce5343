"""Histories that are imported: where one may begin, and the tables of a standing ledger's."""

from datetime import datetime

import psycopg

from division.adopted import LOCK_KEY
from division.folded import folded_objects
from division.shown import all_shown
from ledger.account_set import is_standing, ledger_text, standing_ledger
from ledger.errors import Code, Refusal
from ledger.writing import restoring

_SOMETHING = """
SELECT EXISTS (SELECT FROM ledgers) OR EXISTS (SELECT FROM tokens)
    OR EXISTS (SELECT FROM certificates) OR EXISTS (SELECT FROM code_set_loads)"""


def begin_ledger(connection: psycopg.Connection, ledger_id: int, at: datetime) -> None:
    """Takes the ledger's place for a history that is imported.

    Every other ledger was decided by the standing ledger of all divisions, and a program opens that
    before anything else. So its history comes first, into a database that nothing has been written
    to: nothing of a history is ever taken away to make room for another.

    Raises:
        Refusal: ``invalid_state``: it is the standing ledger of all divisions, and something is on
            record here.
        RequestError: ``malformed``: there is such a ledger.
    """
    if ledger_id == standing_ledger(""):
        # a program that adopts meanwhile waits, and finds in the history that it was done
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        if connection.execute(_SOMETHING).fetchone() != (False,):
            raise Refusal(
                Code.INVALID_STATE,
                f"something is on record here: {ledger_text(ledger_id)} is imported before any "
                "other ledger, into a new database on which `guoku db init` alone has run",
            )
    restoring.begin_ledger(connection, ledger_id, at)


def write_tables(connection: psycopg.Connection, ledger_id: int) -> None:
    """Writes the rows that show the objects of a standing ledger; of others there are none."""
    if not is_standing(ledger_id):
        return
    for kind in all_shown():
        found = folded_objects(connection, ledger_id, (kind,))
        restoring.write_tables(connection, ledger_id, kind, [each.obj for each in found])
