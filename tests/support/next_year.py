"""The next year's ledger of the same division, as tests go over to it."""

from ledger.account_set import ledger_id
from tests.support.bookkeeper import Bookkeeper


def go_to_next_year(b: Bookkeeper) -> int:
    """A year later it keeps that year's ledger, opened; gives the key of the one before."""
    before = b.ledger_id
    b.year += 1
    b.clock.now = b.clock.now.replace(year=b.year)
    b.ledger_id = ledger_id(b.division, b.year)
    b.open()
    return before
