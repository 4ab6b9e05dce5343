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
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Then = Callable[[Future[T]], None]


class WakeUp(Generic[T]):
    """Brings what futures of other threads give to one event loop."""

    def __init__(self) -> None:
        self._laid_down: deque[tuple[Future[T], Then[T]]] = deque()
        self._woken = False

    def when_done(self, future: Future[T], then: Then[T]) -> None:
        """Calls ``then(future)`` on the running loop once ``future`` is done."""
        loop = asyncio.get_running_loop()
        future.add_done_callback(partial(self._lay_down, loop, then))

    def wait(self, future: Future[T], done: Callable[[], None]) -> "asyncio.Future[T]":
        """What ``future`` gives, to be awaited on the running loop.

        Whoever stops awaiting does not cancel ``future``: what was taken in is committed.

        Args:
            done: called on the loop when ``future`` is done, awaited or not.
        """
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def then(given: Future[T]) -> None:
            done()
            settle(waiter, given.exception(), given.result)

        self.when_done(future, then)
        return waiter

    def _lay_down(self, loop: asyncio.AbstractEventLoop, then: Then[T], future: Future[T]) -> None:
        """In the thread that has committed. The entry is there before the flag is looked at, and
        the loop clears the flag before it looks for entries: so none is left lying."""
        self._laid_down.append((future, then))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._woken = False
        while self._laid_down:
            future, then = self._laid_down.popleft()
            then(future)


def settle(
    waiter: "asyncio.Future[Any]", error: BaseException | None, result: Callable[[], Any]
) -> None:
    """Gives a waiter its error or its result, unless whoever asked has gone."""
    if waiter.done():
        return
    if error is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(result())
