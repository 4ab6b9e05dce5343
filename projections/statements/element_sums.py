"""What accounts moved, told apart by the elements that a table asks for.

A journal names its indicator, which has these elements; lines that an event gave itself have their
own. Nothing is stored for that: the journals of the book that a formula is of are read once, of a
unit its own alone, and summed up by shape.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
import psycopg

from accounting.statements import AccountTerm
from accounting.statements.checks import ELEMENTS
from accounting.statements.formulas import ElementCodes
from accounting.statements.table_file import EachCode
from ledger.books import DEBIT, Account
from ledger.books.posted import Posted, amounts_of, shape_of, sides
from ledger.events import Line
from ledger.money import stored_fen
from projections.account_slices import BESIDE_INDICATORS
from projections.account_sums import live_model
from projections.indicators import Indicators
from projections.journals import Journals
from projections.statements.indicator_codes import Codes, IndicatorCodes
from projections.statements.year_boundary import closing_events, opening_events

# of a unit a probe of the index for each of its indicators, of all one pass
_OF_ALL = """
SELECT j.bgt_id, j.event, j.effective_on, e.payload
FROM proj_journals j JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s AND j.bgt_id <> ''
  AND j.position <= %(upto)s AND j.effective_on <= %(through)s
  AND j.event <> ALL(%(beside)s) AND translate(j.books, %(letters)s, '') <> j.books"""
_OF_UNIT = """
SELECT j.bgt_id, j.event, j.effective_on, e.payload
FROM proj_indicators i CROSS JOIN LATERAL (
    SELECT * FROM proj_journals
    WHERE ledger_id = i.ledger_id AND generation = %(journals)s AND bgt_id = i.bgt_id
      AND position <= %(upto)s AND effective_on <= %(through)s
      AND event <> ALL(%(beside)s) AND translate(books, %(letters)s, '') <> books OFFSET 0) AS j
CROSS JOIN LATERAL (
    SELECT payload FROM events
    WHERE ledger_id = i.ledger_id AND position = j.position OFFSET 0) AS e
WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s
  AND i.agency_code = %(agency_code)s"""
_GIVEN = """
SELECT j.event, j.effective_on, e.payload
FROM proj_journals j JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s
  AND (j.bgt_id = '' OR j.event = ANY(%(beside)s))
  AND j.position <= %(upto)s AND j.effective_on <= %(through)s
  AND translate(j.books, %(letters)s, '') <> j.books
  AND position('"line_codes"'::bytea IN e.payload) > 0
  AND (%(agency_code)s = '' OR position(%(named)s::bytea IN e.payload) > 0)"""
_ROWS_AT_ONCE = 5_000


class _Given(msgspec.Struct, frozen=True, gc=False):
    """Of a ``JournalPosted`` whose lines were given."""

    lines: tuple[Line, ...]
    line_codes: tuple[dict[str, str], ...] = ()


_posted = msgspec.json.Decoder(Posted).decode
_given = msgspec.json.Decoder(_Given).decode


class ElementScope(NamedTuple):
    """What is read: of a ledger or one unit, up to a position and a day; ``month`` is the first day
    of the month of that day."""

    ledger_id: int
    agency_code: str
    upto: int
    through: date
    month: date


class _Kind(NamedTuple):
    """What sums of journals count for."""

    opens: bool
    closes: bool
    of_month: bool

    def counts(self, measure: str) -> bool:
        moves = not (self.opens or self.closes)
        match measure:
            case "closing":
                return True
            case "opening":
                return self.opens
            case "period":
                return self.of_month and moves
            case _:
                return moves


_Sums = dict[tuple[Codes, _Kind], int]  # debit less credit, in fen


class ElementSums:
    """Read when first asked for; in ``moments.one_moment``."""

    def __init__(
        self, connection: psycopg.Connection, accounts: Mapping[str, Account], scope: ElementScope
    ) -> None:
        self._connection, self._accounts, self._scope = connection, accounts, scope
        self._books: dict[str, dict[str, _Sums]] = {}
        self._codes: IndicatorCodes | None = None
        self._summed: dict[tuple[AccountTerm, str, EachCode], Mapping[str, int]] = {}
        self._kinds: dict[tuple[str, bool], _Kind] = {}

    def of(self, term: AccountTerm, measure: str) -> int:
        """As ``accounting.statements.StatementFigures`` says."""
        *others, last = term.elements
        if not last.without and len(last.prefixes) == 1:
            code = last.prefixes[0]
            plain = term._replace(elements=tuple(others))
            return self._by_code(plain, measure, EachCode(last.element, len(code))).get(code, 0)
        return sum(
            account.side * fen
            for account, sums in self._of_accounts(term)
            for (codes, kind), fen in sums.items()
            if kind.counts(measure) and have(codes, term.elements)
        )

    def _by_code(self, term: AccountTerm, measure: str, each: EachCode) -> Mapping[str, int]:
        """The same by the beginnings of the codes of an element, summed up once for all of them:
        a table may have a row for each."""
        asked = term, measure, each
        if asked not in self._summed:
            at, found = ELEMENTS.index(each.element), dict[str, int]()
            for account, sums in self._of_accounts(term):
                for (codes, kind), fen in sums.items():
                    if kind.counts(measure) and have(codes, term.elements):
                        code = codes[at][: each.digits]
                        found[code] = found.get(code, 0) + account.side * fen
            self._summed[asked] = found
        return self._summed[asked]

    def codes(self, terms: Sequence[AccountTerm], each: EachCode) -> list[str]:
        """The beginnings of the codes of an element under which these moved."""
        at = ELEMENTS.index(each.element)
        found = {
            codes[at][: each.digits]
            for term in terms
            for _, sums in self._of_accounts(term)
            for (codes, _), fen in sums.items()
            if fen and have(codes, term.elements)
        }
        return sorted(found - {""})

    def _of_accounts(self, term: AccountTerm) -> Iterator[tuple[Account, _Sums]]:
        letter = term.account[0]
        if letter not in self._books:
            self._books[letter] = self._read(letter)
        for account_id, sums in self._books[letter].items():
            if term.names(account_id):
                yield self._accounts[account_id], sums

    # ---- reading one book

    def _read(self, letter: str) -> dict[str, _Sums]:
        key = self._scope.ledger_id
        scope: dict[str, Any] = {
            **self._scope._asdict(),
            "letters": letter,
            "beside": BESIDE_INDICATORS,
            "named": f'"{self._scope.agency_code}"'.encode(),
            "journals": live_model(self._connection, key, Journals.name).generation,
            "indicators": live_model(self._connection, key, Indicators.name).generation,
        }
        if self._codes is None:
            self._codes = IndicatorCodes(
                self._connection, key, self._scope.agency_code, self._scope.through
            )
        found: dict[str, _Sums] = {}
        for entries in (self._of_indicators(scope, self._codes), self._given(scope, self._codes)):
            for account, codes, kind, fen in entries:
                if account.startswith(letter):
                    sums = found.setdefault(account, {})
                    sums[codes, kind] = sums.get((codes, kind), 0) + fen
        return found

    def _of_indicators(
        self, scope: Mapping[str, Any], of: IndicatorCodes
    ) -> Iterator[tuple[str, Codes, _Kind, int]]:
        """Journals of one amount are added up by indicator and shape."""
        by_shape: dict[tuple[str, _Kind, bytes], int] = {}
        statement = _OF_UNIT if self._scope.agency_code else _OF_ALL
        for bgt_id, event, day, payload in self._rows(statement, scope):
            lines = bytes(_posted(payload).lines)
            shape, fen = shape_of(lines)
            group = bgt_id, self._kind(event, day), shape
            if group in by_shape:
                by_shape[group] += fen
            elif sides(shape):
                by_shape[group] = fen
            else:
                for account, debit_fen, credit_fen in amounts_of(lines):
                    yield account, of.of(bgt_id), group[1], debit_fen - credit_fen
        for (bgt_id, kind, shape), fen in by_shape.items():
            for side in sides(shape):
                yield side.account, of.of(bgt_id), kind, (side.debits - side.credits) * fen

    def _given(
        self, scope: Mapping[str, Any], of: IndicatorCodes
    ) -> Iterator[tuple[str, Codes, _Kind, int]]:
        """Lines that say their own elements."""
        for event, day, payload in self._rows(_GIVEN, scope):
            journal = _given(payload)
            for line, codes in zip(journal.lines, journal.line_codes, strict=False):
                if scope["agency_code"] in ("", codes.get("agency_code", "")):
                    fen = stored_fen(line.amt) * (1 if line.dr_cr == DEBIT else -1)
                    yield line.account, of.all(codes), self._kind(event, day), fen

    def _kind(self, event: str, day: date) -> _Kind:
        of_month = day >= self._scope.month
        if (kind := self._kinds.get((event, of_month))) is None:
            opens, closes = event in opening_events(), event in closing_events()
            kind = self._kinds[event, of_month] = _Kind(opens, closes, of_month)
        return kind

    def _rows(self, statement: str, scope: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor("elements") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(statement, scope, binary=True)


def have(codes: Codes, elements: Sequence[ElementCodes]) -> bool:
    """Whether these codes are what a term asks for."""
    return all(each.holds(codes[ELEMENTS.index(each.element)]) for each in elements)
