"""Where journals stand, and what each account was debited and credited on each business day.

The lines of a journal stay in its event: a payment has some ten of them, and copying them would
double the store. The daily totals are what trial balances are added up from; the same sums by spans
of positions are what those of the past are added up from.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, ClassVar

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier

from budget.indicator import BEGINNINGS
from ledger.books.posted import Posted, amounts_of, books_of, shape_of, sides
from ledger.closing import AccountingPeriod
from ledger.events import Event, JournalPosted, of_year
from projections.core.fold import BulkStatement, Fact, Fold, Projection, Rows, Writes
from projections.core.spans import end_of, lengths
from projections.core.tables import Sum, Table
from projections.indicator_months import INDICATOR_MONTHS, JOURNAL_SHAPES, MonthSums
from projections.journal_numbers import COUNTERS, FOLLOWED, SETS, UNITS, IssuedView, Numbering
from projections.views import VIEWS


class JournalRow(msgspec.Struct):
    """A row of ``proj_journals``; ``books`` are the letters that its accounts begin with, numbers
    those of ``projections.journal_numbers``."""

    position: int
    source: int
    event: str
    effective_on: date
    number: str
    bgt_id: str
    fund_type_code: str
    rule: str
    red_flag: int
    books: str
    acct_month: int
    indicator_no: int
    treasury_no: int
    unit_no: int
    zero_balance_no: int


class AccountTotalRow(msgspec.Struct):
    """A row of ``proj_account_totals``; what opens the year's books or closes them has rows of its
    own (``ledger.events.of_year``)."""

    effective_on: date
    account: str
    of_year: str
    debit_fen: Sum = 0
    credit_fen: Sum = 0


class AccountSpanRow(msgspec.Struct):
    """A row of ``proj_account_spans``: the same over one span of positions."""

    span_events: int
    span_end: int
    effective_on: date
    account: str
    of_year: str
    debit_fen: Sum = 0
    credit_fen: Sum = 0


_SUMS = ("debit_fen", "credit_fen")
NUMBERED = ("acct_month", *(f"{name}_no" for name in SETS))
JOURNALS = Table("proj_journals", JournalRow, ("position",), integers=("red_flag", *NUMBERED))
ACCOUNT_TOTALS = Table(
    "proj_account_totals", AccountTotalRow, ("effective_on", "account", "of_year"), adds=_SUMS
)
ACCOUNT_SPANS = Table(
    "proj_account_spans",
    AccountSpanRow,
    ("span_events", "span_end", "effective_on", "account", "of_year"),
    adds=_SUMS,
)
_AT = SQL("""
SELECT {} FROM proj_positions p JOIN proj_journals j
    ON j.ledger_id = p.ledger_id AND j.generation = p.generation
WHERE p.ledger_id = %s AND p.projection = 'journals' AND p.live AND j.position = ANY(%s)
""").format(SQL(", ").join(SQL("j.{}").format(Identifier(name)) for name in JOURNALS.columns))
_LONGER = """
INSERT INTO proj_account_spans (ledger_id, generation, span_events, span_end, effective_on, account,
    of_year, debit_fen, credit_fen)
SELECT ledger_id, generation, %(length)s,
    (span_end + %(length)s - 1) / %(length)s * %(length)s AS longer_end, effective_on, account,
    of_year, sum(debit_fen), sum(credit_fen)
FROM proj_account_spans
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND span_events = %(shorter)s
  AND span_end > %(begin)s AND span_end <= %(end)s
GROUP BY ledger_id, generation, longer_end, effective_on, account, of_year"""


class Journals(Projection):
    name: ClassVar[str] = "journals"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table[Any], ...]] = (JOURNALS, COUNTERS, UNITS)
    follows: ClassVar[frozenset[type[Event]]] = FOLLOWED
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        **VIEWS,
        **dict.fromkeys(BEGINNINGS, IssuedView),
    }

    def fold(self, after: int) -> Fold:
        return JournalFold(after)


class JournalFold(Fold):
    """A row for each journal, numbered in their order."""

    def __init__(self, after: int) -> None:
        self._numbering = Numbering(anew=not after)
        self._rows: list[JournalRow] = []

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        return self._numbering.needs(facts)

    def needs_further(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        return self._numbering.needs_further(facts)

    def hold(self, table: Table[Any], rows: Rows) -> None:
        self._numbering.hold(table, rows)

    def take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if type(fact.event) is Posted:
                self._rows.append(journal_row(fact, self._numbering))
            else:
                self._numbering.follow(fact)

    def settled(self, upto: int) -> Writes:
        rows, self._rows = self._rows, []
        return Writes({JOURNALS: rows})

    def rest(self, upto: int) -> Writes:
        new = {JOURNALS: self._rows, **self._numbering.new()}
        return Writes(new, self._numbering.changed())


def journal_row(fact: Fact, numbering: Numbering) -> JournalRow:
    journal: Posted = fact.event
    books = books_of(bytes(journal.lines))
    numbers = numbering.numbers(fact, books)
    return JournalRow(
        position=fact.position,
        source=journal.source,
        event=journal.event,
        effective_on=fact.effective_on,
        number=journal.number,
        bgt_id=journal.bgt_id,
        fund_type_code=journal.fund_type_code,
        rule=journal.chart_version,
        red_flag=journal.red_flag,
        books=books,
        acct_month=numbers.acct_month,
        indicator_no=numbers.indicator,
        treasury_no=numbers.treasury,
        unit_no=numbers.unit,
        zero_balance_no=numbers.zero_balance,
    )


def numbers_of(row: JournalRow) -> dict[str, Any] | None:
    """The period and the numbers of a journal, by the sets of books that it is of; None for one
    that has none."""
    if not row.acct_month:
        return None
    period = AccountingPeriod(row.effective_on.year, row.acct_month).text
    given = {name: getattr(row, f"{name}_no") for name in SETS}
    return {"acct_period": period, **{name: no for name, no in given.items() if no}}


def read_numbers(
    connection: psycopg.Connection, ledger_id: int, positions: Collection[int]
) -> dict[int, dict[str, Any] | None]:
    """The same of journals by their positions, of those that the model has."""
    if not positions:
        return {}
    rows = connection.execute(_AT, (ledger_id, list(positions)), binary=True)
    return {row.position: numbers_of(row) for row in (JournalRow(*each) for each in rows)}


class AccountTotals(Projection):
    name: ClassVar[str] = "account_totals"
    version: ClassVar[int] = 6
    tables: ClassVar[tuple[Table[Any], ...]] = (
        ACCOUNT_TOTALS,
        ACCOUNT_SPANS,
        INDICATOR_MONTHS,
        JOURNAL_SHAPES,
    )
    follows: ClassVar[frozenset[type[Event]]] = frozenset({JournalPosted})
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = VIEWS

    def fold(self, after: int) -> Fold:
        return _AccountFold(after)


class _AccountFold(Fold):
    """Keeps the totals, and the shortest spans that are not over: a row for each account and
    business day. Longer spans are summed up from shorter ones when they are over."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._length = lengths()[0]
        self._begun_before = end_of(after, self._length)  # this span may have rows already
        self._totals: dict[tuple[date, str, str], AccountTotalRow] = {}
        self._spans: dict[tuple[int, date, str, str], AccountSpanRow] = {}
        self._months = MonthSums()

    def take(self, facts: Sequence[Fact]) -> None:
        length, end = self._length, 0
        by_shape: dict[tuple[int, date, str, bytes], int] = {}
        for fact in facts:
            lines = bytes(fact.event.lines)
            if fact.position > end:
                end = end_of(fact.position, length)
            shape, fen = shape_of(lines)
            kind = of_year(fact.event.event)
            key = (end, fact.effective_on, kind, shape)
            bgt_id = "" if fact.event.says_codes else fact.event.bgt_id
            if key in by_shape:
                by_shape[key] += fen
            elif sides(shape):
                by_shape[key] = fen
            else:
                for account, debit_fen, credit_fen in amounts_of(lines):
                    day = fact.effective_on
                    self._add(end, (day, account, kind), debit_fen, credit_fen)
                if bgt_id:
                    self._months.add_lines(bgt_id, fact.effective_on, lines)
                continue
            if bgt_id:
                self._months.add(bgt_id, fact.effective_on, shape, fen)
        for (end, day, kind, shape), fen in by_shape.items():
            for side in sides(shape):
                of = day, side.account, kind
                self._add(end, of, side.debits * fen, side.credits * fen)

    def _add(self, end: int, of: tuple[date, str, str], debit_fen: int, credit_fen: int) -> None:
        if (total := self._totals.get(of)) is None:
            total = self._totals[of] = AccountTotalRow(*of)
        total.debit_fen += debit_fen
        total.credit_fen += credit_fen
        key = (end, *of)
        if (span := self._spans.get(key)) is None:
            span = self._spans[key] = AccountSpanRow(self._length, *key)
        span.debit_fen += debit_fen
        span.credit_fen += credit_fen

    def settled(self, upto: int) -> Writes:
        over = [key for key, span in self._spans.items() if span.span_end <= upto]
        return self._spread([self._spans.pop(key) for key in over])

    def rest(self, upto: int) -> Writes:
        writes = self._spread(self._spans.values(), self._totals.values())
        months = {INDICATOR_MONTHS: self._months.rows()}
        statements = self._months.new_shapes(), *_longer(self._after, upto)
        if not self._after:
            return Writes({**writes.new, **months}, statements=statements)
        return Writes(writes.new, added={**writes.added, **months}, statements=statements)

    def _spread(
        self, spans: Collection[AccountSpanRow], totals: Collection[AccountTotalRow] = ()
    ) -> Writes:
        """Only what was begun before this fold may have to be added to rows that are there."""
        new: list[AccountSpanRow] = []
        begun: list[AccountSpanRow] = []
        for span in spans:
            (begun if span.span_end == self._begun_before else new).append(span)
        if not self._after:
            return Writes({ACCOUNT_SPANS: new, ACCOUNT_TOTALS: totals})
        return Writes({ACCOUNT_SPANS: new}, added={ACCOUNT_SPANS: begun, ACCOUNT_TOTALS: totals})


def _longer(after: int, upto: int) -> Iterator[BulkStatement]:
    """Sums up the longer spans that end behind ``after`` and not behind ``upto``."""
    for shorter, length in pairwise(lengths()):
        begin, end = after // length * length, upto // length * length
        if begin < end:
            span = {"shorter": shorter, "length": length, "begin": begin, "end": end}
            yield BulkStatement(_LONGER, span)
