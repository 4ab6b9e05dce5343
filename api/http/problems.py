"""Errors as callers meet them: RFC 9457 problem documents, made in this one place."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import orjson
import psycopg
import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.http.models.enums import ProblemCode
from api.http.models.shown import may_be_missing, shown_as
from ledger.errors import Code, GuokuError, RequestError, UnavailableError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:guoku:problem:"
SANITISED = "the server failed; whoever runs it finds the reason under the correlation id"

TITLES = {
    Code.MALFORMED: "The request is malformed",
    Code.INVALID_AMOUNT: "An amount is not yuan text with two decimals",
    Code.UNAUTHENTICATED: "No valid token",
    Code.FORBIDDEN: "The caller may not do this",
    Code.LEDGER_NOT_FOUND: "No such ledger",
    Code.IDEMPOTENCY_CONFLICT: "The number was used for another content",
    Code.PERIOD_CLOSED: "The period is closed",
    Code.FUTURE_DATE: "The day has not come",
    Code.NOT_A_WORKDAY: "The day is not worked on",
    Code.PERIOD_NOT_READY: "The period cannot be closed yet",
    Code.ALREADY_REPORTED: "The day was reported already",
    Code.ALREADY_OPENED: "The book has its openings already",
    Code.INDICATOR_NOT_FOUND: "No such indicator",
    Code.INDICATOR_NOT_EXECUTABLE: "The indicator may not be executed",
    Code.CONTRACT_NOT_FOUND: "No such contract",
    Code.ELEMENT_INVALID: "A code is not in force",
    Code.ELEMENT_MISMATCH: "A dimension differs from the indicator's",
    Code.CONTRACT_REQUIRED: "A purchase is paid by a contract under a plan",
    Code.DETAILS_MISMATCH: "The details do not make up the payment",
    Code.PARALLEL_ENTRY_MISSING: "The budgetary side does not move with the financial one",
    Code.EXCEEDS_ADVANCE: "More than stands out of the advance",
    Code.EXCEEDS_DEBT: "More than is owed, accrued or left of the bond",
    Code.EXCEEDS_RECEIVED: "More than was received of the income",
    Code.EXCEEDS_UNSPENT: "More than is left of the indicator to be carried over",
    Code.CORRECTION_EXCEEDS_PAID: "More than was paid cannot be corrected",
    Code.BUDGET_MISMATCH: "The figures of a budget do not agree",
    Code.RUN_REPEATED: "Another run pays the same payees the same",
    Code.CARD_LINE_REPEATED: "What was spent is reimbursed already",
    Code.BANK_NOT_APPOINTED: "No such bank is appointed",
    Code.INSUFFICIENT_CONTRACT: "The contract does not suffice",
    Code.INSUFFICIENT_PURCHASE_PLAN: "The purchase plan does not suffice",
    Code.INSUFFICIENT_PLAN: "The plan does not suffice",
    Code.INSUFFICIENT_INDICATOR: "The indicator does not suffice",
    Code.INSUFFICIENT_BUDGET: "The budget does not suffice",
    Code.TRANSFER_ALLOTTED: "The receiver has allotted it",
    Code.INSUFFICIENT_CEILING: "The ceiling does not suffice",
    Code.INSUFFICIENT_CASH: "The cash at the treasury does not suffice",
    Code.INTERCEPTED: "A monitoring rule refuses the payment",
    Code.CONFIRMATION_REQUIRED: "A monitoring rule asks for a reason",
    Code.PAYMENT_NOT_FOUND: "No such payment",
    Code.CLEARING_EMPTY: "There is nothing to clear",
    Code.MONITORED: "A monitoring rule holds the payment",
    Code.INVALID_STATE: "Not in this state",
    Code.SAME_PERSON: "Another person has to do this",
    Code.ACCOUNT_INVALID: "No account that may be paid from",
    Code.SIGNATURE_ORDER: "Another role signs first",
    Code.SIGNATURE_INVALID: "A signature does not verify",
    Code.CERTIFICATE_INVALID: "A certificate is not valid",
    Code.RECEIPT_MISMATCH: "The receipt does not fit",
    Code.REFUND_EXCEEDS_PAID: "More than was paid cannot come back",
    Code.CHECKPOINT_STALE: "The witness remembers another checkpoint",
    Code.HISTORY_SHRUNK: "History was longer before",
    Code.HISTORY_FORKED: "There are two histories",
    Code.PROOF_INVALID: "The proof does not verify",
    Code.NOT_FOUND: "Not found",
    Code.TOO_MANY_ITEMS: "Too much in one request",
    Code.BATCH_ABORTED: "The atomic batch was not done",
    Code.BUSY: "Too busy",
    Code.CLOCK_SKEWED: "The clocks do not agree",
    Code.HISTORY_CUT: "A part of the history is lost",
    Code.UNAVAILABLE: "Not available now",
    Code.INTERNAL: "The server failed",
}

# what an operation may answer because of what it is, beside its own codes
OF_ALL = (Code.MALFORMED, Code.INTERNAL, Code.UNAVAILABLE)
OF_READ = (Code.UNAUTHENTICATED, Code.FORBIDDEN)
OF_LEDGER_READ = (*OF_READ, Code.LEDGER_NOT_FOUND)
OF_ACT = (
    *OF_READ,
    Code.TOO_MANY_ITEMS,
    Code.BUSY,
    Code.CLOCK_SKEWED,
    Code.HISTORY_CUT,
    Code.IDEMPOTENCY_CONFLICT,
)
OF_LEDGER_ACT = (*OF_ACT, Code.LEDGER_NOT_FOUND)

log = structlog.get_logger(__name__)


class Blocker(BaseModel):
    """Something that waits in a period: its state, its number, over how much it is, and the
    operations that bring it to its end."""

    kind: str
    number: str
    amt: str
    acts: list[str] = []


class Problem(BaseModel):
    """RFC 9457 problem document; some codes have members of their own."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=[TYPE_PREFIX + Code.MALFORMED.text])]
    title: str
    status: int
    code: ProblemCode
    detail: str
    instance: str = may_be_missing()
    pointer: str = may_be_missing(description="JSON pointer of what is wrong")
    available_amt: str = may_be_missing()
    requested_amt: str = may_be_missing()
    bgt_id: str = may_be_missing()
    blockers: list[Blocker] = may_be_missing(description="what waits in the period 未了事项")
    correlation_id: str = may_be_missing(description="X-Request-Id of the answer")


ProblemDocument = Annotated[dict[str, Any], shown_as(Problem)]


def refusals(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """FastAPI's ``responses`` of an operation that may answer with these codes, and with those
    that all have; what may come beside them has the same shape."""
    by_status: dict[int, list[str]] = {}
    for code in sorted({*codes, *OF_ALL}, key=list(Code).index):
        by_status.setdefault(code.status, []).append(code.text)
    told: dict[int | str, dict[str, Any]] = {}
    for status, texts in sorted(by_status.items()):
        told[status] = _refusal(" · ".join(texts))
    return {**told, "default": _refusal("any other problem")}


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def correlation_id(request: Request) -> str:
    """The id of this request, as the middleware has set it."""
    return str(request.scope.get("correlation_id", ""))


def problem(error: GuokuError, *, instance: str = "", correlation: str = "") -> dict[str, Any]:
    """The members of a problem document; what failed inside the server is not told."""
    code = error.code
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + code.text,
        "title": TITLES[code],
        "status": code.status,
        "detail": SANITISED if code is Code.INTERNAL else error.detail,
    }
    if instance:
        document["instance"] = instance
    document["code"] = code.text
    if code is not Code.INTERNAL:
        document.update({name: value for name, value in error.extra.items() if value != ""})
    if correlation:
        document["correlation_id"] = correlation
    return document


def problem_response(
    request: Request,
    error: GuokuError,
    *,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    """The problem document of an error; ``status`` only where HTTP itself has a finer one."""
    if error.code is Code.INTERNAL:
        log.error("a request failed inside", detail=error.detail, exc_info=error)
    document = problem(error, instance=request.scope["path"], correlation=correlation_id(request))
    all_headers = dict(headers or {})
    if isinstance(error, UnavailableError):
        all_headers["Retry-After"] = str(error.retry_after_s)
    elif error.code.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        all_headers["Retry-After"] = "1"
    if error.code is Code.UNAUTHENTICATED:
        all_headers["WWW-Authenticate"] = "Bearer"
    if status is not None:
        document["status"] = status
    return Response(
        orjson.dumps(document, default=str),
        status_code=document["status"],
        headers=all_headers,
        media_type=MEDIA_TYPE,
    )


async def on_guoku_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GuokuError)
    return problem_response(request, error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: an unknown route, a method the resource does not have."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            found: GuokuError = RequestError(Code.NOT_FOUND, "there is nothing at this address")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            found = RequestError(Code.NOT_FOUND, f"{request.method} is not done at this address")
            headers["Allow"] = ", ".join(_methods_at(request))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            found = RequestError(Code.TOO_MANY_ITEMS, "the body is too large")
        case status if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            found = RequestError(Code.MALFORMED, str(error.detail))
        case _:
            found = GuokuError(Code.INTERNAL, str(error.detail))
    status_code = error.status_code if found.code is not Code.INTERNAL else None
    return problem_response(request, found, headers=headers, status=status_code)


def _methods_at(request: Request) -> list[str]:
    """Every method that is served at the request's address."""
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        if context.methods and context.path_regex.match(request.scope["path"]):
            methods |= context.methods
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """FastAPI's own validation, of whatever is declared as a parameter."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    names = [str(part) for part in first["loc"][1:]]
    pointer = "/" + "/".join(names) if names else ""
    detail = f"{'.'.join(names) or 'the request'}: {first['msg']}"
    return problem_response(request, RequestError(Code.MALFORMED, detail, pointer=pointer))


async def on_database_away(request: Request, error: Exception) -> Response:
    """The database does not answer, or no connection is free: not now, but perhaps soon."""
    log.warning("the database could not be reached", reason=str(error))
    problem = UnavailableError(Code.UNAVAILABLE, "the books could not be reached")
    return problem_response(request, problem)


async def on_any_error(request: Request, error: Exception) -> Response:
    """Whatever nobody expected: logged in full, answered with the correlation id only."""
    return problem_response(request, GuokuError(Code.INTERNAL, f"{type(error).__name__}: {error}"))


OF_ERRORS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    GuokuError: on_guoku_error,
    HTTPException: on_http_exception,
    RequestValidationError: on_invalid_request,
    psycopg.OperationalError: on_database_away,
}
"""The one mapping from errors to answers, of our routes and of the framework behind them."""
