"""实拨: order an allocation from the central bank, show, list."""

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
from api.http.parameters import AllocNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan
from payments.orders.allocations import ALLOCATION, Allocation, OrderAllocation

_ALL = "/v1/ledgers/{ledger}/allocations"
_ONE = _ALL + "/{alloc_no}"

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class AllocationReturnView(msgspec.Struct, kw_only=True, gc=False):
    """What the central bank says came back, by the number of its notice."""

    notice_no: str
    amt: str
    return_date: str
    reason: str


class AllocationView(msgspec.Struct, kw_only=True):
    """An allocation; ``status`` is ``ordered``, ``paid``, ``rejected`` or, when all has come back,
    ``returned``; ``paid_on`` is the day on which it was booked."""

    ledger: str
    alloc_no: str
    status: str
    bgt_id: str
    agency_code: str
    fund_type_code: str
    amt: str
    returned_amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    use_des: str
    bond_code: str
    rec_div_code: str
    cash_acct: str
    voucher_no: str
    order_date: str
    paid_on: str
    agent_business_no: str
    rejected: str
    monitor_rules: list[str]
    returns: list[AllocationReturnView]
    by: str
    commit: Committed = UNSET


def _view(key: int, allocation: Allocation, commit: Any = UNSET) -> AllocationView:
    ordered, receipt = allocation.ordered, allocation.receipt
    return AllocationView(
        ledger=ledger_text(key),
        alloc_no=ordered.alloc_no,
        status=allocation.status,
        bgt_id=ordered.bgt_id,
        agency_code=ordered.agency_code,
        fund_type_code=ordered.fund_type_code,
        amt=ordered.amt,
        returned_amt=yuan(sum(stored_fen(each.amt) for each in allocation.returns)),
        payee_acct_name=ordered.payee_acct_name,
        payee_acct_no=ordered.payee_acct_no,
        payee_acct_bank_name=ordered.payee_acct_bank_name,
        payee_bank_no=ordered.payee_bank_no,
        use_des=ordered.use_des,
        bond_code=ordered.bond_code,
        rec_div_code=ordered.rec_div_code,
        cash_acct=ordered.cash_acct,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        paid_on=allocation.paid_on,
        agent_business_no=receipt.agent_business_no if receipt else "",
        rejected=receipt.rejected if receipt else "",
        monitor_rules=list(ordered.monitor_rules),
        returns=[
            AllocationReturnView(
                notice_no=each.notice_no,
                amt=each.amt,
                return_date=each.return_date,
                reason=each.reason,
            )
            for each in allocation.returns
        ],
        by=ordered.by,
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> AllocationView:
    allocation = next(each for each in outcome.subjects if isinstance(each, Allocation))
    return _view(key, allocation, commit_view(outcome.commit))


@router.get(
    _ALL,
    operation_id="allocation.list",
    summary="Allocations in the order in which they were ordered 实拨",
    response_model=Page[AllocationView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(call: LedgerRead, asked: AskedPage) -> Response:
    return await show_orders(call, asked, ALLOCATION, _view)


@router.get(
    _ONE,
    operation_id="allocation.show",
    summary="An allocation with what came back of it",
    response_model=AllocationView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_allocation(call: LedgerRead, alloc_no: AllocNo) -> Response:
    return await show_order(call, ALLOCATION, alloc_no, _view)


DIRECT = (
    CommandRoute(
        OrderAllocation,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AllocationView,
        summary="Order an allocation 实拨 into a unit's own account",
        tag=Tag.PAYMENTS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.NOT_A_WORKDAY,
            Code.INDICATOR_NOT_FOUND,
            Code.INDICATOR_NOT_EXECUTABLE,
            Code.ELEMENT_INVALID,
            Code.CONTRACT_REQUIRED,
            Code.INTERCEPTED,
            Code.ELEMENT_MISMATCH,
            Code.EXCEEDS_DEBT,
            Code.INSUFFICIENT_PLAN,
            Code.INSUFFICIENT_INDICATOR,
            Code.INSUFFICIENT_CASH,
        ),
    ),
)
