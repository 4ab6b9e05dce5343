"""The journals under a cell, in the order in which they were recorded, a page at a time.

Of a ledger they are looked for in those spans of positions in which one of the cell's accounts
moved, which ``proj_account_spans`` knows; of a unit among the journals of its indicators and those
that name it. What is found adds up to the cell.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import psycopg

from accounting.statements.differences import DIFFERENCE, NO_PARTS, Differences
from accounting.statements.evaluation import Leaf
from accounting.statements.formulas import ElementCodes
from ledger.account_set import STANDING_YEAR, division_of, ledger_id
from ledger.books import Account
from ledger.events import Line
from ledger.money import stored_fen
from projections.account_slices import BESIDE_INDICATORS
from projections.account_sums import live_model
from projections.core.spans import SPAN_EVENTS
from projections.indicators import Indicators
from projections.journals import AccountTotals, Journals
from projections.statements.element_sums import have, said_by
from projections.statements.figures import Range, YearFigures
from projections.statements.indicator_codes import IndicatorCodes
from projections.statements.matching_indicators import few_matching
from projections.statements.year_boundary import closing_events, opening_events

# the spans of the shortest length in which one of the accounts moved on a day that counts
_SPANS = """
SELECT DISTINCT span_end FROM proj_account_spans
WHERE ledger_id = %(ledger_id)s AND generation = %(totals)s AND span_events = %(length)s
  AND span_end > %(after)s AND account = ANY(%(accounts)s)
  AND effective_on BETWEEN %(first)s AND %(last)s
ORDER BY span_end"""
_IN_SPAN = """
SELECT j.position, j.event, j.number, j.bgt_id, j.effective_on, j.red_flag, e.payload
FROM proj_journals j JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s
  AND j.position > %(after)s AND j.position <= %(upto)s
  AND j.effective_on BETWEEN %(first)s AND %(last)s
  AND translate(j.books, %(letters)s, '') <> j.books
ORDER BY j.position"""
_OF_FEW = """
SELECT j.position, j.event, j.number, j.bgt_id, j.effective_on, j.red_flag, e.payload
FROM (
    SELECT j.* FROM unnest(%(few)s::text[]) AS i (bgt_id) CROSS JOIN LATERAL (
        SELECT * FROM proj_journals
        WHERE ledger_id = %(ledger_id)s AND generation = %(journals)s AND bgt_id = i.bgt_id
          AND position > %(after)s AND position <= %(upto)s
          AND effective_on BETWEEN %(first)s AND %(last)s OFFSET 0) AS j
    UNION
    SELECT * FROM proj_journals
    WHERE ledger_id = %(ledger_id)s AND generation = %(journals)s
      AND (bgt_id = '' OR event = ANY(%(beside)s)) AND position > %(after)s AND position <= %(upto)s
      AND (%(boundary)s OR event <> ALL(%(of_year)s))
      AND effective_on BETWEEN %(first)s AND %(last)s
) AS j JOIN events e ON e.ledger_id = %(ledger_id)s AND e.position = j.position
WHERE translate(j.books, %(letters)s, '') <> j.books
ORDER BY j.position"""
_OF_UNIT = """
SELECT j.position, j.event, j.number, j.bgt_id, j.effective_on, j.red_flag, e.payload
FROM (
    SELECT j.* FROM proj_indicators i CROSS JOIN LATERAL (
        SELECT * FROM proj_journals
        WHERE ledger_id = i.ledger_id AND generation = %(journals)s AND bgt_id = i.bgt_id
          AND position > %(after)s AND position <= %(upto)s
          AND effective_on BETWEEN %(first)s AND %(last)s OFFSET 0) AS j
    WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s
      AND i.agency_code = %(agency_code)s
    UNION
    SELECT * FROM proj_journals
    WHERE ledger_id = %(ledger_id)s AND generation = %(journals)s
      AND (bgt_id = '' OR event = ANY(%(beside)s)) AND position > %(after)s AND position <= %(upto)s
      AND effective_on BETWEEN %(first)s AND %(last)s
) AS j CROSS JOIN LATERAL (
    SELECT payload FROM events
    WHERE ledger_id = %(ledger_id)s AND position = j.position
      AND (j.bgt_id <> '' AND j.event <> ALL(%(beside)s)
           OR position(%(named)s::bytea IN payload) > 0) OFFSET 0) AS e
WHERE translate(j.books, %(letters)s, '') <> j.books
ORDER BY j.position"""


_ROWS_AT_ONCE = 500


class _Posted(msgspec.Struct, frozen=True, gc=False):
    """Of a ``JournalPosted``."""

    lines: tuple[Line, ...]
    line_codes: tuple[dict[str, str], ...] = ()
    fund_type_code: str = ""


_decode = msgspec.json.Decoder(_Posted).decode


class Entry(NamedTuple):
    """A line of a journal under a cell: ``fen`` is what it adds to the cell."""

    position: int
    event: str
    number: str
    bgt_id: str
    effective_on: date
    red_flag: int
    account: Account
    dr_cr: int
    fen: int


class EntryPage(NamedTuple):
    """Whole journals, at least one; ``following`` is the position after which the next begins."""

    entries: list[Entry]
    following: int | None


class _Counted(NamedTuple):
    """How often an account counts in a cell, by its journals' range."""

    account: Account
    times: int
    of: Range
    side: int  # of the movements that count alone; 0 for both
    elements: tuple[ElementCodes, ...]


def entries_beneath(
    connection: psycopg.Connection,
    figures: YearFigures,
    accounts: Mapping[str, Account],
    leaves: Sequence[Leaf],
    after: int,
    most: int,
) -> EntryPage:
    """A page of the journals of one year beneath a cell; within ``moments.one_moment``.

    Args:
        leaves: the accounts beneath the cell (``accounting.statements.StatementCells.leaves``).
        after: the position behind which the page begins.
        most: so many journals.
    """
    counted = _counted(figures, accounts, leaves)
    agency_code = figures.scope.agency_code
    kinds = opening_events(), closing_events()
    codes = None
    if any(leaf.term.elements for leaf in leaves):
        codes = IndicatorCodes(connection, figures.scope.ledger_id, agency_code, figures.through)
    by_difference = any(e.element == DIFFERENCE for leaf in leaves for e in leaf.term.elements)
    differences = Differences(accounts) if by_difference else None
    found: list[Entry] = []
    journals = last = 0
    rows = _rows(connection, figures, counted, after, leaves if codes else ()) if counted else ()
    for row in _with_codes(rows, codes):
        entries = list(_entries(row, counted, agency_code, kinds, codes, differences))
        if entries and journals == most:
            return EntryPage(found, last)
        if entries:
            journals, last = journals + 1, entries[0].position
            found += entries
    return EntryPage(found, None)


def _with_codes(
    rows: Iterable[tuple[Any, ...]], codes: IndicatorCodes | None
) -> Iterator[tuple[Any, ...]]:
    """The same, with the codes of their indicators at hand."""
    if codes is None:
        yield from rows
        return
    left = iter(rows)
    while some := list(islice(left, _ROWS_AT_ONCE)):
        codes.read({row[3] for row in some})
        yield from some


def _counted(
    figures: YearFigures, accounts: Mapping[str, Account], leaves: Sequence[Leaf]
) -> dict[str, list[_Counted]]:
    found: dict[str, list[_Counted]] = {}
    for leaf in leaves:
        side = {"debit": 1, "credit": -1}.get(leaf.measure, 0)
        for account in accounts.values():
            if leaf.term.names(account.id):
                of = figures.range_of(leaf.measure)
                counted = _Counted(account, leaf.times, of, side, leaf.term.elements)
                found.setdefault(account.id, []).append(counted)
    return found


def _rows(
    connection: psycopg.Connection,
    figures: YearFigures,
    counted: Mapping[str, Sequence[_Counted]],
    after: int,
    leaves: Sequence[Leaf],
) -> Iterator[tuple[Any, ...]]:
    """Journals that may be beneath the cell, in order; ``leaves`` where elements tell which."""
    key = figures.scope.ledger_id
    ranges = [each.of for of_account in counted.values() for each in of_account]
    models = (("totals", AccountTotals), ("journals", Journals), ("indicators", Indicators))
    scope: dict[str, Any] = {
        "ledger_id": key,
        "accounts": list(counted),
        "letters": "".join(sorted({account[0] for account in counted})),
        "first": min(each.first for each in ranges),
        "last": figures.through,
        "through": figures.through,
        "standing": ledger_id(division_of(key), STANDING_YEAR),
        "length": SPAN_EVENTS,
        "after": after,
        "upto": figures.upto,
        **{name: live_model(connection, key, m.name).generation for name, m in models},
    }
    if figures.scope.agency_code:
        agency_code = figures.scope.agency_code
        of_unit = {
            "agency_code": agency_code,
            "named": f'"{agency_code}"'.encode(),
            "beside": BESIDE_INDICATORS,
        }
        yield from connection.execute(_OF_UNIT, {**scope, **of_unit}, binary=True)
        return
    if leaves and (few := few_matching(connection, scope, leaves)) is not None:
        asked = {
            **scope,
            "few": few,
            "beside": BESIDE_INDICATORS,
            "of_year": [*opening_events(), *closing_events()],
            "boundary": any(leaf.measure in ("opening", "closing") for leaf in leaves),
        }
        with connection.cursor("beneath") as cursor:
            yield from cursor.execute(_OF_FEW, asked, binary=True)
        return
    for (end,) in connection.execute(_SPANS, scope, binary=True).fetchall():
        within = {"after": max(after, end - SPAN_EVENTS), "upto": min(end, figures.upto)}
        yield from connection.execute(_IN_SPAN, {**scope, **within}, binary=True)


def _entries(
    row: tuple[Any, ...],
    counted: Mapping[str, Sequence[_Counted]],
    agency_code: str,
    kinds: tuple[Collection[str], Collection[str]],
    codes_of: IndicatorCodes | None,
    differences: Differences | None,
) -> Iterator[Entry]:
    position, event, number, bgt_id, day, red_flag, payload = row
    journal = _decode(payload)
    parts = _parts_of(journal, differences) if differences is not None else NO_PARTS
    opens, closes = event in kinds[0], event in kinds[1]
    codes = said_by(journal.line_codes, len(journal.lines), journal.fund_type_code)
    is_given = journal.line_codes or not bgt_id
    for line, of_line in zip(journal.lines, codes, strict=True):
        if agency_code and journal.line_codes and of_line.get("agency_code") != agency_code:
            continue  # lines that say their own elements are of those
        for each in counted.get(line.account, ()):
            if each.elements and codes_of is not None:
                said = codes_of.all(of_line) if is_given else codes_of.of(bgt_id)
                if line.account in parts:
                    said = (*said[:-1], parts[line.account])
                if not have(said, each.elements):
                    continue
            if not each.of.first <= day <= each.of.last or each.side not in (0, line.dr_cr):
                continue
            if each.of.opens if opens else each.of.closes if closes else each.of.moves:
                signed = 1 if each.side else line.dr_cr * each.account.side
                fen = each.times * signed * stored_fen(line.amt)
                yield Entry(
                    position, event, number, bgt_id, day, red_flag, each.account, line.dr_cr, fen
                )


def _parts_of(journal: _Posted, differences: Differences) -> Mapping[str, str]:
    return differences.of(
        (line.account, line.dr_cr * stored_fen(line.amt)) for line in journal.lines
    )
