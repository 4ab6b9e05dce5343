"""Which column of a file is which field: found in the row that names them, wherever it stands.

People put a title above their table, leave a column empty or begin in the second one. The row that
names the columns is the first that holds two or more of their names; what stands above it is a
title. A cell under no name may be empty, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from ledger.elements.register import ElementRegister
from ledger.errors import Code, RequestError

HEADER_ROWS_MAX = 20  # within so many rows that are not empty the columns are named
_KNOWN_MIN = 2  # a title may happen to be one name, but not two

_SHOWN_MAX = 5


class Layout(NamedTuple):
    """What the rows of a kind of file hold.

    Attributes:
        fields: elements of the register, in the order of a row's texts.
        required: those whose columns have to be there.
        amounts: those that a spreadsheet may hold as numbers.
    """

    fields: tuple[str, ...]
    required: tuple[str, ...]
    amounts: tuple[str, ...]

    def field_of(self, name: str) -> str:
        """The field of a column's name, which may be its Chinese title; what is none stays."""
        name = name.strip()
        return _titles(self.fields).get(name, name)

    def names_in(self, cells: Iterable[str]) -> int:
        """How many of these cells name a field."""
        return sum(self.field_of(cell) in self.fields for cell in cells)


@cache
def _titles(fields: tuple[str, ...]) -> Mapping[str, str]:
    return {ElementRegister.ELEMENTS[name].title: name for name in fields}


class Row(NamedTuple):
    """A row of the file: its line there, its texts, or why it cannot be read.

    ``column``: the field that ``problem`` is about, "" for the row as a whole.
    """

    file_line: int
    texts: list[str]
    problem: str = ""
    column: str = ""


def malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail[:300])


class Columns:
    """Where the fields stand.

    Attributes:
        fields: of each cell's place the field, "" for none.
    """

    def __init__(self, layout: Layout, number: int, names: Sequence[str]) -> None:
        fields = [layout.field_of(name) for name in names]
        while fields and not fields[-1]:
            fields.pop()
        named = [field for field in fields if field]
        unknown = [field for field in named if field not in layout.fields]
        missing = [field for field in layout.required if field not in named]
        if unknown:
            problem = f"unknown columns: {', '.join(map(repr, unknown[:_SHOWN_MAX]))}"
        elif missing:
            problem = f"missing columns: {', '.join(missing)}"
        elif len(set(named)) < len(named):
            problem = "a column stands there twice"
        else:
            self.fields = fields
            self._places = [fields.index(f) if f in fields else -1 for f in layout.fields]
            self._unnamed = [place for place, field in enumerate(fields) if not field]
            self._width = len(fields)
            return
        raise malformed(f"row {number} names the columns; {problem}")

    def row(self, file_line: int, cells: Sequence[str]) -> Row | None:
        """The row whose cells these are; None for an empty one."""
        width = len(cells)
        texts = [cells[place].strip() if 0 <= place < width else "" for place in self._places]
        extra = width > self._width or self._unnamed
        if extra and (found := self._beyond(cells)):
            return Row(file_line, texts, f"{found[:40]!r} stands in a column without a name")
        return Row(file_line, texts) if any(texts) else None

    def _beyond(self, cells: Sequence[str]) -> str:
        """The first text that stands under no name."""
        places = [*(p for p in self._unnamed if p < len(cells)), *range(self._width, len(cells))]
        return next((cells[place].strip() for place in places if cells[place].strip()), "")


def find_columns(layout: Layout, rows: Iterable[tuple[int, Sequence[str]]]) -> Columns:
    """The columns, from the first rows of a file; takes of the rows none behind the names.

    Raises:
        RequestError: ``malformed``: none of the first rows names them, or one does and an unknown
            column is among them, or a needed one is not.
    """
    first: tuple[int, Sequence[str]] | None = None
    looked = 0
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if layout.names_in(cells) >= _KNOWN_MIN:
            return Columns(layout, number, cells)
        first = first or (number, cells)
        looked += 1
        if looked == HEADER_ROWS_MAX:
            break
    if first is None:
        raise malformed("the file has no lines")
    read = ", ".join(repr(cell.strip()[:40]) for cell in first[1][:_SHOWN_MAX])
    needed = ", ".join(f"{name} {ElementRegister.ELEMENTS[name].title}" for name in layout.required)
    raise malformed(f"no row names the columns ({needed}); row {first[0]} reads {read}")
