"""Documents 单据 as they stand: what waits for whom, what was approved or given back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.deciding.documents import (
    APPROVED,
    RETURNED,
    SUBMITTED,
    about,
    command_of,
    key_of,
)
from ledger.events import DocumentApproved, DocumentReturned, DocumentSubmitted, Event, types_that
from projections.core.fold import Fact, Fold, Projection, Rows, Writes, known
from projections.core.tables import Table

PERSONS_APART = "\n"  # before and behind each name


class DocumentRow(msgspec.Struct, gc=False):
    """A row of ``proj_documents``.

    Attributes:
        document: kind and number, by which it is kept.
        awaits: the roles still to agree, in order, with commas between; ``next_role`` the first.
        persons: who made it and who has agreed, case-folded, each between line feeds.
        about: the object that its act is about, kind and number; "" where it makes a new one.
    """

    document: str
    kind: str
    number: str
    state: str
    awaits: str
    next_role: str
    by: str
    persons: str
    reason: str
    submission: int
    submitted_on: date
    submitted_position: int
    last_position: int
    about: str


DOCUMENTS = Table("proj_documents", DocumentRow, ("document",))


class Documents(Projection):
    name: ClassVar[str] = "documents"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table[Any], ...]] = (DOCUMENTS,)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        types_that(lambda traits: traits.subject == "document")
    )

    def fold(self, after: int) -> Fold:
        return _DocumentFold(after)


class _DocumentFold(Fold):
    def __init__(self, after: int) -> None:
        self._after = after
        self._held: Rows = {}
        self._new: dict[str, DocumentRow] = {}
        self._changed: dict[str, DocumentRow] = {}

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if not self._after:
            return {}
        return {DOCUMENTS: {key_of(fact.event.kind, fact.event.number) for fact in facts}}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        self._held = rows

    def take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            event = fact.event
            name = key_of(event.kind, event.number)
            row = self._new.get(name) or self._changed.get(name)
            if row is None and isinstance(event, DocumentSubmitted) and event.submission == 1:
                self._new[name] = _submitted(fact, event)
                continue
            if row is None:
                row = self._changed[name] = known(self._held, (name,), fact)
            _move(row, fact)

    def rest(self, upto: int) -> Writes:
        return Writes({DOCUMENTS: self._new.values()}, {DOCUMENTS: self._changed.values()})


def _move(row: DocumentRow, fact: Fact) -> None:
    """Takes an event of a document into its row."""
    match fact.event:
        case DocumentSubmitted() as event:
            again = _submitted(fact, event)
            for name in DocumentRow.__struct_fields__:
                setattr(row, name, getattr(again, name))
        case DocumentApproved() as event:
            row.awaits = row.awaits.partition(",")[2]
            row.persons += event.by.casefold() + PERSONS_APART
            row.state = APPROVED if event.brings else SUBMITTED
        case DocumentReturned() as event:
            row.awaits, row.state, row.reason = "", RETURNED, event.reason
    row.next_role = row.awaits.partition(",")[0]
    row.last_position = fact.position


def _submitted(fact: Fact, event: DocumentSubmitted) -> DocumentRow:
    return DocumentRow(
        document=key_of(event.kind, event.number),
        kind=event.kind,
        number=event.number,
        state=SUBMITTED,
        awaits=",".join(event.roles),
        next_role=event.roles[0],
        by=event.by,
        persons=PERSONS_APART + event.by.casefold() + PERSONS_APART,
        reason="",
        submission=event.submission,
        submitted_on=fact.effective_on,
        submitted_position=fact.position,
        last_position=fact.position,
        about=about(command_of(event.kind, event.body)),
    )
