"""An event as callers read it: a line of JSON, or a server-sent event with that line in it."""

import base64
from datetime import UTC

import msgspec

from ledger.events import TYPES
from ledger.reading.objects import StoredRow


def event_json(row: StoredRow) -> bytes:
    """An event as one line of JSON. The payload stands there as it was hashed, not written anew.

    What another program has recorded and is no line of JSON goes as ``payload_base64``.
    """
    head = msgspec.json.encode(
        {
            "position": row.position,
            "stream_id": str(row.stream_id),
            "stream_version": row.stream_version,
            "type": row.type,
            "recorded_at": row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "effective_on": row.effective_on.isoformat(),
        }
    )
    payload = b'"payload":' + row.payload
    if row.type not in TYPES and not _is_line_of_json(row.payload):
        payload = b'"payload":null,"payload_base64":"' + base64.b64encode(row.payload) + b'"'
    return b"".join((head[:-1], b",", payload, b',"digest":"', row.digest.hex().encode(), b'"}'))


def _is_line_of_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return b"\n" not in payload and b"\r" not in payload


def event_message(row: StoredRow) -> bytes:
    """An event as a server-sent event; its id is the position, from which a reader goes on."""
    name = row.type.replace("\n", " ").replace("\r", " ")
    return f"id: {row.position}\nevent: {name}\ndata: ".encode() + event_json(row) + b"\n\n"
