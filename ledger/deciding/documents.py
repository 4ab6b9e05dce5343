"""单据: what was asked and awaits other persons: submitted, approved or returned.

A document is named by its kind and number: that of its command, or, where the command has none (a
policy), the beginning of the SM3 of what it asks, so that asking for the same again is asking for
the same document. It moves nothing. With the last agreement its command is decided anew, by who
made it, and takes effect in the same commit; where it is refused then, the document stays as it
was, to be returned, or approved another day. One that was returned may be submitted again under
its number.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from ledger.deciding.approvals import approvable, awaited, same_person
from ledger.deciding.command import Command, Need, Submission, Told
from ledger.deciding.fingerprints import asked_for
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.repeating import object_of
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import DocumentApproved, DocumentReturned, DocumentSubmitted, Event

SUBMITTED, APPROVED, RETURNED = "submitted", "approved", "returned"
SUBMIT = "document.submit"
_NUMBER_DIGITS = 16


class Document(msgspec.Struct, frozen=True):
    """A document, as its events have left it.

    Attributes:
        by: who made it.
        agreed: (role, person) of each agreement to this submission, in order.
        ended_by: who returned it.
    """

    submitted: DocumentSubmitted
    state: str = SUBMITTED
    agreed: tuple[tuple[str, str], ...] = ()
    ended_by: str = ""
    reason: str = ""

    @property
    def kind(self) -> str:
        return self.submitted.kind

    @property
    def number(self) -> str:
        return self.submitted.number

    @property
    def key(self) -> str:
        """Under which it is kept."""
        return key_of(self.kind, self.number)

    @property
    def by(self) -> str:
        return self.submitted.by

    @property
    def awaits(self) -> tuple[str, ...]:
        """The roles still to agree, in order."""
        return self.submitted.roles[len(self.agreed) :] if self.state == SUBMITTED else ()

    def has_agreed(self, person: str) -> bool:
        return any(same_person(person, by) for _, by in self.agreed)

    @property
    def command(self) -> Command:
        """What it asks for; raises IntegrityError where this program knows no such thing."""
        return command_of(self.kind, self.submitted.body)

    def asks(self) -> bytes:
        """What it asks for, to be compared."""
        return asked_for(self.kind, self.command.body)


def command_of(kind: str, body: dict[str, Any]) -> Command:
    """The command that a document holds; raises IntegrityError where it holds none."""
    command = approvable(kind)
    try:
        if command is not None:
            return msgspec.convert(body, command)
    except msgspec.ValidationError as error:
        raise IntegrityError(f"the document of {kind} cannot be read: {error}") from None
    raise IntegrityError(f"there is no document of {kind!r} 单据种类不明")


def _fold(document: Document | None, event: Event) -> Document | None:
    match event:
        case DocumentSubmitted():
            return Document(event)
        case DocumentApproved() if document is not None:
            return msgspec.structs.replace(
                document,
                agreed=(*document.agreed, (event.role, event.by)),
                state=APPROVED if event.brings else SUBMITTED,
            )
        case DocumentReturned() if document is not None:
            return msgspec.structs.replace(
                document, state=RETURNED, ended_by=event.by, reason=event.reason
            )
    return document


# Its last event says whether it waits still; the numbers of later submissions are of the same one.
_OVER = r"""position(E'\n' IN k.number) > 0 OR (
SELECT e.type = 'document.returned' OR e.type = 'document.approved'
    AND coalesce((convert_from(e.payload, 'UTF8')::jsonb ->> 'brings')::int, 0) > 0
FROM events e WHERE e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
ORDER BY e.stream_version DESC LIMIT 1)"""

DOCUMENT: Kind[Document] = Kind(name="document", opened_by=SUBMIT, fold=_fold, over_sql=_OVER)


def key_of(kind: str, number: str) -> str:
    """Under which a document is kept."""
    return f"{kind}/{number}"


def number_of(command: Command) -> str:
    """The document number of what is asked; see the module."""
    if command.number:
        return command.number
    asked = asked_for(command.OPERATION, command.body)
    return hashlib.new("sm3", asked).hexdigest()[:_NUMBER_DIGITS]


def about(command: Command) -> str:
    """The object that a command is about, as kind and number; "" where it makes a new one, or is
    about the ledger itself."""
    place = object_of(command)
    return "" if place is None else f"{place[0].name}/{place[1]}"


def submission_key(kind: str, number: str, submission: int) -> str:
    """The business number of one submission: the first names the document itself."""
    return key_of(kind, number) + ("" if submission == 1 else f"\n{submission}")


def decided(state: LedgerState, submission: Submission) -> Decision:
    """What comes of a command: its effect, or the document that other persons must agree to.

    What would be refused is refused now: it is decided once without effect.

    Raises:
        Refusal: as the command's own ``decide``.
    """
    command, by = submission.command, submission.by
    decision = command.decide(state, by)
    roles = () if submission.at_machine else awaited(state, command)
    if not roles:
        return decision
    number = number_of(command)
    before = state.get(DOCUMENT, key_of(command.OPERATION, number))
    submitted = DocumentSubmitted(
        kind=command.OPERATION,
        number=number,
        body=_as_asked(command),
        roles=roles,
        submission=before.submitted.submission + 1 if before else 1,
        idempotency_key=submission.idempotency_key,
        by=by,
    )
    return _only(state, submitted)


def _as_asked(command: Command) -> dict[str, Any]:
    """The command as its fingerprint is made of it: without what equals its default."""
    asked = asked_for(command.OPERATION, command)
    body: dict[str, Any] = msgspec.json.decode(asked[asked.index(b"\0") + 1 :])
    return body


def _only(
    state: LedgerState,
    event: DocumentSubmitted | DocumentApproved | DocumentReturned,
    then: Decision | None = None,
) -> Decision:
    """The document's own events take effect today, whatever day its act is of."""
    return Decision(
        events=[(DOCUMENT, key_of(event.kind, event.number), event)],
        effective_on=state.today,
        settles=[(DOCUMENT, key_of(event.kind, event.number))] if then is not None else (),
        then=then,
    )


class SubmitDocument(Command, frozen=True, kw_only=True):
    """提交: what is kept under a document's number. Nobody asks for it by itself: it is what
    becomes of a command that awaits others (:func:`decided`)."""

    OPERATION: ClassVar[str] = SUBMIT
    KIND: ClassVar[AnyKind] = DOCUMENT
    kind: str
    asked: dict[str, Any]
    submission: int = 1

    @property
    def command(self) -> Command:
        return command_of(self.kind, self.asked)

    @property
    def number(self) -> str:
        return submission_key(self.kind, number_of(self.command), self.submission)

    @property
    def body(self) -> object:
        return self.command.body

    @classmethod
    def number_in(cls, event: DocumentSubmitted) -> str:
        return submission_key(event.kind, event.number, event.submission)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The command that has become the document."""
        return (command_of(told.event.kind, told.event.body),)


class _OnDocument(Command, frozen=True, kw_only=True):
    """An act on a document; ``roles`` are those that the caller holds."""

    CHANNEL: ClassVar[str] = "单据审批"
    KIND: ClassVar[AnyKind] = DOCUMENT
    KEEPS_REFUSAL: ClassVar[bool] = False
    document_kind: str
    document_no: str
    roles: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.document_kind, self.document_no)

    def needs(self) -> Iterable[Need]:
        return ((DOCUMENT, self.key),)

    def _awaiting(self, state: LedgerState) -> Document:
        """The document, which awaits somebody; raises Refusal ``invalid_state``, ``not_found``."""
        document = state.get(DOCUMENT, self.key)
        if document is None:
            raise Refusal(
                Code.NOT_FOUND, f"no document {self.document_no!r} of {self.document_kind}"
            )
        if document.state != SUBMITTED:
            raise Refusal(Code.INVALID_STATE, f"the document is {document.state}")
        return document

    def _role_of(self, document: Document) -> str:
        """The role whose turn it is; raises Refusal ``forbidden`` where the caller has it not."""
        role = document.awaits[0]
        if role not in self.roles:
            raise Refusal(Code.FORBIDDEN, f"the document awaits the role {role}")
        return role


class ApproveDocument(_OnDocument, frozen=True, kw_only=True):
    """同意: with the last one that is wanted, what was asked takes effect.

    ``submission`` is the one that was looked at; 0 is whichever stands.
    """

    OPERATION: ClassVar[str] = "document.approve"
    LOOKS_FURTHER: ClassVar[bool] = True
    submission: int = 0

    @property
    def body(self) -> object:
        return {
            "kind": self.document_kind,
            "number": self.document_no,
            "submission": self.submission,
        }

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: DocumentApproved = told.event
        for submission in (0, event.submission):
            yield cls(
                document_kind=event.kind,
                document_no=event.number,
                roles=(event.role,),
                submission=submission,
            )

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        document = state.get(DOCUMENT, self.key)
        if document is None or document.state != SUBMITTED:
            return ()
        command = document.command
        return (*command.needs(), *command.needs_further(state))

    def decide(self, state: LedgerState, by: str) -> Decision:
        document = self._awaiting(state)
        role = self._role_of(document)
        standing = document.submitted.submission
        if self.submission not in (0, standing):
            raise Refusal(Code.INVALID_STATE, f"it was submitted again, as {standing}")
        if same_person(by, document.by):
            raise Refusal(Code.SAME_PERSON, "whoever made a document may not agree to it")
        if document.has_agreed(by):
            raise Refusal(Code.SAME_PERSON, "one person agrees to a document once")
        then = self._brought(state, document) if len(document.awaits) == 1 else None
        # point of no return
        agreed = DocumentApproved(
            kind=self.document_kind,
            number=self.document_no,
            submission=standing,
            role=role,
            brings=len(then.events) if then else 0,
            by=by,
        )
        return _only(state, agreed, then)

    def _brought(self, state: LedgerState, document: Document) -> Decision:
        """What its maker asked, as it is decided now; it stands behind the agreement's event."""
        state.pass_over(1)
        try:
            return document.command.decide(state, document.by)
        finally:
            state.pass_over(-1)


class ReturnDocument(_OnDocument, frozen=True, kw_only=True):
    """退回, by whoever's turn it is to agree; who made it may take it back."""

    OPERATION: ClassVar[str] = "document.return"
    reason: str

    @property
    def body(self) -> object:
        return {"kind": self.document_kind, "number": self.document_no, "reason": self.reason}

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The event does not tell the role of who returned it: one that was due."""
        event: DocumentReturned = told.event
        key = key_of(event.kind, event.number)
        document = told.state.get(DOCUMENT, key) if told.state is not None else None
        return (
            cls(
                document_kind=event.kind,
                document_no=event.number,
                roles=document.awaits[:1] if document is not None else (),
                reason=event.reason,
            ),
        )

    def decide(self, state: LedgerState, by: str) -> Decision:
        document = self._awaiting(state)
        if not same_person(by, document.by):
            self._role_of(document)
        # point of no return
        returned = DocumentReturned(
            kind=self.document_kind, number=self.document_no, reason=self.reason, by=by
        )
        return _only(state, returned)
