"""The one write path: for a single payment and for a million.

Commands for a ledger queue up; a worker takes all that wait (group commit) and decides and writes
them in one transaction under the lock of the ledger's head. Nobody is answered before the commit
has returned. There is no second, faster way in.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from psycopg_pool import ConnectionPool

from ledger.batch import Group
from ledger.books import Charts
from ledger.commands import Outcome, Submission
from ledger.elements import CodeSets
from ledger.errors import Code, UnavailableError
from ledger.state import LedgerState
from ledger.store.scribe import Scribes
from ledger.streams import Kind
from ledger.turn import Clock, Office, Turn, Waiting

T = TypeVar("T")

BATCH_SUBMISSIONS_MAX = 5_000
QUEUED_SUBMISSIONS_MAX = 50_000


class _Queue:
    """What waits for one ledger, and the ledger's state between batches."""

    def __init__(self, state: LedgerState) -> None:
        self.state = state
        self.changed = threading.Condition()
        self.waiting: deque[Waiting] = deque()
        self.waiting_submissions = 0
        self.running = False

    def take(self, under_way: Future[Any] | None) -> list[Waiting]:
        """All that waits, up to a batch; nothing when what is under way has ended before.

        Where nothing waits and nothing is under way, the worker's turn is over.
        """
        with self.changed:
            while not self.waiting and under_way is not None and not under_way.done():
                self.changed.wait()
            taken: list[Waiting] = []
            size = 0
            while self.waiting and (size < BATCH_SUBMISSIONS_MAX or not taken):
                waiting = self.waiting.popleft()
                size += len(waiting.group.submissions)
                if waiting.answer.set_running_or_notify_cancel():  # now nobody can cancel it
                    taken.append(waiting)
            self.waiting_submissions -= size
            self.running = bool(taken) or under_way is not None
            return taken

    def wake(self, _: object) -> None:
        """What was under way has ended."""
        with self.changed:
            self.changed.notify_all()


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
        self._charts = charts
        self._queues: dict[int, _Queue] = {}
        self._queues_lock = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="sequencer")
        self._scribes = Scribes(scribe_conninfo) if scribe_conninfo else None
        self._office = Office(pool, self._scribes, codes, clock, self._committed)
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
        with queue.changed:
            if queue.waiting_submissions >= QUEUED_SUBMISSIONS_MAX:
                raise UnavailableError(Code.BUSY, "too many commands wait for this ledger")
            queue.waiting.append(Waiting(group, future))
            queue.waiting_submissions += len(submissions)
            if queue.running:
                queue.changed.notify_all()
            else:
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
        turn = Turn(self._office, queue.state)
        while (taken := queue.take(turn.under_way)) or turn.under_way:
            if taken:
                turn.commit(taken)
                if turn.under_way:
                    turn.under_way.add_done_callback(queue.wake)
            else:
                turn.settle()
        turn.close()

    def _committed(self, ledger_id: int, position: int) -> None:
        for listener in self._listeners:
            listener(ledger_id, position)
