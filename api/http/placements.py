"""国库现金管理: place treasury cash with a bank, show, list, and what is due to be back."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.order_reads import show_order, show_orders
from api.http.pages import AskedPage
from api.http.parameters import PlaceNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import yuan
from payments.orders.placements import PLACEMENT, PlaceCash, Placement

_ALL = "/v1/ledgers/{ledger}/placements"
_ONE = _ALL + "/{place_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class PlacementReturnView(msgspec.Struct, kw_only=True, gc=False):
    """What the central bank says is back, by the number of its notice."""

    notice_no: str
    amt: str
    return_date: str
    reason: str


class PlacementView(msgspec.Struct, kw_only=True):
    """A placement; ``left_amt`` is with the bank. ``status`` is ``ordered``, ``paid``, ``rejected``
    or, when all is back, ``returned``; ``paid_on`` is the day on which it was booked."""

    ledger: str
    place_no: str
    status: str
    fund_type_code: str
    amt: str
    left_amt: str
    int_rate: str
    due_on: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    reason: str
    cash_acct: str
    voucher_no: str
    order_date: str
    paid_on: str
    agent_business_no: str
    rejected: str
    returns: list[PlacementReturnView]
    by: str
    commit: Committed = UNSET


def _view(key: int, placement: Placement, commit: Any = UNSET) -> PlacementView:
    ordered, receipt = placement.ordered, placement.receipt
    return PlacementView(
        ledger=ledger_text(key),
        place_no=ordered.place_no,
        status=placement.status,
        fund_type_code=ordered.fund_type_code,
        amt=ordered.amt,
        left_amt=yuan(placement.left_fen),
        int_rate=ordered.int_rate,
        due_on=ordered.due_on,
        payee_acct_name=ordered.payee_acct_name,
        payee_acct_no=ordered.payee_acct_no,
        payee_acct_bank_name=ordered.payee_acct_bank_name,
        payee_bank_no=ordered.payee_bank_no,
        reason=ordered.reason,
        cash_acct=ordered.cash_acct,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        paid_on=placement.paid_on,
        agent_business_no=receipt.agent_business_no if receipt else "",
        rejected=receipt.rejected if receipt else "",
        returns=[
            PlacementReturnView(
                notice_no=each.notice_no,
                amt=each.amt,
                return_date=each.return_date,
                reason=each.reason,
            )
            for each in placement.returns
        ],
        by=ordered.by,
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> PlacementView:
    placement = next(each for each in outcome.subjects if isinstance(each, Placement))
    return _view(key, placement, commit_view(outcome.commit))


@router.get(
    _ALL,
    operation_id="placement.list",
    summary="Placements in the order in which they were ordered 国库现金管理",
    response_model=Page[PlacementView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(call: LedgerRead, asked: AskedPage) -> Response:
    return await show_orders(call, asked, PLACEMENT, _view)


@router.get(
    _ONE,
    operation_id="placement.show",
    summary="A placement with what of it is back",
    response_model=PlacementView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_placement(call: LedgerRead, place_no: PlaceNo) -> Response:
    return await show_order(call, PLACEMENT, place_no, _view)


DIRECT = (
    CommandRoute(
        PlaceCash,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=PlacementView,
        summary="Place treasury cash with a bank 国库现金管理操作",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.NOT_A_WORKDAY,
            Code.ELEMENT_INVALID,
            Code.INSUFFICIENT_CASH,
            Code.INVALID_STATE,
        ),
    ),
)
