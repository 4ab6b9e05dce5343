"""Clearings 清算: claim from the central bank, show, list."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET, UnsetType
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import ITEMS_MAX
from api.http.bulk import batch_route
from api.http.clearing_views import ClearingView, clearing_view
from api.http.dependencies import LedgerRead
from api.http.held_by import held_by_view
from api.http.models.enums import ItemState, Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_projections
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.parameters import ClearNo, Cursor
from api.http.problems import OF_LEDGER_READ, ProblemDocument, problem, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import require_all_units
from api.http.views import CommitView, commit_view
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, RequestError
from ledger.events import type_names
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, Clearing, RequestClearing
from payments.clearing.events import ClearingRequested
from payments.delivery.held_by import claim_held_by, read_deliveries
from projections import queries
from projections.core.listing import PAGE_SIZE_MAX

_ALL = "/v1/ledgers/{ledger}/clearings"

router = APIRouter(route_class=Operation, tags=[Tag.CLEARINGS])


class ClearingResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    clearing: ClearingView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class ClearingResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[ClearingResult]
    commit: CommitView | None


def _requested(key: int, _command: Command, outcome: Outcome) -> Any:
    return clearing_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


def _result(key: int, index: int, outcome: Outcome) -> ClearingResult:
    if outcome.problem is not None:
        return ClearingResult(index=index, status="refused", problem=problem(outcome.problem))
    view = clearing_view(key, outcome.subjects[0])
    return ClearingResult(index=index, status=outcome.status, clearing=view)


@router.get(
    _ALL + "/{clear_no}",
    operation_id="clearing.show",
    summary="A clearing with its lines, the vouchers under it and the receipt",
    response_model=ClearingView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_clearing(call: LedgerRead, clear_no: ClearNo, cursor: Cursor = None) -> Response:
    """A clearing with the vouchers and refunds under it, the first thousand or those that follow
    a cursor."""
    key = await admit(call, number=clear_no)
    await require_all_units(call, key, "a clearing")
    await wait_for_projections(call, key)

    def read(connection: Connection) -> tuple[int, ClearingView]:
        found = read_objects(connection, key, CLEARING, [clear_no])
        if clear_no not in found:
            raise RequestError(Code.NOT_FOUND, f"no clearing {clear_no!r}")
        page = queries.list_clearing_movements(connection, key, clear_no, cursor, PAGE_SIZE_MAX)
        view = clearing_view(key, found[clear_no])
        view.vouchers, view.vouchers_next_cursor = page.items, page.next_cursor
        _show_holds(connection, key, view)
        return page.position, view

    position, view = await call.read(read)
    return call.respond(view, position=position)


def _show_holds(connection: Connection, key: int, view: ClearingView) -> None:
    """Why each claim without an answer waits."""
    waiting = [claim for claim in view.claims if claim.receipt is None]
    found = read_deliveries(connection, key, "claim", [claim.voucher_no for claim in waiting])
    for claim in view.claims:
        claim.held_by = None
    for claim in waiting:
        claim.held_by = held_by_view(claim_held_by(found.get(claim.voucher_no)))


@router.get(
    _ALL,
    operation_id="clearing.list",
    summary="Clearings in the order of their requests",
    response_model=Page[ClearingView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_clearings(call: LedgerRead, asked: AskedPage) -> Response:
    after = whole_place_after(call, asked.cursor)
    key = await admit(call)
    await require_all_units(call, key, "a clearing")
    names = list(type_names(ClearingRequested))

    def read(connection: Connection) -> tuple[list[ClearingView], str | None]:
        rows = connection.execute(
            "SELECT k.first_position, k.number FROM command_keys k JOIN events e"
            " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
            " WHERE k.ledger_id = %s AND k.operation = %s AND k.first_position > %s"
            " AND e.type = ANY(%s) ORDER BY k.first_position LIMIT %s",
            (key, CLEARING.opened_by, after, names, asked.size + 1),
        ).fetchall()
        shown = rows[: asked.size]
        found: dict[str, Clearing] = read_objects(connection, key, CLEARING, [r[1] for r in shown])
        views = [clearing_view(key, found[row[1]]) for row in shown]
        return views, str(shown[-1][0]) if len(rows) > asked.size else None

    views, following = await call.read(read)
    return call.respond(page_after(call, views, following))


DIRECT = (
    CommandRoute(
        RequestClearing,
        _ALL,
        right=Right.CLEAR,
        view=_requested,
        answer=ClearingView,
        summary="Claim from the central bank what the bank has paid ahead 申请划款",
        tag=Tag.CLEARINGS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.NOT_A_WORKDAY,
            Code.BANK_NOT_APPOINTED,
            Code.CLEARING_EMPTY,
            Code.INSUFFICIENT_CASH,
        ),
    ),
    batch_route(
        RequestClearing,
        f"{_ALL}:batch",
        Right.CLEAR,
        _result,
        answer=ClearingResults,
        summary=f"Claim for up to {ITEMS_MAX} days or banks, each after the one before it",
        tag=Tag.CLEARINGS,
    ),
)
