"""The number of a change whose caller gave it none: the same when the same is asked again.

It is made of what is asked, of who asks, and of the event behind which it is to stand. So asking
once more after an unknown answer finds the document that waits, or the change that was made; and
giving somebody what he had before a change in between is another change.
"""

import hashlib
from typing import Any

import msgspec
from psycopg import Connection

from ledger.deciding.command import Command
from ledger.deciding.fingerprints import asked_for
from ledger.deciding.principals import folded
from ledger.deciding.repeating import object_of
from ledger.events import decode
from ledger.reading.objects import StoredRow, read_events, stream_of

CHANGE = "change_no"
_DIGITS = 32
_EVENTS_MAX = 10_000  # of one object


def lacks_number(command: Command) -> bool:
    """Whether it is a change, and its caller has given it no number."""
    return getattr(command, CHANGE, None) == ""


def numbered(command: Command, number: str) -> Command:
    changed: Command = msgspec.structs.replace(command, **{CHANGE: number})
    return changed


def number_of_change(connection: Connection, key: int, command: Command, principal: str) -> str:
    """The number of a change that has none; of the change that the object's last event tells of,
    where that is the very same."""
    rows = _events_of(connection, key, command)
    places = [0, *(row.position for row in rows)]
    if rows:
        last: Any = decode(rows[-1].type, rows[-1].payload)
        before = _number(command, principal, places[-2])
        if getattr(last, CHANGE, "") == before:
            return before
    return _number(command, principal, places[-1])


def _events_of(connection: Connection, key: int, command: Command) -> list[StoredRow]:
    """Those of the object that is to be changed."""
    place = object_of(command)
    stream_id = None if place is None else stream_of(connection, key, *place)
    if stream_id is None:
        return []
    return read_events(connection, key, 0, _EVENTS_MAX, stream_id=stream_id)


def _number(command: Command, principal: str, behind: int) -> str:
    asked = asked_for(command.OPERATION, command.body)
    made_of = b"\0".join((asked, folded(principal).encode(), str(behind).encode()))
    return hashlib.new("sm3", made_of).hexdigest()[:_DIGITS]
