"""The tables that are sent upward, and how a row of one is written: element to text.

Which rows there are, and what is in them, the subjects of the export say; here stands only how they
are written at the border. Every row bears the elements that all tables have.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, get_args, get_type_hints

from projections.exchange.catalogue import SUBJECTS
from projections.exchange.subject import NO, YES, Fen, Flag, Subject
from projections.exchange.xml_classes import Column, elements

DELETED = "IS_DELETED"
UNIVERSAL = ("MOF_DIV_CODE", "FISCAL_YEAR", DELETED)
ALIVE, GONE = str(NO), str(YES)  # 是否删除: 2 否, 1 是

AMOUNT, FLAG, WHOLE, DAY, MOMENT, TEXT = "amount", "flag", "whole", "day", "moment", "text"


class CollectedTable(NamedTuple):
    """A table that is sent.

    Attributes:
        kinds: of each of its own elements, how its text is shaped.
        key: the elements that tell a row from others, in order.
    """

    name: str
    subject: type[Subject]
    columns: tuple[Column, ...]
    kinds: Mapping[str, str]
    key: tuple[str, ...]

    def written(self, row: Subject) -> dict[str, str]:
        """The row's own elements; what is empty is left out."""
        return {
            column.element: column.text(value)
            for column in self.columns
            if (value := getattr(row, column.field)) is not None and value != ""
        }

    @property
    def amounts(self) -> tuple[str, ...]:
        """The elements that are summed."""
        return tuple(name for name, kind in self.kinds.items() if kind == AMOUNT)


def _kind_of(hint: Any) -> str:
    kinds = (hint, *get_args(hint))
    for of, name in ((Fen, AMOUNT), (Flag, FLAG), (datetime, MOMENT), (date, DAY), (int, WHOLE)):
        if of in kinds:
            return name
    return TEXT


def _table(subject: type[Subject]) -> CollectedTable:
    hints = get_type_hints(subject, include_extras=True)
    columns = list(elements(subject))
    shown = {column.field for column in columns}
    # a place in the sender's history is no element, but may be what tells rows apart
    columns += [Column(field, field.upper(), str) for field in subject.KEY if field not in shown]
    names = {column.field: column.element for column in columns}
    return CollectedTable(
        subject.ELEMENT,
        subject,
        tuple(columns),
        {column.element: _kind_of(hints[column.field]) for column in columns},
        tuple(names[field] for field in subject.KEY),
    )


TABLES: Mapping[str, CollectedTable] = {
    subject.ELEMENT: _table(subject) for subject in SUBJECTS if subject.KEY
}
OF_SUBJECT: Mapping[type[Subject], CollectedTable] = {
    table.subject: table for table in TABLES.values()
}
