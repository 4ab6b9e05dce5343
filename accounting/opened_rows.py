"""What of closed books the next year's begin with: told by their closing, of the books that do."""

from collections.abc import Collection, Iterator

from accounting.closing_books import BookClosing
from accounting.closing_events import CashLeft, KeptBalance
from ledger.books import Books
from ledger.elements.register import ElementRegister
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CONTROL, NO_ACCOUNT

Opened = tuple[tuple[KeptBalance, ...], tuple[CashLeft, ...]]


def rows_left(books: Books, opened: Collection[str], closing: BookClosing) -> Opened:
    """The balances that a set of books begins with, and where its cash lies.

    Args:
        books: the chart by which it was closed.
        opened: the books that begin so.
    """
    rows: list[KeptBalance] = []
    cash: tuple[CashLeft, ...] = ()
    for row in closing.closed.left:
        account = books.accounts[row.account]
        if account.book not in opened:
            continue
        if account.control == CONTROL:
            cash = closing.closed.cash
            rows += _deposits(row.account, cash)
        else:
            rows.append(row)
    return tuple(rows), cash


def _deposits(account: str, cash: Collection[CashLeft]) -> Iterator[KeptBalance]:
    """国库存款, a row for each place and fund."""
    for place in cash:
        fen = stored_fen(place.amt)
        codes = {"fund_type_code": place.fund_type_code}
        if place.cash_acct != NO_ACCOUNT:
            codes[_element_of(place.cash_acct)] = place.cash_acct
        yield KeptBalance(account, 1 if fen > 0 else -1, yuan(abs(fen)), codes)


def _element_of(acct: str) -> str:
    """Which element an account at the treasury is."""
    element = ElementRegister.ELEMENTS["tre_code"]
    is_tre_code = len(acct) <= element.max_length and element.shape.fullmatch(acct)
    return "tre_code" if is_tre_code else "acct_no"
