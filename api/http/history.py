"""History as it is stored: events in order, as lines or live; payloads byte for byte."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC
from functools import partial
from time import monotonic

import msgspec
from psycopg import Connection
from starlette.responses import Response, StreamingResponse

from api.access import Right
from api.http.door import Call, Operation, Route
from api.http.moments import wait_for_head
from api.http.payments import not_found
from ledger.errors import Code, RequestError, UnavailableError
from ledger.events import TYPES
from ledger.reading.objects import StoredRow, read_events, stream_of
from payments.payment import PAYMENT

LIMIT, LIMIT_MAX = 1000, 1_000_000
PIECE_EVENTS = 1000  # read and sent at once
STREAMS_MAX = 200
POLL_S = 0.2
HEARTBEAT_S = 15.0
NDJSON = "application/x-ndjson"

_LEDGER = "/v1/ledgers/{ledger}"


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


async def list_events(call: Call) -> Response:
    after = call.integer("after", 0)
    limit = call.integer("limit", LIMIT, low=1, high=LIMIT_MAX)
    key = await call.admit()
    await wait_for_head(call, key)
    head = (await call.head(key)).position
    upto = min(head, after + limit)

    async def lines() -> AsyncIterator[bytes]:
        at = after
        while at < upto:
            rows = await call.read(partial(_piece, key=key, after=at, upto=upto))
            if not rows:
                return
            yield b"\n".join(map(event_json, rows)) + b"\n"
            at = rows[-1].position

    return StreamingResponse(
        lines(), media_type=NDJSON, headers={"X-Projection-Position": str(head)}
    )


def _piece(
    connection: Connection, *, key: int, after: int, upto: int | None = None
) -> list[StoredRow]:
    return read_events(connection, key, after, PIECE_EVENTS, upto=upto)


async def stream_events(call: Call) -> Response:
    last_id = call.request.headers.get("last-event-id", "")
    after = call.integer("after", 0)
    if last_id:
        if not (last_id.isascii() and last_id.isdigit() and len(last_id) < 19):
            raise RequestError(Code.MALFORMED, "Last-Event-ID is a position")
        after = int(last_id)
    key = await call.admit()
    services = call.services
    if services.live_streams >= STREAMS_MAX:
        raise UnavailableError(Code.BUSY, "too many live streams", retry_after_s=10)

    async def messages() -> AsyncIterator[bytes]:
        services.live_streams += 1
        try:
            async for piece in _live(call, key, after):
                yield piece
        finally:
            services.live_streams -= 1

    return StreamingResponse(
        messages(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _live(call: Call, key: int, after: int) -> AsyncIterator[bytes]:
    yield b": the events of this ledger, as they are committed\n\n"
    said_at = monotonic()
    while True:
        rows = await call.read(partial(_piece, key=key, after=after))
        if rows:
            yield b"".join(map(_message, rows))
            after, said_at = rows[-1].position, monotonic()
            continue
        if monotonic() - said_at >= HEARTBEAT_S:
            yield b": still here\n\n"
            said_at = monotonic()
        await asyncio.sleep(POLL_S)


def _message(row: StoredRow) -> bytes:
    name = row.type.replace("\n", " ").replace("\r", " ")
    return f"id: {row.position}\nevent: {name}\ndata: ".encode() + event_json(row) + b"\n\n"


async def payment_events(call: Call) -> Response:
    """A payment's own events, as a list or, if so accepted, as lines."""
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)
    await wait_for_head(call, key)
    rows = await call.read(lambda connection: read_stream(connection, key, pay_app_no))
    events = list(map(event_json, rows))
    if NDJSON in call.request.headers.get("accept", ""):
        return Response(b"".join(line + b"\n" for line in events), media_type=NDJSON)
    content = b'{"items":[' + b",".join(events) + b'],"next_cursor":null}'
    return Response(content, media_type="application/json")


def read_stream(connection: Connection, key: int, pay_app_no: str) -> list[StoredRow]:
    """A payment's events; raises ``payment_not_found``."""
    stream_id = stream_of(connection, key, PAYMENT, pay_app_no)
    if stream_id is None:
        raise not_found(pay_app_no)
    return read_events(connection, key, 0, PIECE_EVENTS, stream_id=stream_id)


ROUTES = (
    Route(
        Operation(
            name="event.list",
            method="GET",
            path=f"{_LEDGER}/events",
            right=Right.READ,
            summary="Events in order, one a line, with their digests",
            media=NDJSON,
            query=("after", "limit"),
        ),
        list_events,
    ),
    Route(
        Operation(
            name="event.stream",
            method="GET",
            path=f"{_LEDGER}/events/stream",
            right=Right.READ,
            summary="Events as they are committed (server-sent events)",
            media="text/event-stream",
            codes=(Code.BUSY,),
            query=("after",),
        ),
        stream_events,
    ),
    Route(
        Operation(
            name="payment.events",
            method="GET",
            path=f"{_LEDGER}/payments/{{pay_app_no}}/events",
            right=Right.READ,
            summary="A payment's own events",
            answer=dict,
            codes=(Code.PAYMENT_NOT_FOUND,),
        ),
        payment_events,
    ),
)
