"""Single commands: those that come in at the same moment go to the sequencer together.

The event loop reads all sockets that have something and starts their requests one after the other;
what they submit until it has come round goes as one group of independent commands. So dozens of
requests cost one queueing, one future and one wake-up, and each has its own outcome all the same.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from api.http.admission import Admission
from api.http.answers import Answers
from ledger.deciding.command import Outcome, Submission
from ledger.errors import Code, GuokuError
from ledger.writing.sequencer import Sequencer

Waiter = asyncio.Future[Outcome]


class Singles:
    """Submits single commands; used on the event loop only."""

    def __init__(
        self, sequencer: Sequencer, answers: Answers[list[Outcome]], admission: Admission
    ) -> None:
        self._sequencer = sequencer
        self._answers = answers
        self._admission = admission
        self._gathered: dict[int, tuple[list[Submission], list[Waiter]]] = {}

    def submit(self, ledger_id: int, submission: Submission) -> Waiter:
        """The command's outcome, to be awaited; whoever stops awaiting does not take it back.

        Raises:
            UnavailableError: ``busy``.
        """
        self._admission.hold_commands(ledger_id, 1)
        loop = asyncio.get_running_loop()
        gathered = self._gathered.get(ledger_id)
        if gathered is None:
            gathered = self._gathered[ledger_id] = ([], [])
            loop.call_soon(self._send_gathered, ledger_id)
        waiter: Waiter = loop.create_future()
        gathered[0].append(submission)
        gathered[1].append(waiter)
        return waiter

    def _send_gathered(self, ledger_id: int) -> None:
        self._send(ledger_id, *self._gathered.pop(ledger_id))

    def _send(
        self, ledger_id: int, submissions: Sequence[Submission], waiters: Sequence[Waiter]
    ) -> None:
        release = partial(self._admission.release_commands, ledger_id, len(submissions))
        try:
            future = self._sequencer.submit(ledger_id, submissions)
        except GuokuError as error:
            release()
            _refuse(waiters, error)
            return
        answered = self._answers.wait(future, release)
        answered.add_done_callback(partial(self._hand_out, ledger_id, submissions, waiters))

    def _hand_out(
        self,
        ledger_id: int,
        submissions: Sequence[Submission],
        waiters: Sequence[Waiter],
        answered: "asyncio.Future[list[Outcome]]",
    ) -> None:
        if answered.cancelled():
            return
        error = answered.exception()
        if error is None:
            for waiter, outcome in zip(waiters, answered.result(), strict=True):
                if not waiter.done():  # whoever asked may have gone
                    waiter.set_result(outcome)
        elif len(waiters) > 1 and _not_taken(error):
            # nothing was written: one command that the books cannot take must not fail the others
            for submission, waiter in zip(submissions, waiters, strict=True):
                self._send_alone(ledger_id, submission, waiter)
        else:
            _refuse(waiters, error)

    def _send_alone(self, ledger_id: int, submission: Submission, waiter: Waiter) -> None:
        try:
            self._admission.hold_commands(ledger_id, 1)
        except GuokuError as error:
            _refuse([waiter], error)
        else:
            self._send(ledger_id, [submission], [waiter])


def _not_taken(error: BaseException) -> bool:
    return isinstance(error, GuokuError) and error.code is Code.INTERNAL


def _refuse(waiters: Sequence[Waiter], error: BaseException) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(error)
