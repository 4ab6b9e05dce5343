"""科目余额: what each set of books holds as of a position, folded from the journals alone.

No read model is asked: a closing, and whoever verifies it, read the events of the ledger once, in
order. A few rules make most journals, so those of one indicator are added up by their shape
(``ledger.books.posted``), and the memory that it takes follows indicators, not payments.
"""

from collections.abc import Mapping

import msgspec
import psycopg

from accounting.closing_events import TREASURY, UNIT
from budget.indicator import BEGINNINGS
from ledger.books import Books
from ledger.books.closing import AccountFen, Elements, elements_of
from ledger.books.closing_steps import OF_UNIT
from ledger.books.posted import Posted, amounts_of, shape_of, sides
from ledger.errors import IntegrityError
from ledger.events import JournalPosted, type_names
from ledger.reading.streaming import stream_of_types

FUND_TYPE = "fund_type_code"


class _Begun(msgspec.Struct, frozen=True, gc=False):
    """Of what an indicator begins with: by what the books of units are kept."""

    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str


_JOURNALS = frozenset(name.encode() for name in type_names(JournalPosted))
_BEGINNINGS = frozenset(name.encode() for cls in BEGINNINGS for name in type_names(cls))
FOLLOWED = tuple(sorted(name.decode() for name in _JOURNALS | _BEGINNINGS))

_posted = msgspec.json.Decoder(Posted).decode
_begun = msgspec.json.Decoder(_Begun).decode
_line_codes = msgspec.json.Decoder(tuple[dict[str, str], ...]).decode


class BookBalances:
    """The fold. ``books`` is the chart by which the year is closed."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._indicators: dict[str, _Begun] = {}
        self._by_shape: dict[tuple[str, str, bytes], int] = {}  # indicator, fund, shape
        self._closes: dict[bytes, bool] = {}  # by shape: whether it moves a book that is closed
        self._fen: dict[str, AccountFen] = {}  # by books_no
        self._accounts: dict[str, tuple[str, ...] | None] = {
            account.id: books.kept_by.get(account.book) for account in books.accounts.values()
        }

    def take(self, type_: bytes, payload: bytes) -> None:
        """The next event of ``FOLLOWED``."""
        if type_ not in _JOURNALS:
            begun = _begun(payload)
            self._indicators[begun.bgt_id] = begun
            return
        journal = _posted(payload)
        lines = bytes(journal.lines)
        if journal.says_codes:
            for line, codes in zip(amounts_of(lines), _line_codes(journal.line_codes), strict=True):
                self._add(line, codes)
            return
        shape, fen = shape_of(lines)
        if (closes := self._closes.get(shape)) is None:
            moved = sides(shape)
            closes = not moved or any(map(self._kept_by_of, (side.account for side in moved)))
            if moved:
                self._closes[shape] = closes
        if not closes:
            return
        if shape in self._closes:
            key = journal.bgt_id, journal.fund_type_code, shape
            self._by_shape[key] = self._by_shape.get(key, 0) + fen
        else:
            of_journal = self._codes_of(journal.bgt_id, journal.fund_type_code)
            for line in amounts_of(lines):
                self._add(line, of_journal)

    def by_books(self) -> dict[str, AccountFen]:
        """What each set of books holds by now, by its number, but for what comes to nothing."""
        for (bgt_id, fund, shape), fen in self._by_shape.items():
            codes = self._codes_of(bgt_id, fund)
            for side in sides(shape):
                self._add((side.account, side.debits * fen, side.credits * fen), codes)
        self._by_shape.clear()
        held = {
            number: {key: fen for key, fen in balances.items() if fen}
            for number, balances in sorted(self._fen.items())
        }
        return {number: balances for number, balances in held.items() if balances}

    def _kept_by_of(self, account_id: str) -> bool:
        """Whether the account is of a book that the year's end closes.

        Raises:
            IntegrityError: the chart has no such account.
        """
        try:
            return self._accounts[account_id] is not None
        except KeyError:
            raise _unknown(self._books, account_id) from None

    def _codes_of(self, bgt_id: str, fund_type_code: str) -> Mapping[str, str]:
        if not bgt_id:
            return {FUND_TYPE: fund_type_code}
        try:
            return msgspec.structs.asdict(self._indicators[bgt_id])
        except KeyError:
            raise IntegrityError(f"no indicator {bgt_id} has begun, and it has a journal") from None

    def _add(self, line: tuple[str, int, int], codes: Mapping[str, str]) -> None:
        account_id, debit_fen, credit_fen = line
        if not self._kept_by_of(account_id):
            return
        kept_by = self._accounts[account_id]
        assert kept_by is not None, "it is closed"
        of_unit = OF_UNIT in kept_by
        number = UNIT + codes.get(OF_UNIT, "") if of_unit else TREASURY
        balances = self._fen.setdefault(number, {})
        key: tuple[str, Elements] = account_id, elements_of(kept_by, codes)
        balances[key] = balances.get(key, 0) + debit_fen - credit_fen


def _unknown(books: Books, account_id: str) -> IntegrityError:
    return IntegrityError(
        f"chart {books.version} has no account {account_id}, which was booked on 科目不存在"
    )


def read_balances(
    connection: psycopg.Connection, ledger_id: int, upto: int, books: Books
) -> dict[str, AccountFen]:
    """What the books of a ledger held at a position; the connection serves nothing else meanwhile.

    Raises:
        IntegrityError: an account of a journal is not the chart's.
    """
    fold = BookBalances(books)
    fold_between(fold, connection, ledger_id, 0, upto)
    return fold.by_books()


def fold_between(
    fold: BookBalances, connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> None:
    """Has the fold take the events ``after < position <= upto``; as :func:`read_balances`."""
    for type_, payload in stream_of_types(connection, ledger_id, after, upto, FOLLOWED):
        fold.take(type_, payload)
