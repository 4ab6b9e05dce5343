"""What was asked of a document before is answered as it was then.

A document that awaits others is shown to whoever asks for the same again; an act on it is told
again to the person who did it. What this batch has done is remembered here; what was committed
before is read from the document's own events.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
import psycopg

from ledger.deciding.approvals import same_person
from ledger.deciding.command import CommandKey, Outcome
from ledger.deciding.documents import (
    APPROVED,
    DOCUMENT,
    RETURNED,
    SUBMITTED,
    ApproveDocument,
    Document,
    ReturnDocument,
)
from ledger.deciding.numbers import Number
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import LedgerState
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import DocumentApproved, DocumentReturned, DocumentSubmitted, Event
from ledger.reading.object_streams import read_streams
from ledger.writing.items import BatchItem

# an answer to be told again, where its events are, and the kinds of objects that it tells of
Replay = tuple[Outcome, CommandKey, tuple[AnyKind, ...]]
_IsIt = Callable[[Event, int, int], bool]  # of an event, its document's submission, its position


class _Act(NamedTuple):
    """An event of a document: of one submission, by one person."""

    type: type[Event]
    submission: int
    by: str

    def is_that_of(self, event: Event, submission: int) -> bool:
        by: str = getattr(event, "by", "")
        return (
            isinstance(event, self.type)
            and submission == self.submission
            and same_person(by, self.by)
        )


def conflict(number: Number) -> Refusal:
    return Refusal(
        Code.IDEMPOTENCY_CONFLICT,
        f"{number[1]!r} was used before for another content".replace("\n", " "),
    )


AnswersMark = tuple[dict[tuple[str, _Act], Outcome], int]


class DocumentAnswers:
    """Of one batch; see the module."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self._given: dict[tuple[str, _Act], Outcome] = {}
        self._asked: list[tuple[Outcome, str, _IsIt]] = []

    @property
    def asks(self) -> bool:
        """Whether something is to be read before all is told."""
        return bool(self._asked)

    def mark(self) -> AnswersMark:
        """Where it stands, for :meth:`back_to`."""
        return dict(self._given), len(self._asked)

    def back_to(self, mark: AnswersMark, *, forgets_asked: bool) -> None:
        self._given = mark[0]
        if forgets_asked:
            del self._asked[mark[1] :]

    def keep(self, document: Document, event: Event, outcome: Outcome) -> None:
        """Remembers what was answered to the act that ``event`` tells of."""
        by: str = getattr(event, "by", "")
        act = _Act(type(event), document.submitted.submission, by.casefold())
        self._given[document.key, act] = outcome

    def earlier(self, item: BatchItem, *, told: bool) -> Outcome | None:
        """The earlier answer to the same, or None where there is something to decide.

        Args:
            told: whether its document was submitted under the same Idempotency-Key before.

        Raises:
            Refusal: ``idempotency_conflict`` where the number awaits another content.
        """
        document = self._state.get(DOCUMENT, item.document)
        if document is None:
            return None
        act = self._act(document, item, told)
        if act is None:
            return None
        folded = act._replace(by=act.by.casefold())
        if (given := self._given.get((item.document, folded))) is not None:
            return msgspec.structs.replace(given, replayed=True)
        return self._later(item.document, lambda event, n, _at: act.is_that_of(event, n))

    def _act(self, document: Document, item: BatchItem, told: bool) -> _Act | None:
        """The act on the document as it stands that this asks for again; None where it asks for
        another one."""
        command, by, n = item.command, item.submission.by, document.submitted.submission
        if isinstance(command, ApproveDocument):
            return _Act(DocumentApproved, n, by) if document.has_agreed(by) else None
        if isinstance(command, ReturnDocument):
            same = same_person(document.ended_by, by) and document.reason == command.reason
            return _Act(DocumentReturned, n, by) if same else None
        same = document.asks() == item.asked
        if document.state == SUBMITTED:
            if not same:
                raise conflict((command.OPERATION, document.number))
            return _Act(DocumentSubmitted, n, document.by)
        if same and document.state == RETURNED and (told or command.number):
            return _Act(DocumentReturned, n, document.ended_by)
        if same and document.state == APPROVED and told:
            return _Act(DocumentApproved, n, document.agreed[-1][1])
        return None

    def told_at(self, item: BatchItem, position: int) -> Outcome:
        """The earlier answer to an act on a document whose event stands there."""
        return self._later(item.document, lambda _event, _n, at: at == position)

    def _later(self, document: str, is_it: _IsIt) -> Outcome:
        """An outcome that :meth:`resolved` tells the rest of."""
        outcome = Outcome(replayed=True)
        self._asked.append((outcome, document, is_it))
        return outcome

    def resolved(self, connection: psycopg.Connection) -> Iterator[Replay]:
        """The events that answer what was asked again, all committed before."""
        if not self._asked:
            return
        cached = self._state.cached(DOCUMENT)
        ids = {document: cached[document].stream_id for _, document, _ in self._asked}
        streams = dict(read_streams(connection, self._state.ledger_id, list(ids.values())))
        for outcome, number, is_it in self._asked:
            stream_id = ids[number]
            found = _found(streams.get(stream_id, ()), is_it)
            if found is None:
                raise IntegrityError(f"the events of the document {number!r} are missing")
            position, event, document = found
            kinds: tuple[AnyKind, ...] = (DOCUMENT,)
            first = last = position
            if isinstance(event, DocumentApproved) and event.brings:
                first, last = position + 1, position + event.brings
                outcome.brought = document.command
                kinds = outcome.brought.changes()
            yield outcome, CommandKey("", number, b"", stream_id, first, last), kinds


def _found(
    events: Iterable[tuple[int, int, Event]], is_it: _IsIt
) -> tuple[int, Event, Document] | None:
    """The event that was looked for, where it stands, and the document after it."""
    document: Document | None = None
    for position, _version, event in events:
        document = DOCUMENT.fold(document, event)
        if document and is_it(event, document.submitted.submission, position):
            return position, event, document
    return None
