"""Indicators as they stand: dimensions with names, and the figures after the last event.

Every event that moves an indicator carries its figures. Those of a payment do not name the
indicator; the journal that stands directly behind them in the same commit does. Batches are whole
commits, so the two are always seen together.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger import events
from ledger.events import Event, Figures, IndicatorIssued, JournalPosted
from ledger.money import parse_yuan
from projections.projection import Fact, Projection, Rows, Writes, known
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


INDICATORS = Table("proj_indicators", IndicatorRow, ("bgt_id",))

# field of Figures -> column
_FIGURES = {
    "amount": "amount_fen",
    "frozen_amt": "frozen_fen",
    "pay_app_amt": "pay_app_fen",
    "pay_amt": "pay_fen",
    "canuse_amt": "canuse_fen",
    "plan_amt": "plan_fen",
    "plan_canuse_amt": "plan_canuse_fen",
}
_AS_ISSUED = tuple(
    name
    for name in IndicatorRow.__struct_fields__
    if name not in (*_FIGURES.values(), "effective_on", "issued_position", "last_position")
)


class Indicators(Projection):
    name: ClassVar[str] = "indicators"
    tables: ClassVar[tuple[Table[Any], ...]] = (INDICATORS,)
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
        return {INDICATORS: {bgt_id for _, bgt_id, _ in _movements(facts)}}

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        indicators = rows[INDICATORS]
        last: dict[str, tuple[Fact, Figures]] = {}
        for fact, bgt_id, figures in _movements(facts):
            if isinstance(fact.event, IndicatorIssued):
                indicators[bgt_id,] = _issued(fact, fact.event)
            last[bgt_id] = (fact, figures)
        for bgt_id, (fact, figures) in last.items():
            row = known(indicators, (bgt_id,), fact)
            row.last_position = fact.position
            for amount, column in _FIGURES.items():
                setattr(row, column, parse_yuan(getattr(figures, amount), zero=True))
        return Writes({INDICATORS: [indicators[bgt_id,] for bgt_id in last]})


def _movements(facts: Sequence[Fact]) -> list[tuple[Fact, str, Figures]]:
    """(event, its indicator, figures after it), in order."""
    found = []
    nameless: dict[int, tuple[Fact, Figures]] = {}
    for fact in facts:
        event = fact.event
        if isinstance(event, JournalPosted):
            if (waiting := nameless.pop(event.source, None)) is not None:
                found.append((waiting[0], event.bgt_id, waiting[1]))
        elif (bgt_id := getattr(event, "bgt_id", None)) is not None:
            found.append((fact, bgt_id, event.figures))  # type: ignore[attr-defined]
        else:
            nameless[fact.position] = (fact, event.figures)  # type: ignore[attr-defined]
    return found


def _issued(fact: Fact, issued: IndicatorIssued) -> IndicatorRow:
    return IndicatorRow(
        **{name: getattr(issued, name) for name in _AS_ISSUED},
        effective_on=fact.effective_on,
        issued_position=fact.position,
    )
