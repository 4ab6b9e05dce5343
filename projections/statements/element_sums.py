"""What accounts moved, told apart by the elements that a table asks for.

A journal names its indicator, which has these elements; lines that an event gave itself have their
own. Of whole months what indicators' journals came to is stored (``element_months``); of a month
that the last day cuts, and of moments in the past, the journals of the book that a formula is of
are read once, of a unit its own alone, and summed up by shape.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import psycopg

from accounting.statements import AccountTerm
from accounting.statements.checks import ELEMENTS
from accounting.statements.differences import DIFFERENCE, NO_PARTS, Differences
from accounting.statements.formulas import ElementCodes
from accounting.statements.table_file import EachCode
from budget.year_end.writing_off import WriteOffIndicator
from ledger.books import DEBIT, Account
from ledger.books.posted import Posted, amounts_of, shape_of, sides
from ledger.events import Line
from ledger.money import stored_fen
from projections.account_slices import BESIDE_INDICATORS
from projections.account_sums import live_model
from projections.indicators import Indicators
from projections.journals import Journals
from projections.statements.element_months import FINE, ElementMonths, told_apart
from projections.statements.indicator_codes import Codes, IndicatorCodes
from projections.statements.year_boundary import closing_events, opening_events

# of a unit a probe of the index for each of its indicators, of all one pass
_OF_ALL = """
SELECT j.bgt_id, j.event, j.effective_on, e.payload
FROM proj_journals j JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s AND j.bgt_id <> ''
  AND j.position <= %(upto)s AND j.effective_on BETWEEN %(first)s AND %(through)s
  AND j.event <> ALL(%(beside)s) AND translate(j.books, %(letters)s, '') <> j.books"""
_OF_UNIT = """
SELECT j.bgt_id, j.event, j.effective_on, e.payload
FROM proj_indicators i CROSS JOIN LATERAL (
    SELECT * FROM proj_journals
    WHERE ledger_id = i.ledger_id AND generation = %(journals)s AND bgt_id = i.bgt_id
      AND position <= %(upto)s AND effective_on BETWEEN %(first)s AND %(through)s
      AND event <> ALL(%(beside)s) AND translate(books, %(letters)s, '') <> books OFFSET 0) AS j
CROSS JOIN LATERAL (
    SELECT payload FROM events
    WHERE ledger_id = i.ledger_id AND position = j.position OFFSET 0) AS e
WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s
  AND i.agency_code = %(agency_code)s"""
_GIVEN = """
SELECT j.event, j.effective_on, j.fund_type_code, e.payload
FROM proj_journals j JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s
  AND (j.bgt_id = '' OR j.event = ANY(%(beside)s))
  AND (j.event = ANY(%(of_year)s)) = %(boundary)s
  AND j.position <= %(upto)s AND j.effective_on <= %(through)s
  AND translate(j.books, %(letters)s, '') <> j.books
  AND (position('"line_codes"'::bytea IN e.payload) > 0 OR (%(plain)s AND j.bgt_id = ''))
  AND (%(agency_code)s = '' OR position(%(named)s::bytea IN e.payload) > 0)"""
TREASURY = "BC"  # the books of which journals of no indicator say their fund alone: claims
# 核销: what has emptied the indicators of a closed year, found by the numbers of its commands
_WRITTEN_OFF = """
SELECT j.bgt_id, j.event, j.effective_on, e.payload
FROM command_keys k
JOIN proj_journals j ON j.ledger_id = k.ledger_id AND j.generation = %(journals)s
    AND j.source = k.first_position
JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE k.ledger_id = %(ledger_id)s AND k.operation = %(write_off)s
  AND j.position <= %(upto)s AND j.effective_on <= %(through)s
  AND (%(agency_code)s = '' OR EXISTS (
    SELECT FROM proj_indicators i WHERE i.ledger_id = k.ledger_id
      AND i.generation = %(indicators)s AND i.bgt_id = k.number
      AND i.agency_code = %(agency_code)s))"""
INDICATORS = "A"
_ROWS_AT_ONCE = 5_000
_SHAPES_MAX = 4_096


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


class _Part(NamedTuple):
    """What is read of a book at one time.

    Attributes:
        of: ``months`` that are stored whole; ``moved``, of the others, and lines that say their
            elements; ``boundary``, such lines of what opens and closes the year's books.
        fine: of ``FINE`` what months are told apart by.
    """

    of: str
    fine: frozenset[str] = frozenset()


_MOVED, _BOUNDARY = _Part("moved"), _Part("boundary")


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
_ByAccount = dict[str, _Sums]
# what accounts move by, in parts of an amount; the codes of each, or of all; the amount in fen
_Entry = tuple[Sequence[tuple[str, int]], Sequence[Codes], _Kind, int]


class ElementSums:
    """Read when first asked for; in ``moments.one_moment``."""

    def __init__(
        self, connection: psycopg.Connection, accounts: Mapping[str, Account], scope: ElementScope
    ) -> None:
        self._connection, self._accounts, self._scope = connection, accounts, scope
        # by letter, what was read, and whether lines are told apart by the difference they make
        self._books: dict[tuple[str, _Part, bool], _ByAccount] = {}
        self._differences = Differences(accounts)
        self._codes: IndicatorCodes | None = None
        self._summed: dict[tuple[AccountTerm, str, EachCode], Mapping[str, int]] = {}
        self._kinds: dict[tuple[str, bool], _Kind] = {}
        self._months = ElementMonths(
            connection, scope.ledger_id, scope.agency_code, scope.upto, scope.through
        )

    def of(self, term: AccountTerm, measure: str) -> int:
        """As ``accounting.statements.StatementFigures`` says."""
        *others, last = term.elements
        if not last.without and len(last.prefixes) == 1:
            code = last.prefixes[0]
            plain = term._replace(elements=tuple(others))
            return self._by_code(plain, measure, EachCode(last.element, len(code))).get(code, 0)
        return sum(
            account.side * fen
            for account, sums in self._of_accounts(term, measure, _elements(term))
            for (codes, kind), fen in sums.items()
            if kind.counts(measure) and have(codes, term.elements)
        )

    def _by_code(self, term: AccountTerm, measure: str, each: EachCode) -> Mapping[str, int]:
        """The same by the beginnings of the codes of an element, summed up once for all of them:
        a table may have a row for each."""
        asked = term, measure, each
        if asked not in self._summed:
            at, found = ELEMENTS.index(each.element), dict[str, int]()
            elements = _elements(term) | {each.element}
            for account, sums in self._of_accounts(term, measure, elements):
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
            for _, sums in self._of_accounts(term, "closing", _elements(term) | {each.element})
            for (codes, _), fen in sums.items()
            if fen and have(codes, term.elements)
        }
        return sorted(found - {""})

    def _of_accounts(
        self, term: AccountTerm, measure: str, elements: Set[str]
    ) -> Iterator[tuple[Account, _Sums]]:
        """What counts for a measure by the elements that are asked for; an account may come more
        than once."""
        letter, by_difference = term.account[0], DIFFERENCE in elements
        parts = [_MOVED, _Part("months", FINE & elements)]
        if measure in ("closing", "opening"):
            parts.append(_BOUNDARY)
        for part in parts:
            key = letter, part, by_difference
            if key not in self._books:
                self._books[key] = self._read(*key)
            for account_id, sums in self._books[key].items():
                if term.names(account_id):
                    yield self._accounts[account_id], sums

    # ---- reading one book

    def _read(self, letter: str, part: _Part, by_difference: bool) -> _ByAccount:
        found: _ByAccount = {}
        for moved, codes_of, kind, fen in self._entries(letter, part):
            parts = self._differences.of(moved) if by_difference else NO_PARTS
            for place, (account, times) in enumerate(moved):
                if account.startswith(letter):
                    codes = codes_of[place if len(codes_of) > 1 else 0]
                    if account in parts:
                        codes = (*codes[:-1], parts[account])
                    sums = found.setdefault(account, {})
                    sums[codes, kind] = sums.get((codes, kind), 0) + times * fen
        return found

    def _entries(self, letter: str, part: _Part) -> Iterator[_Entry]:
        if part.of == "months":
            yield from self._stored(letter, part.fine)
            if letter == INDICATORS and self._months.months:
                yield from self._written_off(part.fine)
            return
        scope = self._asked(letter, boundary=part == _BOUNDARY)
        if part == _MOVED and self._first <= self._scope.through:
            yield from self._of_indicators(scope, self._indicator_codes)
        yield from self._given(scope, self._indicator_codes)

    def _asked(self, letter: str, *, boundary: bool) -> dict[str, Any]:
        """What the statements are asked with."""
        key = self._scope.ledger_id
        return {
            **self._scope._asdict(),
            "first": self._first,
            "letters": letter,
            "plain": letter in TREASURY,
            "beside": BESIDE_INDICATORS,
            "of_year": [*opening_events(), *closing_events()],
            "boundary": boundary,
            "write_off": WriteOffIndicator.OPERATION,
            "named": f'"{self._scope.agency_code}"'.encode(),
            "journals": live_model(self._connection, key, Journals.name).generation,
            "indicators": live_model(self._connection, key, Indicators.name).generation,
        }

    @property
    def _indicator_codes(self) -> IndicatorCodes:
        if self._codes is None:
            key, agency_code, _, through, _ = self._scope
            self._codes = IndicatorCodes(self._connection, key, agency_code, through)
        return self._codes

    @property
    def _first(self) -> date:
        """The first day of which nothing is stored."""
        months, through = self._months.months, self._scope.through
        if not months:
            return date.min
        return date(through.year, months[-1] + 1, 1) if months[-1] < 12 else date.max

    def _stored(self, letter: str, fine: Set[str]) -> Iterator[_Entry]:
        for codes, of_month, shape, fen in self._months.sums(letter, fine):
            yield _times(shape), (codes,), self._kind("", of_month=of_month), fen

    def _written_off(self, fine: Set[str]) -> Iterator[_Entry]:
        """Of what is stored of months: that it has closed the year, and is no movement of it."""
        month, of = self._scope.month, self._indicator_codes
        for bgt_id, event, day, payload in self._rows(
            _WRITTEN_OFF, self._asked(INDICATORS, boundary=False)
        ):
            lines = bytes(_posted(payload).lines)
            moved = [(account, dr - cr) for account, dr, cr in amounts_of(lines)]
            codes = told_apart(of.of(bgt_id), fine)
            of_month = day >= month
            yield moved, (codes,), self._kind("", of_month=of_month), -1
            yield moved, (codes,), self._kind(event, of_month=of_month), 1

    def _of_indicators(self, scope: Mapping[str, Any], of: IndicatorCodes) -> Iterator[_Entry]:
        """Journals of one amount are added up by indicator and shape."""
        by_shape: dict[tuple[str, _Kind, bytes], int] = {}
        statement = _OF_UNIT if self._scope.agency_code else _OF_ALL
        month = self._scope.month
        for bgt_id, event, day, payload in self._rows(statement, scope):
            lines = bytes(_posted(payload).lines)
            shape, fen = shape_of(lines)
            group = bgt_id, self._kind(event, of_month=day >= month), shape
            if group in by_shape:
                by_shape[group] += fen
            elif sides(shape):
                by_shape[group] = fen
            else:
                moved = [(account, dr - cr) for account, dr, cr in amounts_of(lines)]
                yield moved, (of.of(bgt_id),), group[1], 1
        for (bgt_id, kind, shape), fen in by_shape.items():
            yield _times(shape), (of.of(bgt_id),), kind, fen

    def _given(self, scope: Mapping[str, Any], of: IndicatorCodes) -> Iterator[_Entry]:
        """Lines that say their own elements; of a claim the journal says its fund."""
        month = self._scope.month
        for event, day, fund_type_code, payload in self._rows(_GIVEN, scope):
            journal = _given(payload)
            kind = self._kind(event, of_month=day >= month)
            said = said_by(journal.line_codes, len(journal.lines), fund_type_code)
            moved, codes = [], []
            for line, of_line in zip(journal.lines, said, strict=True):
                if scope["agency_code"] in ("", of_line.get("agency_code", "")):
                    sign = 1 if line.dr_cr == DEBIT else -1
                    moved.append((line.account, sign * stored_fen(line.amt)))
                    codes.append(of.all(of_line))
            yield moved, codes, kind, 1

    def _kind(self, event: str, *, of_month: bool) -> _Kind:
        if (kind := self._kinds.get((event, of_month))) is None:
            opens, closes = event in opening_events(), event in closing_events()
            kind = self._kinds[event, of_month] = _Kind(opens, closes, of_month)
        return kind

    def _rows(self, statement: str, scope: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor("elements") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(statement, scope, binary=True)


def said_by(
    line_codes: Sequence[Mapping[str, str]], lines: int, fund_type_code: str
) -> Sequence[Mapping[str, str]]:
    """The elements of each line: its own, or the fund that the journal is of."""
    return line_codes or ({"fund_type_code": fund_type_code},) * lines


def have(codes: Codes, elements: Sequence[ElementCodes]) -> bool:
    """Whether these codes are what a term asks for."""
    return all(each.holds(codes[ELEMENTS.index(each.element)]) for each in elements)


def _elements(term: AccountTerm) -> frozenset[str]:
    """By what a term tells accounts apart."""
    return frozenset(each.element for each in term.elements)


@lru_cache(_SHAPES_MAX)
def _times(shape: bytes) -> tuple[tuple[str, int], ...]:
    """How often each account of a shape is debited, less how often it is credited."""
    return tuple((side.account, side.debits - side.credits) for side in sides(shape))
