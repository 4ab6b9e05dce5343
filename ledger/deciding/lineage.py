"""一数之源: where each element is entered, and who carries it on, as commands and events have it.

Nothing of this is kept by hand: what enters an element are the commands of its channel that have a
field for it; what refers to it, the other commands; what carries it, the types of events.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from ledger.deciding.command import commands
from ledger.elements.register import OF_THE_ACT, SAME_ELEMENT, Element
from ledger.events import TYPES, base_name

_Users = Mapping[str, tuple[str, ...]]  # by element


class Lineage(NamedTuple):
    """Of one element: operations and types of events, each in order of their names.

    Attributes:
        entered_by: the commands of its channel; of an element of the act, all that say it.
        referred_by: other commands that have it.
        carried_by: types of events that bear it.
        rules: those of the charts that post by it: the rules that ask for it as a dimension.
    """

    entered_by: tuple[str, ...]
    referred_by: tuple[str, ...]
    carried_by: tuple[str, ...]
    rules: tuple[str, ...]


def lineage_of(element: Element) -> Lineage:
    """Where an element comes from and goes to."""
    asked, carried, posted = _lineages()
    said = asked.get(element.name, ())
    channels = {operation: cls.CHANNEL for operation, cls in commands().items()}

    def enters(operation: str) -> bool:
        return element.channel in (OF_THE_ACT, channels[operation])

    return Lineage(
        entered_by=tuple(each for each in said if enters(each)),
        referred_by=tuple(each for each in said if not enters(each)),
        carried_by=carried.get(element.name, ()),
        rules=posted.get(element.name, ()),
    )


@lru_cache(1)
def _lineages() -> tuple[_Users, _Users, _Users]:
    """By commands, by events, by rules, as the program that has been loaded has them."""
    return _users(_commands()), _users(_events()), _users(_rules())


def _users(fields: Iterable[tuple[str, str]]) -> _Users:
    found: dict[str, set[str]] = {}
    for user, field in fields:
        found.setdefault(SAME_ELEMENT.get(field, field), set()).add(user)
    return {element: tuple(sorted(users)) for element, users in found.items()}


def _commands() -> Iterator[tuple[str, str]]:
    """Of people: one without a channel enters nothing, it is the program's own."""
    for operation, cls in commands().items():
        if cls.CHANNEL:
            for field in fields_of(cls):
                yield operation, field


def _events() -> Iterator[tuple[str, str]]:
    for cls in set(TYPES.values()):
        for field in fields_of(cls):
            yield base_name(cls.TYPE), field


def _rules() -> Iterator[tuple[str, str]]:
    for cls in set(TYPES.values()):
        for rule, needs in cls.TRAITS.posts.items():
            for dimension in needs.elements:
                yield rule, dimension


def fields_of(struct: type[msgspec.Struct]) -> Iterator[str]:
    """The fields of a struct, and of the structs that it is made of."""
    yield from struct.__struct_fields__
    for field in msgspec.structs.fields(struct):
        for part in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from fields_of(part)
