"""What holds for a ledger as a whole: parts folded from the events of the ledger's own stream.

A part is declared by who knows its events: the name by opening, closed periods by the calendar, the
signature policy by payments. Deciding, replaying, verifying and reading use the same fold. The row
of the ledger's head only caches what the parts are folded to.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from ledger.events import Event

P = TypeVar("P", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode
_decode_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Setting(msgspec.Struct, Generic[P], frozen=True):
    """One part.

    Attributes:
        name: its key in the head's row.
        initial: the part before any event, a frozen struct.
        fold: the part after one more event of the ledger's stream; others leave it as it is.
    """

    name: str
    initial: P
    fold: Callable[[P, Event], P]


_declared: dict[str, Setting[Any]] = {}


def declare(setting: Setting[P]) -> Setting[P]:
    """Enters a part; raises ValueError for a name that is taken."""
    if _declared.setdefault(setting.name, setting) is not setting:
        raise ValueError(f"the setting {setting.name!r} is declared twice")
    return setting


class LedgerSettings:
    """All parts at one position. Immutable."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, Any] | None = None) -> None:
        self._parts: Mapping[str, Any] = parts or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LedgerSettings) and self.encoded() == other.encoded()

    def __hash__(self) -> int:
        return hash(self.encoded())

    def get(self, setting: Setting[P]) -> P:
        part: P = self._parts.get(setting.name, setting.initial)
        return part

    def after(self, event: Event) -> "LedgerSettings":
        """The settings after one more event of the ledger's own stream."""
        parts = {name: each.fold(self.get(each), event) for name, each in _declared.items()}
        return LedgerSettings(parts)

    def differing(self, other: "LedgerSettings") -> list[str]:
        """The names of the parts that are not the same in both.

        What a request has brought may be of a class of its own below that of the part; it is kept,
        and says, the same.
        """
        return [
            name
            for name, each in sorted(_declared.items())
            if self.get(each) != other.get(each) and self.part(name) != other.part(name)
        ]

    def contradicting(self, other: "LedgerSettings") -> list[str]:
        """The names of the parts that are kept here and are others there."""
        return [name for name in self.differing(other) if name in self._parts]

    def part(self, name: str) -> str:
        """A part as it is kept, for people."""
        return _encode(self.get(_declared[name])).decode()

    def encoded(self) -> bytes:
        """As the head's row keeps them: all parts, in the order of their names."""
        return _encode({name: self.get(each) for name, each in sorted(_declared.items())})


@lru_cache(maxsize=1024)  # read with every batch of a ledger, changed a few times a year
def decoded(row: bytes) -> LedgerSettings:
    """The settings of a head's row; raises MsgspecError for bytes that hold none."""
    stored = _decode_parts(row)
    return LedgerSettings(
        {
            name: msgspec.json.decode(stored[name], type=type(each.initial))
            for name, each in _declared.items()
            if name in stored
        }
    )
