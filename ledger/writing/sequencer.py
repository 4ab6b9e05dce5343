"""The one write path: for a single payment and for a million.

Commands for a ledger queue up; a worker takes all that wait (group commit) and decides and writes
them in one transaction under the lock of the ledger's head. Where few wait and an event loop asks,
the loop's own thread does the same (``ledger.writing.loop_committer``). Nobody is answered before
the commit has returned. There is no second, faster way in.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.books import Charts
from ledger.deciding.command import Outcome, Submission
from ledger.deciding.objects import Kind
from ledger.deciding.state import LedgerState
from ledger.elements.code_sets import CodeSets
from ledger.errors import Code, UnavailableError
from ledger.postgres.round_trip import waited
from ledger.writing.batch import Group
from ledger.writing.committer import Clock, Office, Turn, Waiting
from ledger.writing.loop_committer import Desk, Unfinished
from ledger.writing.queue import Queue
from ledger.writing.writer_process import Scribes

T = TypeVar("T")

QUEUED_SUBMISSIONS_MAX = 50_000
EQUIPPED_WITHIN_S = 0.1


class Sequencer:
    """Takes submissions for any ledger and answers them after their commit.

    Args:
        pool: connections as the application role.
        charts: charts of accounts and posting rules.
        codes: gives the code sets in force; asked once a batch.
        codes_due: whether ``codes`` may have to ask the database for them.
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
        codes_due: Callable[[], bool] = lambda: False,
    ) -> None:
        self._charts = charts
        self._queues: dict[int, Queue] = {}
        self._queues_lock = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="sequencer")
        self._scribes = Scribes(scribe_conninfo) if scribe_conninfo else None
        self._office = Office(pool, self._scribes, codes, codes_due, clock, self._committed)
        self._desk: Desk | None = None
        self._listeners: list[Callable[[int, int], None]] = []

    def on_commit(self, listener: Callable[[int, int], None]) -> None:
        """Calls ``listener(ledger_id, position)`` after each commit, in the thread that has
        committed; that may be an event loop's, so it must not wait for anything."""
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
                return future
            queue.running = True
        if self._desk is None or not self._desk.takes(queue):
            self._to_worker(queue)
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

    def _queue(self, ledger_id: int) -> Queue:
        with self._queues_lock:
            queue = self._queues.get(ledger_id)
            if queue is None:
                queue = Queue(LedgerState(ledger_id, self._charts))
                self._queues[ledger_id] = queue
            return queue

    # ---- the desk

    def open_desk(self) -> Desk:
        """From now on small batches are written on the running event loop's own thread."""
        self._desk = Desk(self._office, self._to_worker, self._to_finish)
        return self._desk

    def close_desk(self) -> None:
        """On the loop, before it ends: workers finish what is under way."""
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.close()

    def _hand_over(self, queue: Queue) -> bool:
        """Leaves a worker's queue to the desk, where it wants it."""
        desk = self._desk
        if desk is None:
            return False
        if desk.lacks_connection:
            self._equip(desk)
        with suppress(RuntimeError):  # the loop has ended
            if desk.wants(queue):
                desk.loop.call_soon_threadsafe(desk.offer, queue)
                return True
        return False

    def _equip(self, desk: Desk) -> None:
        """Gives the desk a connection, if one is to be had; else the next batch tries it again."""
        with suppress(PoolTimeout, psycopg.Error):
            connection = self._office.pool.getconn(timeout=EQUIPPED_WITHIN_S)
            try:
                desk.loop.call_soon_threadsafe(desk.equip, connection)
            except RuntimeError:  # the loop has ended
                self._office.pool.putconn(connection)

    def _to_finish(self, batch: Unfinished) -> None:
        self._workers.submit(self._finish, batch)

    def _finish(self, batch: Unfinished) -> None:
        """Finishes what the desk has begun, as a worker would have done it."""
        try:
            try:
                with batch.connection:
                    if batch.error is not None:
                        raise batch.error
                    waited(batch.connection, batch.steps)
            finally:
                self._office.pool.putconn(batch.connection)
        except BaseException as error:  # noqa: BLE001 - dealt with there
            batch.turn.recover(batch.taken, error)
        batch.turn.close()
        if not self._hand_over(batch.queue):
            self._work(batch.queue)

    # ---- the workers

    def _to_worker(self, queue: Queue) -> None:
        self._workers.submit(self._work, queue)

    def _work(self, queue: Queue) -> None:
        turn = Turn(self._office, queue.state)
        while (taken := queue.take(turn.under_way)) or turn.under_way:
            if taken:
                turn.commit(taken)
                if turn.under_way:
                    turn.under_way.add_done_callback(queue.wake)
                elif self._hand_over(queue):
                    break
            else:
                turn.settle()
        turn.close()

    def _committed(self, ledger_id: int, position: int) -> None:
        for listener in self._listeners:
            listener(ledger_id, position)
