"""Opening balances, as tests enter them."""

from typing import Any

from accounting.opening_events import OpeningRow
from accounting.openings import LoadOpening


def debit(amt: str, **said: Any) -> OpeningRow:
    return OpeningRow(dr_cr=1, amt=amt, **said)


def credit(amt: str, **said: Any) -> OpeningRow:
    return OpeningRow(dr_cr=-1, amt=amt, **said)


def opening(book: str, *rows: OpeningRow) -> LoadOpening:
    return LoadOpening(book=book, rows=rows)
