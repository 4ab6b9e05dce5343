"""年终结账, 年初开账: the books of a closed year are closed, and the next year's begin with them.

What is to be done follows from what stands on record: what the books hold is folded from the
journals up to the year's closing, behind which nothing is booked in them; each unit's books are
closed by one command, and opened by one, so they are closed and opened whole or not at all.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import psycopg
from psycopg_pool import ConnectionPool

from accounting.book_balances import read_balances
from accounting.carrying_books import CARRIED_OPENING, BeginOpenings, TakeOpening
from accounting.closing_books import BOOK_CLOSING, BookClosing, CloseBooks, as_kept
from accounting.deposits_left import read_deposits
from accounting.entered_rows import NamedAccount
from accounting.opened_rows import rows_left
from accounting.openings import OPENINGS
from budget.special_funds import SPECIAL_ACCOUNTS_KEPT
from ledger.account_set import fiscal_year_of, ledger_text
from ledger.books import Charts
from ledger.deciding.chart_edition import CHART_EDITION
from ledger.deciding.command import Command
from ledger.reading.loading import chains_at
from ledger.reading.objects import Head, all_numbers, read_head, read_objects

PART_MAX = 500  # sets of books in one batch

Do = Callable[[int, Sequence[Command]], None]  # has the commands decided in a ledger, or raises


class HandingOverBooks:
    """The books of one closed year.

    Args:
        head: of its ledger.
        closed_at: the position of its closing.
        do: see ``Do``.
    """

    def __init__(
        self, pool: ConnectionPool, charts: Charts, head: Head, closed_at: int, do: Do
    ) -> None:
        self._pool, self._closed_at, self._do = pool, closed_at, do
        self._key = head.ledger_id
        last_day = date(fiscal_year_of(head.ledger_id), 12, 31)
        self._books = charts.on(last_day, head.settings.get(CHART_EDITION).edition)

    def close(self) -> None:
        """Closes each set of books that is not closed yet.

        Raises:
            GuokuError: the chart knows an account no more, or leaves one that has to be empty.
        """
        with self._pool.connection() as connection:
            done = set(all_numbers(connection, self._key, BOOK_CLOSING))
            held = read_balances(connection, self._key, self._closed_at, self._books)
        left = [number for number in held if number not in done]
        for start in range(0, len(left), PART_MAX):
            commands = [
                CloseBooks(
                    books_no=number,
                    at_position=self._closed_at,
                    balances=as_kept(held.pop(number)),
                )
                for number in left[start : start + PART_MAX]
            ]
            self._do(self._key, commands)

    def open(self, to: int) -> tuple[tuple[str, ...], int]:
        """Opens the next year's books with what is left; gives which, and how many sets of them.

        Raises:
            GuokuError: the next year's chart calls an account otherwise.
        """
        sender = ledger_text(self._key)
        with self._pool.connection() as connection:
            received = read_head(connection, to)
            assert received is not None, "the next year is open"
            openings = received.settings.get(OPENINGS)
            position, chain = self._behind_closings(connection)
            named = self._accounts_left(connection)
        if openings.from_ledger != sender:
            books = tuple(name for name in self._books.kept_by if name not in openings.books)
            begin = BeginOpenings(
                from_ledger=sender,
                from_position=position,
                from_chain=chain,
                books=books,
                accounts=tuple(each for each in named if self._book_of(each) in books),
                special_accounts=received.settings.get(SPECIAL_ACCOUNTS_KEPT).on,
            )
            self._do(to, [begin])
            return books, self._take(to, books, special=begin.special_accounts)
        return openings.carried, self._take(to, openings.carried, special=openings.special)

    def _take(self, to: int, books: Sequence[str], *, special: bool) -> int:
        """Brings each set of books; those that are there are passed over. ``special``: it is told
        what lies in each special account, and in units' own."""
        with self._pool.connection() as connection:
            done = set(all_numbers(connection, to, CARRIED_OPENING))
            deposits_fen = read_deposits(connection, self._key) if special else {}
        count, sender = 0, ledger_text(self._key)
        for part in self._closed():
            commands: list[Command] = []
            for closing in part:
                closed = closing.closed
                rows, cash = rows_left(self._books, books, closing, deposits_fen)
                if not rows:
                    continue
                count += 1
                if closed.books_no not in done:
                    taken = TakeOpening(
                        books_no=closed.books_no, from_ledger=sender, rows=rows, cash=cash
                    )
                    commands.append(taken)
            if commands:
                self._do(to, commands)
        return count

    # ---- what stands on record

    def _closed(self) -> Iterator[list[BookClosing]]:
        """All sets of books as they were closed, in parts."""
        with self._pool.connection() as connection:
            numbers = list(all_numbers(connection, self._key, BOOK_CLOSING))
        for start in range(0, len(numbers), PART_MAX):
            part = numbers[start : start + PART_MAX]
            with self._pool.connection() as connection:
                found = read_objects(connection, self._key, BOOK_CLOSING, part)
            yield [found[number] for number in part]

    def _behind_closings(self, connection: psycopg.Connection) -> tuple[int, str]:
        """Where the last set of books was closed, or the year where there was none, and the chain
        there."""
        [position] = connection.execute(
            "SELECT max(last_position) FROM command_keys WHERE ledger_id = %s AND operation = %s",
            (self._key, CloseBooks.OPERATION),
        ).fetchone() or (None,)
        position = position or self._closed_at
        return position, chains_at(connection, self._key, [position])[position].hex()

    def _accounts_left(self, connection: psycopg.Connection) -> list[NamedAccount]:
        """The accounts that have anything left, in the order of the chart."""
        left = {row.account for part in self._closed() for each in part for row in each.closed.left}
        return [
            NamedAccount(account.id, account.code, account.name)
            for account in self._books.accounts.values()
            if account.id in left
        ]

    def _book_of(self, named: NamedAccount) -> str:
        return self._books.accounts[named.acct_cls_id].book
