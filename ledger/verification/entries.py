"""账簿: every journal balances in every book, and stands behind the event it is of."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ledger.books import CREDIT, DEBIT
from ledger.events import PostedView
from ledger.money import yuan
from ledger.verification.amounts import Amounts
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings


class EntryCheck:
    """Σ debit = Σ credit in each book of each journal."""

    NAME = name_check("entry", "借贷 debit = credit in every book", "journals", "events")

    def __init__(
        self,
        findings: Findings,
        amounts: Amounts,
        watched: Mapping[str, str] = MappingProxyType({}),
        credited: Callable[[int, int, int], None] = lambda *_: None,
    ) -> None:
        """``credited`` is told position, day and fen of what each line credits the account with
        that is ``watched``, by the version of the chart."""
        self._findings, self._amounts = findings, amounts
        self._watched, self._credited = watched, credited

    def check(self, position: int, day: int, journal: PostedView) -> None:
        """Raises RequestError for what is no amount."""
        amounts, watched = self._amounts, self._watched.get(journal.chart_version)
        books: dict[str, int] = {}
        for line in journal.lines:
            change_fen, account = amounts[line.amt], line.account
            if line.dr_cr != CREDIT:
                change_fen = -change_fen
                if line.dr_cr != DEBIT:
                    self._findings.add(self.NAME, position, "a line is neither debit nor credit")
            book = account[:1]
            books[book] = books.get(book, 0) + change_fen
            if account == watched:
                self._credited(position, day, change_fen)
        if any(books.values()):
            book, left_fen = next(item for item in books.items() if item[1])
            detail = f"credit and debit differ by {yuan(left_fen)} in book {book} 借贷不平"
            self._findings.add(self.NAME, position, detail)
        if not 0 < journal.source < position:
            self._findings.add(self.NAME, position, "it is the journal of no earlier event")
