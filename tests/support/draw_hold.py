"""Holding a disbursement run just before the database takes a given voucher."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from payments.disbursement.events import DisbursementDrawn
from tests.support.waiting import wait_until

SPACE = 201  # of the locks of this module; the program's own are of the other kind, of one number

# The voucher's serial is its lock: whoever draws one that nobody holds goes through at once.
TRIGGER = f"""
CREATE OR REPLACE FUNCTION wait_for_voucher() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(
        {SPACE}, (convert_from(NEW.payload, 'UTF8')::json ->> 'voucher_serial')::integer);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER wait_for_voucher BEFORE INSERT ON events FOR EACH ROW
WHEN (NEW.type = '{DisbursementDrawn.TYPE}') EXECUTE FUNCTION wait_for_voucher();
"""


class DrawHold:
    """One voucher that no run can draw for the time being."""

    def __init__(self, connection: psycopg.Connection, voucher: int) -> None:
        self._connection = connection
        self._voucher = voucher

    def _waiting_sessions(self) -> list[int]:
        rows = self._connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = %s",
            (SPACE, self._voucher),
        )
        return [pid for (pid,) in rows]

    def wait_until_reached(self) -> None:
        """Until a run is about to draw the voucher; what it drew before is committed or in the
        same transaction."""
        wait_until(self._waiting_sessions, f"voucher {self._voucher} to be drawn")

    def end_session(self) -> None:
        """Ends the session that waits for the voucher, and with it its transaction."""
        for pid in self._waiting_sessions():
            self._connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        wait_until(lambda: not self._waiting_sessions(), "the end of the session that draws")


@contextmanager
def draw_held(owner_conninfo: str, voucher: int) -> Iterator[DrawHold]:
    """Whoever draws this voucher of a run waits for the end of the block."""
    with psycopg.connect(owner_conninfo, autocommit=True) as connection:
        connection.execute(TRIGGER.encode())
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (SPACE, voucher))
        yield DrawHold(connection, voucher)
