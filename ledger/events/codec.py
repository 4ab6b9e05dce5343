"""Events to bytes and back, whatever version they were written in."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from ledger.errors import IntegrityError
from ledger.events.base import Event
from ledger.events.registry import TYPES, UPCASTS, today

V = TypeVar("V", bound=msgspec.Struct)

encode = msgspec.json.Encoder().encode


def decode(type_name: str, payload: bytes) -> Event:
    """The event of a stored row, brought up to today's version of its type.

    Raises:
        IntegrityError: for a type nobody knows, or bytes that are not such an event.
    """
    if (cls := TYPES.get(today(type_name))) is None:
        raise IntegrityError(f"unknown event type {type_name!r}")
    try:
        event: Event = decoder(type_name, cls)(payload)
        return event
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"the bytes are no {type_name}: {error}") from error


@cache
def decoder(type_name: str, view: type[V]) -> Callable[[bytes], V]:
    """What decodes the stored events of a type into a struct with some of today's fields of it.

    Whoever reads millions of events for a few of their fields need not make the rest of them. What
    it gives raises MsgspecError for bytes that lack one of those fields.
    """
    if type_name in UPCASTS:
        return lambda payload: msgspec.convert(_upcast(type_name, payload), view)
    return msgspec.json.Decoder(view).decode


def _upcast(type_name: str, payload: bytes) -> dict[str, Any]:
    mapping: dict[str, Any] = msgspec.json.decode(payload)
    while (step := UPCASTS.get(type_name)) is not None:
        upcast, type_name = step
        mapping = upcast(mapping)
    return mapping
