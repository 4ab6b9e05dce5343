"""Indicators 指标: issue, adjust, reallocate, freeze, plan, show."""

from typing import Any

from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.commands import command_route, indicator_answer
from api.http.door import Call, Operation, Route
from api.http.late import late_figures
from api.http.moments import AS_OF_QUERY, as_of, wait_for_head, wait_for_projections
from api.http.views import IndicatorView, ReallocationView, commit_view, indicator_view
from budget.balances import BALANCES, NOTHING
from budget.indicator import INDICATOR, Indicator
from budget.indicators import (
    AdjustIndicator,
    FreezeIndicator,
    IssueIndicator,
    ReallocateIndicator,
    SetPlan,
    UnfreezeIndicator,
)
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from projections.core.moments import Moment
from projections.indicator_past import past_indicator

_ONE = "/v1/ledgers/{ledger}/indicators/{bgt_id}"
_CHANGES = (
    Code.IDEMPOTENCY_CONFLICT,
    Code.PERIOD_CLOSED,
    Code.INDICATOR_NOT_FOUND,
    Code.INSUFFICIENT_INDICATOR,
)


def not_found(bgt_id: str) -> Refusal:
    return Refusal(Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id)


async def show_indicator(call: Call) -> Response:
    """Now from the controlled balances themselves; as of another moment from the read model."""
    moment, bgt_id = as_of(call), call.path("bgt_id")
    key = await call.admit(number=bgt_id)
    if moment.is_now:
        await wait_for_head(call, key)
        position, view = await call.read(lambda connection: _now(connection, key, bgt_id))
    else:
        await wait_for_projections(call, key)
        position, view = await call.read(lambda connection: _then(connection, key, bgt_id, moment))
    return call.respond(view, position=position)


def _now(connection: Connection, key: int, bgt_id: str) -> tuple[int, IndicatorView]:
    with connection.transaction():  # one snapshot: the position is exactly that of the figures
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = read_head(connection, key)
        indicator = read_objects(connection, key, INDICATOR, [bgt_id]).get(bgt_id)
        balances = read_rows(connection, key, BALANCES, [bgt_id])
    if head is None or indicator is None:
        raise not_found(bgt_id)
    return head.position, indicator_view(key, indicator, balances.get(bgt_id, NOTHING))


def _then(
    connection: Connection, key: int, bgt_id: str, moment: Moment
) -> tuple[int, IndicatorView]:
    past = past_indicator(connection, key, bgt_id, moment)
    if past is None:
        raise not_found(bgt_id)
    indicator = Indicator(past.issued, past.balances.figures())
    view = indicator_view(key, indicator)
    view.late = late_figures(past.reach.late, past.late)
    return past.position, view


def _both(key: int, _command: Command, outcome: Outcome) -> Any:
    return ReallocationView(
        indicators=tuple(indicator_view(key, indicator) for indicator in outcome.subjects),
        commit=commit_view(outcome.commit),
    )


def _change(command: type[Command], path: str, summary: str, *codes: Code, **more: Any) -> Route:
    return command_route(
        command,
        f"{_ONE}/{path}",
        in_path=("bgt_id",),
        right=Right.BUDGET,
        view=more.get("view", indicator_answer),
        answer=more.get("answer", IndicatorView),
        summary=summary,
        codes=(*_CHANGES, *codes),
    )


ROUTES = (
    command_route(
        IssueIndicator,
        "/v1/ledgers/{ledger}/indicators",
        right=Right.BUDGET,
        view=indicator_answer,
        answer=IndicatorView,
        summary="Issue an indicator 批复下达",
        status=201,
        codes=(Code.IDEMPOTENCY_CONFLICT, Code.PERIOD_CLOSED, Code.ELEMENT_INVALID),
    ),
    Route(
        Operation(
            name="indicator.show",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="An indicator with its figures now, or as of a moment",
            answer=IndicatorView,
            codes=(Code.INDICATOR_NOT_FOUND,),
            query=AS_OF_QUERY,
        ),
        show_indicator,
    ),
    _change(AdjustIndicator, "adjustments", "Raise or cut an indicator 追加/追减"),
    _change(
        ReallocateIndicator,
        "reallocations",
        "Move an amount to another indicator 调剂",
        Code.ELEMENT_MISMATCH,
        view=_both,
        answer=ReallocationView,
    ),
    _change(FreezeIndicator, "freezes", "Freeze a part 冻结"),
    _change(UnfreezeIndicator, "unfreezes", "Release what is frozen 解冻"),
    _change(
        SetPlan,
        "plans",
        "Plan a month's payments 用款计划",
        Code.INSUFFICIENT_PLAN,
    ),
)
