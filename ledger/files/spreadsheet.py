"""XLSX, a row at a time, in bounded memory whatever the file says (docs/lab/xlsx-readers.md)."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, TypeAlias
from xml.parsers import expat

from ledger.files.columns import malformed
from ledger.files.workbook import (
    STYLES_BYTES_MAX,
    SharedTexts,
    Styles,
    Target,
    Workbook,
    Worksheet,
    open_archive,
)

ROWS_MAX = 1_048_576  # by the format
COLUMNS_MAX = 256
NUMBER_CHARACTERS_MAX = 64

_COLUMN = re.compile("[A-Z]{1,3}")
_DIGITS = re.compile("[1-9][0-9]{0,6}")
_INTEGER = re.compile("-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]{1,3})?")
_BROKEN = (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError)


class Dated(NamedTuple):
    """A date or a time, or a number that the sheet shows as one."""

    value: str


class CellError(NamedTuple):
    """What a formula that failed shows, such as #N/A."""

    value: str


Cell: TypeAlias = str | int | float | bool | Dated | CellError | None


class SheetRow(NamedTuple):
    """A row that stands in the file: its number, as a spreadsheet shows it, and its cells."""

    number: int
    cells: list[Cell]
    is_hidden: bool = False

    @property
    def is_empty(self) -> bool:
        return all(not cell.strip() if isinstance(cell, str) else cell is None for cell in self[1])


def read_sheet(file: BinaryIO) -> Iterator[SheetRow]:
    """The rows of the one sheet that people see, by number; empty ones may be left out.

    Hidden sheets are passed over, and of several visible ones those without content. A formula
    counts as its last result.

    Raises:
        RequestError: ``malformed``: no spreadsheet, one that is damaged or beyond all bounds, or
            several visible sheets with content, which are named; ``too_many_items``: it unpacks to
            too much.
    """
    try:
        with open_archive(file) as archive, SharedTexts() as texts:
            book, styles = Workbook(archive), Styles()
            book.take(book.styles, styles, STYLES_BYTES_MAX)
            book.take(book.texts, texts)
            sheet = _seen(book, texts, styles.dated)
            yield from _rows(book, sheet, texts, styles.dated)
    except _BROKEN as error:
        raise malformed(f"the file is no spreadsheet, or damaged: {error}") from None


def _rows(
    book: Workbook, sheet: Worksheet, texts: SharedTexts, dated: Sequence[bool]
) -> Iterator[SheetRow]:
    target = _RowTarget(texts, dated)
    for _ in book.parse(sheet.part, target):
        yield from target.rows
        target.rows.clear()


def _seen(book: Workbook, texts: SharedTexts, dated: Sequence[bool]) -> Worksheet:
    """The only visible sheet, or of several the only one with content."""
    visible = [sheet for sheet in book.sheets if not sheet.is_hidden]
    if not visible:
        hidden = ", ".join(repr(sheet.name) for sheet in book.sheets)
        raise malformed(f"no sheet of the spreadsheet is visible; hidden are {hidden}")
    if len(visible) == 1:
        return visible[0]
    filled = [
        sheet
        for sheet in visible
        if not all(row.is_empty for row in _rows(book, sheet, texts, dated))
    ]
    if len(filled) > 1:
        names = ", ".join(repr(sheet.name) for sheet in filled)
        raise malformed(f"{len(filled)} visible sheets have content, {names}: leave the one")
    return filled[0] if filled else visible[0]


class _RowTarget(Target):
    """``rows``: those that have ended since they were last taken away."""

    def __init__(self, texts: SharedTexts, dated: Sequence[bool]) -> None:
        super().__init__()
        self.rows: list[SheetRow] = []
        self._texts = texts
        self._dated = dated
        self._row = 0
        self._digits = ""  # the row's number as the names of its cells end
        self._cells: list[Cell] = []
        self._column = 0
        self._columns: dict[str, int] = {}
        self._is_hidden = False
        self._kind = "n"
        self._style = "0"
        self._value_in = "v"
        self._phonetic = False

    def place(self) -> str:
        return f"row {self._row}, column {self._column}"

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._column = self._column_of(attributes.get("r"))
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "0")
            self._value_in = "t" if self._kind == "inlineStr" else "v"
        elif name == "row":
            self._row = self._row_of(attributes.get("r"))
            self._digits = str(self._row)
            self._cells, self._column = [], 0
            self._is_hidden = attributes.get("hidden") in ("1", "true")
        elif name == "rPh":
            self._phonetic = True
        elif name == self._value_in:
            self.reading = not self._phonetic

    def end(self, name: str) -> None:
        if name == self._value_in:
            self.reading = False
        elif name == "c":
            cells = self._cells
            while len(cells) < self._column - 1:
                cells.append(None)
            cells.append(self._value(self.taken()))
        elif name == "row":
            self.rows.append(SheetRow(self._row, self._cells, self._is_hidden))
        elif name == "rPh":
            self._phonetic = False

    def _row_of(self, given: str | None) -> int:
        """The row's number: given, or one more than the last."""
        if given is not None and not _DIGITS.fullmatch(given):
            raise malformed(f"after row {self._row}: a row has the number {given!r}")
        number = self._row + 1 if given is None else int(given)
        if number <= self._row:
            raise malformed(f"row {number} stands after row {self._row}")
        if number > ROWS_MAX:
            raise malformed(f"row {number}: a sheet has at most {ROWS_MAX} rows")
        return number

    def _column_of(self, given: str | None) -> int:
        """The cell's column, from 1: given as in ``C7``, or the one after the last."""
        if given is None:
            number = self._column + 1
        else:
            letters = given.removesuffix(self._digits)
            number = self._columns.get(letters) or self._read_column(letters, given)
        if number <= self._column:
            raise malformed(f"row {self._row}: cell {given} stands after column {self._column}")
        if number > COLUMNS_MAX:
            raise malformed(f"row {self._row} has more than {COLUMNS_MAX} columns")
        return number

    def _read_column(self, letters: str, given: str) -> int:
        if not _COLUMN.fullmatch(letters):
            raise malformed(f"row {self._row}: a cell is named {given!r}")
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - ord("A") + 1
        self._columns[letters] = number
        return number

    def _value(self, text: str) -> Cell:
        """What the cell holds; None where it is empty."""
        try:
            match self._kind:
                case "s":
                    return self._texts.text(int(text)) if text else None
                case "inlineStr" | "str":
                    return text
                case "e":
                    return CellError(text)
                case "d":
                    return Dated(text)
                case "b":
                    return text == "1"
                case "n":
                    return self._number(text) if text else None
        except (ValueError, IndexError):
            pass
        raise malformed(f"{self.place()} has a value of kind {self._kind!r}: {text[:40]!r}")

    def _number(self, text: str) -> int | float | Dated:
        if len(text) > NUMBER_CHARACTERS_MAX:
            raise ValueError(text)
        style = int(self._style)
        if style < len(self._dated) and self._dated[style]:
            return Dated(text)
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _NUMBER.fullmatch(text):  # "nan", "1_000" and "１" are numbers to Python
            raise ValueError(text)
        return float(text)
