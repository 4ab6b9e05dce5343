"""The one write path: for a single payment and for a million.

Commands for a ledger queue up; a worker takes all that wait (group commit) and decides and writes
them in one transaction under the lock of the ledger's head. Nobody is answered before the commit
has returned. There is no second, faster way in.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import psycopg
import structlog
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from ledger.batch import Batch, Group
from ledger.books import Charts
from ledger.commands import Outcome, Submission
from ledger.elements import CodeSets
from ledger.errors import AccessError, Code, GuokuError, UnavailableError
from ledger.integrity.chain import genesis, microseconds
from ledger.opening import OpenLedger
from ledger.state import LedgerState
from ledger.store import loading
from ledger.store.append import OwnHand
from ledger.store.scribe import Scribes
from ledger.streams import Kind

T = TypeVar("T")

log = structlog.get_logger(__name__)

BATCH_SUBMISSIONS_MAX = 5_000
QUEUED_SUBMISSIONS_MAX = 50_000
SCRIBED_SUBMISSIONS_MIN = 1_000  # below, telling another process costs more than it saves

Clock = Callable[[], datetime]


_Waiting = tuple[Group, Future[list[Outcome]]]


class _Queue:
    """What waits for one ledger, and the ledger's state between batches."""

    def __init__(self, state: LedgerState) -> None:
        self.state = state
        self.lock = threading.Lock()
        self.waiting: deque[_Waiting] = deque()
        self.waiting_submissions = 0
        self.running = False

    def take(self) -> list[_Waiting]:
        """All that waits, up to a batch; an empty list ends the worker's turn."""
        with self.lock:
            taken: list[_Waiting] = []
            size = 0
            while self.waiting and (size < BATCH_SUBMISSIONS_MAX or not taken):
                group, future = self.waiting.popleft()
                size += len(group.submissions)
                if future.set_running_or_notify_cancel():  # from here on nobody can cancel it
                    taken.append((group, future))
            self.waiting_submissions -= size
            self.running = bool(taken)
            return taken


class Sequencer:
    """Takes submissions for any ledger and answers them after their commit.

    Args:
        pool: connections as the application role.
        charts: charts of accounts and posting rules.
        codes: gives the code sets in force; asked once a batch.
        clock: the time at which the ledger learns a thing (aware datetime).
        workers: how many ledgers may commit at the same time.
        scribe_conninfo: where scribes log in, as the application role; "" for none.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        charts: Charts,
        codes: Callable[[], CodeSets],
        clock: Clock,
        *,
        workers: int = 2,
        scribe_conninfo: str = "",
    ) -> None:
        self._pool = pool
        self._charts = charts
        self._codes = codes
        self._clock = clock
        self._queues: dict[int, _Queue] = {}
        self._queues_lock = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="sequencer")
        self._scribes = Scribes(scribe_conninfo) if scribe_conninfo else None
        self._listeners: list[Callable[[int, int], None]] = []

    def on_commit(self, listener: Callable[[int, int], None]) -> None:
        """Calls ``listener(ledger_id, position)`` after each commit, from the worker's thread."""
        self._listeners.append(listener)

    def submit(
        self, ledger_id: int, submissions: Sequence[Submission], *, atomic: bool = False
    ) -> Future[list[Outcome]]:
        """Queues submissions; the future gives one outcome each, in their order, after the commit.

        Raises:
            UnavailableError: ``busy`` when more wait than can soon be written.
        """
        queue = self._queue(ledger_id)
        future: Future[list[Outcome]] = Future()
        if not submissions:
            future.set_result([])
            return future
        group = Group(submissions=submissions, atomic=atomic)
        with queue.lock:
            if queue.waiting_submissions >= QUEUED_SUBMISSIONS_MAX:
                raise UnavailableError(Code.BUSY, "too many commands wait for this ledger")
            queue.waiting.append((group, future))
            queue.waiting_submissions += len(submissions)
            if not queue.running:
                queue.running = True
                self._workers.submit(self._work, queue)
        return future

    def glance(
        self, ledger_id: int, kind: Kind[T], numbers: Iterable[str], position: int = 0
    ) -> dict[str, T]:
        """What the cache has of these objects; see :meth:`LedgerState.glance`."""
        queue = self._queues.get(ledger_id)
        return {} if queue is None else queue.state.glance(kind, numbers, position)

    def close(self) -> None:
        """Finishes what waits and stops the workers."""
        self._workers.shutdown(wait=True)
        if self._scribes is not None:
            self._scribes.close()

    def _queue(self, ledger_id: int) -> _Queue:
        with self._queues_lock:
            queue = self._queues.get(ledger_id)
            if queue is None:
                queue = _Queue(LedgerState(ledger_id, self._charts))
                self._queues[ledger_id] = queue
            return queue

    def _work(self, queue: _Queue) -> None:
        while taken := queue.take():
            try:
                self._commit(queue.state, [group for group, _ in taken])
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                # nothing was written; one group that the database will not have must not
                # take the others down with it
                queue.state.forget()
                self._commit_singly(queue.state, taken, error)
            except BaseException as error:
                queue.state.forget()
                log.exception("a batch failed", ledger_id=queue.state.ledger_id)
                for _, future in taken:
                    future.set_exception(_unknown_outcome(error))
            else:
                for group, future in taken:
                    future.set_result(group.outcomes)
            for listener in self._listeners:
                listener(queue.state.ledger_id, queue.state.position)

    def _commit_singly(self, state: LedgerState, taken: list[_Waiting], error: Exception) -> None:
        log.warning("a batch is retried singly", ledger_id=state.ledger_id, error=repr(error))
        for group, future in taken:
            try:
                self._commit(state, [group])
            except BaseException as reason:
                state.forget()
                log.exception("a group failed", ledger_id=state.ledger_id)
                future.set_exception(_unknown_outcome(reason))
            else:
                future.set_result(group.outcomes)

    def _commit(self, state: LedgerState, groups: list[Group]) -> None:
        size = sum(len(group.submissions) for group in groups)
        if size < SCRIBED_SUBMISSIONS_MIN or not self._commit_by_scribe(state, groups):
            self._commit_here(state, groups)
        state.trim()

    def _commit_by_scribe(self, state: LedgerState, groups: list[Group]) -> bool:
        """Decides here what another process writes; False where there is none, or no ledger."""
        if self._scribes is None:
            return False
        with (
            self._pool.connection() as connection,
            self._scribes.begun(state.ledger_id) as (scribe, head),
        ):
            if head is None:
                return False
            loading.follow(connection, state, head)
            self._begin(state)
            Batch(state, groups).run(connection, scribe)
        return True

    def _commit_here(self, state: LedgerState, groups: list[Group]) -> None:
        batch = Batch(state, groups)
        numbers = batch.look_up()
        with self._pool.connection() as connection:
            head, keys = loading.lock_and_read_keys(connection, state.ledger_id, numbers)
            if head is None:
                self._commit_opening(connection, state, groups)
                return
            forgotten = loading.follow(connection, state, head)
            self._begin(state)
            hand = OwnHand(connection, commits=True)
            batch.run(connection, hand, None if forgotten else keys)

    def _commit_opening(
        self, connection: psycopg.Connection, state: LedgerState, groups: list[Group]
    ) -> None:
        if self._open(connection, state, groups):
            self._begin(state)
            Batch(state, groups).run(connection, OwnHand(connection))
            if not _opened(groups[0]):
                state.forget()
                connection.rollback()  # nothing opened the ledger after all

    def _begin(self, state: LedgerState) -> None:
        state.begin(microseconds(self._clock()))
        state.codes = self._codes()

    def _open(
        self, connection: psycopg.Connection, state: LedgerState, groups: list[Group]
    ) -> bool:
        """Makes the head of a new ledger if one of the commands opens it; that one goes first."""
        groups.sort(key=lambda group: not _opens(group))
        if not _opens(groups[0]):
            for group in groups:
                problem = AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
                group.outcomes = [Outcome(problem=problem) for _ in group.submissions]
            return False
        connection.execute(
            "INSERT INTO ledgers (ledger_id, chain, recorded_at, settings)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (state.ledger_id, genesis(state.ledger_id), self._clock(), Jsonb({})),
        )
        return loading.lock_head(connection, state)


def _opens(group: Group) -> bool:
    return any(isinstance(s.command, OpenLedger) and not s.dry_run for s in group.submissions)


def _opened(group: Group) -> bool:
    """Whether the group's opening became the ledger's first event."""
    return any(
        isinstance(s.command, OpenLedger) and outcome.first_position == 1 and not outcome.problem
        for s, outcome in zip(group.submissions, group.outcomes, strict=True)
    )


def _unknown_outcome(error: BaseException) -> GuokuError:
    if isinstance(error, GuokuError):
        return error
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return GuokuError(Code.INTERNAL, "the books did not take the command")
    return UnavailableError(
        Code.UNAVAILABLE,
        "the books could not be reached; whether the command was accepted is not known: "
        "repeat it with the same number",
    )
