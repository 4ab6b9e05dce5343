"""Turns: where many come at one moment, a few of them begin before the event loop comes round.

What is begun holds the event loop. Where all who come are begun at once, whoever is served already
waits for the last of them; in turns he waits for a few. Nobody waits where few come, nothing waits
for a time, and each takes his turn among the others: who comes three hundred times is behind who
comes once. Used on the event loop only.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """Begins what comes; see the module.

    Args:
        at_once: how many begin before the event loop comes round.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._left = at_once
        self._comes_round = False
        self._waiting: dict[str, deque[Callable[[], bool]]] = {}  # whose turn is next stands first

    def may_begin(self, who: str, begin: Callable[[], bool]) -> bool:
        """Whether ``who`` begins now; else ``begin`` is called when his turn has come.

        Args:
            begin: gives False where there is nothing left to begin.
        """
        if not self._comes_round:
            self._comes_round = True
            asyncio.get_running_loop().call_soon(self._come_round)
        if self._left and not self._waiting:
            self._left -= 1
            return True
        self._waiting.setdefault(who, deque()).append(begin)
        return False

    async def wait(self, who: str) -> None:
        """Until it is the turn of ``who``."""
        turn = asyncio.get_running_loop().create_future()

        def begin() -> bool:
            if turn.done():  # whoever waited was cancelled
                return False
            turn.set_result(None)
            return True

        if not self.may_begin(who, begin):
            await turn

    def _come_round(self) -> None:
        self._left = self._at_once
        while self._left and self._waiting:
            who, his = next(iter(self._waiting.items()))
            del self._waiting[who]
            begin = his.popleft()
            if his:
                self._waiting[who] = his  # behind the others
            self._left -= begin()
        self._comes_round = self._left < self._at_once
        if self._comes_round:
            asyncio.get_running_loop().call_soon(self._come_round)
