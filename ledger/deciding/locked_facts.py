"""What a decision rests on beside the events, and what may not change until it is committed.

A sender may be about to hand over what a decision calls back. So the decision asks, in the batch's
own transaction, and what it was told stays locked until the commit: whoever would change it comes
before or after, never between. A domain declares a fact here and says in ``ledger.reading`` how it
is read; an event of an accepted command says what was seen, so that the decision can be taken again
from the record.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from ledger.events import Event

T = TypeVar("T")


class LockedFact(msgspec.Struct, Generic[T], frozen=True):
    """One kind of fact, by key.

    Attributes:
        name: for its reader and for messages.
        told_by: what was seen, as an event of an accepted command tells it; None of any other.
        unsaid: what may have been seen where the record says no more than that the command was
            accepted: a document that was submitted with it.
    """

    name: str
    told_by: Callable[[Event], T | None]
    unsaid: T

    def seen_by(self, events: Iterable[Event]) -> T:
        """What was seen, as the events that a command has left tell it."""
        told = (self.told_by(event) for event in events)
        return next((seen for seen in told if seen is not None), self.unsaid)


AnyLockedFact = LockedFact[Any]
