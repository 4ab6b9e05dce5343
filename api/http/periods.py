"""Periods 会计期间: what waits in a month, closing and reopening it."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import Body
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.models.enums import PeriodState, Tag
from api.http.moments import wait_for_head
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import prefixes_of
from api.http.views import Committed, commit_view
from division.learning import KnowledgeReader
from ledger.account_set import ledger_text
from ledger.closing import (
    AccountingPeriod,
    ClosePeriod,
    ReopenPeriod,
    acts_on,
    blocker_needs,
    blocking,
    closing_number,
    has_ended,
    is_closed,
    reopening_number,
    require_year,
    waiting_in,
)
from ledger.deciding.command import Command, Outcome
from ledger.deciding.noted import noted_positions
from ledger.deciding.state import LedgerState
from ledger.errors import Code
from ledger.events import OpenItem
from ledger.integrity.chain import microseconds
from ledger.reading.loading import load_needs
from ledger.reading.objects import read_head
from ledger.reading.standing_heads import read_standing_heads
from projections.core.moments import one_moment

_ALL = "/v1/ledgers/{ledger}/periods"
PeriodName = Annotated[
    str, Path(description="2026-03, or 2026-13 for 整理期", examples=["2026-03"])
]

router = APIRouter(route_class=Operation, tags=[Tag.LEDGERS])


class OpenItemView(msgspec.Struct):
    """Something that waits; ``acts`` are the operations that bring it to its end."""

    kind: str
    number: str
    amt: str
    acts: list[str] = []


class PeriodView(msgspec.Struct, kw_only=True):
    """Where a ledger's periods stand after one was closed or reopened."""

    ledger: str
    month: str
    state: PeriodState
    closed_through: str | None
    commit: Committed


class PeriodStanding(msgspec.Struct, kw_only=True):
    """A month, and what keeps it from being closed; ``in_transit`` what it may be closed with."""

    ledger: str
    month: str
    state: PeriodState
    ended: bool
    blockers: list[OpenItemView]
    in_transit: list[OpenItemView]


@router.get(
    _ALL + "/{month}",
    operation_id="period.show",
    summary="A month: whether it is closed, and what waits in it",
    response_model=PeriodStanding,
    responses=refusals(*OF_LEDGER_READ, Code.PERIOD_CLOSED),
)
async def show_period(call: LedgerRead, month: PeriodName) -> Response:
    """A unit is not told what waits, which may be another's."""
    period = AccountingPeriod.named(month, "/month")
    key = await admit(call, number=month)
    await wait_for_head(call, key)
    position, shown = await call.read(lambda connection: _standing(call, connection, key, period))
    if prefixes_of(call.caller, call.right):
        shown = msgspec.structs.replace(shown, blockers=[], in_transit=[])
    return call.respond(shown, position=position)


def _standing(
    call: Call, connection: Connection, key: int, period: AccountingPeriod
) -> tuple[int, PeriodStanding]:
    """A month as the books have it now: what a closing would look at."""
    with one_moment(connection):
        head = read_head(connection, key)
        assert head is not None, "the caller was admitted to it"
        state = LedgerState(key, call.treasury.charts)
        state.stand_at(head.position, head.chain, microseconds(head.recorded_at), 0, head.settings)
        state.begin(microseconds(call.treasury.now()))
        heads = read_standing_heads(connection, key)
        positions = {ledger: at.position for ledger, at in heads.items()}
        state.know(KnowledgeReader()(connection, positions), positions)  # days off, for one
        load_needs(connection, state, blocker_needs())
        positions = noted_positions(state)
        state.know(KnowledgeReader()(connection, positions), positions)
    require_year(state, period)
    waiting = [] if is_closed(state, period) else waiting_in(state, period)
    blockers = blocking(period, waiting)
    return head.position, PeriodStanding(
        ledger=ledger_text(key),
        month=period.text,
        state=_state(is_closed(state, period)),
        ended=has_ended(state, period),
        blockers=shown_items(blockers),
        in_transit=shown_items(each for each in waiting if each not in blockers),
    )


def _state(closed: bool) -> str:
    return "closed" if closed else "open"


def shown_items(waiting: Iterable[OpenItem]) -> list[OpenItemView]:
    return [
        OpenItemView(each.kind, each.number, each.amt, list(acts_on(each.kind))) for each in waiting
    ]


# ---- commands


async def _closing_of(call: Call, key: int, command: Command) -> Command:
    """The closing with its number: one that was reopened may be closed again."""
    assert isinstance(command, ClosePeriod)
    settings = (await call.head(key)).settings
    period = AccountingPeriod.ending(command.through, "/through")
    return msgspec.structs.replace(command, reopened=closing_number(settings, period))


async def _reopening_of(call: Call, key: int, command: Command) -> Command:
    assert isinstance(command, ReopenPeriod)
    settings = (await call.head(key)).settings
    period = AccountingPeriod.named(command.from_month, "/from")
    return msgspec.structs.replace(command, reopened=reopening_number(settings, period))


def _closed(key: int, command: Command, outcome: Outcome) -> PeriodView:
    assert isinstance(command, ClosePeriod)
    period = AccountingPeriod.ending(command.through, "/through")
    return PeriodView(
        ledger=ledger_text(key),
        month=period.text,
        state="closed",
        closed_through=period.last_day.isoformat(),
        commit=commit_view(outcome.commit),
    )


def _reopened(key: int, command: Command, outcome: Outcome) -> PeriodView:
    assert isinstance(command, ReopenPeriod)
    period = AccountingPeriod.named(command.from_month, "/from")
    before = period.day_before
    return PeriodView(
        ledger=ledger_text(key),
        month=period.text,
        state="open",
        closed_through=before.isoformat() if before else None,
        commit=commit_view(outcome.commit),
    )


DIRECT = (
    CommandRoute(
        ClosePeriod,
        _ALL + ":close",
        body=Body(ClosePeriod, "reopened"),
        complete=_closing_of,
        right=Right.CLOSE,
        view=_closed,
        answer=PeriodView,
        summary="Close a month, all before it, or 2026-13 结账",
        tag=Tag.LEDGERS,
        codes=(Code.PERIOD_CLOSED, Code.PERIOD_NOT_READY),
    ),
    CommandRoute(
        ReopenPeriod,
        _ALL + ":reopen",
        right=Right.CLOSE,
        complete=_reopening_of,
        body=Body(ReopenPeriod, "reopened"),
        view=_reopened,
        answer=PeriodView,
        summary="Open the last closed month again 反结账",
        tag=Tag.LEDGERS,
        codes=(Code.PERIOD_CLOSED, Code.INVALID_STATE),
    ),
)
