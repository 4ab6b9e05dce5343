"""Statistics of read models that grow by bulks, kept true for the planner.

Without them it takes a table that was filled a second ago for an empty one: reads of the past were
seen to take seconds instead of milliseconds, until autovacuum came by.
"""

from collections.abc import Iterable
from threading import Lock

from psycopg import sql
from psycopg_pool import ConnectionPool

from projections.core.fold import Projection

EVENTS_MIN = 20_000


class Statistics:
    """Has the tables of some projections analysed when they have doubled, as far as it saw."""

    def __init__(
        self,
        pool: ConnectionPool,
        projections: Iterable[Projection],
        events_min: int = EVENTS_MIN,
    ) -> None:
        self._pool = pool
        names = dict.fromkeys(table.name for p in projections for table in p.tables)
        self._analyse = sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, names)))
        self._events, self._due = 0, events_min
        self._lock = Lock()

    def grown(self, events: int) -> None:
        """So many events were taken in.

        A server before Postgres 17 has only a warning for us and leaves it to autovacuum.
        """
        with self._lock:
            self._events += events
            if self._events < self._due:
                return
            self._due = 2 * self._events
        with self._pool.connection() as connection:
            connection.execute(self._analyse)
