"""Charts of accounts and posting rules, read from data, dated by validity.

A rule names, for an event, pairs of a debit and a credit account and which amount they carry. A
file that does not fit the program, or the files beside it, is refused when it is loaded.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

from ledger.books.agreement import hold_together
from ledger.books.chart_file import ChartFile, read_chart
from ledger.books.checks import hold
from ledger.books.postings import CREDIT, DEBIT, Account, Books
from ledger.errors import ConfigurationError
from ledger.events import Needs, rule_needs


class Charts:
    """Every loaded version of charts and rules; a posting takes the one valid on its date."""

    def __init__(self, versions: Iterable[Books]) -> None:
        self._versions = sorted(versions, key=lambda books: books.valid_from, reverse=True)
        if not self._versions:
            raise ConfigurationError("no charts of accounts are loaded")
        self.by_version = {books.version: books for books in self._versions}

    def on(self, day: date) -> Books:
        """The version valid on ``day``; raises ConfigurationError before the first."""
        for books in self._versions:
            if books.valid_from <= day:
                return books
        raise ConfigurationError(f"no charts of accounts are valid on {day}")


def load_charts(paths: Iterable[Path] = (), *, rules: Needs | None = None) -> Charts:
    """The shipped charts and rules, and a user's own files beside them.

    Args:
        rules: what the program needs of each posting rule; else as the event types say.

    Raises:
        ConfigurationError: a file is none of charts and rules, does not fit the program or another
            file; each fault as ``FILE:LINE: reason``, a line to each.
        OSError: a file cannot be read.
    """
    files = [_shipped(), *(read_chart(_text(path), str(path)) for path in paths)]
    for chart in files:
        hold(chart, rule_needs() if rules is None else rules)
    hold_together(files)
    return Charts(map(_books, files))


def parse_books(text: str, file: str = "chart", *, rules: Needs | None = None) -> Books:
    """The charts and rules of one file's text, held as by :func:`load_charts`."""
    chart = read_chart(text, file)
    hold(chart, rule_needs() if rules is None else rules)
    return _books(chart)


@cache
def shipped_books() -> Books:
    """The charts and rules that come with the program."""
    return _books(_shipped())


@cache
def _shipped() -> ChartFile:
    data = resources.files("ledger.data") / "books" / "2026.toml"
    return read_chart(data.read_text(encoding="utf-8"), str(data))


def _text(path: Path) -> str:
    """The file's text; raises ConfigurationError where it is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: this is not UTF-8") from None


def _books(chart: ChartFile) -> Books:
    """A file that was held, as it is posted by."""
    accounts = [
        Account(
            id=account_id,
            book=chart.book_of(account_id),
            name=account.name,
            side={"debit": DEBIT, "credit": CREDIT}[account.side],
            code=account.code,
            control=account.control,
        )
        for account_id, account in chart.accounts.items()
    ]
    titles = {book.name: book.title for book in chart.books.values()}
    return Books(chart.version, chart.valid_from, titles, accounts, chart.choices, chart.rules)
