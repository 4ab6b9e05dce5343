"""Objects of a standing ledger, folded from its events: what reads and verifications rest on."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
import psycopg

from ledger.deciding.objects import AnyKind, ledger_stream_id
from ledger.deciding.settings import Setting
from ledger.errors import IntegrityError
from ledger.events import TYPES, decode, names_that
from ledger.reading.objects import EVENTS_MAX, read_events, stream_of

P = TypeVar("P", bound=msgspec.Struct)

_POSITION_MAX = 2**63 - 1
_EVENTS = """
SELECT position, stream_id, type, payload FROM events
WHERE ledger_id = %s AND position <= %s AND type = ANY(%s) ORDER BY stream_id, stream_version"""


class FoldedObject(NamedTuple):
    """An object, and the position of the last event that made it what it is."""

    kind: AnyKind
    obj: Any
    position: int


def folded_objects(
    connection: psycopg.Connection,
    ledger_id: int,
    kinds: Collection[AnyKind],
    upto: int = _POSITION_MAX,
) -> Iterator[FoldedObject]:
    """Every object of these kinds as of a position, in the order in which they came to be.

    An event that cannot be read is passed over: the verification of the history names it.
    """
    for kind, events in _streams(connection, ledger_id, {k.name: k for k in kinds}, upto):
        obj, position = None, 0
        for at, event in events:
            obj, position = kind.fold(obj, event), at
        if obj is not None:
            yield FoldedObject(kind, obj, position)


def folded_object(
    connection: psycopg.Connection,
    ledger_id: int,
    kind: AnyKind,
    number: str,
    upto: int = _POSITION_MAX,
) -> Any:
    """One object as of a position, by the number under which it was opened; None where there was
    none."""
    stream_id = stream_of(connection, ledger_id, kind, number)
    if stream_id is None:
        return None
    rows = read_events(connection, ledger_id, 0, EVENTS_MAX, stream_id=stream_id, upto=upto)
    return kind.folded(decode(row.type, row.payload) for row in rows)


def folded_setting(
    connection: psycopg.Connection, ledger_id: int, setting: Setting[P], upto: int = _POSITION_MAX
) -> P:
    """What holds for a ledger as a whole as of a position, folded from its own stream."""
    stream_id, part = UUID(bytes=ledger_stream_id(ledger_id)), setting.initial
    for row in read_events(connection, ledger_id, 0, EVENTS_MAX, stream_id=stream_id, upto=upto):
        part = setting.fold(part, decode(row.type, row.payload))
    return part


def _streams(
    connection: psycopg.Connection, ledger_id: int, kinds: dict[str, AnyKind], upto: int
) -> Iterator[tuple[AnyKind, list[tuple[int, Any]]]]:
    """The readable events of each stream that is one of these kinds', with their positions."""
    kind: AnyKind | None = None
    events: list[tuple[int, Any]] = []
    before = None
    types = list(names_that(lambda traits: traits.subject in kinds))
    found = connection.execute(_EVENTS, (ledger_id, upto, types))
    for position, stream_id, type_name, payload in found:
        if stream_id != before:
            if kind is not None:
                yield kind, events
            cls = TYPES.get(type_name)
            kind, events = (kinds.get(cls.TRAITS.subject) if cls else None), []
            before = stream_id
        if kind is not None:
            try:
                events.append((position, decode(type_name, payload)))
            except IntegrityError:
                continue
    if kind is not None:
        yield kind, events
