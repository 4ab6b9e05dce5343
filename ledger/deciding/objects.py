"""Objects folded from their streams, and the ids of those streams.

A stream's id is a UUID of version 7: it begins with the time, so the unique index of the event
table grows at its right edge instead of everywhere. The rest is the ledger and the position of the
stream's first event, so the id is unique without chance and the same history gives the same ids.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from ledger.account_set import YEARS
from ledger.deciding.registers import AnyRegister
from ledger.deciding.tables import AnyTable
from ledger.events import Event, names_that

T = TypeVar("T")

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_POSITION_MAX = (1 << 32) - 1


class Kind(msgspec.Struct, Generic[T], frozen=True):
    """One kind of object: an indicator, a payment, a clearing.

    Attributes:
        name: for caches and messages.
        opened_by: the operation whose number names the object.
        fold: object (None before its first event) and next event to object; events that do not
            concern it, such as its journals, leave it as it is.
        rows: the registers' rows that commands about it move, by register and key.
        acts: the events, in order, by which commands without a number brought it to where it
            stands; by them such a command is known again (``ledger.deciding.repeating``).
        cost: of an object in a cache; one of many details costs more than 1.
        tables: that show its objects as rows.
        over_sql: where no type of event says of all its objects that they wait for nothing
            (``ends``), the condition by which the stream of ``command_keys k`` is that of one which
            does.
    """

    name: str
    opened_by: str
    fold: Callable[[T | None, Event], T | None]
    rows: Callable[[T], Iterable[tuple[AnyRegister, str]]] = lambda _: ()
    cost: Callable[[T], int] = lambda _: 1
    tables: tuple[AnyTable, ...] = ()
    acts: Callable[[T], Iterable[Event]] = lambda _: ()
    over_sql: str = ""

    @property
    def ends(self) -> tuple[str, ...]:
        """The stored types behind which such an object waits for nothing."""
        return names_that(lambda traits: traits.subject == self.name and traits.ends)

    def folded(self, events: Iterable[Event]) -> T | None:
        """The object after ``events``; None where a refused opening left none."""
        obj: T | None = None
        for event in events:
            obj = self.fold(obj, event)
        return obj


AnyKind = Kind[Any]


def stream_ids_begin(ledger_id: int, recorded_us: int) -> bytes:
    """The 12 bytes that the ids of streams opened in one batch begin with."""
    division, year = divmod(ledger_id, YEARS)
    begin = recorded_us // 1000 << 80 | _VERSION_7 | year << 64 | _VARIANT | division << 32
    return (begin >> 32).to_bytes(12, "big")


def new_stream_id(begin: bytes, first_position: int) -> bytes:
    """16 bytes of a UUIDv7 for the stream that begins at ``first_position``."""
    return begin + (first_position & _POSITION_MAX).to_bytes(4, "big")


def ledger_stream_id(ledger_id: int) -> bytes:
    """The stream of the ledger's own events; it sorts before all others."""
    return new_stream_id(stream_ids_begin(ledger_id, 0), 0)
