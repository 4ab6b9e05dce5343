"""年终结账, 年初开账: a closed year's books are emptied; the next one's begin with what is left."""

from typing import ClassVar, Literal

import msgspec

from accounting.entered_rows import NamedAccount
from ledger.events import LEDGER, Event, Traits, Yuan, register

TREASURY, UNIT = "treasury", "unit/"  # which books: the treasury's; a unit's, before its code


class KeptBalance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A balance ``[account, dr_cr, amount, codes]``: on which side it stands, and what it is kept
    by."""

    account: str
    dr_cr: Literal[1, -1]
    amt: Yuan
    codes: dict[str, str]


class CashLeft(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is left of a fund on an account at the treasury, as ``CashMoved`` tells it to the next
    year; under no account, what is owed, with its sign."""

    cash_acct: str
    fund_type_code: str
    amt: Yuan


class BooksClosed(Event, frozen=True, kw_only=True):
    """年终结账: the books of one unit, or of the treasury, by the steps of the chart; the journal
    of all steps follows, where anything is moved.

    Attributes:
        books_no: which they are: ``treasury``, ``unit/101001``, or ``unit/`` for entries that name
            no unit.
        at_position: that of the year's closing: the balances are of all journals up to it.
        balances: all that the books held then.
        steps: the names of those steps that moved something, in order.
        left: what the books hold behind the closing, and the next year begins with.
        cash: of the treasury, where its deposit 国库存款 lies.
    """

    TYPE: ClassVar[str] = "books.closed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="book_closing",
        asked_by="year_end.close_books",
        step="journals",
        title="年终结账",
        of_year="closes",
    )
    books_no: str
    at_position: int
    chart_version: str
    agency_type_code: str = ""
    balances: tuple[KeptBalance, ...]
    steps: tuple[str, ...]
    left: tuple[KeptBalance, ...]
    cash: tuple[CashLeft, ...] = ()
    by: str


class OpeningsBegun(Event, frozen=True, kw_only=True):
    """年初开账: these books begin with what the year before has left, and get no other openings.

    Attributes:
        from_position, from_chain: behind the last closing of the books of ``from_ledger``.
        accounts: those that have anything left, as that year's chart names them.
        special_accounts: whether the opening of the treasury says what lies in each special account
            财政专户; an earlier release has carried the sum alone.
    """

    TYPE: ClassVar[str] = "ledger.openings_begun"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="year_end.begin_openings", title="年初开账"
    )
    from_ledger: str
    from_position: int
    from_chain: str
    books: tuple[str, ...]
    accounts: tuple[NamedAccount, ...]
    special_accounts: bool = False
    by: str


class OpeningCarried(Event, frozen=True, kw_only=True):
    """年初余额承接: the books ``books_no`` begin with what they had left; the journal behind it
    tells the balances, of which ``rows_sm3`` is the SM3, and where cash lies stands behind that,
    in which special accounts as well."""

    TYPE: ClassVar[str] = "opening.carried"
    TRAITS: ClassVar[Traits] = Traits(
        subject="carried_opening",
        asked_by="year_end.take_opening",
        step="journals",
        title="年初余额承接",
        of_year="opens",
    )
    books_no: str
    from_ledger: str
    rows: int
    rows_sm3: str
    by: str


register(BooksClosed, OpeningsBegun, OpeningCarried)
