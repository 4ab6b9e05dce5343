"""Waiting for what another thread or process brings about, without a bet on who is faster.

A test that has to act at one point of a program holds the program there: by a lock that it waits
for (``lock_waiters``), a pipe that it reads from, or a signal that stops it. Where it cannot be
held, the test judges every outcome. The one bound here is for what never comes.
"""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

import psycopg

# no correct run takes as long, however slow its machine and whatever else works there
HANG_S = 300.0
POLL_S = 0.02

T = TypeVar("T")


def wait_until(holds: Callable[[], T], what: str = "what it waits for") -> T:
    """Waits until ``holds()`` is true, and gives that.

    Raises:
        AssertionError: it did not come to pass in ``HANG_S``.
    """
    deadline = monotonic() + HANG_S
    while not (found := holds()):
        assert monotonic() < deadline, f"waited in vain for {what}"
        sleep(POLL_S)
    return found


def lock_waiters(connection: psycopg.Connection, application_name: str = "%") -> list[int]:
    """The backends of this database that wait for a lock; ``application_name`` is a LIKE pattern.

    ``connection`` is in autocommit: within a transaction the server shows what it showed first.
    """
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND application_name LIKE %s",
        (application_name,),
    )
    return [pid for (pid,) in rows]


def wait_for_end_of_sessions(owner_conninfo: str, application_name: str) -> None:
    """Waits until the server has noticed that a killed process is gone: only then has it undone
    what that was about, and given its locks back."""
    with psycopg.connect(owner_conninfo, autocommit=True) as connection:

        def ended() -> bool:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = %s",
                (application_name,),
            ).fetchone()
            return row == (0,)

        wait_until(ended, f"the end of the sessions of {application_name!r}")
