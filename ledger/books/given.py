"""自列分录: journals whose lines the event itself gives, as opening balances do.

No rule makes them, so what a file of rules is held against once is held against each of these: its
accounts are the chart's, every book balances, and a controlled account is moved only where whoever
asks moves the register that it feeds in the same decision.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.books.postings import FUND_TYPE, Account, Books
from ledger.errors import PostingError
from ledger.events import JournalPosted, Line
from ledger.money import yuan


class GivenLine(NamedTuple):
    """A line as it is given; ``codes`` are the elements by which it is looked for (辅助核算)."""

    account: Account
    dr_cr: int
    amount_fen: int
    codes: Mapping[str, str] = {}


def accounts_called(books: Books, book: str, text: str) -> list[Account]:
    """The accounts of a book that have this id, or, where none has, this official code: several
    where the chart gives one code to more than one."""
    of_book = [account for account in books.accounts.values() if account.book == book]
    by_id = [account for account in of_book if account.id == text]
    return by_id or [account for account in of_book if account.code and account.code == text]


def differences_fen(lines: Iterable[GivenLine]) -> dict[str, int]:
    """By book, what debits have more than credits, where they differ."""
    left: dict[str, int] = {}
    for line in lines:
        book = line.account.book
        left[book] = left.get(book, 0) + line.dr_cr * line.amount_fen
    return {book: fen for book, fen in left.items() if fen}


def given_journal(
    books: Books,
    event: str,
    *,
    source: int,
    number: str,
    lines: Sequence[GivenLine],
    moves: Collection[str] = (),
    red: bool = False,
) -> JournalPosted:
    """The journal of an event that gives its lines itself.

    Args:
        event: type of the business event.
        source: its position.
        number: the business number an accountant looks for.
        lines: of one book or several, each of which balances.
        moves: the controls whose registers are moved in the same decision.
        red: whether it reverses another (红冲).

    Raises:
        PostingError: an account that is not the chart's, or whose control nobody moves; a book that
            does not balance, an amount that is not positive. Who asks has refused these before.
    """
    for line in lines:
        account = line.account
        if books.accounts.get(account.id) != account:
            raise PostingError(f"chart {books.version} has no account {account.id} 科目不存在")
        if account.control and account.control not in moves:
            raise PostingError(f"account {account.id} carries control {account.control!r}")
        if line.amount_fen <= 0:
            raise PostingError(f"a line of {account.id} is over {yuan(line.amount_fen)}")
    if left := differences_fen(lines):
        raise PostingError(f"debit and credit differ in {', '.join(sorted(left))} 借贷不平")
    funds = {line.codes.get(FUND_TYPE, "") for line in lines}
    return JournalPosted(
        source=source,
        event=event,
        chart_version=books.version,
        number=number,
        fund_type_code=funds.pop() if len(funds) == 1 else "",
        red_flag=int(red),
        lines=tuple(Line(line.account.id, line.dr_cr, yuan(line.amount_fen)) for line in lines),
        line_codes=tuple(dict(line.codes) for line in lines),
    )
