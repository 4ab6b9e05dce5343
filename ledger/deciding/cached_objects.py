"""The objects that a ledger's state has at hand: a cache of the database, bounded by what it costs.

An object of many details costs more than one of few, and goes for what it costs.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

import msgspec

from ledger.deciding.objects import AnyKind

T = TypeVar("T")

OBJECTS_CACHED_MAX = 50_000  # of each kind; some 2 KB each when a payment has come to its end
COSTLY_CACHED_MAX = 50_000  # cost of those that cost more than 1: details, some 450 bytes each
TRIMMED_PART = 8  # of a cache that is full: an eighth goes at once


class CachedObject(msgspec.Struct, frozen=True, gc=False):
    """An object in the cache, and where its stream stands: its last event's version, position."""

    obj: Any
    stream_id: bytes
    stream_version: int
    position: int


class CachedObjects:
    """See the module.

    Attributes:
        by_kind: the objects by the name of their kind and their number. Whoever puts one in that
            was not there says so to :meth:`note_cost`.
        settled: those, by both names, that nothing waits for any more: an approved draft, a
            document that has brought what it asked for. They go with the next :meth:`trim`.
    """

    __slots__ = ("_costly", "_costly_total", "by_kind", "settled")

    def __init__(self) -> None:
        self.by_kind = defaultdict[str, dict[str, CachedObject]](dict)
        self.settled: dict[tuple[str, str], bool] = {}
        self._costly: dict[tuple[str, str], int] = {}
        self._costly_total = 0

    def note_cost(self, kind: AnyKind, number: str, obj: Any) -> None:
        """Remembers an object that has come into the cache, if it is a long one."""
        if (cost := kind.cost(obj)) > 1:
            key = (kind.name, number)
            self._costly_total += cost - self._costly.get(key, 0)
            self._costly[key] = cost

    def forget(self) -> None:
        """Drops all of them."""
        self.by_kind.clear()
        self.settled.clear()
        self._costly.clear()
        self._costly_total = 0

    def forget_streams(self, stream_ids: Iterable[bytes]) -> None:
        """Drops those whose streams these are."""
        gone = set(stream_ids)
        for cached in self.by_kind.values():
            for number in [n for n, each in cached.items() if each.stream_id in gone]:
                del cached[number]

    def trim(self) -> None:
        """Lets go what is settled, then the oldest, of each kind that is too many and of those that
        cost too much."""
        if self.settled:
            for key in self.settled:
                self._let_go(key)
            self.settled.clear()
        for cached in self.by_kind.values():
            if len(cached) > OBJECTS_CACHED_MAX:
                for number in _oldest(cached, OBJECTS_CACHED_MAX):
                    del cached[number]
        if self._costly_total > COSTLY_CACHED_MAX:
            for key in list(self._costly):
                self._let_go(key)
                if self._costly_total <= COSTLY_CACHED_MAX - COSTLY_CACHED_MAX // TRIMMED_PART:
                    break

    def _let_go(self, key: tuple[str, str]) -> None:
        self._costly_total -= self._costly.pop(key, 0)
        self.by_kind[key[0]].pop(key[1], None)


def _oldest(mapping: dict[T, Any], kept_max: int) -> list[T]:
    """The keys to let go: those above the bound and a share more, found in one pass.

    A dict remembers what was deleted at its front and steps over it again and again, so taking the
    first key 5,000 times from a cache of 200,000 cost 0.4 s.
    """
    return list(islice(mapping, len(mapping) - kept_max + kept_max // TRIMMED_PART))
