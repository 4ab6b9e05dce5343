"""工资: what is owed to a unit's staff before it is paid, and what of it is withheld."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.parameters import AccrualNo, WithholdNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from payments.wages.accruing import (
    WAGE_ACCRUAL,
    WAGE_WITHHOLDING,
    AccrueWages,
    WageAccrual,
    WageWithholding,
    WithholdWages,
)

_ACCRUALS = "/v1/ledgers/{ledger}/wage-accruals"
_WITHHOLDINGS = "/v1/ledgers/{ledger}/wage-withholdings"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class WageAccrualView(msgspec.Struct, kw_only=True):
    """Wages that are owed; ``manage_amt`` of ``amt`` is 单位管理费用."""

    ledger: str
    accrual_no: str
    bgt_id: str
    agency_code: str
    sala_month: str
    amt: str
    manage_amt: str
    reason: str
    by: str
    commit: Committed = UNSET


class WageWithholdingView(msgspec.Struct, kw_only=True):
    """What of wages that are owed goes to others than the staff."""

    ledger: str
    withhold_no: str
    bgt_id: str
    agency_code: str
    sala_month: str
    income_tax_amt: str
    insurance_amt: str
    housing_fund_amt: str
    reason: str
    by: str
    commit: Committed = UNSET


def _accrual(key: int, accrual: WageAccrual, commit: Any = UNSET) -> WageAccrualView:
    told = accrual.accrued
    return WageAccrualView(
        ledger=ledger_text(key),
        accrual_no=told.accrual_no,
        bgt_id=told.bgt_id,
        agency_code=told.agency_code,
        sala_month=told.sala_month,
        amt=told.amt,
        manage_amt=told.manage_amt,
        reason=told.reason,
        by=told.by,
        commit=commit,
    )


def _withholding(
    key: int, withholding: WageWithholding, commit: Any = UNSET
) -> WageWithholdingView:
    told = withholding.withheld
    return WageWithholdingView(
        ledger=ledger_text(key),
        withhold_no=told.withhold_no,
        bgt_id=told.bgt_id,
        agency_code=told.agency_code,
        sala_month=told.sala_month,
        income_tax_amt=told.income_tax_amt,
        insurance_amt=told.insurance_amt,
        housing_fund_amt=told.housing_fund_amt,
        reason=told.reason,
        by=told.by,
        commit=commit,
    )


def _accrued(key: int, _command: Command, outcome: Outcome) -> WageAccrualView:
    return _accrual(key, outcome.subjects[0], commit_view(outcome.commit))


def _withheld(key: int, _command: Command, outcome: Outcome) -> WageWithholdingView:
    return _withholding(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ACCRUALS + "/{accrual_no}",
    operation_id="wage_accrual.show",
    summary="Wages that were accrued 工资计提",
    response_model=WageAccrualView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_accrual(call: LedgerRead, accrual_no: AccrualNo) -> Response:
    key = await admit(call, number=accrual_no)
    position, accrual = await shown_object(call, key, WAGE_ACCRUAL, accrual_no)
    await require_agencies(call, key, [(accrual_no, accrual.accrued.agency_code)])
    return call.respond(_accrual(key, accrual), position=position)


@router.get(
    _WITHHOLDINGS + "/{withhold_no}",
    operation_id="wage_withholding.show",
    summary="What was withheld of wages 工资代扣",
    response_model=WageWithholdingView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_withholding(call: LedgerRead, withhold_no: WithholdNo) -> Response:
    key = await admit(call, number=withhold_no)
    position, withholding = await shown_object(call, key, WAGE_WITHHOLDING, withhold_no)
    await require_agencies(call, key, [(withhold_no, withholding.withheld.agency_code)])
    return call.respond(_withholding(key, withholding), position=position)


_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.INDICATOR_NOT_FOUND,
    Code.INDICATOR_NOT_EXECUTABLE,
    Code.ELEMENT_MISMATCH,
    Code.INVALID_AMOUNT,
)

DIRECT = (
    CommandRoute(
        AccrueWages,
        _ACCRUALS,
        right=Right.KEEP_BOOKS,
        view=_accrued,
        answer=WageAccrualView,
        summary="Wages of a month are owed, and an expense 工资计提",
        tag=Tag.BOOKS,
        status=201,
        codes=_CODES,
    ),
    CommandRoute(
        WithholdWages,
        _WITHHOLDINGS,
        right=Right.KEEP_BOOKS,
        view=_withheld,
        answer=WageWithholdingView,
        summary="Of wages that are owed, what goes to tax, insurance and housing fund 工资代扣",
        tag=Tag.BOOKS,
        status=201,
        codes=_CODES,
    ),
)
