"""A ledger's events as they come: a stream that goes on from where it broke off. Pure."""

from dataclasses import dataclass

import msgspec

from guoku_client.call import Call, asking, content
from guoku_client.errors import UnexpectedAnswer
from guoku_client.shown import LedgerEvent

MEDIA_TYPE = "text/event-stream"
_event = msgspec.json.Decoder(LedgerEvent)


@dataclass(frozen=True, slots=True)
class EventStream:
    """The events of a ledger behind a position, without an end."""

    path: str
    after: int


def following(stream: EventStream, after: int) -> Call[bytes]:
    """The request that goes on behind a position."""
    return asking(stream.path, content, after=after)


def event_of(line: str) -> LedgerEvent | None:
    """The event that a line of the stream holds: each stands in one line, behind ``data: ``.

    Raises:
        UnexpectedAnswer: what stands there is none.
    """
    field, _, value = line.partition(": ")
    if field != "data":
        return None
    try:
        return _event.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(f"no event in the stream: {error}") from error
