"""Whether a dispatcher is the only one: then what a dead one had in hand need not wait.

A sender's lease is as long as its slowest message may take, so after a kill a whole parcel would
stand still for a minute. Each running dispatcher holds a session's advisory lock together with all
others; whoever starts and can have it for himself knows that nobody else is sending. The lock ends
with its process, however that ends.
"""

import psycopg
from psycopg_pool import ConnectionPool

from payments.delivery.leases import end_leases
from payments.delivery.outages import let_go_of_the_forgotten

_LOCK = int.from_bytes(b"dispatch")


class Presence:
    """A dispatcher's share in the lock, on a connection of its own."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._connection: psycopg.Connection | None = None

    def enter(self) -> None:
        """Takes part, if it does not yet; the first one ends the leases that others have left.

        Raises:
            psycopg.Error: the database cannot be reached.
        """
        if self._connection is not None:
            return
        connection = self._pool.getconn()
        try:
            connection.autocommit = True
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
            if alone := row == (True,):
                end_leases(connection)
                let_go_of_the_forgotten(connection)
            connection.execute("SELECT pg_advisory_lock_shared(%s)", (_LOCK,))
            if alone:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        except BaseException:
            self._give_back(connection)
            raise
        self._connection = connection

    def leave(self) -> None:
        """Takes part no longer."""
        if self._connection is not None:
            self._give_back(self._connection)
            self._connection = None

    def _give_back(self, connection: psycopg.Connection) -> None:
        connection.close()  # the session's end is the lock's
        self._pool.putconn(connection)
