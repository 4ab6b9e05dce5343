"""Reads run in threads, beside the event loop and never in the way of the write path."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
from psycopg import Connection
from psycopg_pool import ConnectionPool

T = TypeVar("T")

CONNECTIONS_LEFT = 5  # for the sequencer and its loop committer, the projector and the dispatcher


class ReadThreads:
    """Threads for reading, fewer than the pool has connections."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._threads = anyio.CapacityLimiter(max(2, pool.max_size - CONNECTIONS_LEFT))

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """What ``function`` gives, run in one of a bounded number of threads."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._threads)

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What ``function`` reads through a pooled connection, in a thread."""

        def read() -> T:
            with self._pool.connection() as connection:
                return function(connection)

        return await self.in_thread(read)


class SharedAnswer(Generic[T]):
    """One answer for all who ask while it is being found, so that asking often costs no more.

    Whoever stops waiting for it leaves it to the others.
    """

    def __init__(self, reads: ReadThreads) -> None:
        self._reads = reads
        self._under_way: asyncio.Task[T] | None = None

    async def get(self, find: Callable[[], T]) -> T:
        """What ``find`` gives, in a thread, or what another one's does that is under way."""
        if self._under_way is None or self._under_way.done():
            loop = asyncio.get_running_loop()
            self._under_way = loop.create_task(self._reads.in_thread(find))
        return await asyncio.shield(self._under_way)
