"""``held_by``: why a payment, a claim or a run waits, as callers see it."""

from datetime import datetime

import msgspec
from psycopg import Connection

from api.http.call import Call
from api.http.models.enums import HoldCode
from ledger.errors import UnavailableError
from ledger.reading.objects import Head
from payments.delivery.held_by import HeldBy, business_today, payment_held_by, read_deliveries
from payments.payment import Payment


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
    call: Call, connection: Connection, key: int, payment: Payment, head: Head | None, at: datetime
) -> HeldByView | None:
    """Of a payment whose last event was recorded ``at`` this moment; two short questions more for
    one that is under way."""
    if payment.is_final:
        return None
    number = payment.pay_app_no
    return held_by_view(
        payment_held_by(
            payment,
            since=at,
            delivery=read_deliveries(connection, key, "voucher", [number]).get(number),
            fault=fault_of(call, connection, head),
            today=business_today(call.treasury.now()),
        )
    )
