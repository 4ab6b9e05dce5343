"""收入: the central bank's daily reports from a file, and their corrections."""

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.income import CorrectIncome, LoadIncome
from accounting.income_events import IncomeLine, IncomeReceived
from accounting.income_report import INCOME_REPORT, SIGNED_INCOME_REPORT, IncomeReport
from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.parameters import ReportNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan

_ALL = "/v1/ledgers/{ledger}/income-reports"
_ONE = _ALL + "/{report_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class IncomeLineView(msgspec.Struct, kw_only=True, gc=False):
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str
    amt: str


class IncomeReportView(msgspec.Struct, kw_only=True):
    """A report as corrections have left it; ``amt`` is the sum of its lines, ``is_signed`` whether
    the central bank's signature stands for it, ``notice_sm3`` then its digest, else "".
    ``replaces`` is the report from a file in whose place a signed one stands, ``differences`` what
    it says more."""

    ledger: str
    report_no: str
    report_date: str
    tre_code: str
    amt: str
    lines: list[IncomeLineView]
    correct_nos: list[str]
    is_signed: bool
    notice_sm3: str
    replaces: str
    differences: list[IncomeLineView]
    by: str
    commit: Committed = UNSET


def _view(key: int, report: IncomeReport, commit: Any = UNSET) -> IncomeReportView:
    reported = report.reported
    signed = reported if isinstance(reported, IncomeReceived) else None
    return IncomeReportView(
        ledger=ledger_text(key),
        report_no=reported.report_no,
        report_date=reported.report_date,
        tre_code=reported.tre_code,
        amt=yuan(sum(stored_fen(line.amt) for line in report.lines)),
        lines=income_lines(report.lines),
        correct_nos=list(report.correct_nos),
        is_signed=signed is not None,
        notice_sm3=signed.notice_sm3 if signed else "",
        replaces=signed.replaces if signed else "",
        differences=income_lines(signed.differences if signed else ()),
        by=reported.by,
        commit=commit,
    )


def income_lines(lines: Iterable[IncomeLine]) -> list[IncomeLineView]:
    return [
        IncomeLineView(
            inc_sort_code=line.inc_sort_code,
            fund_type_code=line.fund_type_code,
            budget_level_code=line.budget_level_code,
            amt=line.amt,
        )
        for line in lines
    ]


def _done(key: int, _command: Command, outcome: Outcome) -> IncomeReportView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="income_report.show",
    summary="A day's report of income 收入日报",
    response_model=IncomeReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_report(call: LedgerRead, report_no: ReportNo) -> Response:
    key = await admit(call, number=report_no)
    await require_all_units(call, key, "a report of income")
    position, report = await shown_object(call, key, INCOME_REPORT, report_no, SIGNED_INCOME_REPORT)
    return call.respond(_view(key, report), position=position)


_CODES = (Code.PERIOD_CLOSED, Code.FUTURE_DATE, Code.ELEMENT_INVALID, Code.INSUFFICIENT_CASH)

DIRECT = (
    CommandRoute(
        LoadIncome,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=IncomeReportView,
        summary="Book what came to the treasury on a day 收入日报入账",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.ALREADY_REPORTED, Code.INVALID_STATE),
    ),
    CommandRoute(
        CorrectIncome,
        _ONE + "/correct",
        in_path=("report_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=IncomeReportView,
        summary="Correct a report: it says these lines 收入更正",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.INVALID_STATE, Code.NOT_FOUND),
    ),
)
