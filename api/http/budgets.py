"""预算 编制和批复: ceilings, drafts on their way, approvals, what income is expected."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET, UnsetType
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import ITEMS_MAX, decoded
from api.http.budget_views import (
    BudgetApprovalView,
    CeilingView,
    DraftView,
    IncomeBudgetView,
    ceiling_view,
    draft_view,
    row_view,
)
from api.http.bulk import (
    NUMBER_BYTES,
    answer_items,
    batch_route,
    check_numbers,
    placed,
    preferring,
)
from api.http.call import Call
from api.http.dependencies import ActingOnLedger, LedgerRead
from api.http.document_views import SubmittedView, document_of, submitted_view
from api.http.draft_files import drafts_of_file
from api.http.models.enums import ItemState, Tag
from api.http.moments import wait_for_head
from api.http.parameters import DraftNo
from api.http.problems import (
    OF_LEDGER_ACT,
    OF_LEDGER_READ,
    ProblemDocument,
    problem,
    refusals,
)
from api.http.published import PublishedAs
from api.http.routes import CommandRoute, DirectRoute, Operation
from api.http.standing_object import object_now
from api.http.units import require_agencies, require_own
from api.http.views import CommitView, commit_view
from budget.levels import CHECKERS, DEPARTMENT, LEVELS, TREASURY
from budget.preparation.approving import ApproveBudget, SetIncomeBudget
from budget.preparation.ceilings import SetCeiling
from budget.preparation.checking import CheckDraft, ReturnDraft, SubmitDraft
from budget.preparation.draft import BUDGET_DRAFT, BudgetDraft
from budget.preparation.entering import EnterDraft
from budget.rows import BudgetRow
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, RequestError
from ledger.money import stored_fen, yuan
from projections.core.moments import one_moment

_LEDGER = "/v1/ledgers/{ledger}"
_DRAFTS = _LEDGER + "/budget-drafts"
_ONE_DRAFT = _DRAFTS + "/{draft_no}"
ROWS_SHOWN_MAX = 1_000

router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


# ---- answers


class CeilingResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    ceiling: CeilingView | UnsetType = UNSET
    document: SubmittedView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class CeilingResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[CeilingResult]
    commit: CommitView | None


class DraftResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    draft: DraftView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class DraftResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[DraftResult]
    commit: CommitView | None


def _ceiling(key: int, _command: Command, outcome: Outcome) -> Any:
    return ceiling_view(key, outcome.subjects[0], commit_view(outcome.commit))


def _ceiling_result(key: int, index: int, outcome: Outcome) -> CeilingResult:
    if outcome.problem is not None:
        return CeilingResult(index=index, status="refused", problem=problem(outcome.problem))
    if (document := document_of(outcome)) is not None:
        waiting: ItemState = "replayed" if outcome.replayed else "submitted"
        return CeilingResult(index=index, status=waiting, document=submitted_view(key, document))
    view = ceiling_view(key, outcome.subjects[0])
    return CeilingResult(index=index, status=outcome.status, ceiling=view)


def _draft_of(outcome: Outcome) -> BudgetDraft:
    """The draft among what an act has changed."""
    return next(each for each in outcome.subjects if isinstance(each, BudgetDraft))


def _draft(key: int, _command: Command, outcome: Outcome) -> Any:
    return draft_view(key, _draft_of(outcome), commit_view(outcome.commit))


def _draft_result(key: int, index: int, outcome: Outcome) -> DraftResult:
    if outcome.problem is not None:
        return DraftResult(index=index, status="refused", problem=problem(outcome.problem))
    view = draft_view(key, _draft_of(outcome))
    return DraftResult(index=index, status=outcome.status, draft=view)


def _approval(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, ApproveBudget)
    rows = [each for each in outcome.subjects if isinstance(each, BudgetRow)]
    return BudgetApprovalView(
        ledger=ledger_text(key),
        approve_doc_no=command.approve_doc_no,
        approved_on=command.approved_on.isoformat(),
        draft_nos=command.draft_nos,
        rows=[row_view(row) for row in rows[:ROWS_SHOWN_MAX]],
        rows_count=len(rows),
        reply_amt=yuan(sum(stored_fen(row.figures.reply_amt) for row in rows)),
        commit=commit_view(outcome.commit),
    )


def _income(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetIncomeBudget)
    return IncomeBudgetView(
        ledger=ledger_text(key),
        inc_sort_code=command.inc_sort_code,
        fund_type_code=command.fund_type_code,
        amt=command.amt,
        commit=commit_view(outcome.commit),
    )


# ---- a draft


@router.get(
    _ONE_DRAFT,
    operation_id="budget_draft.show",
    summary="A unit's draft with its rows 部门预算草案",
    response_model=DraftView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_draft(call: LedgerRead, draft_no: DraftNo) -> Response:
    key = await admit(call, number=draft_no)
    await wait_for_head(call, key)

    def read(connection: Connection) -> tuple[int, BudgetDraft, list[str]]:
        with one_moment(connection):
            position, draft = object_now(connection, key, BUDGET_DRAFT, draft_no)
            return position, draft, drafts_of_file(connection, key, draft.entered.file_sm3)

    position, draft, of_file = await call.read(read)
    await require_agencies(call, key, [(draft_no, draft.agency_code)])
    view = draft_view(key, draft, with_rows=True)
    view.same_file_draft_nos = [number for number in of_file if number != draft_no] or UNSET
    return call.respond(view, position=position)


async def _as_checker(call: Call, key: int, command: Command) -> Command:
    """A check in the role that the level is for; who says no level checks in the role that he has.

    Raises:
        AccessError: ``forbidden`` without the role.
    """
    assert isinstance(command, CheckDraft)
    level = command.level or _level_of(call)
    await admit(call, number=command.draft_no, role=CHECKERS[level])
    return msgspec.structs.replace(command, level=level)


def _level_of(call: Call) -> str:
    return DEPARTMENT if CHECKERS[DEPARTMENT] in call.caller.roles else TREASURY


# ---- many drafts


class DraftNumbers(msgspec.Struct, forbid_unknown_fields=True):
    """Drafts by their numbers, at most 5000."""

    draft_nos: list[str]


class CheckedDrafts(DraftNumbers, forbid_unknown_fields=True):
    """Likewise, and who checks them."""

    level: str = ""


def _acts_route(
    name: str,
    right: Right,
    shape: type[DraftNumbers],
    commands_of: Callable[[Call, Any], tuple[list[Command], str]],
    summary: str,
) -> DirectRoute:
    """One act on many drafts; ``commands_of`` gives the commands and the role they are asked in."""
    decode = msgspec.json.Decoder(shape).decode

    def read(data: bytes) -> DraftNumbers:
        asked: DraftNumbers = decoded(decode, data)
        check_numbers(asked.draft_nos, "draft_no")
        return asked

    async def handle(
        call: Annotated[Call, Depends(ActingOnLedger(right))],
        data: Annotated[bytes, PublishedAs(shape), RequestBody()],
    ) -> Response:
        asked = await call.beside(len(data) // NUMBER_BYTES, read, data)
        commands, role = commands_of(call, asked)
        key = await admit(call, role=role) if role else await admit(call)
        await require_own(call, key, commands)
        places = range(len(commands))
        submissions = await call.beside(len(commands), placed, call, commands, places)
        outcomes = await call.submit_all(key, submissions)
        return await answer_items(call, key, outcomes, _draft_result)

    return DirectRoute(
        f"{_DRAFTS}:{name}",
        handle,
        operation_id=f"budget_draft.{name}.batch",
        name=f"budget_draft.{name}.batch",
        summary=summary,
        tags=[Tag.BUDGET],
        response_model=DraftResults,
        dependencies=[Depends(preferring)],
        responses=refusals(*OF_LEDGER_ACT),
    )


def _submissions(_call: Call, asked: DraftNumbers) -> tuple[list[Command], str]:
    return [SubmitDraft(draft_no=number) for number in asked.draft_nos], ""


def _checks(call: Call, asked: CheckedDrafts) -> tuple[list[Command], str]:
    level = asked.level or _level_of(call)
    if level not in LEVELS:
        raise RequestError(Code.MALFORMED, f"level is {' or '.join(LEVELS)}", pointer="/level")
    commands = [CheckDraft(draft_no=number, level=level) for number in asked.draft_nos]
    return list(commands), CHECKERS[level]


# ---- the routes

_draft_act = partial(
    CommandRoute, in_path=("draft_no",), view=_draft, answer=DraftView, tag=Tag.BUDGET
)
_OF_DRAFT = (Code.INVALID_STATE, Code.NOT_FOUND)

DIRECT = (
    CommandRoute(
        SetCeiling,
        _LEDGER + "/ceilings",
        right=Right.BUDGET,
        view=_ceiling,
        answer=CeilingView,
        summary="Say how much a unit may plan 控制数下达",
        tag=Tag.BUDGET,
        status=201,
        codes=(Code.ELEMENT_INVALID, Code.INSUFFICIENT_CEILING),
    ),
    batch_route(
        SetCeiling,
        _LEDGER + "/ceilings:batch",
        Right.BUDGET,
        _ceiling_result,
        answer=CeilingResults,
        summary=f"Set up to {ITEMS_MAX} ceilings",
        tag=Tag.BUDGET,
    ),
    CommandRoute(
        EnterDraft,
        _DRAFTS,
        right=Right.PREPARE,
        view=_draft,
        answer=DraftView,
        summary="Enter a unit's draft of a round 一上, 二上",
        tag=Tag.BUDGET,
        status=201,
        codes=(Code.ELEMENT_INVALID, Code.ELEMENT_MISMATCH, Code.BUDGET_MISMATCH),
    ),
    batch_route(
        EnterDraft,
        _DRAFTS + ":batch",
        Right.PREPARE,
        _draft_result,
        answer=DraftResults,
        summary=f"Enter up to {ITEMS_MAX} drafts",
        tag=Tag.BUDGET,
    ),
    _draft_act(
        SubmitDraft,
        _ONE_DRAFT + "/submit",
        right=Right.PREPARE,
        summary="Submit a draft 送审",
        codes=(*_OF_DRAFT, Code.INSUFFICIENT_CEILING, Code.BUDGET_MISMATCH, Code.ELEMENT_MISMATCH),
    ),
    _draft_act(
        CheckDraft,
        _ONE_DRAFT + "/check",
        right=Right.CHECK_BUDGET,
        summary="Check a draft for its department or the treasury 审核",
        codes=(*_OF_DRAFT, Code.SAME_PERSON),
        complete=_as_checker,
    ),
    _draft_act(
        ReturnDraft,
        _ONE_DRAFT + "/return",
        right=Right.CHECK_BUDGET,
        summary="Return a draft to its unit 退回",
        codes=_OF_DRAFT,
    ),
    _acts_route(
        "submit", Right.PREPARE, DraftNumbers, _submissions, f"Submit up to {ITEMS_MAX} drafts"
    ),
    _acts_route(
        "check", Right.CHECK_BUDGET, CheckedDrafts, _checks, f"Check up to {ITEMS_MAX} drafts"
    ),
    CommandRoute(
        SetIncomeBudget,
        _LEDGER + "/income-budgets",
        right=Right.BUDGET,
        view=_income,
        answer=IncomeBudgetView,
        summary="Say what income is expected 本级收入预算",
        tag=Tag.BUDGET,
        status=201,
        codes=(Code.ELEMENT_INVALID,),
    ),
    CommandRoute(
        ApproveBudget,
        _LEDGER + "/budget-approvals",
        right=Right.BUDGET,
        view=_approval,
        answer=BudgetApprovalView,
        summary="Make checked drafts the budget 批复",
        tag=Tag.BUDGET,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.BUDGET_MISMATCH,
            Code.INVALID_STATE,
            Code.SAME_PERSON,
            Code.NOT_FOUND,
        ),
    ),
)
