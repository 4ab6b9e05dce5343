"""Files of results that come back unharmed from whoever opens them in a spreadsheet.

A spreadsheet makes of an account ``6.222E+18``, of ``007`` a 7, of ``3-1`` the first of March, and
carries out what begins as a formula. In XLSX every text is a cell of text, so that it has nothing
to guess. In CSV it guesses; there a tab stands before what it would take for a number or a date,
and an apostrophe before what it would carry out. Reading such a file back, white space around a
cell means nothing.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, BinaryIO
from xml.sax.saxutils import escape

DIGITS_KEPT_MAX = 11  # of a whole number; longer ones are shown as 6.222E+18
SIGNIFICANT_DIGITS_MAX = 15  # of a double

_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}")
_PLAIN_NUMBER = re.compile(rf"0|[1-9][0-9]{{0,{DIGITS_KEPT_MAX - 1}}}")
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_GUESSED = re.compile(rf"[0-9.(]|(?:{_MONTH})[a-z]*[ -]?[0-9]", re.IGNORECASE)
_CARRIED_OUT = re.compile(r"[=+@\t\r-]")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TEXT_STYLE, _AMOUNT_STYLE = 1, 2
_SHEET_PART = "xl/worksheets/sheet1.xml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
    f'<Override PartName="/{_SHEET_PART}" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="b" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="results" sheetId="1" r:id="s"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="s" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="f" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
    '<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="4" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def guarded(value: object) -> str:
    """The text of a CSV cell, marked where a spreadsheet would make something else of it."""
    text = str(value)
    if _AMOUNT.fullmatch(text) and len(text) <= SIGNIFICANT_DIGITS_MAX:
        return text
    if _CARRIED_OUT.match(text):
        return f"'{text}"
    return f"\t{text}" if _GUESSED.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def csv_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8; the file's mark is for who begins it."""
    text = io.StringIO()
    csv.writer(text).writerows([guarded(value) for value in row] for row in rows)
    return text.getvalue().encode()


class WorkbookWriter:
    """Writes an XLSX file of one sheet, row by row; in use as a context manager.

    Args:
        file: what it is written to; can be sought in.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._sheet: IO[bytes] | None = None

    def __enter__(self) -> "WorkbookWriter":
        for name, content in _PARTS.items():
            self._archive.writestr(name, _DECLARATION + content)
        self._sheet = self._archive.open(_SHEET_PART, "w", force_zip64=True)
        self._sheet.write(f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._sheet is not None
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        assert self._sheet is not None
        cells = ("".join(map(_cell, row)) for row in rows)
        self._sheet.write("".join(f"<row>{row}</row>" for row in cells).encode())


def _cell(value: object) -> str:
    """Amounts and whole numbers as numbers while a double holds them; everything else as text."""
    text = str(value)
    if _AMOUNT.fullmatch(text) and len(text) <= SIGNIFICANT_DIGITS_MAX:
        return f'<c s="{_AMOUNT_STYLE}"><v>{text}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{text}</v></c>"
    shown = escape(_ESCAPE_LIKE.sub("_x005F_", _NO_XML.sub("\ufffd", text)))
    return f'<c s="{_TEXT_STYLE}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
