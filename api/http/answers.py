"""From the committing threads to the event loop: one wake-up for all that a commit answers.

To wake a loop from another thread costs two system calls and a change of thread. A commit answers
dozens of requests at once, so what it answers is laid down, and the loop is woken once to fetch it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class Answers(Generic[T]):
    """Waits for futures of other threads on one event loop."""

    def __init__(self) -> None:
        self._laid_down: deque[tuple[asyncio.Future[T], Future[T], Callable[[], None]]] = deque()
        self._woken = False

    def wait(self, future: Future[T], done: Callable[[], None]) -> asyncio.Future[T]:
        """What ``future`` gives, to be awaited on the running loop.

        Whoever stops awaiting does not cancel ``future``: what was taken in is committed.

        Args:
            done: called on the loop when ``future`` is done, awaited or not.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(partial(self._lay_down, loop, waiter, done))
        return waiter

    def _lay_down(
        self,
        loop: asyncio.AbstractEventLoop,
        waiter: asyncio.Future[T],
        done: Callable[[], None],
        future: Future[T],
    ) -> None:
        """In the thread that has committed. The entry is there before the flag is looked at, and
        the loop clears the flag before it looks for entries: so none is left lying."""
        self._laid_down.append((waiter, future, done))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._woken = False
        while self._laid_down:
            waiter, future, done = self._laid_down.popleft()
            done()
            if waiter.done():  # whoever asked has gone
                continue
            if (error := future.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(future.result())
