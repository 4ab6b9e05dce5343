"""Rows as binary COPY takes them: packed here in one buffer, and hashed on the way.

A generic encoder costs more than the rest of the write path together. Of a batch most bytes are the
same from row to row, so they are made once: the two times of a row, and the name of its type.
The column orders are those of ``COPY_EVENTS``, ``COPY_KEYS`` and ``COPY_DOCUMENTS``.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from struct import Struct

import msgspec

from ledger.deciding.fingerprints import FINGERPRINT_BYTES, fingerprint
from ledger.deciding.state import EventRow
from ledger.integrity.chain import EVENT_PLACE, day_number, event_start, event_tail
from ledger.postgres.round_trip import POSTGRES_EPOCH_DAY, POSTGRES_EPOCH_US

COPY_EVENTS = (
    "COPY events (ledger_id, position, stream_id, stream_version, type, recorded_at, effective_on,"
    " payload, digest) FROM STDIN (FORMAT BINARY)"
)
COPY_KEYS = (
    "COPY command_keys (ledger_id, operation, number, fingerprint, stream_id, first_position,"
    " last_position) FROM STDIN (FORMAT BINARY)"
)
COPY_DOCUMENTS = "COPY documents (ledger_id, sm3, body) FROM STDIN (FORMAT BINARY)"

_EVENT_FIELDS, _KEY_FIELDS, _DOCUMENT_FIELDS = 9, 7, 3
# field count, then each field as length and value
_EVENT_LEDGER = Struct(">h iq i")  # through the length of the position
_EVENT_PLACE = Struct(">q i16s ii")
_TIMES = Struct(">iq ii")
_KEY_LEDGER = Struct(">h iq i")
_KEY_PLACE = Struct(f">i{FINGERPRINT_BYTES}s i16s iq iq")
_DOCUMENT = Struct(">h iq i")
_DIGEST_LENGTH = (32).to_bytes(4, "big")


class UsedNumber(msgspec.Struct, frozen=True, gc=False):
    """A command key to be written; ``asked`` is what its fingerprint is made of on the way."""

    operation: str
    number: str
    asked: bytes
    stream_id: bytes
    first_position: int
    last_position: int


def packed_events(
    ledger_id: int, recorded_us: int, rows: Iterable[EventRow]
) -> tuple[bytes, list[bytes]]:
    """Events packed, and their digests (``ledger.integrity.chain`` says of what)."""
    parts: list[bytes] = []
    digests = []
    ledger = _EVENT_LEDGER.pack(_EVENT_FIELDS, 8, ledger_id, 8)
    # what rows of one type and day have in common, in the frame and in what is hashed
    alike: dict[tuple[str, date], tuple[bytes, bytes]] = {}
    start = event_start(ledger_id).copy
    hashed_place, place = EVENT_PLACE.pack, _EVENT_PLACE.pack
    for position, stream_id, version, day, type_name, payload in rows:
        if (common := alike.get((type_name, day))) is None:
            common = alike[type_name, day] = _common(recorded_us, day, type_name)
        framed, hashed = common
        digest = start()
        digest.update(hashed_place(position, stream_id, version) + hashed + payload)
        sm3 = digest.digest()
        digests.append(sm3)
        parts += (
            ledger,
            place(position, 16, stream_id, 4, version),
            framed,
            len(payload).to_bytes(4, "big"),
            payload,
            _DIGEST_LENGTH,
            sm3,
        )
    return b"".join(parts), digests


def event_digests(ledger_id: int, recorded_us: int, rows: Iterable[EventRow]) -> list[bytes]:
    """The digests alone, of rows that do not go by COPY."""
    digests = []
    tails: dict[tuple[str, date], bytes] = {}
    start, place = event_start(ledger_id).copy, EVENT_PLACE.pack
    for position, stream_id, version, day, type_name, payload in rows:
        if (tail := tails.get((type_name, day))) is None:
            tail = event_tail(recorded_us, day_number(day), type_name.encode())
            tails[type_name, day] = tail
        digest = start()
        digest.update(place(position, stream_id, version) + tail + payload)
        digests.append(digest.digest())
    return digests


def _common(recorded_us: int, day: date, type_name: str) -> tuple[bytes, bytes]:
    """Type and times of a row as COPY takes them, and as its digest covers them."""
    name, days = type_name.encode(), day_number(day)
    times = _TIMES.pack(8, recorded_us - POSTGRES_EPOCH_US, 4, days - POSTGRES_EPOCH_DAY)
    return len(name).to_bytes(4, "big") + name + times, event_tail(recorded_us, days, name)


def packed_keys(ledger_id: int, keys: Iterable[UsedNumber]) -> bytes:
    """Command keys packed."""
    parts: list[bytes] = []
    heads: dict[str, bytes] = {}
    place = _KEY_PLACE.pack
    for key in keys:
        if (head := heads.get(key.operation)) is None:
            operation = key.operation.encode()
            head = _KEY_LEDGER.pack(_KEY_FIELDS, 8, ledger_id, len(operation)) + operation
            heads[key.operation] = head
        number = key.number.encode()
        parts += (
            head,
            len(number).to_bytes(4, "big"),
            number,
            place(
                FINGERPRINT_BYTES,
                fingerprint(key.asked),
                16,
                key.stream_id,
                8,
                key.first_position,
                8,
                key.last_position,
            ),
        )
    return b"".join(parts)


def packed_documents(ledger_id: int, documents: Mapping[bytes, bytes]) -> bytes:
    """Documents by their SM3, packed."""
    parts: list[bytes] = []
    head = _DOCUMENT.pack(_DOCUMENT_FIELDS, 8, ledger_id, 32)
    for sm3, body in documents.items():
        parts += (head, sm3, len(body).to_bytes(4, "big"), body)
    return b"".join(parts)
