"""What of closed books the next year's begin with: told by their closing, of the books that do."""

from collections.abc import Collection, Iterator, Mapping

from accounting.closing_books import BookClosing
from accounting.closing_events import TREASURY, CashLeft, KeptBalance
from accounting.special_deposits import BOOK, accounts_of_deposits
from ledger.books import Books
from ledger.elements.register import ElementRegister
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CONTROL, NO_ACCOUNT
from payments.special_accounts.cash import FUND

Opened = tuple[tuple[KeptBalance, ...], tuple[CashLeft, ...]]


def rows_left(
    books: Books,
    opened: Collection[str],
    closing: BookClosing,
    deposits_fen: Mapping[str, int] | None = None,
) -> Opened:
    """The balances that a set of books begins with, and where its cash lies.

    Args:
        books: the chart by which it was closed.
        opened: the books that begin so.
        deposits_fen: by number, what lies in each special account: none where that is not told.
    """
    rows: list[KeptBalance] = []
    cash: tuple[CashLeft, ...] = ()
    left, special = closing.closed.left, ""
    if left and deposits_fen and closing.closed.books_no == TREASURY and BOOK in opened:
        special = _deposit_account(books)
        if not any(row.account == special for row in left):
            left = (*left, KeptBalance(special, 1, yuan(0), {}))  # other deposits make up for it
    for row in left:
        account = books.accounts[row.account]
        if account.book not in opened:
            continue
        if account.control == CONTROL:
            cash = closing.closed.cash
            rows += _deposits(row.account, cash)
        elif row.account == special:
            rows += _in_special_accounts(row, deposits_fen or {})
        else:
            rows.append(row)
    return tuple(rows), cash


def _deposit_account(books: Books) -> str:
    """The account of what lies in special accounts, 其他财政存款."""
    [found] = (id_ for id_ in accounts_of_deposits(books) if books.accounts[id_].book == BOOK)
    return found


def _in_special_accounts(
    row: KeptBalance, deposits_fen: Mapping[str, int]
) -> Iterator[KeptBalance]:
    """其他财政存款, a row for each special account, and one for what lies elsewhere."""
    rest_fen = row.dr_cr * stored_fen(row.amt) - sum(deposits_fen.values())
    for acct_no, fen in sorted(deposits_fen.items()):
        yield KeptBalance(row.account, 1, yuan(fen), {"acct_no": acct_no, "fund_type_code": FUND})
    if rest_fen:
        yield KeptBalance(row.account, 1 if rest_fen > 0 else -1, yuan(abs(rest_fen)), row.codes)


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
