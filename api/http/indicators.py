"""Indicators 指标: issue, adjust, reallocate, freeze, plan; show, list, trace."""

from typing import Any

from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.distribution_views import DistributionView, distribution_view
from api.http.late_entries import late_figures
from api.http.models.enums import Tag
from api.http.models.lists import IndicatorItem, Page
from api.http.moments import AsOf, wait_for_head, wait_for_projections
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import BgtId
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation, ViewOf
from api.http.units import prefixes_of, require_units
from api.http.views import (
    IndicatorView,
    ReallocationView,
    commit_view,
    indicator_view,
)
from budget.advancing import AbsorbIndicator
from budget.balances import BALANCES, NOTHING
from budget.distributing import DistributeIndicator
from budget.indicator import INDICATOR
from budget.indicators import (
    AdjustIndicator,
    FreezeIndicator,
    ReallocateIndicator,
    SetPlan,
    UnfreezeIndicator,
)
from budget.issuing import IssueIndicator
from budget.staging import EnableIndicator, RecallIndicator
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from projections import queries
from projections.core.moments import Moment, one_moment
from projections.indicator_past import past_indicator
from projections.tracing.indicator import IndicatorTrace, trace_indicator

_ALL = "/v1/ledgers/{ledger}/indicators"
_ONE = _ALL + "/{bgt_id}"
_CHANGES = (
    Code.PERIOD_CLOSED,
    Code.INDICATOR_NOT_FOUND,
    Code.INDICATOR_NOT_EXECUTABLE,
    Code.INSUFFICIENT_INDICATOR,
)

router = APIRouter(route_class=Operation, tags=[Tag.INDICATORS])


@router.get(
    _ALL,
    operation_id="indicator.list",
    summary="Indicators with their figures",
    response_model=Page[IndicatorItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_indicators(
    call: LedgerRead,
    asked: AskedPage,
    agency_code: str | None = None,
    bgt_pman_id: str | None = None,
    distributed_from: str | None = None,
) -> Response:
    filters = {
        "agency_code": agency_code,
        "bgt_pman_id": bgt_pman_id,
        "distributed_from": distributed_from,
        "agency_prefixes": ",".join(prefixes_of(call.caller, call.right)),
    }
    return await respond_with_page(call, asked, filters, queries.list_indicators)


@router.get(
    _ONE,
    operation_id="indicator.show",
    summary="An indicator with its figures now, or as of a moment",
    response_model=IndicatorView,
    responses=refusals(*OF_LEDGER_READ, Code.INDICATOR_NOT_FOUND),
)
async def show_indicator(call: LedgerRead, bgt_id: BgtId, moment: AsOf) -> Response:
    """Now from the controlled balances themselves; as of another moment from the read model."""
    key = await admit(call, number=bgt_id)
    await require_units(call, key, bgt_ids=[bgt_id])
    if moment.is_now:
        await wait_for_head(call, key)
        position, view = await call.read(lambda connection: _now(connection, key, bgt_id))
    else:
        await wait_for_projections(call, key)
        position, view = await call.read(lambda connection: _then(connection, key, bgt_id, moment))
    return call.respond(view, position=position)


def _now(connection: Connection, key: int, bgt_id: str) -> tuple[int, IndicatorView]:
    with one_moment(connection):  # the position is exactly that of the figures
        head = read_head(connection, key)
        indicator = read_objects(connection, key, INDICATOR, [bgt_id]).get(bgt_id)
        balances = read_rows(connection, key, BALANCES, [bgt_id])
    if head is None or indicator is None:
        raise _not_found(bgt_id)
    return head.position, indicator_view(key, indicator, balances.get(bgt_id, NOTHING))


def _then(
    connection: Connection, key: int, bgt_id: str, moment: Moment
) -> tuple[int, IndicatorView]:
    past = past_indicator(connection, key, bgt_id, moment)
    if past is None:
        raise _not_found(bgt_id)
    view = indicator_view(key, past.indicator, past.balances)
    view.late = late_figures(past.reach.late, past.late)
    return past.position, view


@router.get(
    _ONE + "/trace",
    operation_id="indicator.trace",
    summary="Every fen of an indicator: movements, payments, sums that prove it 溯源",
    response_model=IndicatorTrace,
    responses=refusals(*OF_LEDGER_READ, Code.INDICATOR_NOT_FOUND),
)
async def trace(call: LedgerRead, bgt_id: BgtId, asked: AskedPage) -> Response:
    """The indicator, what moved it, and a page of its payments."""
    key = await admit(call, number=bgt_id)
    await require_units(call, key, bgt_ids=[bgt_id])
    await wait_for_projections(call, key)
    found = await call.read(
        lambda connection: trace_indicator(connection, key, bgt_id, asked.cursor, asked.size)
    )
    return call.respond(found, position=found.position)


def _not_found(bgt_id: str) -> Refusal:
    return Refusal(Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id)


# ---- commands


def _changed(key: int, _command: Command, outcome: Outcome) -> Any:
    return indicator_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


def _both(key: int, _command: Command, outcome: Outcome) -> Any:
    return ReallocationView(
        indicators=tuple(indicator_view(key, indicator) for indicator in outcome.subjects),
        commit=commit_view(outcome.commit),
    )


def _change(
    command: type[Command],
    path: str,
    summary: str,
    *codes: Code,
    view: ViewOf = _changed,
    answer: type[Any] = IndicatorView,
) -> CommandRoute:
    return CommandRoute(
        command,
        f"{_ONE}/{path}",
        in_path=("bgt_id",),
        right=Right.BUDGET,
        view=view,
        answer=answer,
        summary=summary,
        tag=Tag.INDICATORS,
        codes=(*_CHANGES, *codes),
    )


DIRECT = (
    CommandRoute(
        IssueIndicator,
        _ALL,
        right=Right.BUDGET,
        view=_changed,
        answer=IndicatorView,
        summary="Issue an indicator 批复下达",
        tag=Tag.INDICATORS,
        status=201,
        codes=(Code.PERIOD_CLOSED, Code.ELEMENT_INVALID),
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
    _change(
        AbsorbIndicator,
        "absorb",
        "Have a row of the budget absorb an advance 预拨核销",
        Code.NOT_FOUND,
        Code.ELEMENT_MISMATCH,
        Code.INSUFFICIENT_BUDGET,
        Code.INVALID_STATE,
    ),
    _change(
        DistributeIndicator,
        "distributions",
        "Distribute what is pending to units 待分配分配",
        Code.IDEMPOTENCY_CONFLICT,
        Code.ELEMENT_INVALID,
        Code.ELEMENT_MISMATCH,
        Code.INVALID_STATE,
        view=distribution_view,
        answer=DistributionView,
    ),
    _change(
        EnableIndicator, "enable", "Make a pending indicator executable 可执行", Code.INVALID_STATE
    ),
    _change(RecallIndicator, "recall", "Take back what is not used 收回"),
    _change(FreezeIndicator, "freezes", "Freeze a part 冻结"),
    _change(UnfreezeIndicator, "unfreezes", "Release what is frozen 解冻"),
    _change(SetPlan, "plans", "Plan a month's payments 用款计划", Code.INSUFFICIENT_PLAN),
)
