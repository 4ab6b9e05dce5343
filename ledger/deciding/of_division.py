"""基础信息之物: objects of a division's standing ledger, as its years know them.

A year's ledger decides in the knowledge that it has noted of the standing ledger of its division
(``ledger.deciding.noted``). What it asks for there, a project, is named among a command's needs as
``(OfDivision(PROJECT), pro_code)`` and given by ``state.of_division``: folded from the events up to
the position that is noted, so that a verification that takes the decision again sees the same.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from ledger.deciding.objects import Kind

T = TypeVar("T")

KNOWN_MAX = 2_000  # of one ledger, between two batches; some 3 KB each


def _whole(obj: Any) -> Any:
    return obj


class OfDivision(msgspec.Struct, Generic[T], frozen=True):
    """A kind of object that is asked for in the standing ledger of the division.

    Attributes:
        kind: by which it is folded.
        view: what is kept of an object: one act may look at tens of thousands of them for a figure
            of each.
        name: tells one view of a kind from another.
    """

    kind: Kind[Any]
    view: Callable[[Any], T] = _whole
    name: str = "whole"

    @property
    def place(self) -> str:
        """Under which its objects are known."""
        return f"{self.kind.name} {self.name}"


# objects by place and number; None for one that there is not, or was not yet
KnownObjects = dict[tuple[str, str], Any]
Wanted = Mapping[OfDivision[Any], Collection[str]]  # numbers, by what is asked of them


class DivisionObjects:
    """What was read of a division's standing ledger, as of the positions that are noted."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: KnownObjects = {}

    def get(self, asked: OfDivision[T], number: str) -> T | None:
        found: T | None = self._known[asked.place, number]
        return found

    def has(self, asked: OfDivision[Any], number: str) -> bool:
        return (asked.place, number) in self._known

    def take(self, found: KnownObjects) -> None:
        """What was read beside what is known already."""
        self._known.update(found)

    def trim(self) -> None:
        """Keeps them bounded. Never while something is decided: a batch counts on all it has."""
        if len(self._known) > KNOWN_MAX:
            self.forget()

    def forget(self) -> None:
        """The standing ledgers have gone on, or what the state stood on is not known any more."""
        self._known = {}
