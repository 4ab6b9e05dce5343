"""Where journals stand, and what each account was debited and credited on each business day.

The lines of a journal stay in its event: a payment has some ten of them, and copying them would
double the store. The daily totals are what trial balances are added up from.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, cast

import msgspec

from ledger.books import DEBIT
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan
from projections.projection import Fact, Projection, Rows, Writes
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


JOURNALS = Table("proj_journals", JournalRow, ("position",))
ACCOUNT_TOTALS = Table("proj_account_totals", AccountTotalRow, ("effective_on", "account"))


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
    tables: ClassVar[tuple[Table[Any], ...]] = (ACCOUNT_TOTALS,)
    follows: ClassVar[frozenset[type[Event]]] = frozenset({JournalPosted})

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        return {ACCOUNT_TOTALS: {fact.effective_on for fact in facts}}

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        totals = rows[ACCOUNT_TOTALS]
        touched: dict[tuple[date, str], AccountTotalRow] = {}
        for fact in facts:
            for line in cast("JournalPosted", fact.event).lines:
                key = (fact.effective_on, line.account)
                if (row := touched.get(key)) is None:
                    row = touched[key] = totals.get(key) or AccountTotalRow(*key)
                if line.dr_cr == DEBIT:
                    row.debit_fen += parse_yuan(line.amt)
                else:
                    row.credit_fen += parse_yuan(line.amt)
        return Writes({ACCOUNT_TOTALS: touched.values()})
