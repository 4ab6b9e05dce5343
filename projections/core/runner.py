"""The projector: follows every ledger and keeps the read models up to date.

One thread. It wakes at once for ledgers that this process has written to, and looks at all ledgers
every ``poll_ms`` for what others have written. A projection that cannot take an event in stops for
that ledger, is shown in the health, and is not moved again before it is mended and the runner
started anew; everything else goes on.
"""

import threading
from collections.abc import Iterable, Sequence
from itertools import groupby
from time import monotonic

import msgspec
import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.account_set import ledger_text
from ledger.errors import UnavailableError
from projections.core.advance import (
    BATCH_EVENTS,
    RowsPosition,
    RowsTarget,
    advance,
    lock_live,
    start_live,
)
from projections.core.facts import ProjectionError
from projections.core.fold import Projection
from projections.core.rebuild import rebuild, remove_abandoned
from projections.core.registry import declared
from projections.core.statistics import Statistics

log = structlog.get_logger(__name__)

SILENT_S_MAX = 60.0  # a pass is a few batches; a thread that says nothing for longer hangs

_BEHIND = """
SELECT l.ledger_id, l.position, n.name, p.generation, p.version, p.position
FROM division_ledgers l
CROSS JOIN unnest(%(names)s::text[], %(versions)s::integer[]) AS n (name, version)
LEFT JOIN proj_positions p ON p.ledger_id = l.ledger_id AND p.projection = n.name AND p.live
WHERE (%(ledgers)s::bigint[] IS NULL OR l.ledger_id = ANY(%(ledgers)s))
  AND (l.position > coalesce(p.position, 0) OR p.version <> n.version)
ORDER BY l.ledger_id, coalesce(p.position, 0)"""
_SEEN = """
SELECT count(*), min(position) FROM proj_positions
WHERE ledger_id = %s AND live AND projection = ANY(%s)"""


class StoppedProjection(msgspec.Struct, frozen=True):
    """A projection that stands still in one ledger, and why."""

    ledger_id: int
    projection: str
    generation: int
    position: int
    error: str


class ProjectorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the projector is.

    Attributes:
        running: whether its thread lives.
        silent_s: seconds since it last looked at the ledgers.
        lag: events that the slowest projection has still to see, of ledgers that are behind.
        stopped: projections that an error has stopped.
        error: why the last pass broke off, or "".
    """

    running: bool
    silent_s: float
    lag: dict[int, int]
    stopped: tuple[StoppedProjection, ...]
    error: str

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready; empty when it is."""
        found = [
            f"projection {s.projection} of {ledger_text(s.ledger_id)} stopped: {s.error}"
            for s in self.stopped
        ]
        if not self.running:
            found.append("the projector does not run")
        elif self.silent_s > SILENT_S_MAX:
            found.append(f"the projector has been silent for {self.silent_s:.0f} s")
        if self.error:
            found.append(f"the projector cannot work: {self.error}")
        return found


class _Behind(msgspec.Struct, frozen=True):
    """A projection that has not seen all of a ledger; ``place`` None before it saw any."""

    ledger_id: int
    head: int
    projection: str
    place: RowsPosition | None

    @property
    def position(self) -> int:
        return self.place.position if self.place else 0

    @property
    def generation(self) -> int:
        return self.place.generation if self.place else 0


PACE_S = 0.02
REST_FACTOR = 2.0  # after a pass it rests so many times as long as the pass took
REST_S_MAX = 8.0


class Runner:
    """Follows all ledgers with a set of projections.

    Args:
        pool: connections as the application role; one is used at a time, two in a rebuild.
        projections: what is kept up to date; all that are declared, unless told.
        poll_ms: longest time in which a commit of another process goes unnoticed.
        batch_events: events a transaction takes in, at least one commit.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        projections: Sequence[Projection] | None = None,
        *,
        poll_ms: int = 200,
        batch_events: int = BATCH_EVENTS,
    ) -> None:
        self._pool = pool
        followed = declared() if projections is None else projections
        self._projections = {projection.name: projection for projection in followed}
        self._statistics = Statistics(pool, self._projections.values())
        self._poll_s = poll_ms / 1000
        self._batch_events = batch_events
        self._wakeup = threading.Event()
        self._awaited = threading.Event()
        self._closing = threading.Event()
        self._moved = threading.Condition()
        self._woken: set[int] = set()
        self._awaited_ledgers: set[int] = set()
        self._polled_at = 0.0
        self._rested_at = 0.0
        self._looked_at = monotonic()
        self._lag: dict[int, int] = {}
        self._stopped: dict[tuple[int, str], StoppedProjection] = {}
        self._error = ""
        self._thread: threading.Thread | None = None

    # ---- life

    def start(self) -> None:
        """Starts the thread; once."""
        assert self._thread is None, "a runner is started once"
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finishes the batch in hand and ends the thread."""
        self._closing.set()
        self._wakeup.set()
        self._awaited.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self, ledger_id: int, position: int) -> None:
        """Says that a ledger has been written to; for ``Sequencer.on_commit``. Never blocks."""
        with self._moved:
            self._woken.add(ledger_id)
        self._wakeup.set()

    def hasten(self, ledger_id: int) -> None:
        """Says that somebody waits to read a ledger: it is moved at once. Never blocks."""
        with self._moved:
            self._awaited_ledgers.add(ledger_id)
        self._wakeup.set()
        self._awaited.set()

    # ---- asking

    def wait_for(self, ledger_id: int, position: int, timeout_s: float) -> bool:
        """Waits until every projection of the ledger has seen ``position``.

        Returns:
            False when they have not within ``timeout_s``.
        """
        deadline = monotonic() + timeout_s
        while not self._has_seen(ledger_id, position):
            self.hasten(ledger_id)
            left_s = deadline - monotonic()
            if left_s <= 0:
                return False
            with self._moved:  # another process may be the one that moves it: look again soon
                self._moved.wait(min(left_s, self._poll_s))
        return True

    def health(self) -> ProjectorHealth:
        with self._moved:
            return ProjectorHealth(
                running=self._thread is not None and self._thread.is_alive(),
                silent_s=monotonic() - self._looked_at,
                lag=dict(self._lag),
                stopped=tuple(self._stopped.values()),
                error=self._error,
            )

    def _has_seen(self, ledger_id: int, position: int) -> bool:
        names = list(self._projections)
        with self._pool.connection() as connection:
            row = connection.execute(_SEEN, (ledger_id, names)).fetchone()
        assert row is not None
        return bool(row[0] == len(names) and row[1] >= position)

    # ---- working

    def catch_up(self) -> int:
        """Works in the caller's thread until nothing is left; gives the events taken in."""
        total = 0
        while taken := self.run_once():
            total += taken
        return total

    def run_once(self, ledgers: Iterable[int] | None = None) -> int:
        """One batch of every ledger that is behind, or of ``ledgers``; gives the events taken in,
        counted once for every group of projections that stands together."""
        taken = 0
        behind = self._behind(ledgers)
        for ledger_id, of_ledger in groupby(behind, lambda b: b.ledger_id):
            for _, group in groupby(of_ledger, lambda b: b.position):
                if self._closing.is_set():
                    return taken
                taken += self._step(ledger_id, list(group))
        return taken

    def _run(self) -> None:
        swept = False
        while not self._closing.is_set():
            try:
                if not swept:
                    remove_abandoned(self._pool, list(self._projections.values()))
                    swept = True
                busy = self._pass()
                self._error = ""
            except (psycopg.OperationalError, PoolTimeout) as error:
                busy, self._error = False, str(error)  # the database is away: it may come back
                log.warning("the projector cannot work", error=self._error)
                self._closing.wait(self._poll_s)
            except Exception as error:
                busy, self._error = False, repr(error)
                log.exception("the projector failed")
                self._closing.wait(self._poll_s)
            if not busy:
                self._wakeup.wait(self._poll_s)
            # Commits of single payments follow one another every few milliseconds; a pass for
            # each would cost as much as the payments. And a payment that has meanwhile been
            # applied for, approved and signed is written once. Whoever waits is not kept.
            self._awaited.wait(max(PACE_S, self._rested_at - monotonic()))
            self._awaited.clear()
            self._wakeup.clear()

    def _pass(self) -> bool:
        """The ledgers that somebody waits for; all of them, or those that were woken, when the
        projector has rested."""
        began = monotonic()
        with self._moved:
            awaited, self._awaited_ledgers = self._awaited_ledgers, set()
        if awaited and began < self._rested_at:
            return self.run_once(awaited) > 0
        busy = self._full_pass(began)
        with self._moved:
            far_behind = any(lag >= self._batch_events for lag in self._lag.values())
        if not far_behind:
            rest_s = min(REST_S_MAX, REST_FACTOR * (monotonic() - began))
            self._rested_at = monotonic() + rest_s
        return busy

    def _full_pass(self, now: float) -> bool:
        with self._moved:
            woken, self._woken = self._woken, set()
        every = now - self._polled_at >= self._poll_s
        if every:
            self._polled_at = now
        elif not woken:
            return False
        taken = self.run_once(None if every else woken)
        if taken:  # there may be more of them: they are looked at again at once
            with self._moved:
                self._woken |= woken | self._lag.keys()
        return taken > 0

    def _behind(self, ledgers: Iterable[int] | None) -> list[_Behind]:
        asked = {
            "names": list(self._projections),
            "versions": [projection.version for projection in self._projections.values()],
            "ledgers": None if ledgers is None else list(ledgers),
        }
        with self._pool.connection() as connection:
            rows = connection.execute(_BEHIND, asked).fetchall()
        found = [
            _Behind(row[0], row[1], row[2], RowsPosition(row[2], *row[3:]) if row[3] else None)
            for row in rows
        ]
        lag: dict[int, int] = {}
        for b in found:
            lag[b.ledger_id] = max(lag.get(b.ledger_id, 0), b.head - b.position)
        with self._moved:
            self._looked_at = monotonic()
            if ledgers is None:
                self._lag = lag
                still = {(b.ledger_id, b.projection) for b in found}
                self._stopped = {key: s for key, s in self._stopped.items() if key in still}
            else:
                self._lag.update(lag)
        return [b for b in found if not self._stands_still(b)]

    def _stands_still(self, behind: _Behind) -> bool:
        """Whether these rows were stopped; rows that were built anew since then may go on."""
        stopped = self._stopped.get((behind.ledger_id, behind.projection))
        return stopped is not None and stopped.generation == behind.generation

    def _step(self, ledger_id: int, group: Sequence[_Behind]) -> int:
        """One batch for projections that stand at the same position; gives its events."""
        versions = {b.projection: self._projections[b.projection].version for b in group}
        if outdated := [b for b in group if b.place and b.place.version != versions[b.projection]]:
            return self._renew(ledger_id, outdated)
        after = group[0].position
        new = [self._projections[b.projection] for b in group if b.place is None]
        try:
            with self._pool.connection() as connection, connection.transaction():
                start_live(connection, ledger_id, new)
                live = lock_live(connection, ledger_id, [b.projection for b in group])
                targets = [
                    RowsTarget(self._projections[place.projection], place.generation)
                    for place in live.values()
                    if place.position == after  # another runner may have been here
                ]
                if not targets:
                    return 0
                last = advance(
                    connection,
                    ledger_id,
                    targets,
                    after,
                    upto=group[0].head,
                    events=self._batch_events,
                )
        except ProjectionError as error:
            self._stop([b for b in group if b.projection in error.names], str(error))
            return 1  # the others go on at once
        self._note(ledger_id, group[0].head - last)
        self._statistics.grown(last - after)
        return last - after

    def _renew(self, ledger_id: int, outdated: Sequence[_Behind]) -> int:
        """Rows that an older program wrote are built anew; readers keep the old ones meanwhile.

        Gives how many projections there is nothing more to do for, 0 to try again later.
        """
        older = []
        for b in outdated:
            projection = self._projections[b.projection]
            assert b.place is not None
            if b.place.version < projection.version:
                older.append(projection)
            else:
                self._stop([b], f"its rows are of a newer program (version {b.place.version})")
        if older:
            log.info("rebuilding", ledger=ledger_text(ledger_id), projections=len(older))
            try:
                rebuild(self._pool, ledger_id, older, progress=self._still_here)
            except ProjectionError as error:
                self._stop([b for b in outdated if b.projection in error.names], str(error))
            except UnavailableError:
                return 0  # another process is rebuilding this ledger
        return len(outdated)

    def _still_here(self, _name: str, _position: int, _upto: int) -> None:
        self._looked_at = monotonic()

    def _stop(self, behind: Sequence[_Behind], error: str) -> None:
        log.error("a projection stopped", error=error)
        with self._moved:
            for b in behind:
                self._stopped[b.ledger_id, b.projection] = StoppedProjection(
                    b.ledger_id, b.projection, b.generation, b.position, error
                )

    def _note(self, ledger_id: int, lag: int) -> None:
        with self._moved:
            if lag:
                self._lag[ledger_id] = lag
            elif not any(stopped == ledger_id for stopped, _ in self._stopped):
                self._lag.pop(ledger_id, None)
            self._moved.notify_all()
