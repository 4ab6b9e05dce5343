"""Which edition of the shipped charts a ledger books by: the one that it was opened with.

A year is booked by one set of rules from its first day to its last, whatever releases come within
it, so that what comes back leaves the account to which it was booked.
"""

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.events import Event, LedgerOpened


class ChartEdition(msgspec.Struct, frozen=True):
    """Counts the shipped charts (``ledger.books.charts.SHIPPED_FILES``); 1 of ledgers that say
    nothing, which releases have opened that knew one."""

    edition: int = 1


def _fold(known: ChartEdition, event: Event) -> ChartEdition:
    return ChartEdition(event.chart_edition) if isinstance(event, LedgerOpened) else known


CHART_EDITION = declare(Setting("chart_edition", ChartEdition(), _fold))
