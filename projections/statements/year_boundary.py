"""What opened the books of a year and what closed them: journals that are no movement of the year.

There are few of them, so they are read from their events. Their accounts' sums are taken off what
the accounts moved by in all.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec
import psycopg

from ledger.books import DEBIT
from ledger.events import Line, types_that
from ledger.money import stored_fen
from projections.account_sums import live_model
from projections.journals import Journals

# A journal of no indicator is found by the index that has the indicator; of one unit alone those
# are decoded that name it.
_BOUNDARY = """
SELECT j.event, j.effective_on, e.payload FROM proj_journals j
JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(generation)s AND j.bgt_id = ''
  AND j.event = ANY(%(events)s) AND j.position <= %(upto)s AND j.effective_on <= %(last)s
  AND (%(agency)s::bytea IS NULL OR position(%(agency)s::bytea IN e.payload) > 0)"""


class _Boundary(msgspec.Struct, frozen=True, gc=False):
    """Of a ``JournalPosted``."""

    lines: tuple[Line, ...]
    line_codes: tuple[dict[str, str], ...] = ()


class _Lines(msgspec.Struct, frozen=True, gc=False):
    """The same, of all units: whose each line is does not matter."""

    lines: tuple[Line, ...]
    line_codes: ClassVar[tuple[dict[str, str], ...]] = ()


_decode = msgspec.json.Decoder(_Boundary).decode
_decode_lines = msgspec.json.Decoder(_Lines).decode


def opening_events() -> list[str]:
    """The types whose journals open a year's books."""
    return [cls.TYPE for cls in types_that(lambda traits: traits.of_year == "opens")]


def closing_events() -> list[str]:
    """The types whose journals close them."""
    return [cls.TYPE for cls in types_that(lambda traits: traits.of_year == "closes")]


class BoundaryEntry(NamedTuple):
    """A line: whether it opens the year, its day, and what it moves; ``codes`` are its elements,
    where one unit is asked for."""

    opens: bool
    day: date
    account: str
    dr_cr: int
    fen: int
    codes: Mapping[str, str]

    @property
    def is_debit(self) -> bool:
        return self.dr_cr == DEBIT


def boundary_entries(
    connection: psycopg.Connection, ledger_id: int, upto: int, last: date, agency_code: str = ""
) -> Iterator[BoundaryEntry]:
    """The lines of the journals that open and close a year's books, of all units or of one."""
    opening = opening_events()
    scope: dict[str, Any] = {
        "ledger_id": ledger_id,
        "generation": live_model(connection, ledger_id, Journals.name).generation,
        "events": [*opening, *closing_events()],
        "upto": upto,
        "last": last,
        "agency": f'"{agency_code}"'.encode() if agency_code else None,
    }
    for event, day, payload in connection.execute(_BOUNDARY, scope, binary=True):
        journal = _decode(payload) if agency_code else _decode_lines(payload)
        codes = journal.line_codes or ({},) * len(journal.lines)
        for line, of_line in zip(journal.lines, codes, strict=True):
            if not agency_code or of_line.get("agency_code") == agency_code:
                fen = stored_fen(line.amt)
                yield BoundaryEntry(event in opening, day, line.account, line.dr_cr, fen, of_line)
