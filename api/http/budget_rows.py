"""预算行: a row of the budget with what was approved, adjusted, issued and is left; adjusting, and
that units were told."""

from typing import Annotated, Any

from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.budget_views import (
    AdjustmentView,
    BudgetReplyView,
    BudgetRowView,
    adjustment_view,
    reply_view,
    row_view,
)
from api.http.dependencies import LedgerRead
from api.http.models.enums import BudgetRowStatus, Tag
from api.http.models.lists import Page
from api.http.moments import AsOf, wait_for_head, wait_for_projections
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import BgtPmanId
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import CommandRoute, Operation
from api.http.units import prefixes_of, require_agencies
from api.http.views import commit_view
from budget.adjusting.adjusting import AdjustBudget
from budget.preparation.replying import ReplyBudget
from budget.rows import BUDGET_ROW, ROWS, RowAmounts
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from projections.budget_row_lists import PastRow, list_budget_rows, past_row
from projections.core.moments import one_moment

_ALL = "/v1/ledgers/{ledger}/budget-rows"

_ADJUSTMENTS = "/v1/ledgers/{ledger}/budget-adjustments"

router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


@router.get(
    _ALL,
    operation_id="budget_row.list",
    summary="Rows of the budget with their amounts 预算行清单",
    response_model=Page[BudgetRowView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_rows(
    call: LedgerRead,
    asked: AskedPage,
    agency_code: str | None = None,
    pro_code: str | None = None,
    exp_func_code: str | None = None,
    fund_type_code: str | None = None,
    state: Annotated[str | None, PublishedAs(BudgetRowStatus)] = None,
) -> Response:
    filters = {
        "agency_code": agency_code,
        "agency_prefixes": ",".join(prefixes_of(call.caller, call.right)),
        "pro_code": pro_code,
        "exp_func_code": exp_func_code,
        "fund_type_code": fund_type_code,
        "state": state,
    }
    return await respond_with_page(call, asked, filters, list_budget_rows)


@router.get(
    _ALL + "/{bgt_pman_id}",
    operation_id="budget_row.show",
    summary="A row of the budget with its amounts now, or as of a moment 预算行",
    response_model=BudgetRowView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_row(call: LedgerRead, bgt_pman_id: BgtPmanId, moment: AsOf) -> Response:
    """Now from the register itself; as of another moment from the row's events and movements."""
    key = await admit(call, number=bgt_pman_id)
    if moment.is_now:
        await wait_for_head(call, key)
        found = await call.read(lambda connection: _now(connection, key, bgt_pman_id))
    else:
        await wait_for_projections(call, key)
        found = await call.read(lambda connection: past_row(connection, key, bgt_pman_id, moment))
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"no budget row {bgt_pman_id!r}")
    position, row, amounts = found
    await require_agencies(call, key, [(bgt_pman_id, row.said.agency_code)])
    return call.respond(row_view(row, amounts), position=position)


def _now(connection: Connection, key: int, bgt_pman_id: str) -> PastRow | None:
    with one_moment(connection):  # the position is exactly that of the figures
        head = read_head(connection, key)
        row = read_objects(connection, key, BUDGET_ROW, [bgt_pman_id]).get(bgt_pman_id)
        amounts = read_rows(connection, key, ROWS, [bgt_pman_id])
    if head is None or row is None:
        return None
    return PastRow(head.position, row, amounts.get(bgt_pman_id, RowAmounts()))


# ---- adjusting


def _adjusted(key: int, _command: Command, outcome: Outcome) -> Any:
    return adjustment_view(key, outcome.subjects, commit_view(outcome.commit))


def _replied(key: int, _command: Command, outcome: Outcome) -> Any:
    return reply_view(key, outcome.subjects[0], commit_view(outcome.commit))


DIRECT = (
    CommandRoute(
        ReplyBudget,
        "/v1/ledgers/{ledger}/budget-replies",
        right=Right.BUDGET,
        view=_replied,
        answer=BudgetReplyView,
        summary="Put on record that a department, or a unit, was told its budget 批复下达",
        tag=Tag.BUDGET,
        status=201,
        codes=(Code.FUTURE_DATE, Code.ELEMENT_INVALID, Code.INVALID_STATE),
    ),
    CommandRoute(
        AdjustBudget,
        _ADJUSTMENTS,
        right=Right.BUDGET,
        view=_adjusted,
        answer=AdjustmentView,
        summary="Adjust rows of the budget 调整调剂",
        tag=Tag.BUDGET,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.INSUFFICIENT_BUDGET,
            Code.INVALID_STATE,
            Code.NOT_FOUND,
        ),
    ),
)
