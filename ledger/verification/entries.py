"""账簿: every journal balances in every book, and stands behind the event it is of."""

from ledger.books import CREDIT, DEBIT
from ledger.events import PostedView
from ledger.money import yuan
from ledger.verification.amounts import Amounts
from ledger.verification.findings import Findings


class EntryCheck:
    """Σ debit = Σ credit in each book of each journal."""

    NAME = "entry"

    def __init__(self, findings: Findings, amounts: Amounts) -> None:
        self._findings, self._amounts = findings, amounts

    def check(self, position: int, journal: PostedView) -> None:
        """Raises RequestError for what is no amount."""
        amounts = self._amounts
        books: dict[str, int] = {}
        for line in journal.lines:
            amount_fen, book = amounts[line.amt], line.account[:1]
            change_fen = amount_fen if line.dr_cr == CREDIT else -amount_fen
            books[book] = books.get(book, 0) + change_fen
            if line.dr_cr not in (DEBIT, CREDIT):
                self._findings.add(self.NAME, position, "a line is neither debit nor credit")
        if any(books.values()):
            book, left_fen = next(item for item in books.items() if item[1])
            detail = f"credit and debit differ by {yuan(left_fen)} in book {book} 借贷不平"
            self._findings.add(self.NAME, position, detail)
        if not 0 < journal.source < position:
            self._findings.add(self.NAME, position, "it is the journal of no earlier event")
