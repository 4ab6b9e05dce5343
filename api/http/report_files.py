"""A report as JSON, CSV or a spreadsheet, row by row: its answer is a file before it is sent.

So a report takes no more memory than some of its rows, and its connection no longer than the
writing, however slowly somebody reads it.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

import msgspec
from psycopg import Connection
from starlette.responses import Response, StreamingResponse

from api.http.call import Call
from ledger.account_set import ledger_text
from ledger.errors import Code, RequestError
from payments.disbursement.result_files import WorkbookWriter, csv_rows
from projections.core.moments import one_moment
from projections.reports.report import Cells, Report, ReportTotals, shown

_MARK = b"\xef\xbb\xbf"  # Excel takes a file for UTF-8 only with it
_MEDIA = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TOTAL = "合计"
_KEPT_BYTES = 1 << 20  # in memory; what is longer lies on disk
_PART_BYTES = 1 << 18
_ROWS_AT_ONCE = 1_000
_encode = msgspec.json.Encoder().encode


class ReportFormat(StrEnum):
    """How a report is given out 报表格式."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class ReportView(msgspec.Struct, kw_only=True):
    """A report: in each row the columns that ``columns`` names, amounts in yuan; ``totals`` are the
    sums of all rows by column."""

    ledger: str
    name: str
    title: str
    position: int
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    totals: dict[str, str]


def format_of(text: str) -> ReportFormat:
    """Raises ``malformed`` for one that there is not."""
    if text not in set(ReportFormat):
        raise RequestError(
            Code.MALFORMED, f"format is one of {', '.join(ReportFormat)}", pointer="/format"
        )
    return ReportFormat(text)


async def respond_with_report(
    call: Call, key: int, form: ReportFormat, make: Callable[[Connection], Report]
) -> Response:
    """The report that ``make`` opens, as of one instant."""

    def write(connection: Connection) -> tuple[str, int, BinaryIO]:
        file = cast("BinaryIO", SpooledTemporaryFile(_KEPT_BYTES))  # noqa: SIM115 - closed when sent
        try:
            with one_moment(connection):
                report = make(connection)
                _WRITERS[form](report, ledger_text(key), file)
        except BaseException:
            file.close()
            raise
        return report.name, report.position, file

    name, position, file = await call.read(write)

    def parts() -> Iterator[bytes]:
        with file:
            file.seek(0)
            while part := file.read(_PART_BYTES):
                yield part

    headers = {"X-Projection-Position": str(position)}
    if form is not ReportFormat.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return StreamingResponse(parts(), headers=headers, media_type=_MEDIA[form])


def write_json(report: Report, ledger: str, file: BinaryIO) -> None:
    """As ``ReportView`` is written, its rows some at a time."""
    head: dict[str, Any] = {
        "ledger": ledger,
        "name": report.name,
        "title": report.title,
        "position": report.position,
        "columns": report.columns,
    }
    totals, comma = ReportTotals(report), b""
    file.write(_encode(head)[:-1] + b',"rows":[')
    for rows in _parts(report, totals):
        told = [dict(zip(report.columns, map(shown, row), strict=True)) for row in rows]
        file.write(comma + _encode(told)[1:-1])
        comma = b","
    file.write(b'],"totals":' + _encode(totals.shown()) + b"}")


def _csv(report: Report, _ledger: str, file: BinaryIO) -> None:
    file.write(_MARK)
    for lines in _lines(report):
        file.write(csv_rows(lines))


def _xlsx(report: Report, _ledger: str, file: BinaryIO) -> None:
    with WorkbookWriter(file) as writer:
        for lines in _lines(report):
            writer.write(lines)


_WRITERS = {ReportFormat.JSON: write_json, ReportFormat.CSV: _csv, ReportFormat.XLSX: _xlsx}


def _lines(report: Report) -> Iterator[list[list[str]]]:
    """The names of the columns, the rows, and last the totals under their columns."""
    yield [list(report.columns)]
    totals = ReportTotals(report)
    for rows in _parts(report, totals):
        yield [[shown(cell) for cell in row] for row in rows]
    sums = totals.shown()
    yield [[_TOTAL, *(sums.get(column, "") for column in report.columns[1:])]]


def _parts(report: Report, totals: ReportTotals) -> Iterator[list[Cells]]:
    while rows := list(islice(report.rows, _ROWS_AT_ONCE)):
        for row in rows:
            totals.add(row)
        yield rows
