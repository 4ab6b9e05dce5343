"""A payment's whole chain 环环相扣: from its project to its journals and back, with positions."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import msgspec
import psycopg

from budget.events import (
    IndicatorIssued,
)
from ledger.account_set import ledger_text
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted, types_that
from payments.clearing.claims import CLEARING
from payments.clearing.events import (
    ClaimReceipted,
)
from payments.manifest import MANIFEST
from payments.payment import PAYMENT, Payment
from projections.core.moments import one_moment
from projections.queries import clearing_of
from projections.tracing.facts import (
    FACTS_MAX,
    FactFields,
    Placed,
    Source,
    facts_of,
    of_types,
    sources,
    stream,
)

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


def _step(name: str) -> tuple[type[Event], ...]:
    """The types that a step of the chain shows."""
    return types_that(lambda traits: traits.step == name)


class Link(msgspec.Struct):
    """One step of the chain; ``previous`` leads back to the budget, ``next`` on to the books.

    ``is_whole`` is false where the step has more facts than are shown.
    """

    step: str
    number: str | None
    positions: list[int]
    previous: str | None
    next: str | None
    facts: list[FactFields]
    is_whole: bool = True


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
        issued = _head(connection, key, bgt_id, before)
        clear_no, claim_no = clearing_of(connection, key, pay_app_no)
        clearing = _of_claim(stream(connection, key, CLEARING, clear_no), claim_no)
        manifests = _manifests(connection, key, payment)
        facts = {
            "project": _only(issued, "pro_code", "pro_name"),
            "budget": _only(issued, *_BUDGET),
            **{
                step: facts_of(of_types(connection, key, bgt_id, _step(step), before), *_step(step))
                for step in ("indicator", "plan")
            },
            "payment": facts_of(own, *_step("payment")),
            "voucher": facts_of(sorted([*manifests, *own], key=_position), *_step("voucher")),
            "receipt": facts_of(own, *_step("receipt")),
            "clearing": facts_of(clearing, *_step("clearing")),
            "journals": facts_of([*issued, *own, *clearing], *_step("journals")),
        }
        numbers = {
            "project": facts["project"][0]["pro_code"],
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
            chain=_chain(facts, numbers),
            sources=sources(connection, key, bgt_id, before),
        )


def _head(connection: psycopg.Connection, key: int, bgt_id: str, upto: int) -> list[Placed]:
    """An indicator's issue and its journal."""
    kinds: tuple[type[Event], ...] = (IndicatorIssued, JournalPosted)
    return list(of_types(connection, key, bgt_id, kinds, upto, limit=2))


def _chain(facts: Mapping[str, list[FactFields]], numbers: Mapping[str, str | None]) -> list[Link]:
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
            is_whole=step not in ("indicator", "plan") or len(facts[step]) < FACTS_MAX,
        )
        for place, step in enumerate(taken)
    ]


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


def _only(issued: Iterable[Placed], *names: str) -> list[FactFields]:
    """The issue, with these members alone."""
    return [
        {name: fact[name] for name in ("position", *names) if name in fact}
        for fact in facts_of(issued, IndicatorIssued)
    ]
