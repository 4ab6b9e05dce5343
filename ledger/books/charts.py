"""Charts of accounts and posting rules, read from data, dated by validity.

A rule names, for an event, pairs of a debit and a credit account and which amount they carry. A
file that does not fit the program, or the files beside it, is refused when it is loaded.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

from ledger.books.agreement import hold_together
from ledger.books.chart_file import ChartFile, Fault, following, read_chart, refusal
from ledger.books.checks import hold
from ledger.books.closing_checks import kinds_of, whole_steps
from ledger.books.postings import CREDIT, DEBIT, Account, Books
from ledger.errors import ConfigurationError
from ledger.events import Needs, rule_needs

# The shipped files in the order of their editions, from 1: each is known to releases from one on,
# and a ledger says when it is opened which edition its release knew (docs/decisions).
SHIPPED_FILES = ("2026.toml", "2026-12.toml")
EDITION = len(SHIPPED_FILES)  # that of ledgers which are opened now


class Charts:
    """Every loaded version of charts and rules; a posting takes the one valid on its date.

    Of the shipped ones a ledger takes none that is later than its edition. An office's own go
    before the shipped ones, from the day on from which they are valid.
    """

    def __init__(self, versions: Iterable[Books]) -> None:
        found = list(versions)
        if not found:
            raise ConfigurationError("no charts of accounts are loaded")
        self.by_version = {books.version: books for books in found}
        newest = max(EDITION, *(books.edition for books in found))
        self._of_edition = [_in_force_first(found, edition) for edition in range(newest + 1)]

    def on(self, day: date, edition: int = EDITION) -> Books:
        """The version valid on ``day`` in a ledger of an edition; raises ConfigurationError before
        the first."""
        for books in self._of_edition[edition]:
            if books.valid_from <= day:
                return books
        raise ConfigurationError(f"no charts of accounts are valid on {day}")


def _in_force_first(versions: Iterable[Books], edition: int) -> list[Books]:
    """Those that a ledger of the edition knows: of two that are valid the first counts."""
    known = (books for books in versions if books.edition <= edition)
    return sorted(
        known,
        key=lambda books: (books.edition == 0, books.valid_from, books.edition),
        reverse=True,
    )


_held_for: list[Needs] = []  # what the shipped charts were held against last, if they were


def _hold_shipped(needs: Needs) -> None:
    """Holds the shipped charts against the program, once as long as it needs the same."""
    if _held_for != [needs]:
        for chart in _shipped():
            hold(chart, needs)
        _held_for[:] = [needs]


def load_charts(paths: Iterable[Path] = (), *, rules: Needs | None = None) -> Charts:
    """The shipped charts and rules, and a user's own files beside them.

    Args:
        rules: what the program needs of each posting rule; else as the event types say.

    Raises:
        ConfigurationError: a file is none of charts and rules, does not fit the program or another
            file; each fault as ``FILE:LINE: reason``, a line to each.
        OSError: a file cannot be read.
    """
    needs = rule_needs() if rules is None else rules
    known = {chart.version: chart for chart in _shipped()}
    own: list[ChartFile] = []
    for path in paths:
        chart = _whole(read_chart(_text(path), str(path)), known)
        known.setdefault(chart.version, chart)
        own.append(chart)
    _hold_shipped(needs)
    for chart in own:
        hold(chart, needs)
    hold_together(own, _shipped())
    return Charts([*_shipped_books(), *map(_books, own)])


def parse_books(text: str, file: str = "chart", *, rules: Needs | None = None) -> Books:
    """The charts and rules of one file's text, held as by :func:`load_charts`."""
    chart = _whole(read_chart(text, file), {chart.version: chart for chart in _shipped()})
    hold(chart, rule_needs() if rules is None else rules)
    return _books(chart)


def shipped_books(edition: int = EDITION) -> Books:
    """The charts and rules that come with the program, as of an edition."""
    return _shipped_books()[edition - 1]


@cache
def shipped_charts() -> Charts:
    """All editions of the charts that come with the program, and no others."""
    return Charts(_shipped_books())


@cache
def _shipped_books() -> list[Books]:
    return [_books(chart, edition) for edition, chart in enumerate(_shipped(), 1)]


@cache
def _shipped() -> list[ChartFile]:
    """The shipped charts, each with what it follows."""
    known: dict[str, ChartFile] = {}
    for name in SHIPPED_FILES:
        data = resources.files("ledger.data").joinpath("books", name)
        chart = _whole(read_chart(data.read_text(encoding="utf-8"), str(data)), known)
        known[chart.version] = chart
    return list(known.values())


def _whole(chart: ChartFile, known: Mapping[str, ChartFile]) -> ChartFile:
    """The chart with what stands in the one that it follows.

    Raises:
        ConfigurationError: it follows one that is not known before it.
    """
    if not chart.follows:
        return chart
    if (before := known.get(chart.follows)) is None:
        reason = f"it follows {chart.follows!r}; known before it are {', '.join(known)}"
        raise refusal(chart.file, chart.lines, [Fault(("follows",), reason)])
    return following(before, chart)


def _text(path: Path) -> str:
    """The file's text; raises ConfigurationError where it is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: this is not UTF-8") from None


def _books(chart: ChartFile, edition: int = 0) -> Books:
    """A file that was held, as it is posted by."""
    kinds = kinds_of(chart)
    accounts = [
        Account(
            id=account_id,
            book=chart.book_of(account_id),
            name=account.name,
            side={"debit": DEBIT, "credit": CREDIT}[account.side],
            code=account.code,
            control=account.control,
            by_hand=account.by_hand,
            kind=kinds[account_id],
            clears_within_year=account.clears_within_year,
        )
        for account_id, account in chart.accounts.items()
    ]
    titles = {book.name: book.title for book in chart.books.values()}
    return Books(
        chart.version,
        chart.valid_from,
        titles,
        accounts,
        chart.choices,
        chart.rules,
        chart.parallel,
        closing=whole_steps(chart),
        kept_by={book.name: book.kept_by for book in chart.books.values() if book.closes},
        edition=edition,
    )
