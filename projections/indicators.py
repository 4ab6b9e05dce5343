"""Indicators as they stand: dimensions with names, and the figures after the last event.

Every event that moves an indicator carries its figures. Those of a payment do not name the
indicator; the journal that stands directly behind them in the same commit does. Batches are whole
commits, so the two are always seen together. Beside the figures of now stand their changes by
spans of positions and business days, from which those of any other moment are added up.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.balances import BALANCES, Balances
from budget.distribution_events import IndicatorAllotted
from budget.events import (
    Figures,
    IndicatorEnabled,
    IndicatorIssued,
    PlanCut,
    PlanSet,
)
from budget.indicator import EXECUTABLE
from budget.pending import PENDING
from ledger.books.posted import Posted
from ledger.events import Event, types_that
from ledger.money import stored_fen
from projections.core.fold import Fact, Fold, Projection, Rows, Writes, known
from projections.core.spans import end_of, lengths
from projections.core.tables import Table
from projections.views import VIEWS, FiguresView


class IndicatorStanding(msgspec.Struct, gc=False):
    """What events move of an indicator's row."""

    bgt_id: str
    amount_fen: int
    frozen_fen: int
    pay_app_fen: int
    pay_fen: int
    canuse_fen: int
    plan_fen: int
    plan_canuse_fen: int
    pending_fen: int
    bgt_exe_flag: int
    last_position: int


class IndicatorRow(IndicatorStanding, gc=False):
    """A row of ``proj_indicators``: as it was issued, and as it stands.

    ``distributed_from`` is the indicator that it is a part of, "" of one that is issued by itself.
    """

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
    is_dir_code: str
    track_pro_code: str
    distributed_from: str
    effective_on: date
    issued_position: int


class IndicatorSpanRow(msgspec.Struct, gc=False):
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


INDICATORS = Table(
    "proj_indicators",
    IndicatorRow,
    ("bgt_id",),
    state=IndicatorStanding,
    integers=("bgt_exe_flag",),
)
INDICATOR_SPANS = Table(
    "proj_indicator_spans",
    IndicatorSpanRow,
    ("bgt_id", "span_end", "effective_on"),
    adds=tuple(f"{name}_fen" for name in Balances.__struct_fields__),
)

# those that say what is 待下达 behind them
STAGED = frozenset(types_that(lambda traits: PENDING.name in traits.moves))

_OF_ISSUE = ("distributed_from", "effective_on", "issued_position")  # not as its event says it
_AS_ISSUED = tuple(
    name
    for name in IndicatorRow.__struct_fields__
    if name not in (*IndicatorStanding.__struct_fields__[1:], *_OF_ISSUE)
)


class Indicators(Projection):
    name: ClassVar[str] = "indicators"
    version: ClassVar[int] = 6
    tables: ClassVar[tuple[Table[Any], ...]] = (INDICATORS, INDICATOR_SPANS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        types_that(lambda traits: BALANCES.name in traits.moves)
    )
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = VIEWS

    def fold(self, after: int) -> Fold:
        return _IndicatorFold(after)


class _IndicatorFold(Fold):
    """Keeps the row of each indicator, and its changes in the span that is not over."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._begun_before = end_of(after, lengths()[0])  # this span may have rows already
        self._held: Rows = {}
        self._issued: dict[str, IndicatorRow] = {}
        self._touched: dict[str, IndicatorStanding] = {}
        self._spans: dict[tuple[str, int, date], IndicatorSpanRow] = {}
        self._waiting: dict[int, Fact] = {}

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if not self._after:
            return {}
        # a movement's journal names its indicator, as a plan does itself
        named = {getattr(fact.event, "bgt_id", "") for fact in facts}
        return {INDICATORS: named - {""}}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        self._held = rows

    def take(self, facts: Sequence[Fact]) -> None:
        touched, spans, length, end = self._touched, self._spans, lengths()[0], 0
        for fact, bgt_id, figures, position in movements(facts, self._waiting):
            if (row := touched.get(bgt_id)) is None:
                row = touched[bgt_id] = self._row(fact, bgt_id)
            if position > end:
                end = end_of(position, length)
            key = (bgt_id, end, fact.effective_on)
            after = balances_of(figures)
            if (span := spans.get(key)) is None:
                spans[key] = IndicatorSpanRow(*key, *_changes(row, after))
            else:
                _add(span, _changes(row, after))
            row.canuse_fen, row.frozen_fen = after.available, after.frozen
            row.pay_app_fen, row.pay_fen = after.occupied, after.paid
            row.plan_fen, row.last_position = after.plan, fact.position
            if type(fact.event) in STAGED:
                _stage(row, fact.event)

    def _row(self, fact: Fact, bgt_id: str) -> IndicatorStanding:
        if isinstance(fact.event, IndicatorIssued):
            issued = self._issued[bgt_id] = _issued(fact, fact.event)
            return issued
        row: IndicatorStanding = known(self._held, (bgt_id,), fact)
        return row

    def settled(self, upto: int) -> Writes:
        over = [key for key in self._spans if key[1] <= upto]
        return self._spread([self._spans.pop(key) for key in over])

    def rest(self, upto: int) -> Writes:
        for row in self._touched.values():  # what follows from the balances, worked out once
            used_fen = row.pay_app_fen + row.pay_fen
            row.amount_fen = row.pending_fen + row.canuse_fen + row.frozen_fen + used_fen
            row.plan_canuse_fen = max(0, row.plan_fen - used_fen)
        held = [row for bgt_id, row in self._touched.items() if bgt_id not in self._issued]
        spans = self._spread(self._spans.values())
        new = {INDICATORS: self._issued.values(), **spans.new}
        return Writes(new, {INDICATORS: held}, spans.added)

    def _spread(self, spans: Collection[IndicatorSpanRow]) -> Writes:
        """Only what was begun before this fold has to be added to rows that are there."""
        new: list[IndicatorSpanRow] = []
        begun: list[IndicatorSpanRow] = []
        for span in spans:
            (begun if span.span_end == self._begun_before else new).append(span)
        return Writes({INDICATOR_SPANS: new}, added={INDICATOR_SPANS: begun})


# What moved an indicator: the event, the indicator, its figures after it, and where the books have
# it: the position of the event's journal, the event's own where it has none.
IndicatorMovement = tuple[Fact, str, FiguresView | Figures, int]


def movements(
    facts: Sequence[Fact], waiting: dict[int, Fact] | None = None
) -> Iterator[IndicatorMovement]:
    """What moved indicators, in order, of facts as ``Indicators`` sees them.

    Args:
        waiting: movements of earlier facts by position, whose journal may be among these; those of
            these facts whose journal is not are put in. Without a journal an event moves nothing.
    """
    waiting = {} if waiting is None else waiting
    for fact in facts:
        event = fact.event
        if type(event) is Posted:
            if (source := waiting.pop(event.source, None)) is not None:
                yield source, event.bgt_id, source.event.figures, fact.position
        elif type(event) in (PlanSet, PlanCut) or is_flag_alone(event):  # no account, so no journal
            yield fact, event.bgt_id, event.figures, fact.position
        else:
            waiting[fact.position] = fact


def is_flag_alone(event: Any) -> bool:
    """Whether it makes an indicator executable that never was 待下达."""
    return type(event) is IndicatorEnabled and not event.pending_amt


def balances_of(figures: FiguresView | Figures) -> Balances:
    """The controlled balances that an event's figures state, in fen."""
    return Balances(
        stored_fen(figures.canuse_amt),
        stored_fen(figures.frozen_amt),
        stored_fen(figures.pay_app_amt),
        stored_fen(figures.pay_amt),
        stored_fen(figures.plan_amt),
    )


def _stage(row: IndicatorStanding, event: Any) -> None:
    """What is pending behind an event, and whether the indicator is executable."""
    if event.pending_amt:
        row.pending_fen = stored_fen(event.pending_amt)
    if isinstance(event, IndicatorEnabled):
        row.bgt_exe_flag = EXECUTABLE


def _changes(row: IndicatorStanding, after: Balances) -> tuple[int, int, int, int, int]:
    """By how much a movement changes the balances of a row, in the order of ``Balances``."""
    return (
        after.available - row.canuse_fen,
        after.frozen - row.frozen_fen,
        after.occupied - row.pay_app_fen,
        after.paid - row.pay_fen,
        after.plan - row.plan_fen,
    )


def _add(span: IndicatorSpanRow, changes: tuple[int, int, int, int, int]) -> None:
    available_fen, frozen_fen, occupied_fen, paid_fen, plan_fen = changes
    span.available_fen += available_fen
    span.frozen_fen += frozen_fen
    span.occupied_fen += occupied_fen
    span.paid_fen += paid_fen
    span.plan_fen += plan_fen


def _issued(fact: Fact, issued: IndicatorIssued) -> IndicatorRow:
    return IndicatorRow(
        **{name: getattr(issued, name) for name in _AS_ISSUED},
        amount_fen=0,
        frozen_fen=0,
        pay_app_fen=0,
        pay_fen=0,
        canuse_fen=0,
        plan_fen=0,
        plan_canuse_fen=0,
        pending_fen=0,
        bgt_exe_flag=issued.bgt_exe_flag,
        last_position=0,
        distributed_from=issued.ori_bgt_id if isinstance(issued, IndicatorAllotted) else "",
        effective_on=fact.effective_on,
        issued_position=fact.position,
    )
