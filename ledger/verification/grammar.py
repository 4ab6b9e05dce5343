"""Which events make up one command: what the registry and the commands say of it.

Nothing is listed here. A type says which command it answers, the command how it was asked for; a
type that only follows is never the beginning of one.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any

import msgspec

from ledger.deciding.command import Command, command_named
from ledger.events import CommandRefused, Event, types_that
from ledger.verification.numbers import Grammar, Numbered

_EPOCH = date(1970, 1, 1).toordinal()


_REFUSAL = CommandRefused.TRAITS.subject  # begins what its command would have begun


def grammar() -> Grammar:
    """That of all types and commands that the loaded domains have.

    Raises:
        LookupError: a type is asked by an operation that no command has.
    """
    asked = types_that(lambda traits: bool(traits.asked_by))
    follows = types_that(lambda traits: not traits.asked_by and traits.subject != _REFUSAL)
    leading = _leading(types_that(lambda traits: bool(traits.leads)))
    return Grammar(
        begins={cls.TYPE.encode(): _numbered(cls) for cls in asked},
        follows=frozenset(cls.TYPE.encode() for cls in follows),
        opens={cls.TYPE.encode(): _opened(cls) for cls in follows if cls.TRAITS.opens},
        led=frozenset(led for _, led in leading),
        follows_closely=_follows_closely(leading),
    )


def _numbered(cls: type[Event]) -> Numbered:
    rule = _rule(cls, cls.TRAITS.asked_by)
    if cls.TRAITS.formerly is not None:
        field, operation = cls.TRAITS.formerly
        rule = rule._replace(formerly=(field, _rule(cls, operation)))
    return rule


def _opened(cls: type[Event]) -> tuple[str, Callable[[Any], str]]:
    assert cls.TRAITS.opens is not None
    operation, field = cls.TRAITS.opens
    return operation, attrgetter(field)


def _rule(cls: type[Event], operation: str) -> Numbered:
    command = command_named(operation)
    if command is None:
        raise LookupError(f"{cls.TYPE} is asked by {operation}, which no command is")
    if not _has_number(command):
        return Numbered(operation, None)

    def bodies(event: Any, day: int) -> Any:
        return command.bodies_in(event, date.fromordinal(day + _EPOCH))

    return Numbered(operation, command.number_in, bodies)


def _has_number(command: type[Command]) -> bool:
    return bool(command.NUMBER) or command.number is not Command.number


# (the leading type, the type led) -> the field by which each names what both are about
_Leading = Mapping[tuple[bytes, bytes], tuple[str, str]]


def _leading(leaders: Iterable[type[Event]]) -> _Leading:
    return {
        (leader.TYPE.encode(), name.encode()): fields
        for leader in leaders
        for name, fields in leader.TRAITS.leads.items()
    }


def _follows_closely(leading: _Leading) -> Callable[[bytes, bytes, bytes, bytes], bool]:
    """Whether an event that could begin a command is a part of the one before it."""

    def follows(before: bytes, before_payload: bytes, type_: bytes, payload: bytes) -> bool:
        if (fields := leading.get((before, type_))) is None:
            return False
        try:
            theirs, mine = _decode(before_payload), _decode(payload)
        except msgspec.MsgspecError:
            return False
        return fields[0] in theirs and theirs[fields[0]] == mine.get(fields[1])

    return follows


_decode = msgspec.json.Decoder(dict[str, Any]).decode
