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
from datetime import timedelta
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
from ledger.writing.clocks import Clock
from ledger.writing.committer import Committer, PendingRequest, Resources
from ledger.writing.conditions import Conditions, HistoryFault, never_cut
from ledger.writing.loop_committer import LoopCommitter, Unfinished
from ledger.writing.queue import Queue
from ledger.writing.standing import StandingReader
from ledger.writing.writer_process import WriterProcesses

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
        clock_tolerance: by how much that may differ from the database server's clock before nothing
            is committed; None for a clock that is not the host's, with which a history is played.
        history_fault: what is known of a lost tail.
        workers: how many ledgers may commit at the same time.
        standing: reads what decisions know of standing ledgers.
        writer_conninfo: where writer processes log in, as the application role; "" for none.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        charts: Charts,
        codes: Callable[[], CodeSets],
        clock: Clock,
        *,
        workers: int = 2,
        writer_conninfo: str = "",
        codes_due: Callable[[], bool] = lambda: False,
        clock_tolerance: timedelta | None = None,
        history_fault: HistoryFault = never_cut,
        standing: StandingReader | None = None,
    ) -> None:
        self._charts = charts
        self._queues: dict[int, Queue] = {}
        self._queues_lock = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="sequencer")
        self._writer_processes = WriterProcesses(writer_conninfo) if writer_conninfo else None
        self.conditions = Conditions(clock, clock_tolerance, history_fault)
        self._resources = Resources(
            pool,
            self._writer_processes,
            codes,
            codes_due,
            self.conditions,
            self._committed,
            standing,
        )
        self._loop_committer: LoopCommitter | None = None
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
            queue.waiting.append(PendingRequest(group, future))
            queue.waiting_submissions += len(submissions)
            if queue.running:
                queue.changed.notify_all()
                return future
            queue.running = True
        if self._loop_committer is None or not self._loop_committer.takes(queue):
            self._to_worker(queue)
        return future

    def peek(
        self, ledger_id: int, kind: Kind[T], numbers: Iterable[str], position: int = 0
    ) -> dict[str, T]:
        """What the cache has of these objects; see :meth:`LedgerState.peek`."""
        queue = self._queues.get(ledger_id)
        return {} if queue is None else queue.state.peek(kind, numbers, position)

    def close(self) -> None:
        """Finishes what waits and stops the workers."""
        self._workers.shutdown(wait=True)
        if self._writer_processes is not None:
            self._writer_processes.close()

    def _queue(self, ledger_id: int) -> Queue:
        with self._queues_lock:
            queue = self._queues.get(ledger_id)
            if queue is None:
                queue = Queue(LedgerState(ledger_id, self._charts))
                self._queues[ledger_id] = queue
            return queue

    # ---- the loop committer

    def open_loop_committer(self) -> LoopCommitter:
        """From now on small batches are written on the running event loop's own thread."""
        self._loop_committer = LoopCommitter(self._resources, self._to_worker, self._to_finish)
        return self._loop_committer

    def close_loop_committer(self) -> None:
        """On the loop, before it ends: workers finish what is under way."""
        loop_committer, self._loop_committer = self._loop_committer, None
        if loop_committer is not None:
            loop_committer.close()

    def _hand_over(self, queue: Queue) -> bool:
        """Leaves a worker's queue to the loop committer, where it wants it."""
        loop_committer = self._loop_committer
        if loop_committer is None:
            return False
        if loop_committer.lacks_connection:
            self._equip(loop_committer)
        with suppress(RuntimeError):  # the loop has ended
            if loop_committer.wants(queue):
                loop_committer.loop.call_soon_threadsafe(loop_committer.offer, queue)
                return True
        return False

    def _equip(self, loop_committer: LoopCommitter) -> None:
        """Gives the loop committer a connection if one is to be had; else the next batch tries."""
        with suppress(PoolTimeout, psycopg.Error):
            connection = self._resources.pool.getconn(timeout=EQUIPPED_WITHIN_S)
            try:
                loop_committer.loop.call_soon_threadsafe(loop_committer.equip, connection)
            except RuntimeError:  # the loop has ended
                self._resources.pool.putconn(connection)

    def _to_finish(self, batch: Unfinished) -> None:
        self._workers.submit(self._finish, batch)

    def _finish(self, batch: Unfinished) -> None:
        """Finishes what the loop committer has begun, as a worker would have done it."""
        try:
            try:
                with batch.connection:
                    if batch.error is not None:
                        raise batch.error
                    waited(batch.connection, batch.steps)
            finally:
                self._resources.pool.putconn(batch.connection)
        except BaseException as error:  # noqa: BLE001 - dealt with there
            batch.committer.recover(batch.requests, error)
        batch.committer.close()
        if not self._hand_over(batch.queue):
            self._work(batch.queue)

    # ---- the workers

    def _to_worker(self, queue: Queue) -> None:
        self._workers.submit(self._work, queue)

    def _work(self, queue: Queue) -> None:
        committer = Committer(self._resources, queue.state)
        while (requests := queue.take(committer.under_way)) or committer.under_way:
            if requests:
                committer.commit(requests)
                if committer.under_way:
                    committer.under_way.add_done_callback(queue.wake)
                elif self._hand_over(queue):
                    break
            else:
                committer.settle()
        committer.close()

    def _committed(self, ledger_id: int, position: int) -> None:
        for listener in self._listeners:
            listener(ledger_id, position)
