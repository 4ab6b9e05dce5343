"""Whether a program that sends is the only one: then what a dead one had in hand need not wait.

A sender's lease is as long as its slowest message may take, so after a kill all that it had would
stand still for a minute. Each running program of one kind holds a session's advisory lock together
with all others; whoever starts and can have it for himself knows that nobody else is sending. The
lock ends with its process, however that ends.
"""

from collections.abc import Callable

import psycopg
from psycopg_pool import ConnectionPool


class Presence:
    """A program's share in the lock, on a connection of its own.

    Args:
        kind: eight letters, by which the lock is known.
        when_alone: what the first one does, such as ending the leases that others have left.
    """

    def __init__(
        self, pool: ConnectionPool, kind: bytes, when_alone: Callable[[psycopg.Connection], object]
    ) -> None:
        self._pool = pool
        self._lock = int.from_bytes(kind)
        self._when_alone = when_alone
        self._connection: psycopg.Connection | None = None

    def enter(self) -> None:
        """Takes part, if it does not yet.

        Raises:
            psycopg.Error: the database cannot be reached.
        """
        if self._connection is not None:
            return
        connection = self._pool.getconn()
        lock = (self._lock,)
        try:
            connection.autocommit = True
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", lock).fetchone()
            if alone := row == (True,):
                self._when_alone(connection)
            connection.execute("SELECT pg_advisory_lock_shared(%s)", lock)
            if alone:
                connection.execute("SELECT pg_advisory_unlock(%s)", lock)
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
