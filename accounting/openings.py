"""期初: the balances that a book begins the year with, entered once. Pure decisions.

A ledger that the year before was closed in gets its openings from there; one that begins here, or
in the middle of a year, is told them. The books that other acts keep by themselves, the indicators
and the zero-balance account, begin with those acts and are not entered.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from accounting.closing_events import OpeningsBegun
from accounting.entering import (
    account_of,
    account_pointer,
    check_rows,
    codes_in_force,
    named,
    require_balanced,
)
from accounting.opening_events import BookOpened, OpeningLoaded, OpeningRow
from accounting.special_deposits import deposits_of, named_accounts
from budget.special_funds import is_units_money
from ledger.books import Account, Books
from ledger.books.given import GivenLine, given_journal
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.fingerprints import asked_for
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, yuan
from payments.clearing.cash import CASH, CONTROL, came, is_cash, kind_of, moved_cash
from payments.clearing.cash_events import CashMoved
from payments.special_accounts.cash import SPECIAL_CASH, moved_special

ROWS_MAX = 20_000
_NUMBER_DIGITS = 16
_KEPT_BY_ITSELF = ("indicator", "zero_balance")


class Openings(msgspec.Struct, frozen=True):
    """The books that were opened; ``carried`` are those of them that begin with what the closed
    ``from_ledger`` has left, ``special`` whether that says what lies in each special account."""

    books: tuple[str, ...] = ()
    from_ledger: str = ""
    carried: tuple[str, ...] = ()
    special: bool = False


def _opened(openings: Openings, event: Event) -> Openings:
    if isinstance(event, BookOpened):
        books = (*openings.books, event.book)
        return msgspec.structs.replace(openings, books=books)
    if isinstance(event, OpeningsBegun):
        books = (*openings.books, *event.books)
        return Openings(books, event.from_ledger, event.books, event.special_accounts)
    return openings


OPENINGS = declare(Setting("openings", Openings(), _opened))


class Opening(msgspec.Struct, frozen=True):
    """The balances that a book began with."""

    loaded: OpeningLoaded


def _fold(opening: Opening | None, event: Event) -> Opening | None:
    return Opening(event) if isinstance(event, OpeningLoaded) else opening


OPENING: Kind[Opening] = Kind(
    name="opening",
    opened_by="opening.load",
    fold=_fold,
    cost=lambda opening: len(opening.loaded.rows),
)


class LoadOpening(Command, frozen=True, kw_only=True):
    """期初余额装入: all balances of one book, on the first day of the year."""

    OPERATION: ClassVar[str] = "opening.load"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "期初余额"
    KIND: ClassVar[AnyKind] = OPENING
    KEEPS_REFUSAL: ClassVar[bool] = False
    book: str
    rows: tuple[OpeningRow, ...]

    def day_asked(self, fiscal_year: int) -> date:
        return date(fiscal_year, 1, 1)

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_rows(self.rows, ROWS_MAX, "/rows")

    @property
    def number(self) -> str:
        """The book and the beginning of the SM3 of what is asked: the same again is the same."""
        asked = asked_for(self.OPERATION, self)
        return f"{self.book}-{hashlib.new('sm3', asked).hexdigest()[:_NUMBER_DIGITS]}"

    @classmethod
    def number_in(cls, event: OpeningLoaded) -> str:
        return event.opening_no

    def needs(self) -> Iterable[Need]:
        named = named_accounts(row.codes for row in self.rows)
        special: Iterator[Need] = ((SPECIAL_CASH, key) for key in named)
        return (OPENING, self.number), (CASH, WHOLE), *special

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.day_asked(state.fiscal_year))
        if self.book in state.settings.get(OPENINGS).books:
            raise Refusal(Code.ALREADY_OPENED, f"the book {self.book} has its openings 已装入期初")
        books = state.books(day)
        lines = list(_lines(state, books, self.book, self.rows, day))
        require_balanced(lines, "/rows")
        cash_fen = _cash(lines)
        moved = moved_cash(
            state,
            day,
            lambda owed_of: (
                change
                for (acct, fund), fen in cash_fen.items()
                for change in came(acct, fund, fen, owed_of)
            ),
        )
        deposits = [
            moved_special(state, day, key, amount_fen=fen)
            for key, fen in deposits_of(state, books, lines).items()
        ]
        number = self.number
        # point of no return
        loaded = OpeningLoaded(
            opening_no=number,
            book=self.book,
            rows=self.rows,
            accounts=tuple(named(line.account) for line in lines),
            by=by,
        )
        journal = given_journal(
            books,
            OpeningLoaded.TYPE,
            source=state.next_position,
            number=number,
            lines=lines,
            moves=(CONTROL,),
        )
        events: list[tuple[AnyKind | None, str, Event]] = [
            (OPENING, number, loaded),
            (OPENING, number, journal),
            (None, "", BookOpened(book=self.book, opening_no=number)),
        ]
        for (acct, fund), fen in cash_fen.items():
            events.append((None, "", CashMoved(cash_acct=acct, fund_type_code=fund, amt=yuan(fen))))
        events += [told for deposit in deposits for told in deposit.told]
        rows = [row for deposit in deposits for row in deposit.rows]
        return Decision(events=events, effective_on=day, moved=[*moved, *rows])


def _lines(
    state: LedgerState, books: Books, book: str, rows: Iterable[OpeningRow], day: date
) -> Iterator[GivenLine]:
    """The rows as lines of the journal.

    Raises:
        Refusal: ``element_invalid`` for an account or a code that there is not, ``account_invalid``
            for an account that other acts keep.
    """
    _require_open(books, book)
    for index, row in enumerate(rows):
        account = _account(books, book, row, f"/rows/{index}")
        codes = codes_in_force(state, row, day, f"/rows/{index}")
        if account.control == CONTROL:
            _require_place(state, account, codes, f"/rows/{index}")
        yield GivenLine(account, row.dr_cr, parse_yuan(row.amt), codes)


def _require_open(books: Books, book: str) -> None:
    may = [name for name in books.titles if name not in _KEPT_BY_ITSELF]
    if book not in may:
        problem = "begins with its own acts" if book in _KEPT_BY_ITSELF else "is none"
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"the book {book[:40]!r} {problem}; openings are of {', '.join(may)}",
            pointer="/book",
        )


def _account(books: Books, book: str, row: OpeningRow, pointer: str) -> Account:
    account = account_of(books, (book,), row, pointer)
    if account.control not in ("", CONTROL):
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"{account.name} is kept by its own acts, not entered 受控科目",
            pointer=account_pointer(row, pointer),
        )
    return account


def _require_place(
    state: LedgerState, account: Account, codes: Mapping[str, str], pointer: str
) -> None:
    """Cash lies in an account at the treasury and is of a fund that lies there."""
    if not acct_of(codes):
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"{account.name} lies in an account: tre_code 国库主体代码, or acct_no",
            pointer=f"{pointer}/tre_code",
        )
    fund = codes.get("fund_type_code", "")
    if not kind_of(fund) or not is_cash(fund) or is_units_money(state, fund):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{account.name} is of a fund that lies at the treasury, such as 111, not of {fund!r}",
            pointer=f"{pointer}/fund_type_code",
        )


def acct_of(codes: Mapping[str, str]) -> str:
    """The account at the treasury that a line names; "" where it names none."""
    return codes.get("tre_code") or codes.get("acct_no", "")


def _cash(lines: Iterable[GivenLine]) -> dict[tuple[str, str], int]:
    """By account and fund, what of the lines is cash at the treasury, in fen."""
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        if line.account.control == CONTROL:
            place = acct_of(line.codes), line.codes["fund_type_code"]
            found[place] = found.get(place, 0) + line.dr_cr * line.amount_fen
    return {place: fen for place, fen in found.items() if fen}
