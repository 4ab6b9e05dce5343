"""What of closed books the next year's begin with: told by their closing, of the books that do."""

from collections.abc import Collection, Iterator, Mapping

from accounting.closing_books import BookClosing
from accounting.closing_events import UNIT, CashLeft, KeptBalance
from accounting.special_deposits import BOOKS, deposit_account
from ledger.books import Books
from ledger.elements.register import ElementRegister
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CONTROL, NO_ACCOUNT
from payments.special_accounts.cash import FUND, UNIT_FUND, split_account

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
        deposits_fen: by row, what lies in each special account and in units' own; none where that
            is not told.
    """
    rows: list[KeptBalance] = []
    cash: tuple[CashLeft, ...] = ()
    left, special = closing.closed.left, ""
    owner, fund = _owner_of(closing.closed.books_no)
    own_fen = _own(deposits_fen or {}, owner)
    if left and own_fen and BOOKS[fund] in opened:
        special = deposit_account(books, fund)
        if special and special not in {row.account for row in left}:
            codes = {"agency_code": owner} if owner else {}  # other deposits make up for it
            left = (*left, KeptBalance(special, 1, yuan(0), codes))
    for row in left:
        account = books.accounts[row.account]
        if account.book not in opened:
            continue
        if account.control == CONTROL:
            cash = closing.closed.cash
            rows += _deposits(row.account, cash)
        elif row.account == special:
            rows += _in_accounts(row, fund, own_fen)
        else:
            rows.append(row)
    return tuple(rows), cash


def _owner_of(books_no: str) -> tuple[str, str]:
    """The unit whose books they are, or "", and the kind of fund that lies in its accounts."""
    return (books_no.removeprefix(UNIT), UNIT_FUND) if books_no.startswith(UNIT) else ("", FUND)


def _own(deposits_fen: Mapping[str, int], owner: str) -> dict[str, int]:
    """By number, what lies in the accounts of a unit, or of the treasury."""
    found = ((split_account(key), fen) for key, fen in deposits_fen.items())
    return {acct_no: fen for (agency_code, acct_no), fen in found if agency_code == owner}


def _in_accounts(
    row: KeptBalance, fund: str, deposits_fen: Mapping[str, int]
) -> Iterator[KeptBalance]:
    """其他财政存款, a unit's 银行存款: a row for each account, and one for what lies elsewhere."""
    rest_fen = row.dr_cr * stored_fen(row.amt) - sum(deposits_fen.values())
    for acct_no, fen in sorted(deposits_fen.items()):
        codes = {**row.codes, "acct_no": acct_no, "fund_type_code": fund}
        yield KeptBalance(row.account, 1, yuan(fen), codes)
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
