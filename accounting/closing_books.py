"""年终结账: the books of a unit, or of the treasury, are emptied by the steps of the chart. Pure.

Nobody asks for it over the network. The program brings what the books hold, which it has folded
from the journals up to the year's closing; the event keeps it whole, so that the decision is taken
again from the record, and a verification folds the journals once more and holds it against them.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import ClassVar

import msgspec

from accounting.closing_events import TREASURY, UNIT, BooksClosed, CashLeft, KeptBalance
from budget.year_end.writing_off import require_year_closed
from division.agencies import type_on
from ledger.books import Books
from ledger.books.closing import AccountFen, ClosingEntry, added, closed
from ledger.books.given import GivenLine, given_journal
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, PostingError, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CASH, CONTROL, NO_ACCOUNT, Cash, split_key

_BONDS = {"11": "112", "12": "122"}  # by kind of fund, the fund of its bonds


class BookClosing(msgspec.Struct, frozen=True):
    """The books of a unit, or of the treasury, as they were closed."""

    closed: BooksClosed


def _fold(obj: BookClosing | None, event: Event) -> BookClosing | None:
    return BookClosing(event) if isinstance(event, BooksClosed) else obj


BOOK_CLOSING: Kind[BookClosing] = Kind(
    name="book_closing",
    opened_by="year_end.close_books",
    fold=_fold,
    cost=lambda obj: 1 + len(obj.closed.balances),
)


class CloseBooks(Command, frozen=True, kw_only=True):
    """年终结账: one set of books; ``balances`` is all that it held at the year's closing."""

    OPERATION: ClassVar[str] = "year_end.close_books"
    NUMBER: ClassVar[str] = "books_no"
    KIND: ClassVar[AnyKind] = BOOK_CLOSING
    KEEPS_REFUSAL: ClassVar[bool] = False
    books_no: str
    at_position: int
    balances: tuple[KeptBalance, ...]

    def needs(self) -> Iterable[Need]:
        cash: tuple[Need, ...] = ((CASH, WHOLE),) if self.books_no == TREASURY else ()
        return (BOOK_CLOSING, self.books_no), *cash

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_closed(state)
        day = date(state.fiscal_year, 12, 31)
        books = state.books(day)
        unit_type = ""
        if self.books_no != TREASURY:
            unit_type = type_on(state, self.books_no.removeprefix(UNIT), day)
        entries, left = _closed(books, as_balances(self.balances), unit_type)
        cash = _cash_left(state, books, left) if self.books_no == TREASURY else ()
        # point of no return
        event = BooksClosed(
            books_no=self.books_no,
            at_position=self.at_position,
            chart_version=books.version,
            agency_type_code=unit_type,
            balances=self.balances,
            steps=tuple(dict.fromkeys(entry.step for entry in entries)),
            left=as_kept(left),
            cash=cash,
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(BOOK_CLOSING, self.books_no, event)]
        if entries:
            journal = given_journal(
                books,
                event.TYPE,
                source=state.next_position,
                number=self.books_no,
                lines=[_line(entry) for entry in entries],
            )
            events.append((BOOK_CLOSING, self.books_no, journal))
        return Decision(events=events, effective_on=day)


def _closed(
    books: Books, balances: AccountFen, unit_type: str
) -> tuple[list[ClosingEntry], AccountFen]:
    """The entries, and what the books hold behind them.

    Raises:
        Refusal: ``account_invalid`` for an account that the chart does not have or leave empty.
    """
    try:
        entries = list(closed(books, balances, unit_type))
    except PostingError as error:
        raise Refusal(Code.ACCOUNT_INVALID, str(error)) from None
    moved = ((entry.account.id, entry.elements, entry.fen) for entry in entries)
    return entries, added(balances, moved)


def _line(entry: ClosingEntry) -> GivenLine:
    dr_cr = 1 if entry.fen > 0 else -1
    return GivenLine(entry.account, dr_cr, abs(entry.fen), dict(entry.elements))


def as_balances(kept: Iterable[KeptBalance]) -> AccountFen:
    """As the closing works with them: fen, debits positive."""
    return {
        (each.account, tuple(each.codes.items())): each.dr_cr * stored_fen(each.amt)
        for each in kept
    }


def as_kept(balances: AccountFen) -> tuple[KeptBalance, ...]:
    """As events tell them, in the order of accounts and elements; none of nothing."""
    return tuple(
        KeptBalance(account, 1 if fen > 0 else -1, yuan(abs(fen)), dict(elements))
        for (account, elements), fen in sorted(balances.items())
        if fen
    )


def _cash_left(state: LedgerState, books: Books, left: AccountFen) -> tuple[CashLeft, ...]:
    """Where the treasury's deposit lies.

    Raises:
        Refusal: ``invalid_state`` where that is not what the books have of it.
    """
    [account] = [each.id for each in books.accounts.values() if each.control == CONTROL]
    found = tuple(
        CashLeft(acct, fund, yuan(fen))
        for acct, kind, row in _places(state)
        for fund, fen in _funds(acct, kind, row)
        if fen
    )
    told_fen = sum(stored_fen(each.amt) for each in found)
    booked_fen = sum(fen for (held, _), fen in left.items() if held == account)
    if told_fen != booked_fen:
        raise Refusal(
            Code.INVALID_STATE,
            f"{yuan(told_fen)} lie at the treasury, its books have {yuan(booked_fen)} 库款不符",
        )
    return found


def _places(state: LedgerState) -> list[tuple[str, str, Cash]]:
    """Account and kind of fund of each row; what is owed last, so that nothing pays it."""
    rows = ((*split_key(key), row) for key, row in state.rows_of(CASH).items())
    return sorted(rows, key=lambda place: (place[0] == NO_ACCOUNT, *place[:2]))


def _funds(acct: str, kind: str, row: Cash) -> Iterator[tuple[str, int]]:
    """What lies there, of bonds and of all else, with its sign."""
    if acct == NO_ACCOUNT:
        yield kind, row.balance
        return
    yield kind, row.balance - row.bonds
    if row.bonds:
        yield _BONDS[kind], row.bonds
