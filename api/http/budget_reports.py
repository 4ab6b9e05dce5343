"""预算报表: reports of the budget as JSON, CSV or a spreadsheet, as of any moment."""

from collections.abc import Iterable
from enum import StrEnum
from io import BytesIO
from typing import Annotated

import msgspec
from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import admit
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.moments import AsOf, wait_for_projections
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.units import prefixes_of
from ledger.account_set import division_of, ledger_text
from ledger.errors import Code, Refusal, RequestError
from payments.disbursement.result_files import WorkbookWriter, csv_rows
from projections.budget_reports import TITLES, BudgetReport, ReportScope, read_report
from projections.core.moments import Moment, within_books

_MARK = b"\xef\xbb\xbf"  # Excel takes a file for UTF-8 only with it
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"
_TOTAL = "合计"

ReportName = StrEnum("ReportName", {name.upper(): name for name in TITLES})  # type: ignore[misc]


class ReportFormat(StrEnum):
    """How a report is given out 报表格式."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class BudgetReportView(msgspec.Struct, kw_only=True):
    """A report: in each row the columns that ``columns`` names, amounts in yuan; ``totals`` are the
    sums of all rows by column."""

    ledger: str
    name: str
    title: str
    position: int
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    totals: dict[str, str]


router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


@router.get(
    "/v1/ledgers/{ledger}/budget-reports/{name}",
    operation_id="budget_report.show",
    summary="A report of the budget 预算报表",
    description="`format=csv` or `xlsx` gives the rows and, last, the totals as a file.",
    response_model=BudgetReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND, Code.TOO_MANY_ITEMS),
)
async def show_report(
    call: LedgerRead,
    name: Annotated[str, PublishedAs(ReportName)],
    moment: AsOf,
    format: Annotated[str, PublishedAs(ReportFormat)] = ReportFormat.JSON,  # noqa: A002 - in api.md
    agency_code: str | None = None,
) -> Response:
    """Of approved rows, as of a moment; a unit sees its own."""
    key = await admit(call, number=name)
    if name not in TITLES:
        raise Refusal(Code.NOT_FOUND, f"there is no report {name!r}: {', '.join(TITLES)}")
    if format not in set(ReportFormat):
        raise RequestError(
            Code.MALFORMED, f"format is one of {', '.join(ReportFormat)}", pointer="/format"
        )
    await wait_for_projections(call, key)
    scope = ReportScope(agency_code, prefixes_of(call.caller, call.right))
    report = await call.read(lambda connection: _read(connection, call, key, name, moment, scope))
    if format == ReportFormat.JSON:
        return call.respond(_view(key, report), position=report.position)
    return _file(report, format)


def _read(
    connection: Connection, call: Call, key: int, name: str, moment: Moment, scope: ReportScope
) -> BudgetReport:
    codes, division = call.treasury.codes(), division_of(key)
    day = within_books(key, moment.effective or call.treasury.now().date())

    def name_of(element: str, code: str) -> str:
        return codes.name(element, code, on=day, mof_div_code=division)

    return read_report(connection, key, name, moment, scope, name_of)


def _view(key: int, report: BudgetReport) -> BudgetReportView:
    return BudgetReportView(
        ledger=ledger_text(key),
        name=report.name,
        title=report.title,
        position=report.position,
        columns=tuple(report.columns),
        rows=report.rows,
        totals=report.totals,
    )


def _file(report: BudgetReport, form: str) -> Response:
    """The rows, and last the totals under their columns."""
    lines = [list(report.columns), *_cells(report)]
    headers = {
        "Content-Disposition": f'attachment; filename="{report.name}.{form}"',
        "X-Projection-Position": str(report.position),
    }
    if form == ReportFormat.CSV:
        return Response(_MARK + csv_rows(lines), media_type=_CSV, headers=headers)
    file = BytesIO()
    with WorkbookWriter(file) as writer:
        writer.write(lines)
    return Response(file.getvalue(), media_type=_XLSX, headers=headers)


def _cells(report: BudgetReport) -> Iterable[list[str]]:
    for row in report.rows:
        yield [row[column] for column in report.columns]
    yield [_TOTAL, *(report.totals.get(column, "") for column in report.columns[1:])]
