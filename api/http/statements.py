"""报表: statements of the treasury's and the units' books, as of any moment, and what is under a
cell."""

from typing import Annotated

from fastapi import APIRouter, Query
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import admit
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.moments import AsOf, wait_for_projections
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.statement_files import MEDIA, StatementFormat, format_of, write_file
from api.http.statement_views import (
    ExplainedCellView,
    StatementListView,
    StatementNameView,
    StatementView,
    accounts_view,
    entry_view,
    statement_view,
)
from api.http.units import require_agencies, require_all_units
from ledger.account_set import fiscal_year_of
from ledger.deciding.state import BEIJING
from ledger.errors import Code, RequestError
from projections.core.listing import a_text
from projections.core.moments import Moment, one_moment
from projections.statements.figures import StatementScope
from projections.statements.reading import (
    AskedStatement,
    ExplainedCell,
    ShownStatement,
    explain_cell,
    find_table,
    read_statement,
    shown,
)

_LEDGER = "/v1/ledgers/{ledger}"
_SHOW = """`format=xlsx` or `html` gives the table in its usual layout. `agency_code` is one unit;
without it a table of units is of all together. `explain=true` with `line` and, other than `amt`,
`column` adds the accounts and journals under a cell, in pages."""

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


@router.get(
    _LEDGER + "/statements",
    operation_id="statement.list",
    summary="The statements that there are 报表目录",
    response_model=StatementListView,
    responses=refusals(*OF_LEDGER_READ),
)
async def list_statements(call: LedgerRead) -> Response:
    key = await admit(call)
    tables = call.treasury.statements.of_year(fiscal_year_of(key))
    named = [
        StatementNameView(
            name=name, title=table.entry.title, form=table.entry.form, of=table.entry.of
        )
        for name, table in tables.items()
    ]
    return call.respond(StatementListView(statements=named))


@router.get(
    _LEDGER + "/statements/{name}",
    operation_id="statement.show",
    summary="A statement 报表",
    description=_SHOW,
    response_model=StatementView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_statement(
    call: LedgerRead,
    name: str,
    moment: AsOf,
    page: AskedPage,
    agency_code: str | None = None,
    format: Annotated[str, PublishedAs(StatementFormat)] = StatementFormat.JSON,  # noqa: A002
    explain: bool = False,
    line: Annotated[str | None, Query(description="with explain: the line's number")] = None,
    column: Annotated[str, Query(description="with explain")] = "amt",
) -> Response:
    """Now, or as of a moment. A unit sees those of its own units."""
    key = await admit(call, number=name)
    form = format_of(format)
    if agency_code:
        await require_agencies(call, key, [(agency_code, agency_code)])
    else:
        await require_all_units(call, key, name)
    asked = _asked(call, key, name, moment, a_text(agency_code or "", "/agency_code"))
    cell = _cell(line, column) if explain else None
    after = whole_place_after(call, page.cursor)
    await wait_for_projections(call, key)

    def read(connection: Connection) -> tuple[ShownStatement, ExplainedCell | None]:
        with one_moment(connection):
            if cell is None:
                return read_statement(connection, asked), None
            return (
                read_statement(connection, asked, only=cell[0]),
                explain_cell(connection, asked, cell, after, page.size),
            )

    found, explained = await call.read(read)
    view = statement_view(call, asked, found)
    if form is not StatementFormat.JSON:
        return _file(form, view)
    if cell and explained:
        following = explained.page.following
        entries = [entry_view(each) for each in explained.page.entries]
        view.explained = ExplainedCellView(
            line=cell[0],
            column=cell[1],
            amt=shown(explained.fen),
            accounts=accounts_view(asked, explained),
            journals=page_after(call, entries, None if following is None else str(following)),
        )
    return call.respond(view, position=found.position)


def _cell(line: str | None, column: str) -> tuple[str, str]:
    if line is None:
        raise RequestError(Code.MALFORMED, "explain names the line of a cell", pointer="/line")
    return line, column


def _file(form: StatementFormat, view: StatementView) -> Response:
    headers = {"X-Projection-Position": str(view.position)}
    if form is StatementFormat.XLSX:
        headers["Content-Disposition"] = f'attachment; filename="{view.name}.{form}"'
    return Response(write_file(form, view), headers=headers, media_type=MEDIA[form])


def _asked(call: Call, key: int, name: str, moment: Moment, agency_code: str) -> AskedStatement:
    treasury = call.treasury
    table = find_table(treasury.statements, key, name, agency_code)
    today = treasury.now().astimezone(BEIJING).date()
    scope = StatementScope(key, moment, agency_code)
    return AskedStatement(treasury.charts, treasury.statements, table, scope, today)
