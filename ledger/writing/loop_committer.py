"""The loop committer: small batches, decided and committed on the thread of an event loop.

Who serves single commands by the hundred spends as much on handing them to another thread, and on
getting the interpreter back from it, as on deciding them. Here they stay on one thread:
while the database writes one batch, the loop reads what will be the next. Nothing here waits but
for the connection's socket; what would wait otherwise goes to a worker, the batch half done as it
is. What is done, and in which order, is the same there and here
(``ledger.writing.committer``).
"""

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import NamedTuple

import psycopg

from ledger.postgres.round_trip import Awaits, IoSteps
from ledger.writing.committer import Committer, Requests, Resources
from ledger.writing.queue import Queue

LOOP_SUBMISSIONS_MAX = 128  # what is decided in one go; the loop does nothing else meanwhile


class Unfinished(NamedTuple):
    """A batch that a worker is to finish: its steps, or the error that has ended them."""

    queue: Queue
    committer: Committer
    requests: Requests
    connection: psycopg.Connection
    steps: IoSteps[None]
    error: BaseException | None


class LoopCommitter:
    """Used on the loop's thread only, but for what says otherwise.

    Args:
        to_worker: has a worker go on with a queue.
        finish: has a worker finish a batch, and go on with its queue.
    """

    def __init__(
        self,
        resources: Resources,
        to_worker: Callable[[Queue], None],
        finish: Callable[[Unfinished], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._resources = resources
        self._to_worker = to_worker
        self._finish = finish
        self._connection: psycopg.Connection | None = None
        self._fd = -1
        self._queue: Queue | None = None
        self._committer: Committer
        self._requests: Requests = ()
        self._steps: IoSteps[None] | None = None
        self._awaits_room = False
        self._closed = False

    @property
    def lacks_connection(self) -> bool:
        """Whether a worker should give it one; by any thread, for a guess."""
        return self._connection is None and not self._closed

    def wants(self, queue: Queue) -> bool:
        """Whether it is free for what waits in the queue; by any thread, for a guess."""
        return self._is_free() and 0 < queue.waiting_submissions <= LOOP_SUBMISSIONS_MAX

    def takes(self, queue: Queue) -> bool:
        """Takes the queue on, if the caller is on the loop's thread, and this is free for it.

        Whoever calls has marked the queue as running.
        """
        if get_ident() != self._thread or not self.wants(queue):
            return False
        self._begin(queue)
        return True

    def offer(self, queue: Queue) -> None:
        """A worker hands its queue over."""
        if not self.takes(queue):
            self._to_worker(queue)

    def equip(self, connection: psycopg.Connection) -> None:
        """A worker gives the loop committer the connection that it lacks."""
        if not self.lacks_connection:  # any more
            self._resources.pool.putconn(connection)
            return
        self._connection, self._fd = connection, connection.fileno()
        self.loop.add_reader(self._fd, self._readable)

    def close(self) -> None:
        """Takes nothing more; what is under way is finished by a worker."""
        self._closed = True
        if self._steps is not None:
            self._pass_on(None)
        elif self._connection is not None:
            self._resources.pool.putconn(self._let_go())

    def _is_free(self) -> bool:
        return self._queue is None and self._connection is not None

    def _begin(self, queue: Queue) -> None:
        self._queue, self._committer = queue, Committer(self._resources, queue.state)
        self._take()

    def _take(self) -> None:
        """Begins the next batch, or leaves the queue to whom it is for."""
        self._steps = None
        queue, connection = self._queue, self._connection
        assert queue is not None
        assert connection is not None
        if queue.waiting_submissions > LOOP_SUBMISSIONS_MAX:
            self._queue = None
            self._to_worker(queue)
            return
        self._requests = queue.take(None)
        if not self._requests:
            self._queue = None
            return
        self._steps = self._committer.write(self._requests, connection)
        self._step()

    def _step(self) -> None:
        assert self._steps is not None
        try:
            awaited = next(self._steps)
        except StopIteration:
            self._take()
        except BaseException as error:  # noqa: BLE001 - a worker deals with it
            self._pass_on(error)
        else:
            if awaited is Awaits.MORE:
                self._pass_on(None)
            elif (awaited is Awaits.ROOM) != self._awaits_room:
                self._await_room(awaited is Awaits.ROOM)

    def _await_room(self, awaited: bool) -> None:
        """Whether the connection's socket is full."""
        self._awaits_room = awaited
        if awaited:
            self.loop.add_writer(self._fd, self._step)
        else:
            self.loop.remove_writer(self._fd)

    def _readable(self) -> None:
        if self._steps is not None:
            self._step()
        elif self._connection is not None:  # nobody has asked: the server says good-bye
            connection = self._let_go()
            connection.close()  # so that the pool replaces it
            self._resources.pool.putconn(connection)

    def _pass_on(self, error: BaseException | None) -> None:
        queue, steps, connection = self._queue, self._steps, self._let_go()
        assert queue is not None
        assert steps is not None
        self._queue = self._steps = None
        self._finish(Unfinished(queue, self._committer, self._requests, connection, steps, error))

    def _let_go(self) -> psycopg.Connection:
        """The connection, which is no longer the loop committer's."""
        connection, self._connection = self._connection, None
        assert connection is not None
        if self._awaits_room:
            self._await_room(False)
        self.loop.remove_reader(self._fd)
        return connection
