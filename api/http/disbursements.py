"""Disbursement runs 批量支付: open, load, approve, execute, stop, close."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Annotated, TypeVar
from weakref import WeakKeyDictionary

import anyio
import msgspec
from fastapi import APIRouter, Depends, FastAPI
from fastapi import Body as RequestBody
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_role
from api.http.admission import admit
from api.http.bodies import decoded
from api.http.call import Call
from api.http.dependencies import ActingOnLedger
from api.http.disbursement_lines import load_upload
from api.http.disbursement_views import (
    LoadView,
    RunNo,
    RunView,
    check_run_no,
    require_run,
    run_view,
)
from api.http.models.enums import Signatory, Tag
from api.http.problems import OF_LEDGER_ACT, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.services import Services
from api.http.soundness import CODE_CHARACTERS_MAX
from api.http.units import UNIT, require_own, require_units
from api.http.uploads import published_files
from api.http.views import commit_view
from ledger.deciding.command import Outcome
from ledger.elements.register import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.writing.submitting import submit_to
from payments.disbursement.commands import ApproveRun, CloseRun, StopRun
from payments.disbursement.execution import Executions, Means
from payments.disbursement.lines import read_pages
from payments.disbursement.loading import read_repeated
from payments.disbursement.lock import held
from payments.disbursement.opening import OpenRun
from payments.disbursement.resuming import Resuming
from payments.disbursement.run import LINES_MAX, LOADED, Run, payment_number
from payments.messages.gbk import check_encodable
from payments.payment import PAYMENT
from payments.signature_policy import SIGNATURE_POLICY, SIGNING_ROLES

T = TypeVar("T")

_ALL = "/v1/ledgers/{ledger}/disbursements"
_ONE = _ALL + "/{run_no}"
_ON_RUN = (*OF_LEDGER_ACT, Code.NOT_FOUND, Code.INVALID_STATE)
_ON_INDICATOR = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.INDICATOR_NOT_FOUND,
    Code.INDICATOR_NOT_EXECUTABLE,
)
STOP_TIMEOUT_S = 30.0
router = APIRouter(route_class=Operation, tags=[Tag.DISBURSEMENTS])

_executions: WeakKeyDictionary[Services, Executions] = WeakKeyDictionary()


def executions_of(services: Services) -> Executions:
    """The executions of this application."""
    if services not in _executions:
        t = services.treasury
        means = Means(t.pool, t.sequencer, t.signing)
        _executions[services] = Executions(means)
    return _executions[services]


def lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Carries on runs that broke off; lets executions finish the vouchers in hand at the end."""

    @asynccontextmanager
    async def span(_app: FastAPI) -> AsyncIterator[None]:
        executions, treasury = executions_of(services), services.treasury
        resuming = Resuming(executions.means, executions, treasury.settings.run_resume_s)
        resuming.start()
        yield
        await anyio.to_thread.run_sync(resuming.close)
        await anyio.to_thread.run_sync(executions.close)

    return span


class OpenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``use_des`` goes to the payees' bank; without one the title does."""

    run_no: str
    bgt_id: str
    title: str
    use_des: str = ""
    set_mode_code: str = "1"
    pay_bus_type_code: str = "1"
    effective_on: date | None = None


class ApproveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``lines_sm3``: the lines that the checker has looked at; nothing else is approved.

    ``repeats_run_no``: a run that pays the same amounts to the same accounts, where that is meant.
    """

    lines_sm3: str
    repeats_run_no: str = ""


class ExecuteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``role``: the one to sign in; without it the first of the policy that the caller holds."""

    role: Signatory = ""


class StopRequest(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


# ---- what the bytes say


def _body(data: bytes, kind: type[T]) -> T:
    asked: T = decoded(msgspec.json.Decoder(kind).decode, data or b"{}")
    return asked


def _opening(asked: OpenRequest) -> OpenRun:
    check_run_no(asked.run_no)
    ElementRegister.check_shape("bgt_id", asked.bgt_id, "/bgt_id")
    use_des = asked.use_des or asked.title
    for name, text in (("title", asked.title), ("use_des", use_des)):
        ElementRegister.check_shape("use_des", text, f"/{name}")
    check_encodable(use_des, pointer="/use_des")
    for name in ("set_mode_code", "pay_bus_type_code"):
        code = getattr(asked, name)
        if not (0 < len(code) <= CODE_CHARACTERS_MAX and code.isprintable()):
            raise RequestError(Code.MALFORMED, f"{name} is no code", pointer=f"/{name}")
    return OpenRun(**{**msgspec.structs.asdict(asked), "use_des": use_des})


# ---- acts


@router.post(
    _ALL,
    operation_id="disbursement.open",
    summary="Open a disbursement run 批量支付",
    status_code=201,
    response_model=RunView,
    responses=refusals(*_ON_RUN, *_ON_INDICATOR, Code.ELEMENT_INVALID),
)
async def open_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.APPLY))],
    data: Annotated[bytes, PublishedAs(OpenRequest), RequestBody()],
) -> Response:
    command = _opening(_body(data, OpenRequest))
    key = await admit(call, number=command.run_no)
    await require_own(call, key, (command,))
    return await _answer(call, key, await call.submit(key, command), status=201)


@router.post(
    _ONE + "/lines",
    operation_id="disbursement.load",
    summary=f"Upload the lines: CSV, NDJSON or XLSX, at most {LINES_MAX}",
    response_model=LoadView,
    responses=refusals(*_ON_RUN, Code.DETAILS_MISMATCH),
    openapi_extra=published_files("a line of the run a row"),
)
async def load_lines(
    call: Annotated[Call, Depends(ActingOnLedger(Right.APPLY))], run_no: RunNo
) -> Response:
    """The columns are those of a payment's details; the file is streamed to disk."""
    key = await admit(call, number=run_no)
    run = await _read_run(call, key, run_no)
    await require_units(call, key, bgt_ids=[run.bgt_id])
    return await load_upload(call, key, run)


@router.post(
    _ONE + "/approve",
    operation_id="disbursement.approve",
    summary="Approve all of its lines at once; their total is frozen",
    response_model=RunView,
    responses=refusals(
        *_ON_RUN,
        *_ON_INDICATOR,
        Code.DETAILS_MISMATCH,
        Code.RUN_REPEATED,
        Code.INSUFFICIENT_PLAN,
        Code.INSUFFICIENT_INDICATOR,
        Code.SAME_PERSON,
    ),
)
async def approve_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.CHECK))],
    run_no: RunNo,
    data: Annotated[bytes, PublishedAs(ApproveRequest), RequestBody()],
) -> Response:
    asked = _body(data, ApproveRequest)
    if not asked.lines_sm3:
        detail = "lines_sm3 names the lines that were looked at"
        raise RequestError(Code.MALFORMED, detail, pointer="/lines_sm3")
    if asked.repeats_run_no:
        ElementRegister.check_shape("pay_app_no", asked.repeats_run_no, "/repeats_run_no")
    key = await admit(call, number=run_no)
    run = await _read_run(call, key, run_no)
    outcome = await call.in_thread(lambda: _approve(call, key, run, asked))
    return await _answer(call, key, outcome)


def _approve(call: Call, key: int, run: Run, asked: ApproveRequest) -> Outcome:
    """Approves what the table holds while nobody can change it; a refusal as repeated names what
    it repeats."""
    treasury = call.treasury
    if run.approved is not None:  # again, or too late: the books say which
        again = ApproveRun(
            run_no=run.run_no,
            bgt_id=run.bgt_id,
            lines_sm3=asked.lines_sm3,
            repeats_run_no=asked.repeats_run_no,
        )
        submission = call.submission(again, call.idempotency_key)
        return submit_to(treasury.sequencer)(key, [submission])[0]
    with held(treasury.pool, key, run.run_no) as connection:
        pages = read_pages(connection, key, run.run_no)
        if asked.lines_sm3 != pages.lines_sm3:
            detail = f"the lines of run {run.run_no} are others: their SM3 is {pages.lines_sm3}"
            raise Refusal(Code.DETAILS_MISMATCH, detail, lines_sm3=pages.lines_sm3)
        if run.status == LOADED:
            _require_free_numbers(connection, key, run, len(pages.digests))
        command = ApproveRun(
            run_no=run.run_no,
            bgt_id=run.bgt_id,
            lines_sm3=pages.lines_sm3,
            repeats_run_no=asked.repeats_run_no,
        )
        submission = call.submission(command, call.idempotency_key)
        [outcome] = submit_to(treasury.sequencer)(key, [submission])
        problem = outcome.problem
        if problem is not None and problem.code is Code.RUN_REPEATED and run.loaded is not None:
            problem.extra["run_nos"] = read_repeated(connection, key, run.loaded.payees_sm3)
    return outcome


def _require_free_numbers(connection: Connection, key: int, run: Run, vouchers: int) -> None:
    """Refuses a run some of whose payments' numbers are used already."""
    numbers = [payment_number(run.run_no, voucher) for voucher in range(1, vouchers + 1)]
    row = connection.execute(
        "SELECT number FROM command_keys WHERE ledger_id = %s AND operation = %s"
        " AND number = ANY(%s) LIMIT 1",
        (key, PAYMENT.opened_by, numbers),
    ).fetchone()
    if row is not None:
        raise Refusal(Code.IDEMPOTENCY_CONFLICT, f"the payment number {row[0]!r} is used already")


@router.post(
    _ONE + "/execute",
    operation_id="disbursement.execute",
    summary="Execute it, or go on with it, signing every voucher as the caller",
    status_code=202,
    response_model=RunView,
    responses=refusals(*_ON_RUN, Code.DETAILS_MISMATCH, Code.CERTIFICATE_INVALID),
)
async def execute_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.SIGN))],
    run_no: RunNo,
    data: Annotated[bytes, PublishedAs(ExecuteRequest), RequestBody(default_factory=bytes)],
) -> Response:
    """Answers as soon as the run is taken on; the vouchers follow."""
    asked = _body(data, ExecuteRequest)
    if asked.role and asked.role not in SIGNING_ROLES:
        detail = f"signing roles are {', '.join(SIGNING_ROLES)}"
        raise RequestError(Code.MALFORMED, detail, pointer="/role")
    key = await admit(call, number=run_no, role=asked.role)
    run = await _read_run(call, key, run_no)
    role = asked.role or await _role_of(call, key)
    if role in UNIT:
        await require_units(call, key, bgt_ids=[run.bgt_id])
    executions = executions_of(call.services)
    outcome = await call.in_thread(
        lambda: executions.start(key, run, role, call.caller.principal, dry_run=call.dry_run)
    )
    return await _answer(call, key, outcome, status=202)


async def _role_of(call: Call, key: int) -> str:
    """The first role of the signature policy that the caller holds; raises ``forbidden``."""
    roles = (await call.head(key)).settings.get(SIGNATURE_POLICY).roles
    held_roles = [role for role in roles if role in call.caller.roles]
    if not held_roles:
        require_role(call.caller, roles[0])
    return held_roles[0]


@router.post(
    _ONE + "/stop",
    operation_id="disbursement.stop",
    summary="Stop before the next voucher",
    response_model=RunView,
    responses=refusals(*_ON_RUN),
)
async def stop_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.STOP))],
    run_no: RunNo,
    data: Annotated[bytes, PublishedAs(StopRequest), RequestBody(default_factory=bytes)],
) -> Response:
    asked = _body(data, StopRequest)
    if asked.reason:
        ElementRegister.check_shape("reason", asked.reason, "/reason")
    key = await admit(call, number=run_no)
    run = await _read_run(call, key, run_no)
    await require_units(call, key, bgt_ids=[run.bgt_id])
    if not call.dry_run:
        executions = executions_of(call.services)
        await call.in_thread(lambda: executions.pause(key, run_no, STOP_TIMEOUT_S))
    command = StopRun(run_no=run_no, bgt_id=run.bgt_id, reason=asked.reason)
    return await _answer(call, key, await call.submit(key, command))


@router.post(
    _ONE + "/close",
    operation_id="disbursement.close",
    summary="End it 结束: what was frozen and not drawn is set free",
    response_model=RunView,
    responses=refusals(*_ON_RUN, *_ON_INDICATOR[:2]),
)
async def close_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.APPLY))], run_no: RunNo
) -> Response:
    await call.read_body()  # there is nothing to say in it
    key = await admit(call, number=run_no)
    run = await _read_run(call, key, run_no)
    command = CloseRun(run_no=run_no, bgt_id=run.bgt_id)
    await require_own(call, key, (command,))
    return await _answer(call, key, await call.submit(key, command))


async def _read_run(call: Call, key: int, run_no: str) -> Run:
    return await call.read(lambda connection: require_run(connection, key, run_no))


async def _answer(call: Call, key: int, outcome: Outcome, *, status: int = 200) -> Response:
    """The run as the command left it, or its refusal."""
    if outcome.problem is not None:
        return call.refuse(outcome)
    run, commit = outcome.subjects[0], commit_view(outcome.commit)
    view = await call.read(lambda connection: run_view(connection, key, run, commit=commit))
    return call.respond(view, status=status, replayed=outcome.replayed)
