"""The events of objects, stream by stream, for folding them."""

from collections.abc import Iterator, Sequence

import psycopg

from ledger.events import Event, JournalPosted, decode

STREAMS_AT_ONCE = 1_000

# one stream: its id, and (position, version, event) of each of its events, in order
ReadStream = tuple[bytes, list[tuple[int, int, Event]]]

_EVENTS = (
    "SELECT stream_id, position, stream_version, type,"
    " CASE WHEN type = %s THEN ''::bytea ELSE payload END FROM events"
    " WHERE ledger_id = %s AND stream_id = ANY(%b::text[]::uuid[])"
    " ORDER BY stream_id, stream_version"
)
_JOURNAL = JournalPosted(
    source=0, event="", chart_version="", number="", lines=()
)  # folds pass it over


def read_streams(
    connection: psycopg.Connection, ledger_id: int, stream_ids: Sequence[bytes]
) -> Iterator[ReadStream]:
    """Each of these streams that has events; journals are left out, undecoded.

    Some are read at a time: the events of tens of thousands, and the answer of the server that they
    come in, are several times what they are folded to.
    """
    for start in range(0, len(stream_ids), STREAMS_AT_ONCE):
        some = stream_ids[start : start + STREAMS_AT_ONCE]
        yield from _read(connection, ledger_id, some).items()


def _read(
    connection: psycopg.Connection, ledger_id: int, stream_ids: Sequence[bytes]
) -> dict[bytes, list[tuple[int, int, Event]]]:
    streams: dict[bytes, list[tuple[int, int, Event]]] = {}
    rows = connection.execute(
        # in binary: as hexadecimal text the payloads cost more than all that is done with them
        _EVENTS,
        (JournalPosted.TYPE, ledger_id, [stream_id.hex() for stream_id in stream_ids]),
        binary=True,
    )
    for stream_id, position, version, type_name, payload in rows:
        event = _JOURNAL if type_name == JournalPosted.TYPE else decode(type_name, payload)
        streams.setdefault(stream_id.bytes, []).append((position, version, event))
    return streams
