"""Reading uploaded files: CSV (UTF-8 or GBK), NDJSON and XLSX, a row at a time.

Whatever the form, a row comes out as its line in the file and eight texts in the order of
``FIELDS``, "" where there is none. A CSV or XLSX file begins with a row of column names, which are
those of the standard (``payee_acct_name``) or their Chinese titles (收款人全称).

No file is held in memory.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import msgspec

from ledger.elements.register import ElementRegister
from ledger.errors import Code, RequestError

FIELDS = (
    "pay_detail_id",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "pay_amt",
    "iden_no",
    "remark",
)
REQUIRED = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "pay_amt")
MEDIA = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
LINE_BYTES_MAX = 64 * 1024

_TITLES = {ElementRegister.ELEMENTS[name].title: name for name in FIELDS}
_TYPED_AS_TEXT = "a spreadsheet drops digits of a number: format the column as text"
_READ_BYTES = 1 << 20


class Row(NamedTuple):
    """A row of the file: its line there, its texts, or why it cannot be read."""

    file_line: int
    texts: list[str]
    problem: str = ""


def read_rows(file: BinaryIO, media_type: str, charset: str = "") -> Iterator[Row]:
    """The rows of a file, by its media type or, where that says nothing, by its first bytes.

    Raises:
        RequestError: ``malformed``: another form, a text that is neither UTF-8 nor GBK, missing or
            unknown columns, a spreadsheet that is none; ``too_many_items`` for one too large.
    """
    match MEDIA.get(media_type) or _by_content(file):
        case "xlsx":
            from payments.disbursement import spreadsheet  # slow to import, and few need it

            return _sheet_rows(spreadsheet.read_sheet(file))
        case "ndjson":
            return _ndjson_rows(file)
        case _:
            return _csv_rows(file, charset)


def _by_content(file: BinaryIO) -> str:
    head = file.read(64)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    return "ndjson" if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else "csv"


def _malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail)


# ---- columns


def _places(header: Iterable[str]) -> list[int]:
    """Where each of ``FIELDS`` stands in a row, -1 for nowhere."""
    names = [_TITLES.get(name, name) for name in header]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in FIELDS]
    missing = [name for name in REQUIRED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        problem = (
            f"unknown columns: {', '.join(map(repr, unknown[:5]))}"
            if unknown
            else f"missing columns: {', '.join(missing)}"
            if missing
            else "a column stands there twice"
        )
        raise _malformed(f"the first row names the columns; {problem[:300]}")
    return [names.index(name) if name in names else -1 for name in FIELDS]


def _picked(cells: list[str], places: list[int]) -> list[str]:
    width = len(cells)
    return [cells[place].strip() if 0 <= place < width else "" for place in places]


# ---- CSV


def _charset(file: BinaryIO) -> str:
    """``utf-8-sig`` if all of the file is UTF-8, else ``gbk``; the file is read once for it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(_READ_BYTES):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gbk"
    finally:
        file.seek(0)
    return "utf-8-sig"


def _csv_rows(file: BinaryIO, charset: str) -> Iterator[Row]:
    encoding = {"utf-8": "utf-8-sig", "gbk": "gbk", "gb2312": "gbk"}.get(charset.lower())
    if charset and encoding is None:
        raise _malformed(f"a CSV file is in UTF-8 or GBK, not {charset[:40]!a}")
    text = io.TextIOWrapper(file, encoding=encoding or _charset(file), newline="")
    try:
        reader = csv.reader(_bounded_lines(text), strict=True)
        places = _places(cell.strip() for cell in next(reader, []))
        columns = max(places) + 1
        for cells in reader:
            if not cells:
                continue
            extra = len(cells) > columns and any(cells[columns:])
            problem = f"{len(cells)} cells; there are {columns} columns" if extra else ""
            yield Row(reader.line_num, _picked(cells, places), problem)
    except UnicodeDecodeError as error:
        raise _malformed(f"the file is not {error.encoding}: {error.reason}") from None
    except csv.Error as error:
        raise _malformed(f"line {reader.line_num} is no CSV: {error}") from None
    finally:
        text.detach()


def _bounded_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Its lines; a file that is one line of a gigabyte is refused before it is in memory."""
    number = 0
    while line := text.readline(LINE_BYTES_MAX):
        number += 1
        if len(line) == LINE_BYTES_MAX and line[-1] not in "\r\n":
            raise _malformed(f"line {number} has more than {LINE_BYTES_MAX} characters")
        yield line


# ---- NDJSON


class _JsonLine(msgspec.Struct, forbid_unknown_fields=True):
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: str
    pay_detail_id: str = ""
    payee_bank_no: str = ""
    iden_no: str = ""
    remark: str = ""


def _ndjson_rows(file: BinaryIO) -> Iterator[Row]:
    decode = msgspec.json.Decoder(_JsonLine).decode
    nothing = [""] * len(FIELDS)
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise _malformed(f"line {number} has more than {LINE_BYTES_MAX} bytes")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        try:
            given = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            yield Row(number, nothing, f"the line cannot be read: {error}")
            continue
        yield Row(number, [getattr(given, name) for name in FIELDS])


# ---- XLSX


def _sheet_rows(rows: Iterator[tuple[int, Sequence[object]]]) -> Iterator[Row]:
    """Rows of cells as they were typed."""
    _, header = next(rows, (0, ()))
    places = _places("" if cell is None else str(cell).strip() for cell in header)
    amount_at = places[FIELDS.index("pay_amt")]
    for number, cells in rows:
        if not any(cell not in (None, "") for cell in cells):
            continue
        problem = ""
        texts = []
        for place, cell in enumerate(cells):
            text = _amount_text(cell) if place == amount_at else _cell_text(cell)
            if text is None:
                problem = problem or f"column {place + 1}: {_TYPED_AS_TEXT}"
            texts.append(text or "")
        yield Row(number, _picked(texts, places), problem)


def _cell_text(cell: object) -> str | None:
    """Text as it is; None for a number, whose leading zeros and last digits may be gone."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else None


def _amount_text(cell: object) -> str | None:
    """Yuan text: a number has at most two decimals, else it stays as it is and is refused later."""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int):
        return f"{cell}.00"
    if isinstance(cell, float):
        text = f"{cell:.2f}"
        return text if float(text) == cell else repr(cell)
    return _cell_text(cell)
