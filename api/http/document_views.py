"""What callers see of documents 单据, and of an act that became one instead of taking effect."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.models.enums import DocumentState
from api.http.models.shown import ActBody, shown_as
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Outcome
from ledger.deciding.documents import Document


class SubmittedView(msgspec.Struct, kw_only=True):
    """An act that waits for the agreement of other persons: the roles still to agree, in order.

    ``state`` is ``submitted``, or, where the same was asked for again after somebody had given it
    back, ``returned`` with the reason.
    """

    ledger: str
    state: DocumentState
    kind: str
    number: str
    awaits: tuple[str, ...]
    reason: str | UnsetType = UNSET
    commit: Committed = UNSET


class AgreementView(msgspec.Struct):
    role: str
    by: str


class DocumentView(msgspec.Struct, kw_only=True):
    """A document; ``asks`` is what was asked for, as its maker wrote it without defaults."""

    ledger: str
    state: DocumentState
    kind: str
    number: str
    awaits: tuple[str, ...]
    by: str
    submission: int
    agreed: tuple[AgreementView, ...]
    reason: str
    asks: Annotated[dict[str, Any], shown_as(ActBody)]
    commit: Committed = UNSET


def document_of(outcome: Outcome) -> Document | None:
    """The document that was answered instead of an effect, None where there was one."""
    subjects = outcome.subjects
    return subjects[0] if subjects and isinstance(subjects[0], Document) else None


def submitted_view(key: int, document: Document, commit: Committed = UNSET) -> SubmittedView:
    return SubmittedView(
        ledger=ledger_text(key),
        state=document.state,
        kind=document.kind,
        number=document.number,
        awaits=document.awaits,
        reason=document.reason or UNSET,
        commit=commit,
    )


def submitted_answer(key: int, document: Document, outcome: Outcome) -> SubmittedView:
    """What is answered to an act that waits."""
    return submitted_view(key, document, commit_view(outcome.commit))


def document_view(key: int, document: Document, commit: Committed = UNSET) -> DocumentView:
    return DocumentView(
        ledger=ledger_text(key),
        state=document.state,
        kind=document.kind,
        number=document.number,
        awaits=document.awaits,
        by=document.by,
        submission=document.submitted.submission,
        agreed=tuple(AgreementView(role, by) for role, by in document.agreed),
        reason=document.reason,
        asks=document.submitted.body,
        commit=commit,
    )
