"""CSV as people send it: in which encoding, parted by what, and below which title it begins.

The encoding is what the file's mark says (UTF-8, UTF-16, GB18030), else what the caller says, else
UTF-8 where all of the file is that, and GB18030 (which GBK and GB2312 are parts of) where it is
not. Cells are parted by commas, tabs or semicolons, as the row that names the columns has them.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from ledger.files.columns import HEADER_ROWS_MAX, Layout, Row, find_columns, malformed

LINE_BYTES_MAX = 64 * 1024
ROW_CHARACTERS_MAX = 1024 * 1024  # a cell may hold line feeds, and so a row many lines

_READ_BYTES = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (bytes.fromhex("84319533"), "gb18030"),
)
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_MARK = "\ufeff"
_DELIMITERS = ",\t;"


def read_delimited(file: BinaryIO, charset: str, layout: Layout) -> Iterator[Row]:
    """The rows behind the one that names the columns.

    Raises:
        RequestError: ``malformed``; the text names the line where there is one.
    """
    encoding = _encoding(file, charset)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    lines = _Lines(text)
    try:
        reader = csv.reader(lines, delimiter=_delimiter(lines, layout), strict=True)
        columns = find_columns(layout, ((reader.line_num, cells) for cells in reader))
        for cells in reader:
            lines.row_begins()
            if cells and (row := columns.row(reader.line_num, cells)):
                yield row
    except UnicodeError as error:  # a decode error, or UTF-16 without the mark that it needs
        guessed = encoding == "gb18030" and not charset
        known = "neither UTF-8 nor GB18030" if guessed else f"not {encoding}"
        reason = getattr(error, "reason", error)
        raise malformed(f"behind line {lines.number} the file is {known}: {reason}") from None
    except csv.Error as error:
        raise malformed(f"line {lines.number} is no CSV: {error}") from None
    finally:
        text.detach()


def _encoding(file: BinaryIO, charset: str) -> str:
    """What a file is to be decoded by; without mark or word the file is read once for it."""
    head = file.read(_READ_BYTES)
    file.seek(0)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if charset:
        if charset.lower() not in _CHARSETS:
            raise malformed(f"a CSV file is in UTF-8, GB18030 or UTF-16, not {charset[:40]!a}")
        return _CHARSETS[charset.lower()]
    if b"\0" in head:
        raise malformed("the file holds NUL characters: UTF-16 is known by its mark, or said")
    return "utf-8-sig" if _is_utf_8(file) else "gb18030"


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(_READ_BYTES):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


class _Lines:
    """The lines of a text; a line or a row that would fill the memory is refused before it does.

    Attributes:
        number: of the last line that was given.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.number = 0
        self._text = text
        self._ahead: list[str] = []
        self._of_row = 0

    def ahead(self, count: int) -> list[str]:
        """The first lines, which will be given all the same."""
        while len(self._ahead) < count and (line := self._next(len(self._ahead) + 1)):
            self._ahead.append(line)
        return list(self._ahead)

    def row_begins(self) -> None:
        self._of_row = 0

    def _next(self, number: int) -> str:
        line = self._text.readline(LINE_BYTES_MAX)
        if len(line) == LINE_BYTES_MAX and line[-1] not in "\r\n":
            raise malformed(f"line {number} has more than {LINE_BYTES_MAX} characters")
        return line.removeprefix(_MARK) if number == 1 else line

    def __iter__(self) -> Iterator[str]:
        while line := self._ahead.pop(0) if self._ahead else self._next(self.number + 1):
            self.number += 1
            self._of_row += len(line)
            if self._of_row > ROW_CHARACTERS_MAX:
                raise malformed(f"the row that ends behind line {self.number} has no end")
            yield line


def _delimiter(lines: _Lines, layout: Layout) -> str:
    """That by which most columns are named in one of the first lines."""
    first = lines.ahead(HEADER_ROWS_MAX)

    def named(delimiter: str) -> int:
        cells = ([cell.strip(' \r\n"') for cell in line.split(delimiter)] for line in first)
        return max(map(layout.names_in, cells), default=0)

    return max(_DELIMITERS, key=named)  # the first of equals, which is the comma
