"""The numbers of a batch: what was answered to them before, and those that it uses.

A number that was used is answered as it was: out of this batch, or from the events that its key
points at. What is used anew is written with the events that answer it.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec
import psycopg

from ledger.deciding.command import CommandKey, Commit, Outcome
from ledger.deciding.documents import DOCUMENT, SUBMIT
from ledger.deciding.fingerprints import asked_for, is_fingerprint_of
from ledger.deciding.numbers import OWN_KEY, Number
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, EventRow, LedgerState
from ledger.errors import BY_TEXT, Refusal
from ledger.events import CommandRefused, Event
from ledger.reading import loading
from ledger.reading.object_streams import read_streams
from ledger.writing import document_answers
from ledger.writing.document_answers import DocumentAnswers, Replay, conflict
from ledger.writing.frames import UsedNumber
from ledger.writing.items import BatchItem
from ledger.writing.repetitions import Refuse, Repetitions, RepetitionsMark


class Mark(NamedTuple):
    """Where the numbers stood, so that they can be taken back there."""

    fresh: dict[Number, tuple[BatchItem, Outcome]]
    replays: int
    kept: int
    documents: document_answers.AnswersMark
    repetitions: RepetitionsMark


class Numbers:
    """See the module; ``stored`` are the keys of those that were used before."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self.stored: dict[Number, CommandKey] = {}
        self.documents = DocumentAnswers(state)
        self.repetitions = Repetitions(state)
        self._fresh: dict[Number, tuple[BatchItem, Outcome]] = {}
        self._opened: set[Number] = set()  # of objects that no command of theirs has opened
        # number, what it asks, first and last position: not yet written
        self._kept: list[tuple[Number, bytes, int, int]] = []
        self._replays: list[Replay] = []

    @property
    def used(self) -> Collection[Number]:
        """Those that this batch has used."""
        return self._fresh.keys() | self._opened if self._opened else self._fresh.keys()

    def mark(self) -> Mark:
        fresh, self._fresh = self._fresh, dict(self._fresh)
        return Mark(
            fresh,
            len(self._replays),
            len(self._kept),
            self.documents.mark(),
            self.repetitions.mark(),
        )

    def back_to(self, mark: Mark, *, forgets_asked: bool = True) -> None:
        """Takes back what was used since, and what was asked for again."""
        self._fresh = mark.fresh
        del self._kept[mark.kept :]
        self.documents.back_to(mark.documents, forgets_asked=forgets_asked)
        self.repetitions.back_to(mark.repetitions, forgets_asked=forgets_asked)
        if forgets_asked:
            del self._replays[mark.replays :]

    # ---- earlier answers

    def known(self, item: BatchItem) -> Outcome | None:
        """The earlier answer to the same, or None.

        Raises:
            Refusal: ``idempotency_conflict`` when its body was another.
            IntegrityError: what is kept of its body cannot be read.
        """
        fresh, stored = self._fresh, self.stored
        for number in item.refused + item.numbers:
            if number in fresh:
                earlier, outcome = fresh[number]
                _require_same_body(item.asked == earlier.asked, number)
                return msgspec.structs.replace(outcome, replayed=True)
            if number in stored:
                return self._told_by(stored[number], item)
        if not item.document:
            return None
        return self.documents.earlier(item, told=self._submitted_under_own_key(item))

    def _told_by(self, key: CommandKey, item: BatchItem) -> Outcome:
        """The answer that a number of the item was given in an earlier batch; see :meth:`known`."""
        command = item.command
        same = is_fingerprint_of(key.fingerprint, command.OPERATION, command.body)
        _require_same_body(same, (key.operation, key.number))
        if command.KIND is DOCUMENT:
            return self.documents.told_at(item, key.first_position)
        outcome = Outcome(
            replayed=True, first_position=key.first_position, last_position=key.last_position
        )
        self._replays.append((outcome, key, command.changes()))
        return outcome

    def _submitted_under_own_key(self, item: BatchItem) -> bool:
        """Whether what is asked became a document under the same Idempotency-Key before."""
        for number in item.also:
            if number[0] != OWN_KEY + SUBMIT:
                continue
            if (fresh := self._fresh.get(number)) is not None:
                same = fresh[0].asked == asked_for(SUBMIT, item.command.body)
            elif (stored := self.stored.get(number)) is not None:
                same = is_fingerprint_of(stored.fingerprint, SUBMIT, item.command.body)
            else:
                continue
            _require_same_body(same, number)
            return True
        return False

    def require_unused(self, numbers: Collection[Number]) -> None:
        """Raises Refusal ``idempotency_conflict`` for one that was used."""
        for number in numbers:
            if number in self._fresh or number in self.stored:
                raise conflict(number)

    @property
    def tells_again(self) -> bool:
        """Whether earlier answers have to be read."""
        return bool(self._replays) or self.documents.asks or self.repetitions.asks

    def resolve(
        self, connection: psycopg.Connection, settled: Callable[[], object], refuse: Refuse
    ) -> None:
        """Rebuilds stored answers from their events: the object as it was after the command.

        Args: see :meth:`Repetitions.resolved`.
        """
        self._replays += self.documents.resolved(connection)
        self._replays += self.repetitions.resolved(connection, settled, refuse)
        if not self._replays:
            return
        ledger_id = self._state.ledger_id
        spans = [(key.first_position, key.last_position) for _, key, _ in self._replays]
        ranges = loading.read_ranges(connection, ledger_id, spans)
        ids = {row[1] for rows in ranges for row in rows}
        streams = dict(read_streams(connection, ledger_id, list(ids)))
        chains = loading.chains_at(connection, ledger_id, [last for _, last in spans])
        for (outcome, key, kinds), rows in zip(self._replays, ranges, strict=True):
            if isinstance(rows[0][3], CommandRefused):
                refused = rows[0][3]
                outcome.problem = Refusal(BY_TEXT[refused.code], refused.detail, **refused.extra)
                continue
            versions = {stream_id: version for _, stream_id, version, _, _ in rows}
            outcome.subjects = tuple(
                _folded(kinds, [event for _, at, event in streams[stream_id] if at <= version])
                for stream_id, version in versions.items()
                if kinds
            )
            digest = rows[-1][4]
            outcome.commit = Commit(ledger_id, key.last_position, digest, chains[key.last_position])

    # ---- what is used

    def keep(self, item: BatchItem, outcome: Outcome, *, first_only: bool = False) -> None:
        """The outcome answers the item's numbers, those of a refusal to this caller alone;
        ``first_only`` where only the first of its events is the item's own."""
        first, last = outcome.first_position, outcome.last_position
        if first_only:
            last = first
        for number in item.numbers if outcome.problem is None else item.refused:
            self._fresh[number] = (item, outcome)
            self._kept.append((number, item.asked, first, last))

    def open(self, decision: Decision, first_position: int) -> None:
        """The objects that a decision opens are found by their numbers: each points at its first
        event, and its fingerprint is of the number itself."""
        opens = {(kind.name, number): kind for kind, number in decision.opens}
        for position, (kind, number, _) in enumerate(decision.events, first_position):
            if kind is not None and opens.pop((kind.name, number), None) is not None:
                own = kind.opened_by, number
                self._opened.add(own)
                self._kept.append((own, asked_for(*own), position, position))
        assert not opens, "what is opened has an event"
        if decision.then is not None:
            self.open(decision.then, first_position + len(decision.events))

    def note(self, number: Number, item: BatchItem, outcome: Outcome) -> None:
        """A number that a batch decided on this one has to wait for, and that is kept already."""
        self._fresh[number] = (item, outcome)

    def take(self, rows: Sequence[EventRow]) -> list[UsedNumber]:
        """The numbers used since the last time, with the events that answer them: ``rows``."""
        kept, self._kept = self._kept, []
        if not kept:
            return []
        first = rows[0][0]
        return [
            UsedNumber(
                operation,
                number,
                asked,
                rows[begins - first][1],
                begins,
                ends,
            )
            for (operation, number), asked, begins, ends in kept
        ]


def _folded(kinds: Sequence[AnyKind], events: Sequence[Event]) -> object:
    """The object of a stream, by the kind that its first event is of."""
    subject = events[0].TRAITS.subject
    return next((kind.folded(events) for kind in kinds if kind.name == subject), None)


def _require_same_body(same: bool, number: Number) -> None:
    if not same:
        raise conflict(number)
