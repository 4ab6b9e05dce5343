"""A payment's whole chain 环环相扣: from its project to its journals and back, with positions."""

from collections.abc import Sequence
from functools import reduce

import msgspec
import psycopg

from ledger.account_set import ledger_text
from ledger.errors import Code, Refusal
from ledger.events import JournalPosted
from payments.clearing.claims import CLEARING
from payments.clearing.events import (
    ClaimReceipted,
)
from payments.manifest import MANIFEST
from payments.payment import PAYMENT, Payment
from projections.core.moments import one_moment
from projections.queries import clearing_of
from projections.tracing.facts import (
    Placed,
    Source,
    facts_of,
    of_types,
    sources,
    stream,
)
from projections.tracing.links import Link, chain_of, step_types
from projections.tracing.origin import issue_of, origin_of


class PaymentTrace(msgspec.Struct):
    """``sources``: where the indicator's money came from by reallocation, the nearest first."""

    ledger: str
    pay_app_no: str
    status: str
    chain: list[Link]
    sources: list[Source]


def trace_payment(connection: psycopg.Connection, key: int, pay_app_no: str) -> PaymentTrace:
    """The chain, of one moment. Its clearing is as far as the read model has come.

    Raises:
        Refusal: ``payment_not_found``.
    """
    with one_moment(connection):
        own = stream(connection, key, PAYMENT, pay_app_no)
        payment: Payment | None = reduce(PAYMENT.fold, (event for _, event in own), None)
        if payment is None:
            raise Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")
        bgt_id, first = payment.applied.bgt_id, own[0][0]
        before = first - 1
        issued = issue_of(connection, key, bgt_id, before)
        origin = origin_of(connection, key, issued, before)
        clear_no, claim_no = clearing_of(connection, key, pay_app_no)
        clearing = _of_claim(stream(connection, key, CLEARING, clear_no), claim_no)
        manifests = _manifests(connection, key, payment)
        facts = {
            **origin.facts,
            **{
                step: facts_of(
                    of_types(connection, key, bgt_id, step_types(step), before), *step_types(step)
                )
                for step in ("indicator", "plan")
            },
            "payment": facts_of(own, *step_types("payment")),
            "voucher": facts_of(sorted([*manifests, *own], key=_position), *step_types("voucher")),
            "receipt": facts_of(own, *step_types("receipt")),
            "clearing": facts_of(clearing, *step_types("clearing")),
            "journals": facts_of([*issued, *own, *clearing], *step_types("journals")),
        }
        numbers = {
            **origin.numbers,
            "indicator": bgt_id,
            "payment": pay_app_no,
            "voucher": payment.pay_cert_no or None,
            "receipt": payment.receipt.agent_business_no if payment.receipt else None,
            "clearing": clear_no or None,
        }
        return PaymentTrace(
            ledger=ledger_text(key),
            pay_app_no=pay_app_no,
            status=payment.status,
            chain=chain_of(facts, numbers, origin.ledgers),
            sources=sources(connection, key, bgt_id, before),
        )


def _position(placed: Placed) -> int:
    return placed[0]


def _manifests(connection: psycopg.Connection, key: int, payment: Payment) -> list[Placed]:
    """The signatures over many vouchers that this voucher is one of."""
    numbers = dict.fromkeys(s.manifest_no for s in payment.signatures if s.manifest_no)
    return [placed for number in numbers for placed in stream(connection, key, MANIFEST, number)]


def _of_claim(clearing: Sequence[Placed], claim_no: str) -> list[Placed]:
    """A clearing without the receipts of other claims, and without their journals."""
    others = {
        position
        for position, event in clearing
        if isinstance(event, ClaimReceipted) and event.voucher_no != claim_no
    }
    return [
        (position, event)
        for position, event in clearing
        if position not in others
        and not (isinstance(event, JournalPosted) and event.source in others)
    ]
