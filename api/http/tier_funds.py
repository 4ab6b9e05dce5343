"""库款调度与上下级结算: dispatch cash to another tier, settle, show, list; what is owed between."""

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.parameters import DispatchNo, SettleNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from budget.transfer_events import EventPlace
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import yuan
from projections.orders import orders_after
from projections.tier_funds import TierBalance, tier_balances
from transfers.dispatching import DispatchFunds
from transfers.settling import SettleFunds
from transfers.tier_funds import FUND_DISPATCH, FUND_SETTLEMENT, FundDispatch, FundSettlement

_DISPATCHES = "/v1/ledgers/{ledger}/fund-dispatches"
_ONE_DISPATCH = _DISPATCHES + "/{dispatch_no}"
_SETTLEMENTS = "/v1/ledgers/{ledger}/settlements"
_ONE_SETTLEMENT = _SETTLEMENTS + "/{settle_no}"
_OWN = "what goes between tiers"

DispatchStatus = Literal["ordered", "paid", "arrived", "returned", "rejected"]
SettleKind = Literal["subsidy", "remittance"]
SettlementStatus = Literal["settled", "taken"]

router = APIRouter(route_class=Operation, tags=[Tag.TRANSFERS])


class DispatchView(msgspec.Struct, kw_only=True):
    """调度 to the treasury of ``rec_div_code``; ``arrived`` is where that tier's history says that
    it is there, None before this ledger knows."""

    ledger: str
    dispatch_no: str
    status: DispatchStatus
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str
    amt: str
    payee_acct_name: str
    payee_acct_no: str
    cash_acct: str
    reason: str
    voucher_no: str
    order_date: str
    paid_on: str
    agent_business_no: str
    rejected: str
    arrived: EventPlace | None
    by: str
    commit: Committed = UNSET


class SettlementView(msgspec.Struct, kw_only=True):
    """结算; ``taken`` is where the tier below has it on record, None before this ledger knows."""

    ledger: str
    settle_no: str
    status: SettlementStatus
    settle_kind: SettleKind
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str
    amt: str
    reason: str
    taken: EventPlace | None
    by: str
    commit: Committed = UNSET


class TierBalanceView(msgspec.Struct, kw_only=True):
    """往来 with one other tier, by kind of fund and mark.

    ``owed_amt`` stands on 与下级往来 (``side`` ``below``) or 与上级往来 here, ``their_owed_amt`` on
    the other's account, None where its ledger is not kept here. ``is_mirrored``: both are the same
    but for what is on its way; ``is_whole``: nothing is.
    """

    div_code: str
    side: Literal["below", "above"]
    fund_kind: str
    is_dir_code: str
    owed_amt: str
    their_owed_amt: str | None
    sent_amt: str
    arrived_amt: str
    in_transit_amt: str
    unsettled_amt: str
    subsidy_amt: str
    remitted_amt: str
    transferred_amt: str
    is_mirrored: bool
    is_whole: bool


class TierBalancesView(msgspec.Struct, kw_only=True):
    """往来核对: every tier that something has gone to or come from."""

    ledger: str
    items: list[TierBalanceView]


def _dispatch_view(key: int, dispatch: FundDispatch, commit: Any = UNSET) -> DispatchView:
    ordered, receipt = dispatch.ordered, dispatch.receipt
    return DispatchView(
        ledger=ledger_text(key),
        dispatch_no=ordered.dispatch_no,
        status=dispatch.status,  # type: ignore[arg-type]
        rec_div_code=ordered.rec_div_code,
        fund_type_code=ordered.fund_type_code,
        is_dir_code=ordered.is_dir_code,
        amt=ordered.amt,
        payee_acct_name=ordered.payee_acct_name,
        payee_acct_no=ordered.payee_acct_no,
        cash_acct=ordered.cash_acct,
        reason=ordered.reason,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        paid_on=dispatch.paid_on,
        agent_business_no=receipt.agent_business_no if receipt else "",
        rejected=receipt.rejected if receipt else "",
        arrived=dispatch.noted.arrived if dispatch.noted else None,
        by=ordered.by,
        commit=commit,
    )


def _settlement_view(key: int, settlement: FundSettlement, commit: Any = UNSET) -> SettlementView:
    settled, noted = settlement.settled, settlement.noted
    return SettlementView(
        ledger=ledger_text(key),
        settle_no=settled.settle_no,
        status="settled" if noted is None else "taken",
        settle_kind=settled.settle_kind,  # type: ignore[arg-type]
        rec_div_code=settled.rec_div_code,
        fund_type_code=settled.fund_type_code,
        is_dir_code=settled.is_dir_code,
        amt=settled.amt,
        reason=settled.reason,
        taken=noted.taken if noted else None,
        by=settled.by,
        commit=commit,
    )


def _balance_view(each: TierBalance) -> TierBalanceView:
    theirs, own = each.their_owed_fen, each.own
    upper, lower = (each.owed_fen, theirs) if each.is_below else (theirs, each.owed_fen)
    return TierBalanceView(
        div_code=each.key.div_code,
        side="below" if each.is_below else "above",
        fund_kind=each.key.fund_kind,
        is_dir_code=each.key.is_dir_code,
        owed_amt=yuan(each.owed_fen),
        their_owed_amt=None if theirs is None else yuan(theirs),
        sent_amt=yuan(own.sent),
        arrived_amt=yuan(own.arrived),
        in_transit_amt=yuan(own.in_transit),
        unsettled_amt=yuan(own.unsettled),
        subsidy_amt=yuan(own.subsidies),
        remitted_amt=yuan(own.remittances),
        transferred_amt=yuan(own.transferred),
        is_mirrored=upper is None or lower is None or upper - lower == each.on_way_fen,
        is_whole=each.is_whole,
    )


@router.get(
    "/v1/ledgers/{ledger}/tier-balances",
    operation_id="transfer.tier_balances",
    summary="What is owed between this tier and others, at both ends 上下级往来核对",
    response_model=TierBalancesView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_balances(call: LedgerRead) -> Response:
    key = await admit(call)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)
    found = await call.read(lambda connection: tier_balances(connection, key))
    items = [_balance_view(each) for each in found.items]
    view = TierBalancesView(ledger=ledger_text(key), items=items)
    return call.respond(view, position=found.position)


async def _page(call: LedgerRead, asked: AskedPage, kind: Any, view: Any) -> Response:
    key = await admit(call)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)
    after = whole_place_after(call, asked.cursor)
    page = await call.read(lambda c: orders_after(c, key, kind, after, asked.size))
    place = None if page.after is None else str(page.after)
    items = [view(key, each) for each in page.items]
    return call.respond(page_after(call, items, place), position=page.position)


async def _one(call: LedgerRead, kind: Any, number: str, view: Any) -> Response:
    key = await admit(call, number=number)
    await require_all_units(call, key, _OWN)
    position, found = await shown_object(call, key, kind, number)
    return call.respond(view(key, found), position=position)


@router.get(
    _DISPATCHES,
    operation_id="transfer.dispatch.list",
    summary="Dispatches in the order in which they were ordered 库款调度清单",
    response_model=Page[DispatchView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_dispatches(call: LedgerRead, asked: AskedPage) -> Response:
    return await _page(call, asked, FUND_DISPATCH, _dispatch_view)


@router.get(
    _ONE_DISPATCH,
    operation_id="transfer.dispatch.show",
    summary="A dispatch, and whether it has arrived 库款调度",
    response_model=DispatchView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_dispatch(call: LedgerRead, dispatch_no: DispatchNo) -> Response:
    return await _one(call, FUND_DISPATCH, dispatch_no, _dispatch_view)


@router.get(
    _SETTLEMENTS,
    operation_id="transfer.settlement.list",
    summary="Settlements with tiers below 上下级结算清单",
    response_model=Page[SettlementView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_settlements(call: LedgerRead, asked: AskedPage) -> Response:
    return await _page(call, asked, FUND_SETTLEMENT, _settlement_view)


@router.get(
    _ONE_SETTLEMENT,
    operation_id="transfer.settlement.show",
    summary="A settlement, and whether the tier below has it 上下级结算",
    response_model=SettlementView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_settlement(call: LedgerRead, settle_no: SettleNo) -> Response:
    return await _one(call, FUND_SETTLEMENT, settle_no, _settlement_view)


def _dispatched(key: int, _command: Command, outcome: Outcome) -> DispatchView:
    return _dispatch_view(key, outcome.subjects[0], commit_view(outcome.commit))


def _settled(key: int, _command: Command, outcome: Outcome) -> SettlementView:
    return _settlement_view(key, outcome.subjects[0], commit_view(outcome.commit))


_REFUSED = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.ELEMENT_INVALID,
    Code.ELEMENT_MISMATCH,
    Code.INSUFFICIENT_BUDGET,
)

DIRECT = (
    CommandRoute(
        DispatchFunds,
        _DISPATCHES,
        right=Right.TRANSFER,
        view=_dispatched,
        answer=DispatchView,
        summary="Send cash to the treasury of another tier 库款调度",
        tag=Tag.TRANSFERS,
        status=201,
        codes=(*_REFUSED, Code.NOT_A_WORKDAY, Code.INSUFFICIENT_CASH),
    ),
    CommandRoute(
        SettleFunds,
        _SETTLEMENTS,
        right=Right.TRANSFER,
        view=_settled,
        answer=SettlementView,
        summary="Settle what is owed between this tier and one below 上下级结算",
        tag=Tag.TRANSFERS,
        status=201,
        codes=_REFUSED,
    ),
)
