"""年初开账: the next year's books begin with what the closed ones have left. Pure decisions.

Nobody asks for it over the network. First it is said which books begin so, and that they get no
other openings; then each unit's, and the treasury's, are taken, every one with a number. The
commands hold what they take, whole, so they are decided again from this ledger's record, and a
verification holds that against the year before.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import ClassVar

import msgspec

from accounting.closing_events import CashLeft, KeptBalance, OpeningCarried, OpeningsBegun
from accounting.entered_rows import NamedAccount
from accounting.entering import require_balanced
from accounting.openings import OPENINGS
from accounting.special_deposits import deposits_of, named_accounts
from ledger.account_set import require_year_before
from ledger.books import Books
from ledger.books.closing_steps import NOMINAL
from ledger.books.given import GivenLine, given_journal
from ledger.calendar import first_open_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted
from ledger.money import stored_fen
from payments.clearing.cash import CASH, CONTROL, came, moved_cash
from payments.clearing.cash_events import CashMoved
from payments.special_accounts.cash import SPECIAL_CASH, moved_special

_SAID = ("from_ledger", "rows_sm3")


class CarriedOpening(msgspec.Struct, frozen=True):
    """What a set of books began with."""

    taken: OpeningCarried


def _fold(obj: CarriedOpening | None, event: Event) -> CarriedOpening | None:
    return CarriedOpening(event) if isinstance(event, OpeningCarried) else obj


CARRIED_OPENING: Kind[CarriedOpening] = Kind(
    name="carried_opening", opened_by="year_end.take_opening", fold=_fold
)


class BeginOpenings(Command, frozen=True, kw_only=True):
    """年初开账: from which ledger these books have their openings; ``special_accounts``: and from
    which what lies in each special account."""

    OPERATION: ClassVar[str] = "year_end.begin_openings"
    NUMBER: ClassVar[str] = "from_ledger"
    KEEPS_REFUSAL: ClassVar[bool] = False
    from_ledger: str
    from_position: int
    from_chain: str
    books: tuple[str, ...]
    accounts: tuple[NamedAccount, ...]
    special_accounts: bool = False

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_before(state.ledger_id, self.from_ledger)
        day = first_open_day(state, date(state.fiscal_year, 1, 1))
        books, opened = state.books(day), state.settings.get(OPENINGS).books
        for name in self.books:
            if name in opened:
                raise Refusal(Code.ALREADY_OPENED, f"the book {name} has its openings 已装入期初")
            if name not in books.kept_by:
                raise Refusal(Code.ELEMENT_INVALID, f"chart {books.version} opens no book {name}")
        for named in self.accounts:
            _require_named_alike(books, named)
        # point of no return
        begun = OpeningsBegun(
            from_ledger=self.from_ledger,
            from_position=self.from_position,
            from_chain=self.from_chain,
            books=self.books,
            accounts=self.accounts,
            special_accounts=self.special_accounts,
            by=by,
        )
        return Decision(events=[(None, "", begun)], effective_on=day)


def _require_named_alike(books: Books, named: NamedAccount) -> None:
    """Raises Refusal ``element_invalid`` where the year's chart calls an account otherwise."""
    account = books.accounts.get(named.acct_cls_id)
    if account is None:
        here = "has none of that id"
    elif (account.code, account.name) != (named.acct_cls_code, named.acct_cls_name):
        here = f"calls {account.id} {account.code or 'without a code'} {account.name}"
    elif account.kind in NOMINAL or account.book not in books.kept_by:
        here = f"opens no year with {account.id} {account.name}"
    else:
        return
    called = f"{named.acct_cls_code or 'without a code'} {named.acct_cls_name}"
    raise Refusal(
        Code.ELEMENT_INVALID,
        f"the year before has a balance on {named.acct_cls_id} {called}; chart {books.version}"
        f" {here} 科目不一致",
    )


class TakeOpening(Command, frozen=True, kw_only=True):
    """年初余额承接: what one set of books begins with, all of it or nothing; ``cash`` is where the
    treasury's deposit lies. A row that names a special account, or a unit's own, says what lies
    there."""

    OPERATION: ClassVar[str] = "year_end.take_opening"
    NUMBER: ClassVar[str] = "books_no"
    KIND: ClassVar[AnyKind] = CARRIED_OPENING
    KEEPS_REFUSAL: ClassVar[bool] = False
    books_no: str
    from_ledger: str
    rows: tuple[KeptBalance, ...]
    cash: tuple[CashLeft, ...] = ()

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The rows are told by the journal behind the event, where cash lies by what moves it."""
        rows: tuple[KeptBalance, ...] = ()
        cash: list[CashLeft] = []
        for event in told.behind():
            if isinstance(event, JournalPosted):
                rows = tuple(
                    KeptBalance(line.account, 1 if line.dr_cr > 0 else -1, line.amt, codes)
                    for line, codes in zip(event.lines, event.line_codes, strict=True)
                )
            elif isinstance(event, CashMoved):
                cash.append(CashLeft(event.cash_acct, event.fund_type_code, event.amt))
        return (cls(**fields_in(cls, told.event, rows=rows, cash=tuple(cash))),)

    @property
    def rows_sm3(self) -> str:
        """SM3 of what is brought, hex."""
        return hashlib.new("sm3", msgspec.json.encode((self.rows, self.cash))).hexdigest()

    @property
    def body(self) -> object:
        """What is brought stands behind the event; its SM3 stands for it."""
        return {name: getattr(self, name) for name in _SAID}

    @classmethod
    def bodies_in(cls, event: OpeningCarried, day: date) -> Iterable[object]:
        return ({name: getattr(event, name) for name in _SAID},)

    def needs(self) -> Iterable[Need]:
        cash: tuple[Need, ...] = ((CASH, WHOLE),) if self.cash else ()
        named = named_accounts(row.codes for row in self.rows)
        special: Iterator[Need] = ((SPECIAL_CASH, key) for key in named)
        return (CARRIED_OPENING, self.books_no), *cash, *special

    def decide(self, state: LedgerState, by: str) -> Decision:
        begun = state.settings.get(OPENINGS)
        if begun.from_ledger != self.from_ledger:
            raise Refusal(
                Code.INVALID_STATE, f"this year's books do not begin with {self.from_ledger}"
            )
        day = first_open_day(state, date(state.fiscal_year, 1, 1))
        books = state.books(day)
        lines = list(_lines(books, begun.carried, self.rows))
        require_balanced(lines, "/rows")
        self._require_cash(lines)
        moved = moved_cash(
            state,
            day,
            lambda owed_of: (
                change
                for cash in self.cash
                for change in came(
                    cash.cash_acct, cash.fund_type_code, stored_fen(cash.amt), owed_of
                )
            ),
        )
        deposits = [
            moved_special(state, day, key, amount_fen=fen)
            for key, fen in deposits_of(state, books, lines).items()
        ]
        # point of no return
        taken = OpeningCarried(
            books_no=self.books_no,
            from_ledger=self.from_ledger,
            rows=len(self.rows),
            rows_sm3=self.rows_sm3,
            by=by,
        )
        journal = given_journal(
            books,
            taken.TYPE,
            source=state.next_position,
            number=self.books_no,
            lines=lines,
            moves=(CONTROL,),
        )
        events: list[tuple[AnyKind | None, str, Event]] = [
            (CARRIED_OPENING, self.books_no, taken),
            (CARRIED_OPENING, self.books_no, journal),
        ]
        events += [(None, "", _told(cash)) for cash in self.cash]
        events += [told for deposit in deposits for told in deposit.told]
        rows = [row for deposit in deposits for row in deposit.rows]
        return Decision(events=events, effective_on=day, moved=[*moved, *rows])

    def _require_cash(self, lines: Sequence[GivenLine]) -> None:
        """Raises Refusal ``details_mismatch`` where the deposit does not lie where it is told."""
        booked = sum(
            line.dr_cr * line.amount_fen for line in lines if line.account.control == CONTROL
        )
        if booked != sum(stored_fen(cash.amt) for cash in self.cash):
            raise Refusal(
                Code.DETAILS_MISMATCH,
                "cash lies elsewhere than is told 库款不符",
                pointer="/cash",
            )


def _told(cash: CashLeft) -> CashMoved:
    return CashMoved(cash_acct=cash.cash_acct, fund_type_code=cash.fund_type_code, amt=cash.amt)


def _lines(
    books: Books, carried: Sequence[str], rows: Iterable[KeptBalance]
) -> Iterator[GivenLine]:
    """The rows as lines of the journal; raises Refusal ``element_invalid``, ``account_invalid``."""
    for index, row in enumerate(rows):
        account, pointer = books.accounts.get(row.account), f"/rows/{index}"
        if account is None or account.book not in carried:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{row.account!r} is of no such book",
                pointer=pointer,
            )
        if account.kind in NOMINAL:
            raise Refusal(
                Code.ACCOUNT_INVALID, f"{account.name} is closed with its year", pointer=pointer
            )
        yield GivenLine(account, row.dr_cr, stored_fen(row.amt), row.codes)
