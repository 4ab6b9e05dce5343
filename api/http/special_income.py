"""财政专户收入: what came to special accounts, from their banks' statements, and corrections."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.special_income import (
    SPECIAL_INCOME,
    CorrectSpecialIncome,
    LoadSpecialIncome,
    SpecialIncome,
)
from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.income_reports import IncomeLineView, income_lines
from api.http.models.enums import Tag
from api.http.parameters import ReportNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan

_ALL = "/v1/ledgers/{ledger}/special-income-reports"
_ONE = _ALL + "/{report_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class SpecialIncomeView(msgspec.Struct, kw_only=True):
    """A report of a special account, or of a unit's own, as corrections have left it; ``amt`` is
    the sum of its lines, ``agency_code`` the unit, "" of the treasury's."""

    ledger: str
    report_no: str
    report_date: str
    acct_no: str
    agency_code: str
    amt: str
    lines: list[IncomeLineView]
    correct_nos: list[str]
    by: str
    commit: Committed = UNSET


def _view(key: int, income: SpecialIncome, commit: Any = UNSET) -> SpecialIncomeView:
    reported = income.reported
    return SpecialIncomeView(
        ledger=ledger_text(key),
        report_no=reported.report_no,
        report_date=reported.report_date,
        acct_no=reported.acct_no,
        agency_code=reported.agency_code,
        amt=yuan(sum(stored_fen(line.amt) for line in income.lines)),
        lines=income_lines(income.lines),
        correct_nos=list(income.correct_nos),
        by=reported.by,
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> SpecialIncomeView:
    income = next(each for each in outcome.subjects if isinstance(each, SpecialIncome))
    return _view(key, income, commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="special_income.show",
    summary="What came to a special account on a day 财政专户收入",
    response_model=SpecialIncomeView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_special_income(call: LedgerRead, report_no: ReportNo) -> Response:
    key = await admit(call, number=report_no)
    position, income = await shown_object(call, key, SPECIAL_INCOME, report_no)
    await require_agencies(call, key, [(report_no, income.reported.agency_code)])
    return call.respond(_view(key, income), position=position)


_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.ELEMENT_INVALID,
    Code.ACCOUNT_INVALID,
    Code.INSUFFICIENT_CASH,
)

DIRECT = (
    CommandRoute(
        LoadSpecialIncome,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=SpecialIncomeView,
        summary="Book what came to a special account on a day 财政专户收入入账",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.ALREADY_REPORTED),
    ),
    CommandRoute(
        CorrectSpecialIncome,
        _ONE + "/correct",
        in_path=("report_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=SpecialIncomeView,
        summary="Correct a report of a special account: it says these lines",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.INVALID_STATE, Code.NOT_FOUND),
    ),
)
