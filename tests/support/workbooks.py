"""XLSX as a spreadsheet program writes it."""

import io
from typing import Any

import openpyxl


def workbook_of(*rows: tuple[Any, ...]) -> bytes:
    """A file of one sheet with these rows."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for cells in rows:
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
