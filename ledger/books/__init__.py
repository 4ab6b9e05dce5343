"""Books: charts of accounts and posting rules, and the journals that are made by them.

``charts`` loads files, ``checks`` and ``agreement`` say what is refused, ``postings`` books.
"""

from ledger.books.charts import Charts, load_charts, parse_books, shipped_books, shipped_charts
from ledger.books.postings import CREDIT, DEBIT, Account, Books, merge

__all__ = [
    "CREDIT",
    "DEBIT",
    "Account",
    "Books",
    "Charts",
    "load_charts",
    "merge",
    "parse_books",
    "shipped_books",
    "shipped_charts",
]
