"""A report: named columns, and rows that are given one by one and never kept together.

Whoever writes it out adds up its amounts as they pass, so the whole of a province takes no more
memory than a page of it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import Composed

from ledger.deciding.state import BEIJING
from ledger.money import yuan
from projections.core.moments import Moment

Cell = str | int | None  # text, an amount in fen, nothing
Cells = tuple[Cell, ...]
NameOf = Callable[[str, str], str]

_AT_ONCE = 2_000
_RECORDED = """
SELECT recorded_at FROM commits WHERE ledger_id = %s AND position >= %s ORDER BY position LIMIT 1"""


class ReportScope(NamedTuple):
    """Of whom: a unit, a department with all its units, those whose codes have one of the
    beginnings; None and () is all."""

    agency_code: str | None = None
    prefixes: Sequence[str] = ()
    dept_code: str | None = None

    def holds(self, agency_code: str) -> bool:
        return (
            self.agency_code in (None, agency_code)
            and agency_code.startswith(self.dept_code or "")
            and (not self.prefixes or agency_code.startswith(tuple(self.prefixes)))
        )

    @property
    def values(self) -> dict[str, Any]:
        """As ``WITHIN`` names them."""
        return {
            "agency_code": self.agency_code,
            "dept_code": self.dept_code or "",
            "prefixes": list(self.prefixes),
        }


# the same in SQL, of a table whose alias stands in the place of {t}
WITHIN = """(%(agency_code)s::text IS NULL OR {t}.agency_code = %(agency_code)s)
    AND {t}.agency_code ^@ %(dept_code)s
    AND (cardinality(%(prefixes)s::text[]) = 0 OR {t}.agency_code ^@ ANY(%(prefixes)s))"""


class AskedReport(NamedTuple):
    """What a report is asked for.

    Attributes:
        name_of: what a code of an element is called, where nothing on record says so itself.
        today: in Beijing.
    """

    connection: psycopg.Connection
    ledger_id: int
    moment: Moment
    scope: ReportScope
    name_of: NameOf
    today: date


class Report(NamedTuple):
    """A report, open for as long as its connection's transaction is.

    Attributes:
        position: the last that counts.
        amounts: those of the columns that are added up; their cells are fen.
    """

    name: str
    title: str
    position: int
    columns: tuple[str, ...]
    amounts: frozenset[str]
    rows: Iterator[Cells]


def shown(cell: Cell) -> str:
    """A cell as it is given out: an amount in yuan."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else yuan(cell)


class ReportTotals:
    """Sums of the columns that are added up, as rows pass."""

    def __init__(self, report: Report) -> None:
        self._places = [
            (place, column)
            for place, column in enumerate(report.columns)
            if column in report.amounts
        ]
        self._fen = dict.fromkeys((column for _, column in self._places), 0)

    def add(self, row: Cells) -> None:
        for place, column in self._places:
            fen = row[place]
            if isinstance(fen, int):
                self._fen[column] += fen

    def shown(self) -> dict[str, str]:
        """By column, in yuan."""
        return {column: yuan(fen) for column, fen in self._fen.items()}


def streamed(asked: AskedReport, statement: Composed, values: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement, some at a time; within a transaction."""
    with asked.connection.cursor("report") as cursor:
        cursor.itersize = _AT_ONCE
        yield from cursor.execute(statement, values)


def day_of(asked: AskedReport, position: int) -> date:
    """The day that a moment is: the business day that is asked for, else that on which its last
    position was recorded, else today."""
    moment = asked.moment
    if moment.effective is not None:
        return moment.effective
    if moment.recorded is not None:
        return moment.recorded.astimezone(BEIJING).date()
    if moment.position is None:
        return asked.today
    row = asked.connection.execute(_RECORDED, (asked.ledger_id, position)).fetchone()
    return row[0].astimezone(BEIJING).date() if row else asked.today
