"""What is ordered of the central bank, and how it answers: marks of events, whatever is ordered.
What banks are told of corrections goes the way of orders.

Each such event says by ``voucher_no`` the order's number at the central bank.
"""

from ledger.events import Event


class OrderGiven(Event, frozen=True, kw_only=True):
    """An order; ``order_date`` is its day."""

    @property
    def told_bank(self) -> str:
        """The agent bank that it goes to; "" for the central bank."""
        return ""


class OrderAnswered(Event, frozen=True, kw_only=True):
    """The central bank's receipt: it was done, or ``rejected``."""


class OrderReturned(Event, frozen=True, kw_only=True):
    """The central bank's notice that some of it has come back."""
