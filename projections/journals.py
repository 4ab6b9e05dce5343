"""Where journals stand, and what each account was debited and credited on each business day.

The lines of a journal stay in its event: a payment has some ten of them, and copying them would
double the store. The daily totals are what trial balances are added up from; the same sums by spans
of positions are what those of the past are added up from.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.events import Event, JournalPosted
from projections.posted import Posted, amounts_of, books_of, shape_of, sides
from projections.projection import Fact, Fold, Folded, Projection, Rows, RowsByTable, Writes
from projections.spans import end_of, lengths
from projections.tables import Table


class JournalRow(msgspec.Struct):
    """A row of ``proj_journals``; ``books`` are the letters that its accounts begin with."""

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


class AccountTotalRow(msgspec.Struct):
    """A row of ``proj_account_totals``."""

    effective_on: date
    account: str
    debit_fen: int = 0
    credit_fen: int = 0


class AccountSpanRow(msgspec.Struct):
    """A row of ``proj_account_spans``: the same over one span of positions."""

    span_events: int
    span_end: int
    effective_on: date
    account: str
    debit_fen: int = 0
    credit_fen: int = 0


_SUMS = ("debit_fen", "credit_fen")
JOURNALS = Table("proj_journals", JournalRow, ("position",), integers=("red_flag",))
ACCOUNT_TOTALS = Table(
    "proj_account_totals", AccountTotalRow, ("effective_on", "account"), adds=_SUMS
)
ACCOUNT_SPANS = Table(
    "proj_account_spans",
    AccountSpanRow,
    ("span_events", "span_end", "effective_on", "account"),
    adds=_SUMS,
)


class Journals(Projection):
    name: ClassVar[str] = "journals"
    tables: ClassVar[tuple[Table[Any], ...]] = (JOURNALS,)
    follows: ClassVar[frozenset[type[Event]]] = frozenset({JournalPosted})
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {JournalPosted: Posted}

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        return Writes({JOURNALS: [_row(fact, fact.event) for fact in facts]})


def _row(fact: Fact, journal: Posted) -> JournalRow:
    return JournalRow(
        position=fact.position,
        source=journal.source,
        event=journal.event,
        effective_on=fact.effective_on,
        number=journal.number,
        bgt_id=journal.bgt_id,
        fund_type_code=journal.fund_type_code,
        rule=journal.rule,
        red_flag=journal.red_flag,
        books=books_of(bytes(journal.lines)),
    )


class AccountTotals(Folded):
    name: ClassVar[str] = "account_totals"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table[Any], ...]] = (ACCOUNT_TOTALS, ACCOUNT_SPANS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset({JournalPosted})
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {JournalPosted: Posted}

    def fold(self, rows: Mapping[Table[Any], Rows]) -> Fold:
        return _AccountFold()


class _AccountFold(Fold):
    """Keeps the totals, and the spans of each length that are not over: a row for each account and
    business day, times five."""

    def __init__(self) -> None:
        self._totals: dict[tuple[date, str], AccountTotalRow] = {}
        self._spans: dict[tuple[int, int, date, str], AccountSpanRow] = {}

    def take(self, facts: Sequence[Fact]) -> None:
        length, end = lengths()[0], 0
        by_shape: dict[tuple[int, date, bytes], int] = {}
        for fact in facts:
            lines = bytes(fact.event.lines)
            if fact.position > end:
                end = end_of(fact.position, length)
            shape, fen = shape_of(lines)
            key = (end, fact.effective_on, shape)
            if key in by_shape:
                by_shape[key] += fen
            elif sides(shape):
                by_shape[key] = fen
            else:
                for account, debit_fen, credit_fen in amounts_of(lines):
                    self._add(end, fact.effective_on, account, debit_fen, credit_fen)
        for (end, day, shape), fen in by_shape.items():
            for side in sides(shape):
                self._add(end, day, side.account, side.debits * fen, side.credits * fen)

    def _add(self, end: int, day: date, account: str, debit_fen: int, credit_fen: int) -> None:
        total = self._totals.get((day, account))
        if total is None:
            total = self._totals[day, account] = AccountTotalRow(day, account)
        total.debit_fen += debit_fen
        total.credit_fen += credit_fen
        for length in lengths():
            key = (length, end_of(end, length), day, account)
            if (span := self._spans.get(key)) is None:
                span = self._spans[key] = AccountSpanRow(*key)
            span.debit_fen += debit_fen
            span.credit_fen += credit_fen

    def settled(self, upto: int) -> RowsByTable:
        over = [key for key, span in self._spans.items() if span.span_end <= upto]
        return {ACCOUNT_SPANS: [self._spans.pop(key) for key in over]}

    def rest(self) -> RowsByTable:
        return {ACCOUNT_TOTALS: self._totals.values(), ACCOUNT_SPANS: self._spans.values()}
