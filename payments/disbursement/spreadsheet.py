"""XLSX, a row at a time.

openpyxl streams a sheet's rows but keeps all texts of the workbook in a list, which for a million
lines is hundreds of megabytes. Here they lie in a file without a name, and a cell's text is looked
up there.
"""

import mmap
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any, BinaryIO, overload

from lxml import etree
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from ledger.errors import Code, RequestError

UNPACKED_BYTES_MAX = 2 * 1024 * 1024 * 1024
TEXT_CHARACTERS_MAX = 32_767  # of a cell, by the format

_ITEM, _TEXT = f"{{{SHEET_MAIN_NS}}}si", f"{{{SHEET_MAIN_NS}}}t"
_PHONETIC = f"{{{SHEET_MAIN_NS}}}rPh"


class _Texts(Sequence[str]):
    """The texts that a workbook's cells refer to by number, on disk."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the workbook is
        self._ends = array("Q", [0])
        self._bytes: mmap.mmap | None = None

    def fill(self, source: Any) -> None:
        for _, item in etree.iterparse(source, tag=_ITEM, resolve_entities=False):
            parts = (part for part in item.iter(_TEXT) if part.getparent().tag != _PHONETIC)
            data = "".join(part.text or "" for part in parts)[:TEXT_CHARACTERS_MAX].encode()
            self._file.write(data)
            self._ends.append(self._ends[-1] + len(data))
            item.clear()
            while (before := item.getprevious()) is not None:
                item.getparent().remove(before)
        self._file.flush()
        if self._ends[-1]:
            self._bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        first, end = self._ends[index], self._ends[index + 1]
        return "" if self._bytes is None else self._bytes[first:end].decode()

    def close(self) -> None:
        if self._bytes is not None:
            self._bytes.close()
        self._file.close()


class _Reader(ExcelReader):
    """The library's reader, with the texts on disk."""

    def __init__(self, file: BinaryIO, texts: _Texts) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self._texts = texts

    def read_strings(self) -> None:
        package: Any = self.package
        part = package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self._texts.fill(source)
        shared: Any = self._texts
        self.shared_strings = shared


def _malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail)


def _check_size(file: BinaryIO) -> None:
    """A spreadsheet is a ZIP archive: what it unpacks to is bounded before it is unpacked."""
    with zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > UNPACKED_BYTES_MAX:
        raise RequestError(Code.TOO_MANY_ITEMS, "the spreadsheet unpacks to too much: send CSV")
    file.seek(0)


def read_cells(file: BinaryIO) -> Iterator[tuple[Any, ...]]:
    """The cells of each row of the first sheet, empty rows included.

    Raises:
        RequestError: ``malformed``: no spreadsheet, or a damaged one; ``too_many_items``.
    """
    texts = _Texts()
    try:
        try:
            _check_size(file)
            reader = _Reader(file, texts)
            reader.read()
        except RequestError:
            raise
        except Exception as error:  # noqa: BLE001 - broken files show by whatever breaks on them
            raise _malformed(f"the file is no spreadsheet: {type(error).__name__}") from None
        if not reader.wb.worksheets:
            raise _malformed("the spreadsheet has no sheet")
        sheet: Any = reader.wb.worksheets[0]
        sheet.reset_dimensions()  # a wrong dimension in the file would hide rows
        try:
            yield from sheet.iter_rows(values_only=True)
        except (zipfile.BadZipFile, SyntaxError, LookupError, ValueError) as error:
            raise _malformed(f"the spreadsheet is damaged: {error}") from None
        finally:
            reader.wb.close()
    finally:
        texts.close()
