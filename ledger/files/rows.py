"""Reading uploaded files: CSV, NDJSON and XLSX, a row at a time.

Whatever the form, a row comes out as its line in the file and a text for each field of its layout,
"" where there is none. A CSV or XLSX file names its columns in one of its first rows
(``ledger.files.columns``), by the names of the standard (``payee_acct_name``) or their Chinese
titles (收款人全称).

No file is held in memory.
"""

import codecs
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO

import msgspec

from ledger.files.columns import Columns, Layout, Row, find_columns, malformed
from ledger.files.delimited import LINE_BYTES_MAX, read_delimited
from ledger.files.spreadsheet import Cell, CellError, Dated, SheetRow, read_sheet

MEDIA = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}

_ZIP = b"PK\x03\x04"
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, and .xlsx with a password


def read_rows(file: BinaryIO, media_type: str, layout: Layout, charset: str = "") -> Iterator[Row]:
    """The rows of a file, by its first bytes where they tell, else by its media type.

    Raises:
        RequestError: ``malformed``: another form, a text in no known encoding, missing or unknown
            columns, a spreadsheet that is none; ``too_many_items`` for one too large.
    """
    head = file.read(64)
    file.seek(0)
    if head.startswith(_COMPOUND):
        raise malformed("the file is an .xls or is protected by a password: save a plain .xlsx")
    if head.startswith(_ZIP):
        return _sheet_rows(read_sheet(file), layout)
    match MEDIA.get(media_type) or _by_content(head):
        case "xlsx":
            return _sheet_rows(read_sheet(file), layout)
        case "ndjson":
            return _ndjson_rows(file, layout)
        case _:
            return read_delimited(file, charset, layout)


def _by_content(head: bytes) -> str:
    return "ndjson" if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else "csv"


# ---- NDJSON


@cache
def _json_line(layout: Layout) -> type[Any]:
    """A line as it is given: each field a text, those that are not required may be left out."""
    optional = [field for field in layout.fields if field not in layout.required]
    return msgspec.defstruct(
        "JsonLine",
        [*((field, str) for field in layout.required), *((field, str, "") for field in optional)],
        forbid_unknown_fields=True,
        omit_defaults=True,
    )


def _ndjson_rows(file: BinaryIO, layout: Layout) -> Iterator[Row]:
    decode = msgspec.json.Decoder(_json_line(layout)).decode
    fields = layout.fields
    nothing = [""] * len(fields)
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise malformed(f"line {number} has more than {LINE_BYTES_MAX} bytes")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        try:
            given = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            yield Row(number, nothing, f"the line cannot be read: {error}")
            continue
        texts = [getattr(given, name) for name in fields]
        if line.count(b'"') != 4 * sum(map(bool, texts)) and (twice := _said_twice(line)):
            yield Row(number, texts, f"{twice} stands there twice", twice)
            continue
        yield Row(number, texts)


def _said_twice(line: bytes) -> str:
    """The key that an object has twice: of two accounts nobody knows which one is meant."""
    said: list[str] = []

    def keep(pairs: list[tuple[str, object]]) -> None:
        said.extend(key for key, _ in pairs)

    json.loads(line, object_pairs_hook=keep)
    return next((key for key in said if said.count(key) > 1), "")


# ---- XLSX


def _sheet_rows(rows: Iterator[SheetRow], layout: Layout) -> Iterator[Row]:
    """Rows of cells as they were typed."""
    shown = ((row.number, [_shown(cell) for cell in row.cells]) for row in rows)
    columns = find_columns(layout, shown)
    for row in rows:
        found = columns.row(row.number, [_shown(cell) for cell in row.cells])
        if found is None:
            continue
        if row.is_hidden:
            yield found._replace(problem="the row is hidden: show it, or take it out of the sheet")
        elif found.problem:
            yield found
        else:
            yield _typed(found, columns, row.cells, layout)


def _shown(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else str(cell)


def _typed(row: Row, columns: Columns, cells: list[Cell], layout: Layout) -> Row:
    """The row with its amounts as yuan; or with a problem where a cell is no text and has to be."""
    for field, cell in zip(columns.fields, cells, strict=False):
        if cell is None or isinstance(cell, str):
            continue
        is_amount = field in layout.amounts and not isinstance(cell, bool)
        if is_amount and isinstance(cell, int | float):
            if abs(cell) >= (WHOLE_YUAN_END if isinstance(cell, int) else YUAN_END):
                return row._replace(problem=_too_many_digits(cell), column=field)
            row.texts[layout.fields.index(field)] = amount_text(cell)
        else:
            return row._replace(problem=_not_text(cell), column=field)
    return row


def _not_text(cell: Cell) -> str:
    match cell:
        case CellError(value):
            return f"the spreadsheet failed here, {value!a} was read"
        case Dated(value):
            return f"a date or time was read, the number {value[:40]!a}"
        case bool():
            return f"a truth value was read, {cell}"
    return (
        f"the number {cell!r} was read: a spreadsheet drops leading zeros and all digits behind "
        "the fifteenth, so format the column as text and enter it again"
    )


def _too_many_digits(cell: int | float) -> str:
    return (
        f"the number {cell!r} was read: an amount has more digits than the fifteen that a "
        "spreadsheet keeps, so format the column as text and enter it again"
    )


YUAN_END, WHOLE_YUAN_END = 10**13, 10**15  # behind which the last of fifteen digits is no fen
RELATIVE_DEVIATION_MAX = 1e-6
DEVIATION_YUAN_MAX = 0.0005


def amount_text(number: int | float) -> str:
    """Yuan text of a number in a spreadsheet, which is a double: 434.99999999999994 is 435.00.

    A double is read as the amount of two decimals next to it where it is that amount's own double,
    or differs by at most a millionth of itself and by less than 0.0005 yuan: that is what is left
    of calculating. A third decimal that somebody meant differs by more; it stays, and is refused.
    """
    if isinstance(number, int):
        return f"{number}.00"
    text = f"{number:.2f}"
    deviation = abs(float(text) - number)
    near = deviation < DEVIATION_YUAN_MAX and deviation <= RELATIVE_DEVIATION_MAX * abs(number)
    return text if not deviation or near else repr(number)
