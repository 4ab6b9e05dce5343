"""溯源: a payment's whole chain, from its project to its journals and back, with positions."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.door import Call, Operation, Route
from api.http.history import read_stream
from api.http.moments import wait_for_projections
from api.http.payments import not_found
from ledger import events
from ledger.account_set import ledger_text
from ledger.budget import INDICATOR
from ledger.errors import Code
from ledger.events import Event, JournalPosted, decode
from ledger.store.reading import EVENTS_MAX, StoredRow, read_events, stream_of
from ledger.streams import AnyKind
from payments.clearing import CLEARING
from payments.payment import PAYMENT, Payment
from projections.queries import clearing_of

Placed = tuple[int, Event]
Fact = dict[str, Any]

STEPS = (
    "project",
    "budget",
    "indicator",
    "plan",
    "payment",
    "voucher",
    "receipt",
    "clearing",
    "journals",
)

_BUDGET = (
    "agency_code",
    "agency_name",
    "exp_func_code",
    "exp_func_name",
    "gov_bgt_eco_code",
    "gov_bgt_eco_name",
    "dep_bgt_eco_code",
    "dep_bgt_eco_name",
    "fund_type_code",
    "fund_type_name",
    "bgt_type_code",
    "bgt_type_name",
    "amount",
)
_INDICATOR_EVENTS = (
    events.IndicatorIssued,
    events.IndicatorAdjusted,
    events.IndicatorReallocatedIn,
    events.IndicatorReallocatedOut,
    events.IndicatorFrozen,
    events.IndicatorUnfrozen,
)
_PAYMENT_EVENTS = (
    events.PaymentApplied,
    events.PaymentApproved,
    events.PaymentRejected,
    events.PaymentWithdrawn,
)
_VOUCHER_EVENTS = (events.VoucherSigned, events.VoucherSent)
_CLEARING_EVENTS = (
    events.ClearingRequested,
    events.ClaimReceipted,
    events.ClearingCleared,
    events.ClearingRejected,
)


class Link(msgspec.Struct):
    """One step of the chain; ``previous`` leads back to the budget, ``next`` on to the books."""

    step: str
    number: str | None
    positions: list[int]
    previous: str | None
    next: str | None
    facts: list[Fact]


class TraceView(msgspec.Struct):
    ledger: str
    pay_app_no: str
    status: str
    chain: list[Link]


async def trace(call: Call) -> Response:
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)
    await wait_for_projections(call, key)
    return call.respond(await call.read(lambda connection: _trace(connection, key, pay_app_no)))


def _trace(connection: Connection, key: int, pay_app_no: str) -> TraceView:
    own = _placed(read_stream(connection, key, pay_app_no))
    payment: Payment | None = reduce(PAYMENT.fold, (event for _, event in own), None)
    if payment is None:
        raise not_found(pay_app_no)
    budget = _stream(connection, key, INDICATOR, payment.applied.bgt_id)
    clear_no, claim_no = clearing_of(connection, key, pay_app_no)
    clearing = _of_claim(_stream(connection, key, CLEARING, clear_no), claim_no)
    first = own[0][0]
    facts = {
        "project": _only(budget[:1], events.IndicatorIssued, "pro_code", "pro_name"),
        "budget": _only(budget[:1], events.IndicatorIssued, *_BUDGET),
        "indicator": _all(budget, *_INDICATOR_EVENTS, before=first),
        "plan": _all(budget, events.PlanSet, before=first),
        "payment": _all(own, *_PAYMENT_EVENTS),
        "voucher": _all(own, *_VOUCHER_EVENTS),
        "receipt": _all(own, events.VoucherReceipted, events.PaymentRefunded),
        "clearing": _all(clearing, *_CLEARING_EVENTS),
        "journals": _all([*budget[:2], *own, *clearing], JournalPosted),
    }
    numbers = {
        "project": facts["project"][0]["pro_code"],
        "indicator": payment.applied.bgt_id,
        "payment": pay_app_no,
        "voucher": payment.pay_cert_no or None,
        "receipt": payment.receipt.agent_business_no if payment.receipt else None,
        "clearing": clear_no or None,
    }
    return TraceView(ledger_text(key), pay_app_no, payment.status, _chain(facts, numbers))


def _chain(facts: Mapping[str, list[Fact]], numbers: Mapping[str, str | None]) -> list[Link]:
    """The steps that were taken, each with its neighbours."""
    taken = [step for step in STEPS if facts[step]]
    return [
        Link(
            step=step,
            number=numbers.get(step),
            positions=[fact["position"] for fact in facts[step]],
            previous=taken[place - 1] if place else None,
            next=taken[place + 1] if place + 1 < len(taken) else None,
            facts=facts[step],
        )
        for place, step in enumerate(taken)
    ]


def _stream(connection: Connection, key: int, kind: AnyKind, number: str) -> list[Placed]:
    stream_id = stream_of(connection, key, kind, number) if number else None
    if stream_id is None:
        return []
    return _placed(read_events(connection, key, 0, EVENTS_MAX, stream_id=stream_id))


def _placed(rows: Iterable[StoredRow]) -> list[Placed]:
    return [(row.position, decode(row.type, row.payload)) for row in rows]


def _of_claim(clearing: Sequence[Placed], claim_no: str) -> list[Placed]:
    """A clearing without the receipts of other claims, and without their journals."""
    others = {
        position
        for position, event in clearing
        if isinstance(event, events.ClaimReceipted) and event.voucher_no != claim_no
    }
    return [
        (position, event)
        for position, event in clearing
        if position not in others
        and not (isinstance(event, JournalPosted) and event.source in others)
    ]


def _all(placed: Iterable[Placed], *types: type[Event], before: int | None = None) -> list[Fact]:
    """The events of these types as they say it, each with its position."""
    return [
        {"position": position, "type": event.TYPE, **msgspec.to_builtins(event)}
        for position, event in placed
        if isinstance(event, types) and (before is None or position < before)
    ]


def _only(placed: Iterable[Placed], kind: type[Event], *names: str) -> list[Fact]:
    """As :func:`_all`, with these members alone."""
    return [
        {name: fact[name] for name in ("position", *names) if name in fact}
        for fact in _all(placed, kind)
    ]


ROUTES = (
    Route(
        Operation(
            name="payment.trace",
            method="GET",
            path="/v1/ledgers/{ledger}/payments/{pay_app_no}/trace",
            right=Right.READ,
            summary="From project and budget to receipt, clearing and journals, and back 溯源",
            answer=TraceView,
            codes=(Code.PAYMENT_NOT_FOUND,),
        ),
        trace,
    ),
)
