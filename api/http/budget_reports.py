"""预算报表: reports of a year's budget and of a division's projects, as of any moment."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from annotated_types import Interval
from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import admit
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.division_lists import DivisionRead
from api.http.division_routes import admit_to_division
from api.http.models.enums import Tag
from api.http.moments import AsOf, wait_for_projections
from api.http.parameters import WHOLE, DivisionCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.report_files import ReportFormat, ReportView, format_of, respond_with_report
from api.http.routes import Operation
from api.http.units import prefixes_of
from ledger.account_set import division_of, is_standing
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal
from projections.core.moments import Moment, within_books
from projections.reports.catalogue import OF_DIVISION, OF_YEAR, Open
from projections.reports.projects import three_year_roll
from projections.reports.report import AskedReport, Report, ReportScope

ReportName = StrEnum("ReportName", {name.upper(): name for name in OF_YEAR})  # type: ignore[misc]
ProjectReportName = StrEnum(  # type: ignore[misc]
    "ProjectReportName", {name.upper(): name for name in OF_DIVISION}
)
FirstYear = Annotated[int, Interval(ge=2000, le=2099), WHOLE]
AskedFormat = Annotated[str, PublishedAs(ReportFormat)]
_FILES = "`format=csv` or `xlsx` gives the rows and, last, the totals as a file."

router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


@router.get(
    "/v1/ledgers/{ledger}/budget-reports/{name}",
    operation_id="budget_report.show",
    summary="A report of the budget 预算报表",
    description=_FILES,
    response_model=ReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_report(
    call: LedgerRead,
    name: Annotated[str, PublishedAs(ReportName)],
    moment: AsOf,
    format: AskedFormat = ReportFormat.JSON,  # noqa: A002 - in api.md
    agency_code: str | None = None,
    dept_code: str | None = None,
) -> Response:
    """As of a moment; of a unit, of a department ``dept_code`` with all its units, or of all. A
    unit sees its own."""
    key = await admit(call, number=name)
    make, form = _named(OF_YEAR, name), format_of(format)
    await wait_for_projections(call, key)
    scope = ReportScope(agency_code, prefixes_of(call.caller, call.right), dept_code)

    def report(connection: Connection) -> Report:
        return make(_asked(call, connection, key, moment, scope), name)

    return await respond_with_report(call, key, form, report)


@router.get(
    "/v1/divisions/{mof_div_code}/project-reports/{name}",
    operation_id="project_report.show",
    summary="A report of the project library 项目库报表",
    description=_FILES + " `first_year` is that of `three_year_roll`.",
    response_model=ReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_project_report(
    call: DivisionRead,
    mof_div_code: DivisionCode,
    name: Annotated[str, PublishedAs(ProjectReportName)],
    moment: AsOf,
    format: AskedFormat = ReportFormat.JSON,  # noqa: A002 - as above
    agency_code: str | None = None,
    dept_code: str | None = None,
    first_year: FirstYear | None = None,
) -> Response:
    """As above, of the projects of a division."""
    key = await admit_to_division(call)
    make, form = _named(OF_DIVISION, name), format_of(format)
    await call.head(key)
    scope = ReportScope(agency_code, prefixes_of(call.caller, call.right), dept_code)

    def report(connection: Connection) -> Report:
        asked = _asked(call, connection, key, moment, scope)
        if first_year and make is three_year_roll:
            return three_year_roll(asked, name, first_year)
        return make(asked, name)

    return await respond_with_report(call, key, form, report)


def _named(known: Mapping[str, Open], name: str) -> Open:
    if name not in known:
        raise Refusal(Code.NOT_FOUND, f"there is no report {name!r}: {', '.join(known)}")
    return known[name]


def _asked(
    call: Call, connection: Connection, key: int, moment: Moment, scope: ReportScope
) -> AskedReport:
    codes, division = call.treasury.codes(), division_of(key)
    today = call.treasury.now().astimezone(BEIJING).date()
    day = moment.effective or today
    named_on = day if is_standing(key) else within_books(key, day)

    def name_of(element: str, code: str) -> str:
        return codes.name(element, code, on=named_on, mof_div_code=division)

    return AskedReport(connection, key, moment, scope, name_of, today)
