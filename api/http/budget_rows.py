"""预算行: a row of the budget with what was approved, adjusted, issued and is left; adjusting."""

from typing import Any

from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.budget_views import AdjustmentView, BudgetRowView, adjustment_view, row_view
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.moments import wait_for_head
from api.http.parameters import BgtPmanId
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import require_agencies
from api.http.views import commit_view
from budget.adjusting.adjusting import AdjustBudget
from budget.rows import BUDGET_ROW, ROWS, BudgetRow, RowAmounts
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects

_ALL = "/v1/ledgers/{ledger}/budget-rows"

_ADJUSTMENTS = "/v1/ledgers/{ledger}/budget-adjustments"

router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


@router.get(
    _ALL + "/{bgt_pman_id}",
    operation_id="budget_row.show",
    summary="A row of the budget with its amounts now 预算行",
    response_model=BudgetRowView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_row(call: LedgerRead, bgt_pman_id: BgtPmanId) -> Response:
    key = await admit(call, number=bgt_pman_id)
    await wait_for_head(call, key)
    position, row, amounts = await call.read(lambda connection: _now(connection, key, bgt_pman_id))
    await require_agencies(call, key, [(bgt_pman_id, row.said.agency_code)])
    return call.respond(row_view(row, amounts), position=position)


def _now(connection: Connection, key: int, bgt_pman_id: str) -> tuple[int, BudgetRow, RowAmounts]:
    with connection.transaction():  # one snapshot: the position is exactly that of the figures
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = read_head(connection, key)
        row = read_objects(connection, key, BUDGET_ROW, [bgt_pman_id]).get(bgt_pman_id)
        amounts = read_rows(connection, key, ROWS, [bgt_pman_id])
    if head is None or row is None:
        raise Refusal(Code.NOT_FOUND, f"no budget row {bgt_pman_id!r}")
    return head.position, row, amounts.get(bgt_pman_id, RowAmounts())


# ---- adjusting


def _adjusted(key: int, _command: Command, outcome: Outcome) -> Any:
    return adjustment_view(key, outcome.subjects, commit_view(outcome.commit))


DIRECT = (
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
