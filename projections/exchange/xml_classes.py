"""Rows to XML in the classes that GB/T 42940—2023 names: 基础 项目 预算 收入 支出 决算.

No conformance is claimed: the standard's element list is not public, so elements bear the names of
the exchange tables of the budget management system. Every record carries what every table there
carries (财政区划, 年度, 是否删除); nothing is ever deleted here, so IS_DELETED is 2 否.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from lxml import etree

from ledger.account_set import division_of, fiscal_year_of
from ledger.integrity.note import moment_text
from ledger.money import yuan
from projections.exchange.catalogue import SUBJECTS
from projections.exchange.files import HashedFile
from projections.exchange.format import FileEntry
from projections.exchange.period import Period
from projections.exchange.subject import CLASSES, NO, Fen, Subject

RECORDS = "RECORDS"
UNIVERSAL = ("MOF_DIV_CODE", "FISCAL_YEAR", "IS_DELETED")


class Column(NamedTuple):
    """A field of a subject, the element it becomes, and how its values are written."""

    field: str
    element: str
    text: Callable[[Any], str]


class XmlFiles:
    """Takes rows of every subject; those of no class are passed over."""

    def __init__(self, directory: Path, period: Period) -> None:
        universal = (
            division_of(period.ledger_id),
            str(fiscal_year_of(period.ledger_id)),
            str(NO),
        )
        self._files = {kind: _Class(directory, *kind, universal) for kind in CLASSES}
        self._columns = {row: elements(row) for row in SUBJECTS}

    def take(self, row: Subject) -> None:
        kind = type(row)
        if (file := self._files.get(kind.XML)) is not None:
            file.write(kind.ELEMENT, self._columns[kind], row)

    def close(self) -> Sequence[FileEntry]:
        return [file.close() for file in self._files.values()]


class _Class:
    """One file, written record by record."""

    def __init__(self, directory: Path, name: str, title: str, universal: tuple[str, ...]) -> None:
        self._file = HashedFile(directory, f"xml/{name}.xml")
        self._universal = dict(zip(UNIVERSAL, universal, strict=True))
        self._closing = _document(self._file, title, self._universal)
        self._xml = next(self._closing)

    def write(self, element: str, columns: Sequence[Column], row: Subject) -> None:
        record, child = etree.Element(element), etree.SubElement
        for name, value in self._universal.items():
            child(record, name).text = value
        for field, name, text in columns:
            value = getattr(row, field)
            if value is not None and value != "":
                child(record, name).text = text(value)
        record.tail = "\n"
        self._xml.write(record)

    def close(self) -> FileEntry:
        for _ in self._closing:
            pass
        self._file.close()
        return self._file.entry()


def _document(file: HashedFile, title: str, universal: dict[str, str]) -> Any:
    """Opens the document, gives its writer, and closes it when asked on."""
    given = {"CLASS": title, **{k: v for k, v in universal.items() if k != "IS_DELETED"}}
    with etree.xmlfile(file, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element(RECORDS, given):
            xml.write("\n")
            yield xml


def elements(row: type[Subject]) -> list[Column]:
    """What the XML holds of a subject, in order."""
    hints = get_type_hints(row, include_extras=True)
    named = ((name, row.ELEMENTS.get(name, name.upper())) for name in row.__struct_fields__)
    return [Column(name, element, _writer(hints[name])) for name, element in named if element]


def _writer(hint: Any) -> Callable[[Any], str]:
    """How values of a type are written, as the exchange tables do."""
    kinds = (hint, *get_args(hint))
    if Fen in kinds:
        return yuan
    return next(text for kind, text in _WRITERS.items() if kind in kinds)


def _clean(text: str) -> str:
    """What XML cannot carry shows as the replacement character."""
    if text.isprintable():
        return text
    return "".join(c if _allowed(ord(c)) else "\ufffd" for c in text)


def _allowed(code: int) -> bool:
    """XML 1.0 §2.2: tab, line feed, carriage return, and no other control character."""
    return (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or (0xE000 <= code <= 0x10FFFF and code not in (0xFFFE, 0xFFFF))
    )


_WRITERS: dict[Any, Callable[[Any], str]] = {
    str: _clean,
    datetime: moment_text,
    date: date.isoformat,
    int: str,
}
