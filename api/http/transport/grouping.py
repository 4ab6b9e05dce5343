"""Single commands are grouped once: those that come in at the same moment go in together.

The event loop reads all sockets that have something and starts their requests one after the other;
what they submit until it has come round goes to the sequencer as one group of independent commands.
So dozens of requests cost one queueing and one wake-up, each has one future of its own, and its own
outcome all the same.
"""

import asyncio
from concurrent.futures import Future
from typing import NamedTuple

from api.http.transport.capacity import Capacity
from api.http.transport.wake_up import WakeUp
from ledger.deciding.command import Outcome, Submission
from ledger.errors import Code, GuokuError
from ledger.writing.sequencer import Sequencer

Waiter = asyncio.Future[Outcome]


class _Gathered(NamedTuple):
    """The commands of one moment for one ledger, and who waits for each."""

    ledger_id: int
    submissions: list[Submission]
    waiters: list[Waiter]


class Grouping:
    """Submits single commands; used on the event loop only."""

    def __init__(
        self, sequencer: Sequencer, wake_up: WakeUp[list[Outcome]], capacity: Capacity
    ) -> None:
        self._sequencer = sequencer
        self._wake_up = wake_up
        self._capacity = capacity
        self._gathered: dict[int, _Gathered] = {}

    def submit(self, ledger_id: int, submission: Submission) -> Waiter:
        """The command's outcome, to be awaited; whoever stops awaiting does not take it back.

        Raises:
            UnavailableError: ``busy``.
        """
        self._capacity.hold_commands(ledger_id, 1)
        loop = asyncio.get_running_loop()
        gathered = self._gathered.get(ledger_id)
        if gathered is None:
            gathered = self._gathered[ledger_id] = _Gathered(ledger_id, [], [])
            loop.call_soon(self._send_gathered, ledger_id)
        waiter: Waiter = loop.create_future()
        gathered.submissions.append(submission)
        gathered.waiters.append(waiter)
        return waiter

    def _send_gathered(self, ledger_id: int) -> None:
        self._send(self._gathered.pop(ledger_id))

    def _send(self, gathered: _Gathered) -> None:
        try:
            future = self._sequencer.submit(gathered.ledger_id, gathered.submissions)
        except GuokuError as error:
            self._refuse(gathered, error)
        else:
            self._wake_up.when_done(future, lambda given: self._hand_out(gathered, given))

    def _hand_out(self, gathered: _Gathered, given: Future[list[Outcome]]) -> None:
        error = given.exception()
        if error is not None:
            self._take_apart(gathered, error)
            return
        self._release(gathered)
        for waiter, outcome in zip(gathered.waiters, given.result(), strict=True):
            if not waiter.done():  # whoever asked may have gone
                waiter.set_result(outcome)

    def _take_apart(self, gathered: _Gathered, error: BaseException) -> None:
        """Nothing was written: one command that the books cannot take must not fail the others."""
        if len(gathered.waiters) == 1 or not _not_taken(error):
            self._refuse(gathered, error)
            return
        for submission, waiter in zip(gathered.submissions, gathered.waiters, strict=True):
            self._send(_Gathered(gathered.ledger_id, [submission], [waiter]))

    def _refuse(self, gathered: _Gathered, error: BaseException) -> None:
        self._release(gathered)
        for waiter in gathered.waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def _release(self, gathered: _Gathered) -> None:
        self._capacity.release_commands(gathered.ledger_id, len(gathered.waiters))


def _not_taken(error: BaseException) -> bool:
    return isinstance(error, GuokuError) and error.code is Code.INTERNAL
