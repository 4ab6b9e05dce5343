"""History as it is stored: events in order, as lines or live; payloads byte for byte."""

from collections.abc import AsyncIterator
from functools import partial
from time import monotonic
from typing import Annotated

from annotated_types import Interval
from fastapi import APIRouter, Header
from psycopg import Connection
from starlette.responses import Response, StreamingResponse

from api.event_text import event_json
from api.http.admission import admit, still_admitted
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import EventItem, Page
from api.http.moments import wait_for_head
from api.http.parameters import WHOLE, PayAppNo, Position
from api.http.payments import not_found
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.transport.responses import JsonResponse
from api.http.units import require_all_units, require_units
from ledger.errors import Code
from ledger.reading.objects import StoredRow, read_events, stream_of
from payments.payment import PAYMENT

LIMIT, LIMIT_MAX = 1000, 1_000_000
PIECE_EVENTS = 1000  # read and sent at once
ASKED_AGAIN_S = 5.0  # whether whoever reads may still
NDJSON = "application/x-ndjson"

_LEDGER = "/v1/ledgers/{ledger}"

router = APIRouter(route_class=Operation, tags=[Tag.HISTORY])


class Lines(StreamingResponse):
    """An event a line."""

    media_type = NDJSON


class Messages(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@router.get(
    _LEDGER + "/events",
    operation_id="event.list",
    summary="Events in order, one a line, with their digests",
    response_class=Lines,
    response_description="newline-delimited JSON: an event a line",
    responses=refusals(*OF_LEDGER_READ),
)
async def list_events(
    call: LedgerRead,
    after: Position = 0,
    limit: Annotated[int, Interval(ge=1, le=LIMIT_MAX), WHOLE] = LIMIT,
) -> Response:
    key = await admit(call)
    await require_all_units(call, key, "the history of a ledger")
    await wait_for_head(call, key)
    head = (await call.head(key)).position
    upto = min(head, after + limit)

    async def lines() -> AsyncIterator[bytes]:
        at, asked_s = after, monotonic()
        while at < upto:
            if monotonic() - asked_s >= ASKED_AGAIN_S:
                if not await still_admitted(call, key):
                    return
                asked_s = monotonic()
            rows = await call.read(partial(_piece, key=key, after=at, upto=upto))
            if not rows:
                return
            yield b"\n".join(map(event_json, rows)) + b"\n"
            at = rows[-1].position

    return Lines(lines(), headers={"X-Projection-Position": str(head)})


def _piece(connection: Connection, *, key: int, after: int, upto: int) -> list[StoredRow]:
    return read_events(connection, key, after, PIECE_EVENTS, upto=upto)


@router.get(
    _LEDGER + "/events/stream",
    operation_id="event.stream",
    summary="Events as they are committed (server-sent events)",
    response_class=Messages,
    response_description="an event a message: its position as id, its type, the event as data",
    responses=refusals(*OF_LEDGER_READ, Code.BUSY),
)
async def stream_events(
    call: LedgerRead,
    after: Position = 0,
    last_event_id: Annotated[Position | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    key = await admit(call)
    await require_all_units(call, key, "the history of a ledger")
    start = after if last_event_id is None else last_event_id
    return Messages(
        call.services.live.stream(key, start, partial(still_admitted, call, key)),
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@router.get(
    _LEDGER + "/payments/{pay_app_no}/events",
    operation_id="payment.events",
    summary="A payment's own events",
    response_model=Page[EventItem],
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND),
)
async def payment_events(call: LedgerRead, pay_app_no: PayAppNo) -> Response:
    """A payment's own events, as a list or, if so accepted, as lines."""
    key = await admit(call, number=pay_app_no)
    await wait_for_head(call, key)
    await require_units(call, key, pay_app_nos=[pay_app_no])
    rows = await call.read(lambda connection: read_stream(connection, key, pay_app_no))
    events = list(map(event_json, rows))
    if NDJSON in call.headers.get("accept", ""):
        return Response(b"".join(line + b"\n" for line in events), media_type=NDJSON)
    return JsonResponse(b'{"items":[' + b",".join(events) + b'],"next_cursor":null}')


def read_stream(connection: Connection, key: int, pay_app_no: str) -> list[StoredRow]:
    """A payment's events; raises ``payment_not_found``."""
    stream_id = stream_of(connection, key, PAYMENT, pay_app_no)
    if stream_id is None:
        raise not_found(pay_app_no)
    return read_events(connection, key, 0, PIECE_EVENTS, stream_id=stream_id)
