"""Documents 单据: what waits for other persons; they agree to it or return it, one or many at once.

With the last agreement the act takes effect, and the answer is what its own route would have given.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import ITEMS_MAX, decoded
from api.http.bulk import NUMBER_BYTES, answer_items, placed, preferring
from api.http.call import Call
from api.http.dependencies import ActingOnLedger, LedgerRead
from api.http.document_views import (
    DocumentView,
    SubmittedView,
    document_of,
    document_view,
    submitted_answer,
    submitted_view,
)
from api.http.models.enums import DocumentStatus, ItemState, Tag
from api.http.models.lists import DocumentItem, Page
from api.http.models.shown import ActAnswer, shown_as
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import DocumentKind, DocumentNo
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, ProblemDocument, problem, refusals
from api.http.published import PublishedAs, published
from api.http.routes import ANSWERS, Operation
from api.http.views import CommitView, commit_view
from ledger.deciding.command import Command, Outcome
from ledger.deciding.documents import DOCUMENT, ApproveDocument, Document, ReturnDocument, key_of
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.reading.objects import read_objects
from projections import document_lists
from projections.document_lists import MINE, concerning

_ALL = "/v1/ledgers/{ledger}/documents"
_ONE = _ALL + "/{kind}/{number}"
_ACT = (Code.INVALID_STATE, Code.SAME_PERSON, Code.NOT_FOUND)
_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": published(SubmittedView), "description": "other roles are awaited still"}
}

router = APIRouter(route_class=Operation, tags=[Tag.DOCUMENTS])


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


@router.get(
    _ALL,
    operation_id="document.list",
    summary="Documents in the order in which they were submitted",
    description="`mine=true`: what the caller made or agreed to, and what waits for a role of his.",
    response_model=Page[DocumentItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_documents(
    call: LedgerRead,
    asked: AskedPage,
    state: DocumentStatus | None = None,
    kind: str | None = None,
    mine: bool = False,
) -> Response:
    caller = call.caller
    filters = {"state": state, "kind": kind}
    if mine:
        filters[MINE] = concerning(caller.principal, caller.roles)
    return await respond_with_page(call, asked, filters, document_lists.list_documents)


@router.get(
    _ONE,
    operation_id="document.show",
    summary="A document: what it asks for, who made it, who has agreed, who is awaited",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_document(call: LedgerRead, kind: DocumentKind, number: DocumentNo) -> Response:
    key, name = await admit(call, number=number), key_of(kind, number)
    await wait_for_head(call, key)
    found: dict[str, Document] = await call.read(
        lambda connection: read_objects(connection, key, DOCUMENT, [name])
    )
    if name not in found:
        raise Refusal(Code.NOT_FOUND, f"no document {number!r} of {kind}")
    return call.respond(document_view(key, found[name]))


@router.post(
    _ONE + "/approve",
    operation_id="document.approve",
    summary="Agree to a document 同意; with the last agreement it takes effect",
    description="Answers as the route of its kind would have, once nobody else is awaited.",
    response_model=ActAnswer,
    responses={
        201: {"model": ActAnswer, "description": "it has taken effect and made something"},
        **_WAITS,
        **refusals(*OF_LEDGER_ACT, *_ACT),
    },
)
async def approve(
    call: Annotated[Call, Depends(ActingOnLedger(Right.AGREE))],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Agreement), RequestBody(default_factory=bytes)],
) -> Response:
    agreement: Agreement = decoded(_decode_agreement, data or b"{}")
    key = await admit(call, number=number)
    outcome = await call.submit(key, _agreement(call, kind, number, agreement.submission))
    if outcome.problem is not None:
        return call.refuse(outcome)
    if (document := document_of(outcome)) is not None:
        answer: Any = submitted_answer(key, document, outcome)
        return call.respond(answer, status=202, replayed=outcome.replayed)
    return call.respond(
        _direct(key, outcome), status=ANSWERS[kind].status, replayed=outcome.replayed
    )


@router.post(
    _ONE + "/return",
    operation_id="document.return",
    summary="Give a document back to its maker 退回; the maker may take it back",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_ACT, *_ACT),
)
async def give_back(
    call: Annotated[Call, Depends(ActingOnLedger(Right.AGREE))],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Returning), RequestBody()],
) -> Response:
    asked: Returning = decoded(_decode_returning, data)
    ElementRegister.check_shape("reason", asked.reason, "/reason")
    key = await admit(call, number=number)
    command = ReturnDocument(
        document_kind=kind, document_no=number, roles=_roles(call), reason=asked.reason
    )
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        return call.refuse(outcome)
    [document] = outcome.subjects
    answer = document_view(key, document, commit_view(outcome.commit))
    return call.respond(answer, replayed=outcome.replayed)


@router.post(
    _ALL + ":approve",
    operation_id="document.approve.batch",
    summary="Agree to many documents",
    response_model=DocumentResults,
    dependencies=[Depends(preferring)],
    responses=refusals(*OF_LEDGER_ACT),
)
async def approve_all(
    call: Annotated[Call, Depends(ActingOnLedger(Right.AGREE))],
    data: Annotated[bytes, PublishedAs(DocumentNames), RequestBody()],
) -> Response:
    commands = await call.beside(len(data) // NUMBER_BYTES, _agreements, call, data)
    key = await admit(call)
    submissions = await call.beside(len(commands), placed, call, commands, range(len(commands)))
    outcomes = await call.submit_all(key, submissions)
    return await answer_items(call, key, outcomes, _result)


# ---- commands


def _roles(call: Call) -> tuple[str, ...]:
    return tuple(sorted(call.caller.roles & Right.AGREE.roles))


def _agreement(call: Call, kind: str, number: str, submission: int) -> ApproveDocument:
    return ApproveDocument(
        document_kind=kind, document_no=number, roles=_roles(call), submission=submission
    )


def _agreements(call: Call, data: bytes) -> Sequence[Command]:
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


# ---- answers


def _direct(key: int, outcome: Outcome) -> Any:
    """What the route of the act itself would have answered."""
    assert outcome.brought is not None, "a last agreement brings something about"
    return ANSWERS[outcome.brought.OPERATION].view(key, outcome.brought, outcome)


def _result(key: int, index: int, outcome: Outcome) -> DocumentResult:
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
