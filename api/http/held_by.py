"""``held_by``: why a payment, a claim or a run waits, as callers see it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from psycopg import Connection

from api.http.call import Call
from api.http.models.enums import HoldCode
from ledger.deciding.documents import DOCUMENT, SUBMITTED, Document, key_of
from ledger.errors import UnavailableError
from ledger.events import DocumentSubmitted
from ledger.reading.objects import Head, read_events, read_objects, stream_of
from payments.delivery.held_by import (
    HeldBy,
    awaiting_agreement,
    business_today,
    payment_held_by,
    read_deliveries,
    read_spare,
)
from payments.payment import Payment

_STEPS_MAX = 10_000  # of one document


class HeldByView(msgspec.Struct, kw_only=True):
    """Whom or what it waits for; ``since`` is null where that is not known."""

    code: HoldCode
    detail: str
    since: str | None


def held_by_view(found: HeldBy | None) -> HeldByView | None:
    if found is None:
        return None
    since = found.since.isoformat() if found.since else None
    return HeldByView(code=found.code, detail=found.detail, since=since)


def fault_of(call: Call, connection: Connection, head: Head | None) -> UnavailableError | None:
    """Why nothing is written to this ledger now."""
    if head is None:
        return None
    return call.treasury.sequencer.conditions.fault_now(connection, head.recorded_at)


def held_by_of(
    call: Call,
    connection: Connection,
    key: int,
    payment: Payment,
    head: Head | None,
    at: datetime,
    waiting: Sequence[DocumentSubmitted],
) -> HeldByView | None:
    """Of a payment whose last event was recorded ``at`` this moment, and of which ``waiting`` is
    asked for; two short questions more for one that is under way."""
    if payment.is_final and not waiting:
        return None
    number = payment.pay_app_no
    agreement = _agreement(connection, key, waiting[0]) if waiting else None
    return held_by_view(
        payment_held_by(
            payment,
            since=at,
            delivery=read_deliveries(connection, key, "voucher", [number]).get(number),
            fault=fault_of(call, connection, head),
            today=business_today(call.treasury.now()),
            agreement=agreement,
            spare=read_spare(connection, key, head.settings, payment) if head else None,
        )
    )


def _agreement(connection: Connection, key: int, asked: DocumentSubmitted) -> HeldBy | None:
    """Who has to agree to what was asked for, since its last event; None where that has come to an
    end in this moment."""
    name = key_of(asked.kind, asked.number)
    document: Document | None = read_objects(connection, key, DOCUMENT, [name]).get(name)
    stream_id = stream_of(connection, key, DOCUMENT, name)
    if document is None or stream_id is None or document.state != SUBMITTED:
        return None
    [*_, last] = read_events(connection, key, 0, _STEPS_MAX, stream_id=stream_id)
    return awaiting_agreement(document, last.recorded_at)
