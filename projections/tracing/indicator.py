"""From an indicator to every fen of it: what moved it, every payment, and sums that prove it all.

What is summed here are the business events one by one; the figures beside them come from another
way, the balances that were kept as the books were posted. They have to agree.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from msgspec import UNSET, UnsetType

from budget.balances import CONTROLS, PENDING_CONTROL, Balances
from budget.events import (
    Figures,
    IndicatorAdjusted,
    IndicatorFrozen,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    IndicatorUnfrozen,
    PlanCut,
    PlanSet,
    amount_of,
    moved_by,
)
from budget.indicator import BEGINNINGS, INDICATOR
from budget.year_end_events import IndicatorWrittenOff
from ledger.account_set import ledger_text
from ledger.errors import Code, Refusal
from ledger.events import Event, types_that
from ledger.money import parse_yuan, stored_fen, yuan
from ledger.reading.objects import read_objects
from payments.payment import APPLIED, APPROVED, PAYMENT, SENT, SIGNED
from projections.account_sums import Model, live_model
from projections.core.listing import PAGE_SIZE, POSITION_MAX
from projections.core.moments import Moment, one_moment
from projections.indicator_past import past_indicator
from projections.payment_tables import PAYMENTS
from projections.payments import Payments
from projections.prior_returns import PRIOR_RETURNS
from projections.queries import list_payments
from projections.tracing.corrections import (
    CorrectionSums,
    TracedCorrection,
    corrections_of,
    traced_corrections,
)
from projections.tracing.facts import (
    FACTS_MAX,
    FactFields,
    Placed,
    Source,
    facts_of,
    of_types,
    sources,
)
from projections.tracing.links import Link, chain_of
from projections.tracing.origin import issue_of, origin_of

OCCUPYING = (APPLIED, APPROVED, SIGNED, SENT)
MOVING = types_that(lambda traits: traits.subject == INDICATOR.name)
_SUMS = f"""
SELECT count(*), sum(pay_fen), sum(xpay_fen), sum(refund_fen - returned_fen),
       sum(pay_fen) FILTER (WHERE status = ANY(%s)),
       sum(pay_fen - xpay_fen) FILTER (WHERE NOT status = ANY(%s))
FROM {PAYMENTS.name} WHERE ledger_id = %s AND generation = %s AND bgt_id = %s"""  # noqa: S608


_RETURNED = f"""
SELECT coalesce(sum(refund_fen), 0) FROM {PRIOR_RETURNS.name}
WHERE ledger_id = %s AND generation = %s AND bgt_id = %s"""  # noqa: S608


class BusinessSums(msgspec.Struct):
    """What the business events add up to, in yuan.

    Attributes:
        applied: of all payments; of it ``released`` came back unpaid (rejected, withdrawn, failed),
            ``occupied`` is on its way and ``paid`` was paid by the bank.
        refunded: what came back and restored it; ``corrected_in`` and ``corrected_out`` what was
            paid by another indicator at first, and is borne by another one now (更正).
        net_paid: ``paid`` less ``refunded``, with what was corrected.
        others: by what other acts than those named here moved the indicator's amount.
    """

    issued: str
    adjusted: str
    reallocated_in: str
    reallocated_out: str
    frozen: str
    unfrozen: str
    planned: str
    payments: int
    applied: str
    released: str
    occupied: str
    paid: str
    refunded: str
    corrected_in: str
    corrected_out: str
    net_paid: str
    others: str


class Proof(msgspec.Struct):
    """An identity: both sides in yuan, and whether they are the same."""

    name: str
    left: str
    right: str
    holds: bool


class TracedRefund(msgspec.Struct):
    refund_no: str
    refund_amt: str
    refund_date: str
    notice_no: str


class TracedPayment(msgspec.Struct):
    """A payment of the indicator: what it holds of it now, in which state."""

    pay_app_no: str
    status: str
    effective_on: str
    pay_amt: str
    occupied_amt: str
    xpay_amt: str
    refund_amt: str
    net_paid_amt: str
    refunds: list[TracedRefund]
    pay_cert_no: str
    clear_no: str
    applied_position: int
    last_position: int


class IndicatorTrace(msgspec.Struct, kw_only=True):
    """Payments in pages; what stands beside them comes with the first page.

    ``origin`` are the steps before it: its project, and the drafts and the row of the budget that
    it is of. ``movements`` are the indicator's own events; ``movements_left_out`` says how many
    more it has than are shown (they are counted in ``sums``). ``corrections`` are those from it and
    to it, the first thousand, and what restored it of payments made from others.
    """

    ledger: str
    bgt_id: str
    position: int
    figures: Figures | UnsetType = UNSET
    sums: BusinessSums | UnsetType = UNSET
    proofs: list[Proof] | UnsetType = UNSET
    origin: list[Link] | UnsetType = UNSET
    movements: list[FactFields] | UnsetType = UNSET
    movements_left_out: int | UnsetType = UNSET
    corrections: list[TracedCorrection] | UnsetType = UNSET
    sources: list[Source] | UnsetType = UNSET
    payments: list[TracedPayment]
    next_cursor: str | None


def trace_indicator(
    connection: psycopg.Connection,
    key: int,
    bgt_id: str,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> IndicatorTrace:
    """The indicator as of the position that the read model of payments has come to.

    Raises:
        Refusal: ``indicator_not_found``.
        RequestError: ``malformed``: a cursor or page size that is none.
    """
    with one_moment(connection):
        model = live_model(connection, key, Payments.name)
        past = past_indicator(connection, key, bgt_id, Moment(position=model.position))
        if past is None:
            raise Refusal(Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id)
        page = list_payments(connection, key, {"bgt_id": bgt_id}, cursor, page_size)
        trace = IndicatorTrace(
            ledger=ledger_text(key),
            bgt_id=bgt_id,
            position=model.position,
            payments=_payments(connection, key, page.items),
            next_cursor=page.next_cursor,
        )
        if cursor is None:
            pending_fen = stored_fen(past.indicator.pending_amt or yuan(0))
            _complete(connection, key, trace, past.balances, pending_fen, model)
        return trace


def _complete(
    connection: psycopg.Connection,
    key: int,
    trace: IndicatorTrace,
    balances: Balances,
    pending_fen: int,
    model: Model,
) -> None:
    """Adds what comes with the first page."""
    own = of_types(connection, key, trace.bgt_id, MOVING, model.position, POSITION_MAX)
    shown: list[Placed] = []
    totals = OwnSums()
    count = 0
    for count, (position, event) in enumerate(own, 1):
        if count <= FACTS_MAX:
            shown.append((position, event))
        totals.add(event)
    fen = _Fen(
        totals,
        connection.execute(
            _SUMS.encode(), (list(OCCUPYING), list(OCCUPYING), key, model.generation, trace.bgt_id)
        ).fetchone() or (),
        corrections_of(connection, key, model.generation, trace.bgt_id),
        _returned_fen(connection, key, model.generation, trace.bgt_id),
    )  # fmt: skip
    figures = balances.figures()
    if pending_fen:
        figures = msgspec.structs.replace(figures, amount=yuan(pending_fen + balances.amount))
    trace.figures = figures
    trace.sums = fen.sums()
    trace.proofs = list(fen.proofs(balances, pending_fen))
    head = issue_of(connection, key, trace.bgt_id, model.position)
    trace.origin = chain_of(*origin_of(connection, key, head, model.position))
    trace.movements = facts_of(shown, *MOVING)
    trace.movements_left_out = count - len(shown)
    trace.corrections = traced_corrections(connection, key, model.generation, trace.bgt_id)
    trace.sources = sources(connection, key, trace.bgt_id, model.position)


def _returned_fen(connection: psycopg.Connection, key: int, generation: int, bgt_id: str) -> int:
    """以前年度退回: what of last year's payments came back to a carried indicator."""
    row = connection.execute(_RETURNED.encode(), (key, generation, bgt_id)).fetchone()
    return int(row[0]) if row else 0


class OwnSums:
    """What an indicator's own events add up to in fen: by their types, and by what they move."""

    def __init__(self) -> None:
        self.of_type: dict[type[Event], int] = {}
        self.moved = dict.fromkeys((*CONTROLS, PENDING_CONTROL), 0)

    def add(self, event: Event) -> None:
        amount_fen = amount_of(event)
        self.of_type[type(event)] = self.of_type.get(type(event), 0) + amount_fen
        for control in self.moved:
            self.moved[control] += amount_fen * moved_by(event, control)


class _Fen:
    """The sums in fen."""

    def __init__(
        self,
        totals: OwnSums,
        payments: Iterable[Any],
        corrections: CorrectionSums,
        returned_fen: int,
    ) -> None:
        own = totals.of_type
        self.issued = sum(own.get(cls, 0) for cls in BEGINNINGS)
        self.adjusted = own.get(IndicatorAdjusted, 0)
        self.into = own.get(IndicatorReallocatedIn, 0)
        self.out = own.get(IndicatorReallocatedOut, 0)
        self.frozen = own.get(IndicatorFrozen, 0)
        self.unfrozen = own.get(IndicatorUnfrozen, 0)
        self.planned = own.get(PlanSet, 0) + own.get(PlanCut, 0)
        self.brought = sum(totals.moved.values()) + returned_fen
        self.net_frozen = totals.moved["frozen"]
        self.pending = totals.moved[PENDING_CONTROL]
        numbers = [int(value or 0) for value in payments]
        self.count, self.applied, self.paid, self.refunded, self.occupied, self.released = numbers
        self.refunded += corrections.restored_fen - corrections.elsewhere_fen
        self.corrected_in, self.corrected_out = corrections.in_fen, corrections.out_fen
        self.written_off = own.get(IndicatorWrittenOff, 0)
        net_paid = self.paid - self.refunded + self.corrected_in - self.corrected_out
        self.net_paid = net_paid - self.written_off

    def sums(self) -> BusinessSums:
        return BusinessSums(
            issued=yuan(self.issued),
            adjusted=yuan(self.adjusted),
            reallocated_in=yuan(self.into),
            reallocated_out=yuan(self.out),
            frozen=yuan(self.frozen),
            unfrozen=yuan(self.unfrozen),
            planned=yuan(self.planned),
            payments=self.count,
            applied=yuan(self.applied),
            released=yuan(self.released),
            occupied=yuan(self.occupied),
            paid=yuan(self.paid),
            refunded=yuan(self.refunded),
            corrected_in=yuan(self.corrected_in),
            corrected_out=yuan(self.corrected_out),
            net_paid=yuan(self.net_paid),
            others=yuan(self.brought - self.issued - self.adjusted - self.into + self.out),
        )

    def proofs(self, kept: Balances, pending_fen: int) -> Iterable[Proof]:
        """The figures that were kept against the sums of what happened."""
        corrected = " + corrected_in - corrected_out" * bool(self.corrected_in + self.corrected_out)
        corrected += " - written_off" * bool(self.written_off)
        pending = "pending + " if self.pending else ""
        for name, left, right in (
            (
                "amount = issued + adjusted + reallocated_in - reallocated_out + others",
                pending_fen + kept.amount,
                self.brought,
            ),
            (
                f"amount = {pending}canuse + frozen + occupied + net_paid",
                self.brought,
                self.pending + kept.available + self.net_frozen + self.occupied + self.net_paid,
            ),
            ("frozen_amt = frozen - unfrozen", kept.frozen, self.net_frozen),
            ("pay_app_amt = applied - released - paid", kept.occupied,
             self.applied - self.released - self.paid),
            (f"pay_amt = paid - refunded{corrected}", kept.paid, self.net_paid),
            ("plan_amt = planned", kept.plan, self.planned),
        ):  # fmt: skip
            yield Proof(name, yuan(left), yuan(right), left == right)


def _payments(
    connection: psycopg.Connection, key: int, items: list[dict[str, Any]]
) -> list[TracedPayment]:
    refunded = [i["pay_app_no"] for i in items if parse_yuan(i["refund_amt"], zero=True)]
    objects = read_objects(connection, key, PAYMENT, refunded)
    found = []
    for item in items:
        number, status = item["pay_app_no"], item["status"]
        refunds = objects[number].refunds if number in objects else ()
        net_fen = parse_yuan(item["xpay_amt"], zero=True) - parse_yuan(
            item["refund_amt"], zero=True
        )
        found.append(
            TracedPayment(
                pay_app_no=number,
                status=status,
                effective_on=item["effective_on"],
                pay_amt=item["pay_amt"],
                occupied_amt=item["pay_amt"] if status in OCCUPYING else yuan(0),
                xpay_amt=item["xpay_amt"],
                refund_amt=item["refund_amt"],
                net_paid_amt=yuan(net_fen),
                refunds=[
                    TracedRefund(r.refund_no, r.refund_amt, r.refund_date, r.notice_no)
                    for r in refunds
                ],
                pay_cert_no=item["pay_cert_no"],
                clear_no=item["clear_no"],
                applied_position=item["applied_position"],
                last_position=item["last_position"],
            )
        )
    return found
