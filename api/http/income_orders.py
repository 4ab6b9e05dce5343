"""收入退付、收入更正: order them from the central bank, show, list."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.income_corrections import OrderIncomeCorrection
from accounting.income_orders import (
    INCOME_CORRECTION,
    INCOME_REFUND,
    IncomeCorrection,
    IncomeRefund,
)
from accounting.income_refunds import OrderIncomeRefund
from api.access import Right
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.order_reads import show_order, show_orders
from api.http.pages import AskedPage
from api.http.parameters import IncCorNo, IncRefundNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan

_REFUNDS = "/v1/ledgers/{ledger}/income-refunds"
_REFUND = _REFUNDS + "/{inc_refund_no}"
_CORRECTIONS = "/v1/ledgers/{ledger}/income-corrections"
_CORRECTION = _CORRECTIONS + "/{inc_cor_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class IncomeReturnView(msgspec.Struct, kw_only=True, gc=False):
    """What the central bank says came back, by the number of its notice."""

    notice_no: str
    amt: str
    return_date: str
    reason: str
    is_reported: bool


class IncomeRefundView(msgspec.Struct, kw_only=True):
    """A refund of income; ``status`` is ``ordered``, ``paid``, ``rejected`` or, when all has come
    back, ``returned``; ``paid_on`` is the day on which it was booked, ``is_reported`` whether the
    report of the central bank's day had booked it before."""

    ledger: str
    inc_refund_no: str
    status: str
    tre_code: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str
    amt: str
    returned_amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    reason: str
    voucher_no: str
    order_date: str
    paid_on: str
    agent_business_no: str
    rejected: str
    is_reported: bool
    returns: list[IncomeReturnView]
    by: str
    commit: Committed = UNSET


class IncomeCorrectionView(msgspec.Struct, kw_only=True):
    """A correction of income; ``status`` is ``ordered``, ``corrected`` or ``rejected``.
    ``inc_refund_no`` is of a refund that is corrected 退库更正, ``to_tre_code`` of the treasury
    whose income it is 调库; else they are ""."""

    ledger: str
    inc_cor_no: str
    status: str
    tre_code: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str
    to_inc_sort_code: str
    to_fund_type_code: str
    to_budget_level_code: str
    to_tre_code: str
    inc_refund_no: str
    amt: str
    reason: str
    voucher_no: str
    order_date: str
    corrected_on: str
    agent_business_no: str
    rejected: str
    is_reported: bool
    by: str
    commit: Committed = UNSET


def _refund_view(key: int, refund: IncomeRefund, commit: Any = UNSET) -> IncomeRefundView:
    ordered, receipt = refund.ordered, refund.receipt
    return IncomeRefundView(
        ledger=ledger_text(key),
        inc_refund_no=ordered.inc_refund_no,
        status=refund.status,
        tre_code=ordered.cash_acct,
        inc_sort_code=ordered.inc_sort_code,
        fund_type_code=ordered.fund_type_code,
        budget_level_code=ordered.budget_level_code,
        amt=ordered.amt,
        returned_amt=yuan(sum(stored_fen(each.amt) for each in refund.returns)),
        payee_acct_name=ordered.payee_acct_name,
        payee_acct_no=ordered.payee_acct_no,
        payee_acct_bank_name=ordered.payee_acct_bank_name,
        payee_bank_no=ordered.payee_bank_no,
        reason=ordered.reason,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        paid_on=refund.paid_on,
        agent_business_no=receipt.agent_business_no if receipt else "",
        rejected=receipt.rejected if receipt else "",
        is_reported=receipt is not None and receipt.is_reported,
        returns=[
            IncomeReturnView(
                notice_no=each.notice_no,
                amt=each.amt,
                return_date=each.return_date,
                reason=each.reason,
                is_reported=each.is_reported,
            )
            for each in refund.returns
        ],
        by=ordered.by,
        commit=commit,
    )


def _correction_view(
    key: int, correction: IncomeCorrection, commit: Any = UNSET
) -> IncomeCorrectionView:
    ordered, receipt = correction.ordered, correction.receipt
    return IncomeCorrectionView(
        ledger=ledger_text(key),
        inc_cor_no=ordered.inc_cor_no,
        status=correction.status,
        tre_code=ordered.cash_acct,
        inc_sort_code=ordered.inc_sort_code,
        fund_type_code=ordered.fund_type_code,
        budget_level_code=ordered.budget_level_code,
        to_inc_sort_code=ordered.to_inc_sort_code,
        to_fund_type_code=ordered.to_fund_type_code,
        to_budget_level_code=ordered.to_budget_level_code,
        to_tre_code=ordered.to_tre_code,
        inc_refund_no=ordered.inc_refund_no,
        amt=ordered.amt,
        reason=ordered.reason,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        corrected_on=correction.corrected_on,
        agent_business_no=receipt.agent_business_no if receipt else "",
        rejected=receipt.rejected if receipt else "",
        is_reported=receipt is not None and receipt.is_reported,
        by=ordered.by,
        commit=commit,
    )


def _refund_done(key: int, _command: Command, outcome: Outcome) -> IncomeRefundView:
    refund = next(each for each in outcome.subjects if isinstance(each, IncomeRefund))
    return _refund_view(key, refund, commit_view(outcome.commit))


def _correction_done(key: int, _command: Command, outcome: Outcome) -> IncomeCorrectionView:
    correction = next(each for each in outcome.subjects if isinstance(each, IncomeCorrection))
    return _correction_view(key, correction, commit_view(outcome.commit))


@router.get(
    _REFUNDS,
    operation_id="income_refund.list",
    summary="Refunds of income in the order in which they were ordered 收入退付",
    response_model=Page[IncomeRefundView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_refunds(call: LedgerRead, asked: AskedPage) -> Response:
    return await show_orders(call, asked, INCOME_REFUND, _refund_view)


@router.get(
    _REFUND,
    operation_id="income_refund.show",
    summary="A refund of income with what came back of it",
    response_model=IncomeRefundView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_refund(call: LedgerRead, inc_refund_no: IncRefundNo) -> Response:
    return await show_order(call, INCOME_REFUND, inc_refund_no, _refund_view)


@router.get(
    _CORRECTIONS,
    operation_id="income_correction.list",
    summary="Corrections of income in the order in which they were ordered 收入更正",
    response_model=Page[IncomeCorrectionView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_corrections(call: LedgerRead, asked: AskedPage) -> Response:
    return await show_orders(call, asked, INCOME_CORRECTION, _correction_view)


@router.get(
    _CORRECTION,
    operation_id="income_correction.show",
    summary="A correction of income",
    response_model=IncomeCorrectionView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_correction(call: LedgerRead, inc_cor_no: IncCorNo) -> Response:
    return await show_order(call, INCOME_CORRECTION, inc_cor_no, _correction_view)


_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.NOT_A_WORKDAY,
    Code.ELEMENT_INVALID,
    Code.EXCEEDS_RECEIVED,
    Code.INSUFFICIENT_CASH,
)

DIRECT = (
    CommandRoute(
        OrderIncomeRefund,
        _REFUNDS,
        right=Right.KEEP_BOOKS,
        view=_refund_done,
        answer=IncomeRefundView,
        summary="Order that income is paid back 收入退付",
        tag=Tag.BOOKS,
        status=201,
        codes=_CODES,
    ),
    CommandRoute(
        OrderIncomeCorrection,
        _CORRECTIONS,
        right=Right.KEEP_BOOKS,
        view=_correction_done,
        answer=IncomeCorrectionView,
        summary="Order that income is of another code, level, fund or treasury 收入更正、调库",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            *_CODES,
            Code.NOT_FOUND,
            Code.ELEMENT_MISMATCH,
            Code.CORRECTION_EXCEEDS_PAID,
        ),
    ),
)
