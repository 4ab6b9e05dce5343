"""年终结账: how a year's books are closed, step by step as the chart says.

What an account holds goes over to another one, kept by the same elements. So a closing follows from
balances alone, and is made again from them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger.books.closing_steps import NOMINAL, UNIT_TYPE, ClosingStep
from ledger.books.postings import Account, Books
from ledger.errors import PostingError

Elements = tuple[tuple[str, str], ...]  # element and code, none of them empty
AccountFen = dict[tuple[str, Elements], int]  # by account; fen, debits positive


class ClosingEntry(NamedTuple):
    """A line of the closing: what an account is moved by, in fen, debits positive."""

    step: str
    account: Account
    elements: Elements
    fen: int


def closed(books: Books, balances: AccountFen, unit_type: str = "") -> Iterator[ClosingEntry]:
    """The lines that close these balances, each step's in the order of accounts.

    Args:
        balances: of one unit, or of the treasury; they are left as they are.
        unit_type: the kind of the unit.

    Raises:
        PostingError: an account is not the chart's, or is nominal and is not emptied.
    """
    left = dict(balances)
    for step in books.closing:
        entries = list(_step(books, step, left, unit_type))
        for entry in entries:
            key = entry.account.id, entry.elements
            left[key] = left.get(key, 0) + entry.fen
        yield from entries
    for (account_id, _), fen in left.items():
        account = books.accounts.get(account_id)
        if account is None or (fen and account.kind in NOMINAL):
            what = "is unknown" if account is None else f"{account.name} is not closed 未结平"
            raise PostingError(f"chart {books.version}: account {account_id} {what}")


def _step(
    books: Books, step: ClosingStep, left: AccountFen, unit_type: str
) -> Iterator[ClosingEntry]:
    """What a step moves: each account's balance, and for each element what comes of them all."""
    emptied, come = frozenset(step.accounts), AccountFen()
    for (account_id, elements), fen in sorted(left.items()):
        side = "debit" if fen > 0 else "credit"
        if not fen or account_id not in emptied or step.only not in ("", side):
            continue
        account = books.accounts[account_id]
        asked = dict.fromkeys(books.kept_by[account.book], "") | {UNIT_TYPE: unit_type}
        to = books.account_for(step.to, asked | dict(elements)).id
        come[to, elements] = come.get((to, elements), 0) + fen
        yield ClosingEntry(step.name, account, elements, -fen)
    for (account_id, elements), fen in sorted(come.items()):
        if fen:
            yield ClosingEntry(step.name, books.accounts[account_id], elements, fen)


def added(balances: AccountFen, entries: Iterable[tuple[str, Elements, int]]) -> AccountFen:
    """The balances after entries; what comes to nothing is left out."""
    after = dict(balances)
    for account_id, elements, fen in entries:
        key = account_id, elements
        after[key] = after.get(key, 0) + fen
    return {key: fen for key, fen in after.items() if fen}


def elements_of(kept_by: Sequence[str], codes: Mapping[str, str]) -> Elements:
    """What a line with these codes is kept by, in a book that is kept by these elements."""
    return tuple((name, code) for name in kept_by if (code := codes.get(name, "")))
