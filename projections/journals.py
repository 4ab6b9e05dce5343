"""Where journals stand, and what each account was debited and credited on each business day.

The lines of a journal stay in its event: a payment has some ten of them, and copying them would
double the store. The daily totals are what trial balances are added up from; the same sums by spans
of positions are what those of the past are added up from.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, cast

import msgspec

from ledger.books import DEBIT
from ledger.events import Event, JournalPosted
from ledger.money import stored_fen
from projections.projection import Fact, Projection, Rows, Writes
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
JOURNALS = Table("proj_journals", JournalRow, ("position",))
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

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        return Writes({JOURNALS: [_row(f, cast("JournalPosted", f.event)) for f in facts]})


def _row(fact: Fact, journal: JournalPosted) -> JournalRow:
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
        books="".join(sorted({line.account[0] for line in journal.lines})),
    )


class AccountTotals(Projection):
    name: ClassVar[str] = "account_totals"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table[Any], ...]] = (ACCOUNT_TOTALS, ACCOUNT_SPANS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset({JournalPosted})

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        totals: dict[tuple[date, str], AccountTotalRow] = {}
        spans: dict[tuple[int, int, date, str], AccountSpanRow] = {}
        for (end, day, account), (debit_fen, credit_fen) in _sums(facts).items():
            total = totals.get((day, account))
            if total is None:
                total = totals[day, account] = AccountTotalRow(day, account)
            total.debit_fen += debit_fen
            total.credit_fen += credit_fen
            for length in lengths():
                key = (length, end_of(end, length), day, account)
                if (span := spans.get(key)) is None:
                    span = spans[key] = AccountSpanRow(*key)
                span.debit_fen += debit_fen
                span.credit_fen += credit_fen
        return Writes({ACCOUNT_TOTALS: totals.values(), ACCOUNT_SPANS: spans.values()})


def _sums(facts: Sequence[Fact]) -> dict[tuple[int, date, str], list[int]]:
    """(end of the shortest span, business day, account) -> [debit fen, credit fen]."""
    length = lengths()[0]
    sums: dict[tuple[int, date, str], list[int]] = {}
    fen: dict[str, int] = {}  # a journal names one amount in all its lines
    for fact in facts:
        end, day = end_of(fact.position, length), fact.effective_on
        for line in cast("JournalPosted", fact.event).lines:
            if (amount_fen := fen.get(line.amt)) is None:
                amount_fen = fen[line.amt] = stored_fen(line.amt)
            key = (end, day, line.account)
            if (pair := sums.get(key)) is None:
                pair = sums[key] = [0, 0]
            pair[line.dr_cr != DEBIT] += amount_fen
    return sums
