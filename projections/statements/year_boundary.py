"""What opened the books of a year and what closed them: journals that are no movement of the year.

Their accounts' sums are taken off what the accounts moved by in all. Of a ledger they are stored
(``projections.account_sums``); of one unit they are few, and read from their events.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.books import DEBIT
from ledger.events import Line, of_year, types_that
from ledger.money import stored_fen
from projections.account_sums import live_model
from projections.journals import Journals

OPENS, CLOSES = "opens", "closes"  # of ``Traits.of_year``
# A journal of no indicator is found by the index that has the indicator; those are decoded that
# name the unit.
_BOUNDARY = """
SELECT j.event, j.effective_on, e.payload FROM proj_journals j
JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(generation)s AND j.bgt_id = ''
  AND j.event = ANY(%(events)s) AND j.position <= %(upto)s AND j.effective_on <= %(last)s
  AND position(%(agency)s::bytea IN e.payload) > 0"""


class _Boundary(msgspec.Struct, frozen=True, gc=False):
    """Of a ``JournalPosted``."""

    lines: tuple[Line, ...]
    line_codes: tuple[dict[str, str], ...] = ()


_decode = msgspec.json.Decoder(_Boundary).decode


def opening_events() -> list[str]:
    """The types whose journals open a year's books."""
    return [cls.TYPE for cls in types_that(lambda traits: traits.of_year == OPENS)]


def closing_events() -> list[str]:
    """The types whose journals close them."""
    return [cls.TYPE for cls in types_that(lambda traits: traits.of_year == CLOSES)]


class BoundaryEntry(NamedTuple):
    """A line: whether it ``opens`` the year or ``closes`` it, its day, and what it moves."""

    of_year: str
    day: date
    account: str
    dr_cr: int
    fen: int

    @property
    def is_debit(self) -> bool:
        return self.dr_cr == DEBIT


def boundary_entries(
    connection: psycopg.Connection, ledger_id: int, upto: int, last: date, agency_code: str
) -> Iterator[BoundaryEntry]:
    """The lines of the journals that open and close a year's books, of one unit."""
    scope: dict[str, Any] = {
        "ledger_id": ledger_id,
        "generation": live_model(connection, ledger_id, Journals.name).generation,
        "events": [*opening_events(), *closing_events()],
        "upto": upto,
        "last": last,
        "agency": f'"{agency_code}"'.encode(),
    }
    for event, day, payload in connection.execute(_BOUNDARY, scope, binary=True):
        journal = _decode(payload)
        for line, codes in zip(journal.lines, journal.line_codes, strict=False):
            if codes.get("agency_code") == agency_code:
                fen = stored_fen(line.amt)
                yield BoundaryEntry(of_year(event), day, line.account, line.dr_cr, fen)
