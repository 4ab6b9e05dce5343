"""Every projection of the program."""

from projections.core.fold import Projection
from projections.indicators import Indicators
from projections.journals import AccountTotals, Journals
from projections.payments import Payments
from projections.refusals import Refusals

PROJECTIONS: tuple[Projection, ...] = (
    Indicators(),
    Payments(),
    Journals(),
    AccountTotals(),
    Refusals(),
)


def by_name(name: str) -> Projection | None:
    """The projection called ``name``, or None."""
    return next((p for p in PROJECTIONS if p.name == name), None)
