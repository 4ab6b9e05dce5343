"""Documents 单据 of a ledger: what waits for other persons; they agree to it or return it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bulk import NUMBER_BYTES, answer_items, placed, preferring
from api.http.call import Call
from api.http.dependencies import ActingOnLedger, LedgerRead
from api.http.document_acts import (
    ACT_CODES,
    AGREED,
    Agreement,
    DocumentNames,
    DocumentResults,
    Returning,
    agreement,
    agreements,
    answer_to_agreement,
    answer_to_return,
    find_document,
    result_of,
    returning,
)
from api.http.document_views import DocumentView, document_view
from api.http.models.enums import DocumentStatus, Tag
from api.http.models.lists import DocumentItem, Page
from api.http.models.shown import ActAnswer
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import DocumentKind, DocumentNo
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.units import are_own, deny, prefixes_of
from ledger.deciding.approvals import same_person
from ledger.deciding.documents import (
    DOCUMENT,
    ApproveDocument,
    Document,
    ReturnDocument,
    command_of,
    key_of,
)
from ledger.errors import Code
from ledger.reading.objects import read_objects
from projections import document_lists
from projections.document_lists import MINE, concerning

_ALL = "/v1/ledgers/{ledger}/documents"
_ONE = _ALL + "/{kind}/{number}"

router = APIRouter(route_class=Operation, tags=[Tag.DOCUMENTS])


@router.get(
    _ALL,
    operation_id="document.list",
    summary="Documents in the order in which they were submitted",
    description="`mine=true`: what the caller made or agreed to, and what waits for a role of his."
    " `about`: kind and number of the object, as items have it, such as `payment/P-1`.",
    response_model=Page[DocumentItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_documents(
    call: LedgerRead,
    asked: AskedPage,
    state: DocumentStatus | None = None,
    kind: str | None = None,
    about: str | None = None,
    mine: bool = False,
) -> Response:
    """A unit sees what was asked for its own units, and what its holder made."""
    caller = call.caller
    filters = {"state": state, "kind": kind, "about": about}
    if mine:
        filters[MINE] = concerning(caller.principal, caller.roles)
    return await respond_with_page(
        call, asked, filters, document_lists.list_documents, shown=_own_items
    )


async def _own_items(call: Call, key: int, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not prefixes_of(call.caller, call.right):
        return items
    return [
        item
        for item in items
        if same_person(item["by"], call.caller.principal)
        or await are_own(call, key, [command_of(item["kind"], item["asks"])])
    ]


@router.get(
    _ONE,
    operation_id="document.show",
    summary="A document: what it asks for, who made it, who has agreed, who is awaited",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_document(call: LedgerRead, kind: DocumentKind, number: DocumentNo) -> Response:
    key = await admit(call, number=number)
    await wait_for_head(call, key)
    document = await find_document(call, key, kind, number)
    await _require_own(call, key, [document])
    return call.respond(document_view(key, document))


@router.post(
    _ONE + "/approve",
    operation_id="document.approve",
    summary="Agree to a document 同意; with the last agreement it takes effect",
    description="Answers as the route of its kind would have, once nobody else is awaited.",
    response_model=ActAnswer,
    responses={**AGREED, **refusals(*OF_LEDGER_ACT, *ACT_CODES)},
)
async def approve(
    call: Annotated[Call, Depends(ActingOnLedger(Right.AGREE))],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Agreement), RequestBody(default_factory=bytes)],
) -> Response:
    command = agreement(call, kind, number, data)
    key = await admit(call, number=number)
    await _require_own_named(call, key, [command])
    return answer_to_agreement(call, key, await call.submit(key, command))


@router.post(
    _ONE + "/return",
    operation_id="document.return",
    summary="Give a document back to its maker 退回; the maker may take it back",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_ACT, *ACT_CODES),
)
async def give_back(
    call: Annotated[Call, Depends(ActingOnLedger(Right.AGREE))],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Returning), RequestBody()],
) -> Response:
    command = returning(call, kind, number, data)
    key = await admit(call, number=number)
    await _require_own_named(call, key, [command])
    return answer_to_return(call, key, await call.submit(key, command))


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
    commands = await call.beside(len(data) // NUMBER_BYTES, agreements, call, data)
    key = await admit(call)
    await _require_own_named(call, key, commands)
    submissions = await call.beside(len(commands), placed, call, commands, range(len(commands)))
    outcomes = await call.submit_all(key, submissions)
    return await answer_items(call, key, outcomes, result_of)


async def _require_own_named(
    call: Call, key: int, acts: Sequence[ApproveDocument | ReturnDocument]
) -> None:
    """As :func:`_require_own`, of those that acts name; what does not exist passes."""
    if prefixes_of(call.caller, call.right):
        names = [key_of(act.document_kind, act.document_no) for act in acts]
        found: dict[str, Document] = await call.read(
            lambda connection: read_objects(connection, key, DOCUMENT, names)
        )
        await _require_own(call, key, found.values())


async def _require_own(call: Call, key: int, documents: Iterable[Document]) -> None:
    """Raises ``forbidden`` for the first that is of another unit, or of none, and in which the
    caller has no part yet."""
    person = call.caller.principal
    for document in documents:
        has_part = same_person(document.by, person) or document.has_agreed(person)
        if not has_part and not await are_own(call, key, [document.command]):
            number = document.number
            await deny(call, key, number, f"document {number} is of another unit, or of none")
