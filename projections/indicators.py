"""Indicators as they stand: dimensions with names, and the figures after the last event.

Every event that moves an indicator carries its figures. Those of a payment do not name the
indicator; the journal that stands directly behind them in the same commit does. Batches are whole
commits, so the two are always seen together. Beside the figures of now stand their changes by
spans of positions and business days, from which those of any other moment are added up.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec

from ledger import events
from ledger.balances import Balances
from ledger.events import Event, Figures, IndicatorIssued, JournalPosted
from ledger.money import stored_fen
from projections.projection import Fact, Projection, Rows, Writes, known
from projections.spans import end_of, lengths
from projections.tables import Table


class IndicatorRow(msgspec.Struct):
    """A row of ``proj_indicators``."""

    bgt_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    gov_bgt_eco_name: str
    dep_bgt_eco_code: str
    dep_bgt_eco_name: str
    fund_type_code: str
    fund_type_name: str
    bgt_type_code: str
    bgt_type_name: str
    is_contrlbyplan: bool
    bgt_exe_flag: int
    effective_on: date
    issued_position: int
    amount_fen: int = 0
    frozen_fen: int = 0
    pay_app_fen: int = 0
    pay_fen: int = 0
    canuse_fen: int = 0
    plan_fen: int = 0
    plan_canuse_fen: int = 0
    last_position: int = 0


class IndicatorSpanRow(msgspec.Struct):
    """A row of ``proj_indicator_spans``: how an indicator's balances changed, for one business day,
    by what was recorded within one span of positions."""

    bgt_id: str
    span_end: int
    effective_on: date
    available_fen: int = 0
    frozen_fen: int = 0
    occupied_fen: int = 0
    paid_fen: int = 0
    plan_fen: int = 0


INDICATORS = Table("proj_indicators", IndicatorRow, ("bgt_id",))
INDICATOR_SPANS = Table(
    "proj_indicator_spans",
    IndicatorSpanRow,
    ("bgt_id", "span_end", "effective_on"),
    adds=tuple(f"{name}_fen" for name in Balances.__struct_fields__),
)

_FIGURES = (
    "amount_fen",
    "frozen_fen",
    "pay_app_fen",
    "pay_fen",
    "canuse_fen",
    "plan_fen",
    "plan_canuse_fen",
)
_AS_ISSUED = tuple(
    name
    for name in IndicatorRow.__struct_fields__
    if name not in (*_FIGURES, "effective_on", "issued_position", "last_position")
)


class Indicators(Projection):
    name: ClassVar[str] = "indicators"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table[Any], ...]] = (INDICATORS, INDICATOR_SPANS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            events.IndicatorIssued,
            events.IndicatorAdjusted,
            events.IndicatorReallocatedOut,
            events.IndicatorReallocatedIn,
            events.IndicatorFrozen,
            events.IndicatorUnfrozen,
            events.PlanSet,
            events.PaymentApplied,
            events.PaymentRejected,
            events.PaymentWithdrawn,
            events.VoucherReceipted,
            events.PaymentRefunded,
            events.JournalPosted,
        }
    )

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        # a movement's journal names its indicator, as a plan does itself
        named = {getattr(fact.event, "bgt_id", "") for fact in facts}
        return {INDICATORS: named - {""}}

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        indicators = rows[INDICATORS]
        touched: dict[str, IndicatorRow] = {}
        spans: dict[tuple[str, int, date], IndicatorSpanRow] = {}
        length = lengths()[0]
        for fact, bgt_id, figures, position in movements(facts):
            if isinstance(fact.event, IndicatorIssued):
                indicators[bgt_id,] = _issued(fact, fact.event)
            row = touched[bgt_id] = known(indicators, (bgt_id,), fact)
            key = (bgt_id, end_of(position, length), fact.effective_on)
            if (span := spans.get(key)) is None:
                span = spans[key] = IndicatorSpanRow(*key)
            _move(row, span, balances_of(figures))
            row.last_position = fact.position
        return Writes({INDICATORS: touched.values(), INDICATOR_SPANS: spans.values()})


class Movement(NamedTuple):
    """What moved an indicator, its figures after it, and where the books have it: at the position
    of the event's journal, its own where it has none."""

    fact: Fact
    bgt_id: str
    figures: Figures
    position: int


def movements(facts: Sequence[Fact]) -> Iterator[Movement]:
    """What moved indicators, in order. An event whose journal is not among ``facts`` moves none."""
    waiting: dict[int, Fact] = {}
    for fact in facts:
        event = fact.event
        if isinstance(event, JournalPosted):
            if (source := waiting.pop(event.source, None)) is not None:
                figures: Figures = source.event.figures  # type: ignore[attr-defined]
                yield Movement(source, event.bgt_id, figures, fact.position)
        elif isinstance(event, events.PlanSet):  # no account, so no journal
            yield Movement(fact, event.bgt_id, event.figures, fact.position)
        else:
            waiting[fact.position] = fact


def balances_of(figures: Figures) -> Balances:
    """The controlled balances that an event's figures state, in fen."""
    return Balances(
        available=stored_fen(figures.canuse_amt),
        frozen=stored_fen(figures.frozen_amt),
        occupied=stored_fen(figures.pay_app_amt),
        paid=stored_fen(figures.pay_amt),
        plan=stored_fen(figures.plan_amt),
    )


def _move(row: IndicatorRow, span: IndicatorSpanRow, after: Balances) -> None:
    """The row becomes what is after a movement, and the span has it as a change."""
    span.available_fen += after.available - row.canuse_fen
    span.frozen_fen += after.frozen - row.frozen_fen
    span.occupied_fen += after.occupied - row.pay_app_fen
    span.paid_fen += after.paid - row.pay_fen
    span.plan_fen += after.plan - row.plan_fen
    row.amount_fen = after.amount
    row.canuse_fen, row.frozen_fen = after.available, after.frozen
    row.pay_app_fen, row.pay_fen = after.occupied, after.paid
    row.plan_fen, row.plan_canuse_fen = after.plan, max(0, after.plan_available)


def _issued(fact: Fact, issued: IndicatorIssued) -> IndicatorRow:
    return IndicatorRow(
        **{name: getattr(issued, name) for name in _AS_ISSUED},
        effective_on=fact.effective_on,
        issued_position=fact.position,
    )
