"""Many commands in one request: each item has its result, in its place.

*independent*: what is wrong with one item touches no other. *atomic*: all of them or none.

Whoever says ``Prefer: return=minimal`` (RFC 7240) is told of an accepted item no more than that it
was: what it looks like now is most of an answer, and he who sends thousands seldom reads it.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Body as RequestBody
from fastapi import Depends
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit, last_commit
from api.http.bodies import ITEMS_MAX, Body, BulkItem, decoded, read_items
from api.http.call import Call, encode
from api.http.dependencies import ActingOnLedger
from api.http.document_views import SubmittedView, document_of, submitted_view
from api.http.models.enums import BatchMode, ItemState, Signatory, Tag
from api.http.parameters import Prefer
from api.http.problems import OF_LEDGER_ACT, ProblemDocument, problem, refusals
from api.http.published import PublishedAs
from api.http.routes import DirectRoute, Endpoint
from api.http.transport.responses import JsonPieces
from api.http.units import UNIT, require_own, require_units
from api.http.views import (
    CommitView,
    IndicatorView,
    PaymentView,
    commit_view,
    indicator_view,
    payment_view,
)
from budget.issuing import IssueIndicator
from ledger.deciding.command import Command, Outcome, Submission
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from payments.application import ApplyPayment, ApprovePayment
from payments.refunds.requests import RefundPayment
from payments.signature_policy import SIGNING_ROLES

MINIMAL = "return=minimal"
_MINIMAL_APPLIED = (b"preference-applied", MINIMAL.encode())
PIECE_ITEMS = 250  # of an answer
ITEM_BYTES, NUMBER_BYTES = 300, 20  # about; a body's length tells how much work it is
Submit = Callable[[Sequence[Submission]], Awaitable[list[Outcome]]]
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")


class PaymentResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    payment: PaymentView | UnsetType = UNSET
    document: SubmittedView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class IndicatorResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    indicator: IndicatorView | UnsetType = UNSET
    document: SubmittedView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class BriefResult(msgspec.Struct, kw_only=True, gc=False):
    """An accepted item, for whoever asked for no more."""

    index: int
    status: ItemState


class PaymentResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[PaymentResult]
    commit: CommitView | None


class IndicatorResults(msgspec.Struct, kw_only=True):
    results: list[IndicatorResult]
    commit: CommitView | None


class PaymentNumbers(msgspec.Struct, forbid_unknown_fields=True):
    pay_app_nos: list[str]


class SigningRequest(msgspec.Struct, forbid_unknown_fields=True):
    pay_app_nos: list[str]
    role: Signatory


# ---- results


def payment_result(key: int, index: int, outcome: Outcome) -> PaymentResult:
    if outcome.problem is not None:
        return PaymentResult(index=index, status="refused", problem=problem(outcome.problem))
    if (document := document_of(outcome)) is not None:
        shown = submitted_view(key, document)
        return PaymentResult(index=index, status=waiting(outcome), document=shown)
    view = payment_view(key, outcome.subjects[0])
    return PaymentResult(index=index, status=outcome.status, payment=view)


def _indicator_result(key: int, index: int, outcome: Outcome) -> IndicatorResult:
    if outcome.problem is not None:
        return IndicatorResult(index=index, status="refused", problem=problem(outcome.problem))
    if (document := document_of(outcome)) is not None:
        shown = submitted_view(key, document)
        return IndicatorResult(index=index, status=waiting(outcome), document=shown)
    view = indicator_view(key, outcome.subjects[0])
    return IndicatorResult(index=index, status=outcome.status, indicator=view)


def waiting(outcome: Outcome) -> ItemState:
    """Of an item that became a document."""
    return "replayed" if outcome.replayed else "submitted"


def _in_brief(
    result: Callable[[int, int, Outcome], Any], key: int, index: int, outcome: Outcome
) -> Any:
    """As ``result`` has it where the item was refused."""
    if outcome.problem is not None:
        return result(key, index, outcome)
    waits = document_of(outcome) is not None
    return BriefResult(index=index, status=waiting(outcome) if waits else outcome.status)


def _rendered(
    key: int, outcomes: Sequence[Outcome], result: Callable[[int, int, Outcome], Any]
) -> list[bytes]:
    """The answer in pieces: the encoder keeps the interpreter to itself for the length of one."""
    pieces = [b'{"results":[']
    for start in range(0, len(outcomes), PIECE_ITEMS):
        part = outcomes[start : start + PIECE_ITEMS]
        results = [result(key, index, outcome) for index, outcome in enumerate(part, start)]
        pieces += [b"," if start else b"", encode(results)[1:-1]]  # without its brackets
    pieces.append(b'],"commit":%s}' % encode(commit_view(last_commit(outcomes))))
    return [b"".join(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]


async def answer_items(
    call: Call, key: int, outcomes: Sequence[Outcome], result: Callable[[int, int, Outcome], Any]
) -> Response:
    """One result an item; ``result`` makes (ledger, place, outcome) an item of the answer."""
    headers: list[tuple[bytes, bytes]] = []
    if _wants_minimal(call):
        result, headers = partial(_in_brief, result), [_MINIMAL_APPLIED]
    pieces = await call.beside(len(outcomes), _rendered, key, outcomes, result)
    return JsonPieces(pieces, headers=headers)


def _wants_minimal(call: Call) -> bool:
    preferences = ",".join(call.headers.getlist("prefer")).split(",")
    return any(
        preference.partition(";")[0].strip().lower() == MINIMAL for preference in preferences
    )


# ---- :batch


async def in_bulk(mode: BatchMode = BatchMode.INDEPENDENT, prefer: Prefer = None) -> None:
    """What a batch may say beside its items; the call has it."""


async def preferring(prefer: Prefer = None) -> None:
    """What an answer may leave out; the call has it."""


def batch_route(
    command: type[Command],
    path: str,
    right: Right,
    result: Callable[[int, int, Outcome], Any],
    *,
    answer: type[Any],
    summary: str,
    tag: Tag,
) -> DirectRoute:
    """Up to ``ITEMS_MAX`` of a command in one request; ``result`` makes (ledger, place, outcome)
    an item of the answer."""
    body = Body(command, suffix="Item")

    async def handle(
        call: Annotated[Call, Depends(ActingOnLedger(right))],
        data: Annotated[bytes, PublishedAs(body.struct, most=ITEMS_MAX), RequestBody()],
    ) -> Response:
        mode = mode_of(call)
        items = await items_of(call, body, data)
        key = await admit(call)
        await require_own(call, key, [item.command for item in items if item.command is not None])
        atomic = mode is BatchMode.ATOMIC
        submit = partial(call.submit_all, key, atomic=atomic)
        outcomes = await submit_items(call, items, submit, atomic=atomic)
        return await answer_items(call, key, outcomes, result)

    return DirectRoute(
        path,
        handle,
        operation_id=f"{command.OPERATION}.batch",
        name=f"{command.OPERATION}.batch",
        summary=summary,
        tags=[tag],
        response_model=answer,
        dependencies=[Depends(in_bulk)],
        responses=refusals(*OF_LEDGER_ACT),
        openapi_extra=lines_of(body),
    )


async def items_of(call: Call, body: Body, data: bytes) -> list[BulkItem]:
    """The items of a request, an array or one a line, each for itself; see :func:`read_items`."""
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await call.beside(
        len(data) // ITEM_BYTES, lambda: read_items(body, data, lines=media in LINES)
    )


def mode_of(call: Call) -> BatchMode:
    text = call.query.get("mode", BatchMode.INDEPENDENT)
    if text not in list(BatchMode):
        raise RequestError(Code.MALFORMED, f"mode is {' or '.join(BatchMode)}", pointer="/mode")
    return BatchMode(text)


def lines_of(body: Body) -> dict[str, Any]:
    """The same items, one a line."""
    schema = {
        "type": "string",
        "description": f"newline-delimited JSON: a {body.struct.__name__} a line",
    }
    return {"requestBody": {"content": {LINES[0]: {"schema": schema}}}}


async def submit_items(
    call: Call, items: Sequence[BulkItem], submit: Submit, *, atomic: bool
) -> list[Outcome]:
    """What becomes of the items, each in its place; ``submit`` asks for those that are sound."""
    sound = [item.command for item in items if item.command is not None]
    if atomic and len(sound) < len(items):
        first = next(index for index, item in enumerate(items) if item.error)
        aborted = Refusal(
            Code.BATCH_ABORTED,
            f"item {first} was refused and the batch is atomic: nothing was done",
            failed_index=first,
        )
        return [Outcome(problem=item.error or aborted) for item in items]
    # an item's key goes by its place, so that a mended item leaves the others' keys as they were
    places = [index for index, item in enumerate(items) if item.command is not None]
    submissions = await call.beside(len(sound), placed, call, sound, places)
    decided = iter(await submit(submissions))
    return [Outcome(problem=item.error) if item.error else next(decided) for item in items]


def placed(call: Call, commands: Sequence[Command], places: Sequence[int]) -> list[Submission]:
    """Each with an idempotency key of its own, made of its place in the request."""
    key_of_all = call.idempotency_key
    return [
        call.submission(command, f"{key_of_all}#{place}" if key_of_all else "")
        for place, command in zip(places, commands, strict=True)
    ]


# ---- :approve and :sign


def check_numbers(numbers: Sequence[str], element: str) -> None:
    """Of an act on many: each has the shape of its element, in the field that bears its plural.

    Raises:
        RequestError: ``malformed``, ``too_many_items``.
    """
    if not numbers:
        raise RequestError(Code.MALFORMED, "there are no numbers", pointer=f"/{element}s")
    if len(numbers) > ITEMS_MAX:
        raise RequestError(
            Code.TOO_MANY_ITEMS, f"{len(numbers)} items; one request holds at most {ITEMS_MAX}"
        )
    for index, number in enumerate(numbers):
        ElementRegister.check_shape(element, number, f"/{element}s/{index}")


_decode_numbers = msgspec.json.Decoder(PaymentNumbers).decode
_decode_signing = msgspec.json.Decoder(SigningRequest).decode


def _approvals(data: bytes) -> list[Command]:
    asked: PaymentNumbers = decoded(_decode_numbers, data)
    check_numbers(asked.pay_app_nos, "pay_app_no")
    return [ApprovePayment(pay_app_no=number) for number in asked.pay_app_nos]


async def approve_all(
    call: Annotated[Call, Depends(ActingOnLedger(Right.CHECK))],
    data: Annotated[bytes, PublishedAs(PaymentNumbers), RequestBody()],
) -> Response:
    commands = await call.beside(len(data) // NUMBER_BYTES, _approvals, data)
    key = await admit(call)
    submissions = await call.beside(len(commands), placed, call, commands, range(len(commands)))
    outcomes = await call.submit_all(key, submissions)
    return await answer_items(call, key, outcomes, payment_result)


def _signing_request(data: bytes) -> SigningRequest:
    asked: SigningRequest = decoded(_decode_signing, data)
    check_numbers(asked.pay_app_nos, "pay_app_no")
    if asked.role not in SIGNING_ROLES:
        raise RequestError(
            Code.MALFORMED, f"signing roles are {', '.join(SIGNING_ROLES)}", pointer="/role"
        )
    return asked


async def sign_all(
    call: Annotated[Call, Depends(ActingOnLedger(Right.SIGN))],
    data: Annotated[bytes, PublishedAs(SigningRequest), RequestBody()],
) -> Response:
    asked = await call.beside(len(data) // NUMBER_BYTES, _signing_request, data)
    key = await admit(call, role=asked.role)
    if asked.role in UNIT:
        await require_units(call, key, pay_app_nos=asked.pay_app_nos)
    sign = partial(
        call.treasury.signing.sign_and_submit,
        key,
        asked.pay_app_nos,
        asked.role,
        call.caller.principal,
        call.submit_and_wait,
        dry_run=call.dry_run,
    )
    return await answer_items(call, key, await call.in_thread(sign), payment_result)


def _of_payments(path: str, endpoint: Endpoint, name: str, summary: str) -> DirectRoute:
    return DirectRoute(
        f"/v1/ledgers/{{ledger}}/payments:{path}",
        endpoint,
        operation_id=name,
        name=name,
        summary=summary,
        tags=[Tag.PAYMENTS],
        response_model=PaymentResults,
        dependencies=[Depends(preferring)],
        responses=refusals(*OF_LEDGER_ACT),
    )


DIRECT = (
    batch_route(
        ApplyPayment,
        "/v1/ledgers/{ledger}/payments:batch",
        Right.APPLY,
        payment_result,
        answer=PaymentResults,
        summary=f"Apply for up to {ITEMS_MAX} payments",
        tag=Tag.PAYMENTS,
    ),
    _of_payments("approve", approve_all, "payment.approve.batch", "Approve many payments"),
    _of_payments(
        "sign",
        sign_all,
        "voucher.sign.batch",
        "Sign the vouchers of many payments, in one role",
    ),
    batch_route(
        RefundPayment,
        "/v1/ledgers/{ledger}/refunds:batch",
        Right.APPLY,
        payment_result,
        answer=PaymentResults,
        summary=f"Refund up to {ITEMS_MAX} payments, in whole or in part",
        tag=Tag.PAYMENTS,
    ),
    batch_route(
        IssueIndicator,
        "/v1/ledgers/{ledger}/indicators:batch",
        Right.BUDGET,
        _indicator_result,
        answer=IndicatorResults,
        summary=f"Issue up to {ITEMS_MAX} indicators",
        tag=Tag.INDICATORS,
    ),
)
