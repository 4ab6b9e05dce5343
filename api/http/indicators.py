"""Indicators 指标: issue, adjust, reallocate, freeze, plan, show."""

from collections.abc import Iterator
from datetime import date
from functools import reduce
from typing import Any

from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.commands import command_route, indicator_answer
from api.http.door import Call, Operation, Route
from api.http.moments import AS_OF_QUERY, AsOf, as_of, wait_for_head, wait_for_projections
from api.http.views import IndicatorView, ReallocationView, commit_view, indicator_view
from ledger.balances import NOTHING, Balances
from ledger.books import Charts
from ledger.budget import (
    INDICATOR,
    AdjustIndicator,
    FreezeIndicator,
    Indicator,
    IssueIndicator,
    ReallocateIndicator,
    SetPlan,
    UnfreezeIndicator,
)
from ledger.commands import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.events import JournalPosted, PlanSet, decode
from ledger.money import parse_yuan
from ledger.store.reading import (
    EVENTS_MAX,
    read_balances,
    read_events,
    read_head,
    read_objects,
    stream_of,
)

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
    """Now from the controlled balances themselves; as of another moment from the journals."""
    moment, bgt_id = as_of(call), call.path("bgt_id")
    key = await call.admit(number=bgt_id)
    if moment.is_now:
        await wait_for_head(call, key)
        position, view = await call.read(lambda connection: _now(connection, key, bgt_id))
    else:
        await wait_for_projections(call, key)
        charts = call.treasury.charts
        position, view = await call.read(
            lambda connection: _then(connection, key, bgt_id, moment, charts)
        )
    return call.respond(view, position=position)


def _now(connection: Connection, key: int, bgt_id: str) -> tuple[int, IndicatorView]:
    with connection.transaction():  # one snapshot: the position is exactly that of the figures
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = read_head(connection, key)
        indicator = read_objects(connection, key, INDICATOR, [bgt_id]).get(bgt_id)
        balances = read_balances(connection, key, [bgt_id])
    if head is None or indicator is None:
        raise not_found(bgt_id)
    return head.position, indicator_view(key, indicator, balances.get(bgt_id, NOTHING))


def _then(
    connection: Connection, key: int, bgt_id: str, moment: AsOf, charts: Charts
) -> tuple[int, IndicatorView]:
    """The figures that the journals and plans known then, or effective then, add up to."""
    upto = moment.upto(connection, key)
    stream_id = stream_of(connection, key, INDICATOR, bgt_id)
    if stream_id is None:
        raise not_found(bgt_id)
    rows = read_events(connection, key, 0, EVENTS_MAX, stream_id=stream_id, upto=upto)
    own = [
        decode(row.type, row.payload)
        for row in rows
        if moment.effective is None or row.effective_on <= moment.effective
    ]
    indicator: Indicator | None = reduce(INDICATOR.fold, own, None)
    if indicator is None:
        raise not_found(bgt_id)
    fen = dict.fromkeys(("available", "frozen", "occupied", "paid"), 0)
    for journal in _journals(connection, key, bgt_id, upto, moment):
        accounts = charts.by_version[journal.rule].accounts
        for line in journal.lines:
            control = accounts[line.account].control
            if control and (line.bgt_id or journal.bgt_id) == bgt_id:
                fen[control] -= line.dr_cr * parse_yuan(line.amt)
    plan = sum(parse_yuan(e.plan_amt, signed=True) for e in own if isinstance(e, PlanSet))
    return upto, indicator_view(key, indicator, Balances(**fen, plan=plan))


def _journals(
    connection: Connection, key: int, bgt_id: str, upto: int, moment: AsOf
) -> Iterator[JournalPosted]:
    rows = connection.execute(
        "SELECT e.type, e.payload FROM proj_positions g"
        " JOIN proj_journals j ON j.ledger_id = g.ledger_id AND j.generation = g.generation"
        " JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position"
        " WHERE g.ledger_id = %s AND g.projection = 'journals' AND g.live"
        " AND j.bgt_id = %s AND j.position <= %s AND j.effective_on <= %s",
        (key, bgt_id, upto, moment.effective or date.max),
    )
    for type_name, payload in rows:
        event = decode(type_name, payload)
        assert isinstance(event, JournalPosted), "the journals' model names journals"
        yield event


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
            summary="An indicator with its figures now",
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
