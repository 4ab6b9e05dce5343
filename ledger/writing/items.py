"""What a batch decides, one by one: a submission with the numbers its outcome is kept under."""

import msgspec

from ledger.deciding.command import Command, Submission
from ledger.deciding.documents import (
    SUBMIT,
    ApproveDocument,
    ReturnDocument,
    key_of,
    number_of,
    submission_key,
)
from ledger.deciding.fingerprints import asked_for
from ledger.reading.loading import Number

OWN_KEY = "key:"  # of a caller's Idempotency-Key


class BatchItem(msgspec.Struct, gc=False):
    """A submission with the numbers its outcome is kept under, and what it asks for.

    Attributes:
        document: the document that it is about, "" where it is about none.
        also: numbers of others, which it has to know.
    """

    submission: Submission
    command: Command
    numbers: tuple[Number, ...]
    asked: bytes
    document: str = ""
    also: tuple[Number, ...] = ()


def item_of(submission: Submission) -> BatchItem:
    """The submission, with all that follows from it alone."""
    command = submission.command
    number, key = command.number, submission.idempotency_key
    if command.APPROVABLE or isinstance(command, ApproveDocument | ReturnDocument):
        return _about_document(submission)
    if not number and not key:
        return BatchItem(submission, command, (), b"")
    return BatchItem(
        submission, command, _numbers(submission), asked_for(command.OPERATION, command.body)
    )


def _numbers(submission: Submission) -> tuple[Number, ...]:
    command, key = submission.command, submission.idempotency_key
    number = command.number
    numbers: tuple[Number, ...] = ((command.OPERATION, number),) if number else ()
    if key:
        # a key is the caller's own, so nobody meets another's answer through it
        numbers += ((OWN_KEY + command.OPERATION, f"{submission.by}\n{key}"),)
    return numbers


def _about_document(submission: Submission) -> BatchItem:
    command, also = submission.command, list[Number]()
    if isinstance(command, ApproveDocument | ReturnDocument):
        document = command.key
        also.append((command.document_kind, command.document_no))
    else:
        document = key_of(command.OPERATION, number_of(command))
        also += _own_key(submission)
    return BatchItem(
        submission,
        command,
        _numbers(submission),
        asked_for(command.OPERATION, command.body),
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
