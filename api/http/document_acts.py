"""Acts on documents 单据, of whatever ledger they are: agreeing, giving back, one or many at once.

With the last agreement the act takes effect, and the answer is what its own route would have given.
Where a document stands, and how its ledger is asked, is the route's (``api.http.documents``,
``api.http.division_documents``).
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right
from api.http.bodies import ITEMS_MAX, decoded
from api.http.call import Call
from api.http.document_views import (
    DocumentView,
    SubmittedView,
    document_of,
    document_view,
    submitted_answer,
    submitted_view,
)
from api.http.models.enums import ItemState
from api.http.models.shown import ActAnswer, shown_as
from api.http.problems import ProblemDocument, problem
from api.http.routes import ANSWERS
from api.http.views import CommitView, commit_view
from ledger.deciding.command import Outcome
from ledger.deciding.documents import DOCUMENT, ApproveDocument, Document, ReturnDocument, key_of
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.reading.objects import read_objects

ACT_CODES = (Code.INVALID_STATE, Code.SAME_PERSON, Code.NOT_FOUND)
AGREED: dict[int | str, dict[str, Any]] = {
    201: {"model": ActAnswer, "description": "it has taken effect and made something"},
    202: {"model": SubmittedView, "description": "other roles are awaited still"},
}


class Agreement(msgspec.Struct, forbid_unknown_fields=True):
    """Which submission was looked at; whichever stands, where it is left out."""

    submission: int = 0


class Returning(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


class DocumentName(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    number: str
    submission: int = 0


class DocumentNames(msgspec.Struct, forbid_unknown_fields=True):
    documents: list[DocumentName]


class DocumentResult(msgspec.Struct, kw_only=True):
    """``answer`` is what the act itself answers, once the last one has agreed."""

    index: int
    status: ItemState
    document: SubmittedView | UnsetType = UNSET
    answer: Annotated[dict[str, Any], shown_as(ActAnswer)] | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class DocumentResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[DocumentResult]
    commit: CommitView | None


_decode_agreement = msgspec.json.Decoder(Agreement).decode
_decode_returning = msgspec.json.Decoder(Returning).decode
_decode_names = msgspec.json.Decoder(DocumentNames).decode


# ---- what is asked


def agreement(call: Call, kind: str, number: str, data: bytes) -> ApproveDocument:
    """The agreement that a body asks for; raises RequestError, ``malformed``."""
    asked: Agreement = decoded(_decode_agreement, data or b"{}")
    return _agreement(call, kind, number, asked.submission)


def returning(call: Call, kind: str, number: str, data: bytes) -> ReturnDocument:
    """Likewise of a document that is given back."""
    asked: Returning = decoded(_decode_returning, data)
    ElementRegister.check_shape("reason", asked.reason, "/reason")
    return ReturnDocument(
        document_kind=kind, document_no=number, roles=_roles(call), reason=asked.reason
    )


def agreements(call: Call, data: bytes) -> Sequence[ApproveDocument]:
    """Likewise to many documents; raises also ``too_many_items``."""
    named: DocumentNames = decoded(_decode_names, data)
    if not named.documents:
        raise RequestError(Code.MALFORMED, "there are no documents", pointer="/documents")
    if len(named.documents) > ITEMS_MAX:
        raise RequestError(
            Code.TOO_MANY_ITEMS,
            f"{len(named.documents)} items; one request holds at most {ITEMS_MAX}",
        )
    for index, each in enumerate(named.documents):
        for name, text in (("document_kind", each.kind), ("document_no", each.number)):
            field = name.removeprefix("document_").replace("no", "number")
            ElementRegister.check_shape(name, text, f"/documents/{index}/{field}")
    return [_agreement(call, each.kind, each.number, each.submission) for each in named.documents]


def _agreement(call: Call, kind: str, number: str, submission: int) -> ApproveDocument:
    return ApproveDocument(
        document_kind=kind, document_no=number, roles=_roles(call), submission=submission
    )


def _roles(call: Call) -> tuple[str, ...]:
    return tuple(sorted(call.caller.roles & Right.AGREE.roles))


async def find_document(call: Call, key: int, kind: str, number: str) -> Document:
    """The document as it stands; raises Refusal, ``not_found``."""
    name = key_of(kind, number)
    found: dict[str, Document] = await call.read(
        lambda connection: read_objects(connection, key, DOCUMENT, [name])
    )
    if name not in found:
        raise Refusal(Code.NOT_FOUND, f"no document {number!r} of {kind}")
    return found[name]


# ---- what is answered


def answer_to_agreement(call: Call, key: int, outcome: Outcome) -> Response:
    """As the route of its kind would have answered, once nobody else is awaited."""
    if outcome.problem is not None:
        return call.refuse(outcome)
    if (document := document_of(outcome)) is not None:
        answer: Any = submitted_answer(key, document, outcome)
        return call.respond(answer, status=202, replayed=outcome.replayed)
    assert outcome.brought is not None, "a last agreement brings something about"
    status = ANSWERS[outcome.brought.OPERATION].status
    return call.respond(_direct(key, outcome), status=status, replayed=outcome.replayed)


def answer_to_return(call: Call, key: int, outcome: Outcome) -> Response:
    if outcome.problem is not None:
        return call.refuse(outcome)
    [document] = outcome.subjects
    answer: DocumentView = document_view(key, document, commit_view(outcome.commit))
    return call.respond(answer, replayed=outcome.replayed)


def result_of(key: int, index: int, outcome: Outcome) -> DocumentResult:
    """One of many agreements."""
    if outcome.problem is not None:
        return DocumentResult(index=index, status="refused", problem=problem(outcome.problem))
    if (document := document_of(outcome)) is not None:
        return DocumentResult(
            index=index,
            status="replayed" if outcome.replayed else "submitted",
            document=submitted_view(key, document),
        )
    answer = msgspec.to_builtins(_direct(key, outcome))
    return DocumentResult(index=index, status=outcome.status, answer=answer)


def _direct(key: int, outcome: Outcome) -> Any:
    """What the route of the act itself would have answered."""
    assert outcome.brought is not None, "a last agreement brings something about"
    return ANSWERS[outcome.brought.OPERATION].view(key, outcome.brought, outcome)
