"""The registry of event types: every domain enters its own, and whoever needs some asks for them.

A type that is not entered can be neither written nor read. Former versions are entered with what
brings their payload up to the next version; bytes that were stored are never written anew, and
``tests/fixtures/events`` keeps some of each. How to change an event: docs/decisions/0008.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ledger.events.base import Event, Traits
from ledger.events.needs import Needs

E = TypeVar("E", bound=type[Event])

Payload = dict[str, Any]
Upcast = tuple[Callable[[Payload], Payload], str]  # what makes the next version, and its name

# "payment.applied", "payment.applied@2"; other names were written through the recorder by other
# applications of the eventsourcing library. The same text serves in SQL.
OWN_TYPE_PATTERN = r"^[a-z_]+\.[a-z_]+(@[0-9]+)?$"
_OWN_TYPE = re.compile(OWN_TYPE_PATTERN, re.ASCII)

TYPES: dict[str, type[Event]] = {}
UPCASTS: dict[str, Upcast] = {}


def register(*types: type[Event], upcasts: Mapping[str, Upcast] | None = None) -> None:
    """Enters the types of a domain, and how their former versions are read.

    Raises:
        ValueError: a name that is taken, or a former version that leads nowhere.
    """
    for cls in types:
        if not isinstance(getattr(cls, "TRAITS", None), Traits):
            raise ValueError(f"{cls.__name__} has no traits")
        if not is_own_type(cls.TYPE) or TYPES.setdefault(cls.TYPE, cls) is not cls:
            raise ValueError(f"{cls.__name__}: {cls.TYPE!r} is no name for a type of its own")
    for name, upcast in (upcasts or {}).items():
        if name in TYPES or UPCASTS.setdefault(name, upcast) is not upcast:
            raise ValueError(f"{name!r} is entered twice")
        if today(name) not in TYPES:
            raise ValueError(f"{name!r} leads to no type of today")


def types_that(holds: Callable[[Traits], bool]) -> tuple[type[Event], ...]:
    """All types of which this holds, in the order in which they were entered."""
    return tuple(cls for cls in TYPES.values() if holds(cls.TRAITS))


def names_that(holds: Callable[[Traits], bool]) -> tuple[str, ...]:
    """The names under which such types are stored, former versions included."""
    return tuple(name for cls in types_that(holds) for name in type_names(cls))


def rule_needs() -> Needs:
    """What each posting rule needs, by its name."""
    return {rule: of for cls in TYPES.values() for rule, of in cls.TRAITS.posts.items()}


def is_own_type(type_name: str) -> bool:
    """Whether a type's name has our shape; another application's recorder may share a ledger."""
    return _OWN_TYPE.fullmatch(type_name) is not None


def base_name(type_name: str) -> str:
    """The name without its version: what a business event is called whenever it was written."""
    return type_name.partition("@")[0]


def today(type_name: str) -> str:
    """The name of the version that events stored under this one are brought up to."""
    while (step := UPCASTS.get(type_name)) is not None:
        type_name = step[1]
    return type_name


def title_of(type_name: str) -> str:
    """What an event stored under this name, with its version or without, is called in the field; ""
    for a type that has no title, or that nobody knows."""
    cls = TYPES.get(today(type_name))
    return cls.TRAITS.title if cls is not None else ""


def of_year(type_name: str) -> str:
    """Whether the journals of events stored under this name open the books of a year or close them
    (``Traits.of_year``); "" for all others, and for a type that nobody knows."""
    cls = TYPES.get(today(type_name))
    return cls.TRAITS.of_year if cls is not None else ""


def type_names(cls: type[Event]) -> tuple[str, ...]:
    """The names under which events of a type are stored: today's, and those of older versions."""
    return tuple(name for name in (*TYPES, *UPCASTS) if TYPES.get(today(name)) is cls)


def renamed(former: str, name: str) -> Callable[[Payload], Payload]:
    """The upcast of a field that goes by another name; a payload without it stays as it is, so that
    the decoder refuses it."""

    def upcast(payload: Payload) -> Payload:
        return {name if key == former else key: value for key, value in payload.items()}

    return upcast
