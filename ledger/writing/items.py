"""What a batch decides, one by one: a submission with the numbers its outcome is kept under."""

import msgspec

from ledger.deciding.command import Command, RecordRefusal, Submission
from ledger.deciding.documents import (
    DOCUMENT,
    SUBMIT,
    ApproveDocument,
    ReturnDocument,
    key_of,
    number_of,
    submission_key,
)
from ledger.deciding.fingerprints import asked_for
from ledger.deciding.numbers import OWN_KEY, REFUSED, Number, of_caller


class BatchItem(msgspec.Struct, gc=False):
    """A submission with the numbers its outcome is kept under, and what it asks for.

    Attributes:
        numbers: those of an acceptance, ``refused`` those of a refusal that is kept.
        unnumbered: whether it has no business number; ``of_ledger``, and acts on the ledger itself.
        document: the document that it is about, "" where it is about none.
        also: numbers of others, which it has to know.
    """

    submission: Submission
    command: Command
    numbers: tuple[Number, ...]
    asked: bytes
    refused: tuple[Number, ...] = ()
    unnumbered: bool = False
    of_ledger: bool = False
    document: str = ""
    also: tuple[Number, ...] = ()


def item_of(submission: Submission) -> BatchItem:
    """The submission, with all that follows from it alone."""
    command = submission.command
    if command.KIND is DOCUMENT or (command.APPROVABLE and not submission.at_machine):
        return _about_document(submission)
    if number := command.number:
        accepted, refused = _numbers(submission, number)
        asked = asked_for(command.OPERATION, command.body)
        return BatchItem(submission, command, accepted, asked, refused)
    of_ledger = command.KIND is None and not isinstance(command, RecordRefusal)
    if not submission.idempotency_key:
        return BatchItem(submission, command, (), b"", (), True, of_ledger)
    accepted, refused = _numbers(submission, number)
    asked = asked_for(command.OPERATION, command.body)
    return BatchItem(submission, command, accepted, asked, refused, True, of_ledger)


def _numbers(submission: Submission, number: str) -> tuple[tuple[Number, ...], tuple[Number, ...]]:
    """Under which an acceptance is kept, and a refusal; ``number`` is the command's own."""
    command, key, by = submission.command, submission.idempotency_key, submission.by
    own = (of_caller(OWN_KEY, command.OPERATION, by, key),) if key else ()
    if not number:
        return own, own
    accepted: tuple[Number, ...] = ((command.OPERATION, number), *own)
    if not command.KEEPS_REFUSAL:
        return accepted, own
    return accepted, (of_caller(REFUSED, command.OPERATION, by, number), *own)


def _about_document(submission: Submission) -> BatchItem:
    command, also = submission.command, list[Number]()
    if isinstance(command, ApproveDocument | ReturnDocument):
        document = command.key
        also.append((command.document_kind, command.document_no))
    else:
        document = key_of(command.OPERATION, number_of(command))
        also += _own_key(submission)
    number = command.number
    accepted, refused = _numbers(submission, number)
    return BatchItem(
        submission,
        command,
        accepted,
        asked_for(command.OPERATION, command.body),
        refused,
        not number,
        not number and command.KIND is None,
        document,
        ((SUBMIT, document), *also),
    )


def _own_key(submission: Submission) -> tuple[Number, ...]:
    """Under which a submitted document is kept for its caller's Idempotency-Key."""
    key, kind = submission.idempotency_key, submission.command.OPERATION
    return ((OWN_KEY + SUBMIT, f"{submission.by}\n{kind}\n{key}"),) if key else ()


def submitted_item(item: BatchItem, submission: int) -> BatchItem:
    """What is kept of a command that has become a document."""
    command = item.command
    number = submission_key(command.OPERATION, number_of(command), submission)
    return BatchItem(
        item.submission,
        command,
        ((SUBMIT, number), *_own_key(item.submission)),
        asked_for(SUBMIT, command.body),
    )
