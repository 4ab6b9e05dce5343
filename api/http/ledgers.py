"""Ledgers: open, list, show; who signs; who must agree to what."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit, exists, require_caller
from api.http.bodies import Body, MappingBody
from api.http.call import Call
from api.http.dependencies import Acting, LedgerRead, Read
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.pages import AskedPage, page_after, place_after
from api.http.policy_views import ApprovalPolicyView, PlanPolicyView, PolicyView
from api.http.problems import OF_ACT, OF_LEDGER_READ, OF_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import CommandRoute, Operation
from api.http.views import LedgerView, commit_view, ledger_view
from budget.plan_policy import PLAN_POLICY, SetPlanPolicy
from ledger.account_set import ledger_text
from ledger.deciding.approvals import APPROVAL_POLICY, SetApprovalPolicy
from ledger.deciding.command import Command, Commit, Outcome
from ledger.deciding.opening import TITLE, OpenLedger, Title
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.state import LedgerState
from ledger.errors import Code
from ledger.events import LedgerOpened
from ledger.integrity.chain import microseconds
from ledger.reading.objects import Head, list_heads
from payments.signature_policy import SIGNATURE_POLICY, SetSignaturePolicy

_LEDGER = "/v1/ledgers/{ledger}"
_OPENING = Body(OpenLedger)

router = APIRouter(route_class=Operation, tags=[Tag.LEDGERS])


@router.post(
    "/v1/ledgers",
    operation_id="ledger.open",
    summary="Open the ledger of a division's fiscal year 开账",
    status_code=201,
    response_model=LedgerView,
    responses=refusals(*OF_ACT, Code.ELEMENT_INVALID, Code.INVALID_STATE),
)
async def open_ledger(
    call: Annotated[Call, Depends(Acting(Right.OPEN_LEDGER))],
    data: Annotated[bytes, PublishedAs(_OPENING.struct), RequestBody()],
) -> Response:
    command = _OPENING.read(data)
    assert isinstance(command, OpenLedger)
    key = command.ledger_id
    await admit(call, key, number=ledger_text(key))
    if call.dry_run and not await exists(call, key):
        return call.respond(await call.in_thread(_rehearsed, call, command), status=201)
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        return call.refuse(outcome)
    division = (await call.head(key)).settings.get(TITLE).mof_div_name
    answer = _opened(command, division, outcome.commit)
    return call.respond(answer, status=201, replayed=outcome.replayed)


def _rehearsed(call: Call, command: OpenLedger) -> LedgerView:
    """What opening a ledger would answer; it has no head yet that could decide."""
    state = LedgerState(command.ledger_id, call.treasury.charts)
    state.begin(microseconds(call.treasury.now()), call.treasury.codes())
    decision = command.decide(state, call.caller.principal)
    [(_, _, opened)] = decision.events
    assert isinstance(opened, LedgerOpened)
    return _opened(command, opened.mof_div_name, None)


def _opened(command: OpenLedger, division: str, commit: Commit | None) -> LedgerView:
    """The ledger as it was when it was opened, whatever has been set since."""
    at_first = LedgerSettings({TITLE.name: Title(command.name, division)})
    position, chain = (commit.position, commit.chain) if commit else (0, b"")
    return ledger_view(command.ledger_id, position, chain, at_first, commit_view(commit))


@router.get(
    "/v1/ledgers",
    operation_id="ledger.list",
    summary="The ledgers within the caller's division",
    response_model=Page[LedgerView],
    responses=refusals(*OF_READ),
)
async def list_ledgers(call: Read, asked: AskedPage) -> Response:
    after = place_after(call, asked.cursor)
    caller = require_caller(call)
    heads = [
        head
        for head in await call.read(lambda conn: list_heads(conn, caller.division))
        if ledger_text(head.ledger_id) > after
    ]
    shown = heads[: asked.size]
    last = ledger_text(shown[-1].ledger_id) if len(heads) > asked.size else None
    return call.respond(page_after(call, [_shown(head) for head in shown], last))


@router.get(
    _LEDGER,
    operation_id="ledger.show",
    summary="A ledger with its position and chain",
    response_model=LedgerView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_ledger(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    return call.respond(_shown(head), position=head.position)


def _shown(head: Head) -> LedgerView:
    return ledger_view(head.ledger_id, head.position, head.chain, head.settings)


@router.get(
    _LEDGER + "/signature-policy",
    operation_id="signature_policy.show",
    summary="Which roles sign a voucher, in order 签章策略",
    response_model=PolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    policy = head.settings.get(SIGNATURE_POLICY)
    shown = PolicyView(
        ledger=ledger_text(head.ledger_id),
        roles=policy.roles,
        pay_bank_code=policy.pay_bank_code,
        signing=policy.signing,
    )
    return call.respond(shown, position=head.position)


@router.get(
    _LEDGER + "/approval-policy",
    operation_id="approval_policy.show",
    summary="Which roles must agree to what, in order 审批策略",
    response_model=ApprovalPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_approval_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    roles = head.settings.get(APPROVAL_POLICY).roles
    shown = ApprovalPolicyView(ledger=ledger_text(head.ledger_id), policy=roles)
    return call.respond(shown, position=head.position)


@router.get(
    _LEDGER + "/plan-policy",
    operation_id="plan_policy.show",
    summary="Whether plans count together or month by month 用款计划控制",
    response_model=PlanPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_plan_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    plan_control = head.settings.get(PLAN_POLICY).shown
    shown = PlanPolicyView(ledger=ledger_text(head.ledger_id), plan_control=plan_control)
    return call.respond(shown, position=head.position)


def _plan_policy(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetPlanPolicy)
    return PlanPolicyView(
        ledger=ledger_text(key),
        plan_control=command.plan_control,
        commit=commit_view(outcome.commit),
    )


def _approval_policy(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetApprovalPolicy)
    return ApprovalPolicyView(
        ledger=ledger_text(key), policy=command.approval_policy, commit=commit_view(outcome.commit)
    )


def _policy(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetSignaturePolicy)
    return PolicyView(
        ledger=ledger_text(key),
        roles=command.roles,
        pay_bank_code=command.pay_bank_code,
        signing=command.signing,
        commit=commit_view(outcome.commit),
    )


DIRECT = (
    CommandRoute(
        SetSignaturePolicy,
        _LEDGER + "/signature-policy",
        method="PUT",
        bare="roles",
        right=Right.ADMINISTER,
        view=_policy,
        answer=PolicyView,
        summary="Set which roles sign a voucher, in order, for which bank, and how",
        tag=Tag.LEDGERS,
        codes=(Code.BANK_NOT_APPOINTED,),
    ),
    CommandRoute(
        SetPlanPolicy,
        _LEDGER + "/plan-policy",
        method="PUT",
        right=Right.ADMINISTER,
        view=_plan_policy,
        answer=PlanPolicyView,
        summary="Set whether plans count together or month by month",
        tag=Tag.LEDGERS,
    ),
    CommandRoute(
        SetApprovalPolicy,
        _LEDGER + "/approval-policy",
        method="PUT",
        body=MappingBody(SetApprovalPolicy),
        right=Right.ADMINISTER,
        view=_approval_policy,
        answer=ApprovalPolicyView,
        summary="Set which roles must agree to these kinds, in order; [] is nobody else",
        tag=Tag.LEDGERS,
    ),
)
