"""Acts without a number that are asked for again (``ledger.deciding.repeating``): of one batch.

Whether an act is there is known from its object, or, of the ledger itself, from the last event of
its operation. What was answered then is told when all of the batch is decided: out of the batch, or
from the history.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
import psycopg

from ledger.deciding.command import Command, CommandKey, Outcome, Submission
from ledger.deciding.objects import AnyKind
from ledger.deciding.repeating import COMMAND_EVENTS_MAX, goes_on, is_left_by, object_of
from ledger.deciding.state import LedgerState
from ledger.errors import Refusal
from ledger.events import Event
from ledger.reading import loading
from ledger.reading.loading import RangeRow
from ledger.writing.document_answers import Replay


class _Repetition(NamedTuple):
    """A command that was refused, and whose ``act`` on its object is there from an earlier time."""

    outcome: Outcome
    submission: Submission
    act: Event
    refusal: Refusal

    @property
    def command(self) -> Command:
        return self.submission.command


Refuse = Callable[[Submission, Refusal], object]
RepetitionsMark = tuple[int, int, int]


class Repetitions:
    """See the module."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self._accepted: list[tuple[Submission, Outcome]] = []
        self._waiting: list[_Repetition] = []
        self._told: list[tuple[Outcome, tuple[AnyKind, ...], int]] = []
        self._newest: dict[str, tuple[int, Event]] = {}  # of the ledger's own, by operation

    @property
    def asks(self) -> bool:
        """Whether something is to be read before all is told."""
        return bool(self._waiting) or bool(self._told)

    def mark(self) -> RepetitionsMark:
        return len(self._accepted), len(self._waiting), len(self._told)

    def back_to(self, mark: RepetitionsMark, *, forgets_asked: bool) -> None:
        del self._accepted[mark[0] :]
        if forgets_asked:
            del self._waiting[mark[1] :], self._told[mark[2] :]

    def read_newest(self, connection: psycopg.Connection, operations: Iterable[str]) -> None:
        """Learns who has last set what of the ledger itself; all before must be committed."""
        for operation in operations:
            newest = loading.read_newest_act(connection, self._state.ledger_id, operation)
            if newest is not None:
                self._newest[operation] = newest

    def note(self, submission: Submission, outcome: Outcome) -> None:
        """A command without a number was accepted."""
        self._accepted.append((submission, outcome))

    def add(self, submission: Submission, act: Event, refusal: Refusal) -> Outcome:
        """One whose act is there: its outcome, which is empty until :meth:`resolved`."""
        outcome = Outcome(replayed=True)
        self._waiting.append(_Repetition(outcome, submission, act, refusal))
        return outcome

    def last_of_ledger(self, submission: Submission) -> Outcome | None:
        """The answer to the last command of its operation on the ledger itself, where that was the
        same one of the same caller: setting what one has just set is no new act."""
        command, by = submission.command, submission.by
        for before, earlier in reversed(self._accepted):
            if before.command.OPERATION == command.OPERATION:
                same = (before.by, before.command.body) == (by, command.body)
                return msgspec.structs.replace(earlier, replayed=True) if same else None
        newest = self._newest.get(command.OPERATION)
        if newest is None or not is_left_by(newest[1], command, by):
            return None
        outcome = Outcome(replayed=True)
        self._told.append((outcome, command.changes(), newest[0]))
        return outcome

    # ---- when all is decided

    def resolved(
        self, connection: psycopg.Connection, settled: Callable[[], object], refuse: Refuse
    ) -> Iterator[Replay]:
        """What answers those that are not answered out of this batch.

        Args:
            settled: waits for the batch before, whose events are to be read.
            refuse: is given one that asks for another date after all.
        """
        if not self.asks:
            return
        fresh = {_asking(submission): (submission, o) for submission, o in self._accepted}
        stored = [each for each in self._waiting if not self._is_answered(each, fresh, refuse)]
        if stored:
            settled()
            self._find(connection, stored, refuse)
        ledger_id = self._state.ledger_id
        spans = [(first, first + COMMAND_EVENTS_MAX - 1) for _, _, first in self._told]
        ranges = loading.read_ranges(connection, ledger_id, spans)
        for (outcome, kinds, first), rows in zip(self._told, ranges, strict=True):
            last = _of_one_command(rows)
            yield outcome, CommandKey("", "", b"", rows[0].stream_id, first, last), kinds

    def _is_answered(
        self,
        each: _Repetition,
        fresh: dict[tuple[object, ...], tuple[Submission, Outcome]],
        refuse: Refuse,
    ) -> bool:
        before, outcome = fresh.get(_asking(each.submission), (None, None))
        if before is None or outcome is None or not before.command.is_told_by(each.act):
            return False
        if not self._refused_for_day(each, getattr(before.command, "effective_on", None), refuse):
            each.outcome.subjects = outcome.subjects
            each.outcome.first_position = outcome.first_position
            each.outcome.last_position = outcome.last_position
        return True

    def _find(
        self, connection: psycopg.Connection, stored: Sequence[_Repetition], refuse: Refuse
    ) -> None:
        ids = [self._stream_of(each) for each in stored]
        streams = loading.read_acts(connection, self._state.ledger_id, set(ids))
        for each, stream_id in zip(stored, ids, strict=True):
            rows = reversed(streams[stream_id])
            position, day = next((at, on) for at, on, event in rows if event == each.act)
            if not self._refused_for_day(each, day, refuse):
                self._told.append((each.outcome, each.command.changes(), position))

    def _refused_for_day(self, each: _Repetition, day: date | None, refuse: Refuse) -> bool:
        """It asks for another date, so it is another act, and the state does not allow it."""
        asked = getattr(each.command, "effective_on", None)
        if asked is None or asked == day:
            return False
        if not each.submission.dry_run:
            refuse(each.submission, each.refusal)
        each.outcome.replayed, each.outcome.problem = False, each.refusal
        return True

    def _stream_of(self, each: _Repetition) -> bytes:
        place = object_of(each.command)
        assert place is not None, "what repeats an act has an object"
        return self._state.cached(place[0])[place[1]].stream_id


def _asking(submission: Submission) -> tuple[object, ...]:
    """By whom what was asked of which object."""
    return submission.command.OPERATION, submission.by, object_of(submission.command)


def _of_one_command(rows: Sequence[RangeRow]) -> int:
    """The last position of the command that begins with the first row."""
    last = rows[0]
    for row in rows[1:]:
        if not goes_on(last.event, row.event):
            break
        last = row
    return last.position
