"""提前下达: what each unit may be advanced before the approval, has been, and what is absorbed."""

from collections.abc import Iterator

from budget.advance_events import AdvanceLimitsSet, IndicatorAbsorbed
from budget.advances import ADVANCES
from budget.events import IndicatorAdjusted, IndicatorIssued, IndicatorRecalled
from ledger.events import Event, decode, type_names, types_that
from ledger.money import stored_fen
from projections.reports.indicators import Reached, reached_by
from projections.reports.report import AskedReport, Cells, Report

_EVENTS = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_AMOUNTS = ("limit_amt", "advanced_amt", "left_amt", "absorbed_amt")
_TYPES: tuple[type[Event], ...] = (
    *types_that(lambda traits: ADVANCES.name in traits.moves),
    IndicatorAbsorbed,
)


class _OfUnit:
    """Of a unit, in fen."""

    def __init__(self) -> None:
        self.limit = self.advanced = self.absorbed = 0

    @property
    def cells(self) -> tuple[int, ...]:
        """As ``_AMOUNTS`` names them."""
        return self.limit, self.advanced, self.limit - self.advanced, self.absorbed


def advance_limits(asked: AskedReport, name: str) -> Report:
    """A row for each unit that has a limit."""
    reached = reached_by(asked)
    columns = ("agency_code", "agency_name", *_AMOUNTS)
    rows = _rows(asked, reached)
    return Report(name, "提前下达情况表", reached.upto, columns, frozenset(_AMOUNTS), rows)


def _rows(asked: AskedReport, reached: Reached) -> Iterator[Cells]:
    found: dict[str, _OfUnit] = {}
    unit_of: dict[str, str] = {}  # of each advance
    names = [name for cls in _TYPES for name in type_names(cls)]
    scope = (asked.ledger_id, reached.upto, names)
    for type_name, day, payload in asked.connection.execute(_EVENTS, scope, binary=True):
        if reached.reach.through is None or day <= reached.reach.through:
            _take(decode(type_name, payload), found, unit_of)
    for agency_code, unit in sorted(found.items()):
        if asked.scope.holds(agency_code):
            yield agency_code, asked.name_of("agency_code", agency_code), *unit.cells


def _take(event: object, found: dict[str, _OfUnit], unit_of: dict[str, str]) -> None:
    match event:
        case AdvanceLimitsSet():
            for limit in event.limits:
                found.setdefault(limit.agency_code, _OfUnit()).limit = stored_fen(limit.amt)
        case IndicatorIssued(advance_of=unit) if unit:
            unit_of[event.bgt_id] = unit
            found.setdefault(unit, _OfUnit()).advanced += stored_fen(event.amount)
        case IndicatorAdjusted(advance_of=unit) if unit:
            found.setdefault(unit, _OfUnit()).advanced += stored_fen(event.adj_amt)
        case IndicatorRecalled(advance_of=unit) if unit:
            found.setdefault(unit, _OfUnit()).advanced -= stored_fen(event.amt)
        case IndicatorAbsorbed() if event.bgt_id in unit_of:
            found[unit_of[event.bgt_id]].absorbed += stored_fen(event.amt)
