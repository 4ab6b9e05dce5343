"""库存日报: what the central bank says a treasury account had, and what persons say to it."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.balances import BALANCE_REPORT, BalanceReport, SettleBalance
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
from ledger.money import yuan

_ONE = "/v1/ledgers/{ledger}/balance-reports/{report_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class ReportedBalanceView(msgspec.Struct, kw_only=True, gc=False):
    acct_code: str
    acct_name: str
    yesterday_balance: str
    today_receipt: str
    today_pay: str
    today_balance: str


class BalanceReportView(msgspec.Struct, kw_only=True):
    """A report; ``booked_amt`` is what 国库存款 had on that day when it came, ``difference_amt``
    what the books had more. ``state``: agrees, differs, settled; ``reason`` what persons said."""

    ledger: str
    report_no: str
    report_date: str
    tre_code: str
    lines: list[ReportedBalanceView]
    balance_amt: str
    booked_amt: str
    difference_amt: str
    state: str
    reason: str
    notice_sm3: str
    commit: Committed = UNSET


def _view(key: int, report: BalanceReport, commit: Any = UNSET) -> BalanceReportView:
    reported = report.reported
    return BalanceReportView(
        ledger=ledger_text(key),
        report_no=reported.report_no,
        report_date=reported.report_date,
        tre_code=reported.tre_code,
        lines=[ReportedBalanceView(**msgspec.structs.asdict(line)) for line in reported.lines],
        balance_amt=reported.balance_amt,
        booked_amt=reported.booked_amt,
        difference_amt=yuan(report.difference_fen),
        state=report.state,
        reason=report.settled.reason if report.settled else "",
        notice_sm3=reported.notice_sm3,
        commit=commit,
    )


def _settled(key: int, _command: Command, outcome: Outcome) -> BalanceReportView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="balance_report.show",
    summary="A treasury account's balance of a day, as the central bank says 库存日报",
    response_model=BalanceReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_report(call: LedgerRead, report_no: ReportNo) -> Response:
    key = await admit(call, number=report_no)
    await require_all_units(call, key, "a report of balances")
    position, report = await shown_object(call, key, BALANCE_REPORT, report_no)
    return call.respond(_view(key, report), position=position)


DIRECT = (
    CommandRoute(
        SettleBalance,
        _ONE + "/settle",
        in_path=("report_no",),
        right=Right.KEEP_BOOKS,
        view=_settled,
        answer=BalanceReportView,
        summary="Say where a difference comes from 库存差异处理",
        tag=Tag.BOOKS,
        codes=(Code.PERIOD_CLOSED, Code.INVALID_STATE, Code.NOT_FOUND),
    ),
)
