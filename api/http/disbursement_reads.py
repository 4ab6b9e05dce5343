"""Reading disbursement runs 批量支付: a run, the runs of a ledger, its lines and their file."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from tempfile import TemporaryFile

import msgspec
from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response, StreamingResponse

from api.http.admission import admit
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.disbursement_views import (
    LineResultView,
    RunNo,
    RunView,
    line_result_view,
    require_run,
    run_view,
)
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.units import own_indicators, require_units
from ledger.errors import Code
from ledger.reading.objects import read_objects
from payments.disbursement.events import DisbursementOpened
from payments.disbursement.lock import is_held
from payments.disbursement.progress import read_results
from payments.disbursement.result_files import WorkbookWriter, csv_rows
from payments.disbursement.run import DISBURSEMENT, LINES_MAX, Run

_ALL = "/v1/ledgers/{ledger}/disbursements"
_ONE = _ALL + "/{run_no}"
Cells = tuple[object, ...]
_PART_BYTES = 1 << 18
FILE_PART_LINES = 4_990  # of the result file, read at once: ten vouchers

router = APIRouter(route_class=Operation, tags=[Tag.DISBURSEMENTS])


class CsvFile(StreamingResponse):
    """A file of lines, sent as it is read."""

    media_type = "text/csv; charset=utf-8"


class XlsxFile(StreamingResponse):
    """A spreadsheet, sent once it is written."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get(
    _ALL,
    operation_id="disbursement.list",
    summary="Runs in the order of their opening",
    response_model=Page[RunView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_runs(call: LedgerRead, asked: AskedPage) -> Response:
    after = whole_place_after(call, asked.cursor)
    key = await admit(call)

    def read(connection: Connection) -> tuple[list[RunView], str | None]:
        rows = connection.execute(
            "SELECT k.first_position, k.number FROM command_keys k JOIN events e"
            " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
            " WHERE k.ledger_id = %s AND k.operation = %s AND k.first_position > %s"
            " AND e.type = %s ORDER BY k.first_position LIMIT %s",
            (key, DISBURSEMENT.opened_by, after, DisbursementOpened.TYPE, asked.size + 1),
        ).fetchall()
        shown = rows[: asked.size]
        found: dict[str, Run] = read_objects(
            connection, key, DISBURSEMENT, [number for _, number in shown]
        )
        views = [run_view(connection, key, found[number]) for _, number in shown]
        return views, str(shown[-1][0]) if len(rows) > asked.size else None

    views, following = await call.read(read)
    own = await own_indicators(call, key, [view.bgt_id for view in views])
    return call.respond(page_after(call, [v for v in views if v.bgt_id in own], following))


@router.get(
    _ONE,
    operation_id="disbursement.show",
    summary="A run, its progress and its figures",
    response_model=RunView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_run(call: LedgerRead, run_no: RunNo) -> Response:
    key = await admit(call, number=run_no)
    await _require_own(call, key, run_no)

    def read(connection: Connection) -> RunView:
        # asked first: who is told that nobody is at work sees all that was done
        under_way = is_held(connection, key, run_no)
        return run_view(connection, key, require_run(connection, key, run_no), under_way=under_way)

    return call.respond(await call.read(read))


@router.get(
    _ONE + "/results",
    operation_id="disbursement.results",
    summary="Its lines with their outcomes",
    response_model=Page[LineResultView],
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def list_results(call: LedgerRead, run_no: RunNo, asked: AskedPage) -> Response:
    first = whole_place_after(call, asked.cursor, most=LINES_MAX) + 1
    key = await admit(call, number=run_no)
    await _require_own(call, key, run_no)

    def read(connection: Connection) -> list[LineResultView]:
        require_run(connection, key, run_no)
        found = read_results(connection, key, run_no, first, first + asked.size)
        return [line_result_view(result) for result in found]

    views = await call.read(read)
    shown = views[: asked.size]
    following = str(shown[-1].line_no) if len(views) > asked.size else None
    return call.respond(page_after(call, shown, following))


@router.get(
    _ONE + "/results.csv",
    operation_id="disbursement.result_file",
    summary="The same as a file",
    response_class=CsvFile,
    response_description="a row for each line, UTF-8 with a byte order mark",
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def result_file(call: LedgerRead, run_no: RunNo) -> Response:
    """A row for each line, in the order of the upload, streamed.

    A tab stands before an account and whatever else a spreadsheet would take for a number or a
    date, an apostrophe before what it would carry out.
    """
    key = await admit(call, number=run_no)
    await _require_own(call, key, run_no)

    async def parts() -> AsyncIterator[bytes]:
        # Excel takes a file for UTF-8 only with this mark
        yield b"\xef\xbb\xbf" + csv_rows([LineResultView.__struct_fields__])
        async for rows in results:
            yield csv_rows(rows)

    results = await _rows_in_parts(call, key, run_no)
    headers = {"Content-Disposition": 'attachment; filename="results.csv"'}
    return CsvFile(parts(), headers=headers)


@router.get(
    _ONE + "/results.xlsx",
    operation_id="disbursement.result_workbook",
    summary="The same as a spreadsheet",
    response_class=XlsxFile,
    response_description="a row for each line; accounts and numbers are cells of text",
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def result_workbook(call: LedgerRead, run_no: RunNo) -> Response:
    """A row for each line, in the order of the upload; amounts are numbers, all else is text."""
    key = await admit(call, number=run_no)
    await _require_own(call, key, run_no)
    file = TemporaryFile()  # noqa: SIM115 - closed when it was sent
    try:
        with WorkbookWriter(file) as writer:
            writer.write([LineResultView.__struct_fields__])
            async for rows in await _rows_in_parts(call, key, run_no):
                await call.in_thread(writer.write, rows)
    except BaseException:
        file.close()
        raise

    def parts() -> Iterator[bytes]:
        with file:
            file.seek(0)
            while part := file.read(_PART_BYTES):
                yield part

    headers = {"Content-Disposition": 'attachment; filename="results.xlsx"'}
    return XlsxFile(parts(), headers=headers)


async def _require_own(call: Call, key: int, run_no: str) -> None:
    """Raises ``forbidden`` for a run that is paid from another unit's indicator; ``not_found``."""
    run = await call.read(lambda connection: require_run(connection, key, run_no))
    await require_units(call, key, bgt_ids=[run.bgt_id])


async def _rows_in_parts(call: Call, key: int, run_no: str) -> AsyncIterator[list[Cells]]:
    """The results of a run that is there, ten vouchers at a time."""
    run = await call.read(lambda connection: require_run(connection, key, run_no))
    line_count = run.loaded.line_count if run.loaded else 0

    async def parts() -> AsyncIterator[list[Cells]]:
        for first in range(1, line_count + 1, FILE_PART_LINES):
            yield await call.read(partial(_file_part, key, run_no, first))

    return parts()


def _file_part(key: int, run_no: str, first: int, connection: Connection) -> list[Cells]:
    results = read_results(connection, key, run_no, first, first + FILE_PART_LINES - 1)
    return [msgspec.structs.astuple(line_result_view(result)) for result in results]
