"""Files of code sets (代码集): CSV as a treasury gets it from its Ministry, read to the last line.

The columns ``element``, ``code`` and ``name`` must be there; the other fields of
:class:`~ledger.elements.code_sets.CodeRow` may be left out or empty. Yes and no are the Ministry's
1 是 and 2 否. A file with any bad line is refused as a whole, and every bad line is named, so that
it is mended once.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import date
from typing import Any, NamedTuple

from ledger.elements.code_sets import CodeRow
from ledger.elements.file_checks import problems_of
from ledger.elements.register import PAIRS, ElementRegister
from ledger.errors import ConfigurationError, RequestError

NAME_CHARACTERS_MAX = 300
_DAY = re.compile("[0-9]{4}(-[0-9]{2}-[0-9]{2}|[0-9]{4})")
REQUIRED = ("element", "code", "name")

Codes = Set[tuple[str, str]]  # (element, code)


def decode_file(content: bytes) -> str:
    """The text of a file in UTF-8, with or without BOM, or else in GBK (GB 18030).

    Raises:
        ConfigurationError: it is in neither.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"the code sets are in neither UTF-8 nor GBK (byte {error.start})"
        ) from None


class _Line(NamedTuple):
    number: int
    cells: Mapping[str, str]


def parse_code_sets(stream: Iterable[str], known: Codes = frozenset()) -> list[CodeRow]:
    """The rows of a CSV file, in its order.

    Args:
        stream: the file as text, line by line.
        known: codes that stand elsewhere and may be named as parents.

    Raises:
        ConfigurationError: with every bad line in its text and, as ``problems``, in a list.
    """
    problems: list[tuple[int, str]] = []
    lines = list(_lines(stream, problems))
    parents = {(line.cells["element"], line.cells.get("parent", "")) for line in lines}
    rows: list[tuple[int, CodeRow]] = []
    for line in lines:
        try:
            rows.append((line.number, _row(line.cells, parents)))
        except (ValueError, RequestError) as error:
            problems.append((line.number, getattr(error, "detail", str(error))))
    # of all lines: that a parent's own line is bad is said there, not once more for each child
    named = {(line.cells["element"], line.cells["code"]) for line in lines}
    problems += _orphans(rows, known | named)
    problems += problems_of(rows)
    if not lines and not problems:
        problems.append((1, "there are no codes"))
    if problems:
        texts = [f"line {number}: {problem}" for number, problem in sorted(problems)]
        raise ConfigurationError(
            f"{len(texts)} problem(s) in the code sets; " + "; ".join(texts), problems=texts
        )
    return [row for _, row in rows]


def _lines(stream: Iterable[str], problems: list[tuple[int, str]]) -> Iterator[_Line]:
    """Lines with as many cells as the header; what is wrong with the others goes to problems."""
    reader = csv.reader(stream, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            texts = [cell.strip() for cell in cells]
            if not any(texts):
                continue
            if not header:
                header = [text.removeprefix("\ufeff") for text in texts]
                if problem := _wrong_header(header):
                    problems.append((reader.line_num, problem))
                    return
            elif len(texts) != len(header):
                problems.append(
                    (reader.line_num, f"{len(texts)} cells, the header has {len(header)}")
                )
            else:
                yield _Line(reader.line_num, dict(zip(header, texts, strict=True)))
    except csv.Error as error:
        problems.append((reader.line_num, f"not CSV: {error}"))


def _wrong_header(header: list[str]) -> str:
    if missing := [name for name in REQUIRED if name not in header]:
        return f"the header lacks {', '.join(missing)}"
    if unknown := [name for name in header if name not in CodeRow._fields]:
        return f"unknown columns {', '.join(unknown)!a}; known are {', '.join(CodeRow._fields)}"
    return "a column stands twice in the header" if len(set(header)) < len(header) else ""


def _row(cells: Mapping[str, str], parents: Codes) -> CodeRow:
    """One line as a row; raises ValueError or RequestError for its first bad cell."""
    element, code, name = (cells[column] for column in REQUIRED)
    register = ElementRegister.ELEMENTS
    if element not in register or not register[element].code_set:
        raise ValueError(f"{element[:40]!a} is no element with a code set")
    ElementRegister.check_shape(element, code)
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise ValueError(f"the name of {code} has not 1 to {NAME_CHARACTERS_MAX} characters")
    parent = cells.get("parent", "")
    if parent:
        ElementRegister.check_shape(element, parent)
    leaf = (element, code) not in parents
    row = CodeRow(
        element=element,
        code=code,
        name=name,
        parent=parent,
        is_leaf=_cell(cells, "is_leaf", _yes_no, leaf),
        is_enabled=_cell(cells, "is_enabled", _yes_no, True),
        start_date=_cell(cells, "start_date", _day, date.min),
        end_date=_cell(cells, "end_date", _day, date.max),
        mof_div_code=_cell(cells, "mof_div_code", _shaped("mof_div_code"), ""),
        fiscal_year=_cell(cells, "fiscal_year", _shaped("fiscal_year"), ""),
        is_standard=_cell(cells, "is_standard", _yes_no, True),
    )
    if row.end_date < row.start_date:
        raise ValueError(f"{code} ends {row.end_date}, before it starts {row.start_date}")
    return row


def _cell(cells: Mapping[str, str], column: str, read: Callable[[str], Any], default: Any) -> Any:
    text = cells.get(column, "")
    if not text:
        return default
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _yes_no(text: str) -> bool:
    if text not in ("1", "2"):
        raise ValueError(f"{text[:40]!a} is neither 1 是 nor 2 否")
    return text == "1"


def _day(text: str) -> date:
    """``2026-01-01``, or ``20260101`` as the Ministry's interfaces write it; a week is no day."""
    if _DAY.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!a} is no day like 2026-01-01")
    return date.fromisoformat(text)


def _shaped(element: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        ElementRegister.check_shape(element, text)
        return text

    return read


def _orphans(rows: Iterable[tuple[int, CodeRow]], codes: Codes) -> Iterator[tuple[int, str]]:
    """Rows whose parent, or whose half of a pair, is no code."""
    for number, row in rows:
        named = [(row.element, row.parent)] if row.parent else []
        if row.element in PAIRS:
            named += zip(PAIRS[row.element], row.code.split("-"), strict=True)
        for element, code in named:
            if (element, code) not in codes:
                yield number, f"{row.code} names {element} {code}, which does not exist"
