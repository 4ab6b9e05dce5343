"""What of a division others must agree to: its policy, and the documents 单据 that wait.

Certificates and loads of code sets are of all divisions and on record in their ledger; a document
of theirs is shown and agreed to in the division that asked for it. Their policy is that of
``000000000``.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import exists, last_commit
from api.http.bodies import MappingBody
from api.http.bulk import placed
from api.http.call import Call
from api.http.dependencies import Acting, of_division
from api.http.division_lists import DivisionRead, page_of
from api.http.division_routes import (
    OF_ALL,
    OF_DIVISION,
    admit_to_division,
    division_of,
    submit_all_to_standing,
    submit_to_standing,
)
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
from api.http.models.lists import DivisionDocumentItem, Page
from api.http.models.shown import ActAnswer
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode, DocumentKind, DocumentNo
from api.http.policy_views import ApprovalPolicyView
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import ANSWERS, SUBMITTED, LookFirst, Operation, respond_to_act
from api.http.views import commit_view
from division.certificate import RegisterCertificate, RevokeCertificate
from division.code_set_load import LoadCodeSets
from ledger.account_set import SYSTEM_DIVISION, ledger_text
from ledger.deciding.approvals import APPROVAL_POLICY, SetApprovalPolicy
from ledger.deciding.command import Outcome
from ledger.deciding.documents import DOCUMENT, ApproveDocument, Document
from ledger.errors import Code, GuokuError, Refusal
from ledger.reading.objects import read_objects
from projections.document_lists import StandingDocument, standing_documents

_ALL = OF_DIVISION + "/documents"
_ONE = _ALL + "/{kind}/{number}"
_POLICY = MappingBody(SetApprovalPolicy)
_AGREE = Acting(Right.AGREE)
_KINDS_OF_ALL = frozenset(
    each.OPERATION for each in (RegisterCertificate, RevokeCertificate, LoadCodeSets)
)

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


# ---- the policy


@router.get(
    OF_DIVISION + "/approval-policy",
    operation_id="division.approval_policy.show",
    summary="Which roles must agree to what of a division, in order 审批策略",
    response_model=ApprovalPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: DivisionRead, mof_div_code: DivisionCode) -> Response:
    head = await call.head(await admit_to_division(call))
    roles = head.settings.get(APPROVAL_POLICY).roles
    shown = ApprovalPolicyView(ledger=ledger_text(head.ledger_id), policy=roles)
    return call.respond(shown, position=head.position)


@router.put(
    OF_DIVISION + "/approval-policy",
    operation_id="division.approval_policy.set",
    summary="Set which roles must agree to these kinds of a division; [] is nobody else",
    response_model=ApprovalPolicyView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT)},
    dependencies=[Depends(of_division)],
)
async def set_policy(
    call: Annotated[Call, Depends(Acting(Right.ADMINISTER))],
    data: Annotated[bytes, PublishedAs(_POLICY.published), RequestBody()],
) -> Response:
    command = _POLICY.read(data)
    key = await admit_to_division(call)
    return respond_to_act(call, key, command, await submit_to_standing(call, key, command))


# ---- documents


@router.get(
    _ALL,
    operation_id="division.document.list",
    summary="Documents of a division in the order in which they were submitted",
    description="`mine=true`: what the caller made or agreed to, and what waits for a role of his."
    " `about`: kind and number of the object, as items have it, such as `person/li.si`.",
    response_model=Page[DivisionDocumentItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_documents(
    call: DivisionRead,
    mof_div_code: DivisionCode,
    asked: AskedPage,
    state: DocumentStatus | None = None,
    kind: str | None = None,
    about: str | None = None,
    mine: bool = False,
) -> Response:
    own = await admit_to_division(call)
    caller, division = call.caller, division_of(call)

    def is_asked_for(key: int, document: StandingDocument) -> bool:
        return (
            (key == own or document.is_asked_by(division))
            and state in (None, document.row.state)
            and kind in (None, document.row.kind)
            and about in (None, document.row.about)
            and (not mine or document.concerns(caller.principal, caller.roles))
        )

    def read(connection: Connection) -> list[dict[str, Any]]:
        return [
            {"ledger": ledger_text(key), **document.item}
            for key in sorted({OF_ALL, own})
            for document in standing_documents(connection, key)
            if is_asked_for(key, document)
        ]

    return page_of(call, asked, await call.read(read), _place)


def _place(item: dict[str, Any]) -> str:
    return f"{item['ledger']} {item['submitted_position']:019d}"


@router.get(
    _ONE,
    operation_id="division.document.show",
    summary="A document of a division: what it asks for, who has agreed, who is awaited",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_document(
    call: DivisionRead, mof_div_code: DivisionCode, kind: DocumentKind, number: DocumentNo
) -> Response:
    key = await _admit(call, kind, number)
    document = await _found(call, key, kind, number)
    return call.respond(document_view(key, document))


@router.post(
    _ONE + "/approve",
    operation_id="division.document.approve",
    summary="Agree to a document of a division 同意; with the last agreement it takes effect",
    description="Answers as the route of its kind would have, once nobody else is awaited.",
    response_model=ActAnswer,
    responses={**AGREED, **refusals(*OF_LEDGER_ACT, *ACT_CODES)},
    dependencies=[Depends(of_division)],
)
async def approve(
    call: Annotated[Call, Depends(_AGREE)],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Agreement), RequestBody(default_factory=bytes)],
) -> Response:
    command = agreement(call, kind, number, data)
    key = await _admit(call, kind, number)
    await _look_again(call, key, command)
    return answer_to_agreement(call, key, await submit_to_standing(call, key, command))


@router.post(
    _ONE + "/return",
    operation_id="division.document.return",
    summary="Give a document of a division back to its maker 退回; the maker may take it back",
    response_model=DocumentView,
    responses=refusals(*OF_LEDGER_ACT, *ACT_CODES),
    dependencies=[Depends(of_division)],
)
async def give_back(
    call: Annotated[Call, Depends(_AGREE)],
    kind: DocumentKind,
    number: DocumentNo,
    data: Annotated[bytes, PublishedAs(Returning), RequestBody()],
) -> Response:
    command = returning(call, kind, number, data)
    key = await _admit(call, kind, number)
    await _found(call, key, kind, number)
    return answer_to_return(call, key, await submit_to_standing(call, key, command))


@router.post(
    _ALL + ":approve",
    operation_id="division.document.approve.batch",
    summary="Agree to many documents of a division",
    response_model=DocumentResults,
    responses=refusals(*OF_LEDGER_ACT),
    dependencies=[Depends(of_division)],
)
async def approve_all(
    call: Annotated[Call, Depends(_AGREE)],
    data: Annotated[bytes, PublishedAs(DocumentNames), RequestBody()],
) -> Response:
    commands = agreements(call, data)
    own = await admit_to_division(call)
    keys = [OF_ALL if each.document_kind in _KINDS_OF_ALL else own for each in commands]
    outcomes = await _spoken_against(call, keys, commands)
    for key in set(keys):
        places = [at for at, k in enumerate(keys) if k == key and outcomes[at].problem is None]
        asked = placed(call, [commands[at] for at in places], places)
        done = await submit_all_to_standing(call, key, asked) if asked else []
        for at, outcome in zip(places, done, strict=True):
            outcomes[at] = outcome
    results = [
        result_of(key, at, outcome)
        for at, (key, outcome) in enumerate(zip(keys, outcomes, strict=True))
    ]
    commit = last_commit(outcomes)
    return call.respond(DocumentResults(results=results, commit=commit_view(commit)))


# ---- where a document stands


async def _admit(call: Call, kind: str, number: str) -> int:
    """Passes the caller on to the division in the address; the ledger that keeps such a document.

    Raises:
        Refusal: ``not_found`` where nothing is on record.
    """
    own = await admit_to_division(call, number=number)
    key = OF_ALL if kind in _KINDS_OF_ALL else own
    if not await exists(call, key):
        raise Refusal(Code.NOT_FOUND, f"no document {number!r} of {kind}")
    return key


async def _found(call: Call, key: int, kind: str, number: str) -> Document:
    """The document, if the division in the address has asked for it; raises ``not_found``."""
    document = await find_document(call, key, kind, number)
    _require_asked_here(call, key, document)
    return document


def _require_asked_here(call: Call, key: int, document: Document) -> None:
    """Raises Refusal, ``not_found``, for what another division has asked of all divisions."""
    division = division_of(call)
    asked_by = document.submitted.body.get("mof_div_code", "")
    if key == OF_ALL and division not in (asked_by, SYSTEM_DIVISION):
        raise Refusal(
            Code.NOT_FOUND, f"no document {document.number!r} of {document.kind} in {division}"
        )


async def _look_again(call: Call, key: int, command: ApproveDocument) -> None:
    """What its own route looked at before the act was submitted: a bank's certificate may have been
    revoked since. Raises what speaks against it."""
    document = await _found(call, key, command.document_kind, command.document_no)
    await _look_again_at(call, document)


async def _look_again_at(call: Call, document: Document) -> None:
    before = _before(document.kind)
    if before is not None and len(document.awaits) == 1:
        await before(call, document.command)


def _before(kind: str) -> LookFirst | None:
    return ANSWERS[kind].before if kind in ANSWERS else None


async def _spoken_against(
    call: Call, keys: Sequence[int], commands: Sequence[ApproveDocument]
) -> list[Outcome]:
    """An outcome of each with the problem of :func:`_look_again`, or without. Of what nobody looks
    at before the ledger does, nothing is read: there may be thousands."""
    asked = list(zip(keys, commands, strict=True))
    looked_at = [each for each in asked if each[0] == OF_ALL or _before(each[1].document_kind)]
    found = await call.read(lambda connection: _documents(connection, looked_at))
    outcomes = []
    for key, command in asked:
        outcome = Outcome()
        if (document := found.get((key, command.key))) is not None:
            try:
                _require_asked_here(call, key, document)
                await _look_again_at(call, document)
            except GuokuError as error:
                outcome = Outcome(problem=error)
        outcomes.append(outcome)
    return outcomes


def _documents(
    connection: Connection, asked: Sequence[tuple[int, ApproveDocument]]
) -> dict[tuple[int, str], Document]:
    """The documents of these that there are; what is none the ledger tells."""
    names: dict[int, list[str]] = {}
    for key, command in asked:
        names.setdefault(key, []).append(command.key)
    return {
        (key, name): document
        for key, of_key in names.items()
        for name, document in read_objects(connection, key, DOCUMENT, of_key).items()
    }
