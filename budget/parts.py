"""分配下达的指标: what an act on a part of a distributed indicator does to the whole.

A part takes of the whole and gives back to it, as an indicator of a row of the budget does with the
row: Σ parts never exceed what there was to distribute.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from budget.advances import ADVANCES
from budget.distribution_events import DistributionRaised, DistributionReturned
from budget.indicator import INDICATOR, Indicator, journal, moved_with_row, require
from budget.received import RECEIVED_AMOUNTS
from budget.rows import ROWS
from ledger.deciding.command import Need
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.money import yuan


class WholeMoved(NamedTuple):
    """What becomes of the indicator that another is a part of."""

    indicator: Indicator
    event: DistributionRaised | DistributionReturned
    day: date
    amounts_fen: dict[str, int]
    after: list[MovedRow]


def needs_whole(state: LedgerState, bgt_id: str) -> Iterator[Need]:
    """The indicator that this one is a part of."""
    indicator = state.get(INDICATOR, bgt_id)
    if indicator is not None and indicator.distributed_from:
        yield INDICATOR, indicator.distributed_from


def needs_limit(state: LedgerState, bgt_id: str) -> Iterator[Need]:
    """The row of the budget that the indicator takes of; the limit, of an advance; what of a
    transfer is left for it."""
    indicator = state.get(INDICATOR, bgt_id)
    if indicator is not None and indicator.row_id:
        yield ROWS, indicator.row_id
    if indicator is not None and indicator.advance_of:
        yield ADVANCES, indicator.advance_of
    if indicator is not None and indicator.from_transfer:
        yield RECEIVED_AMOUNTS, indicator.from_transfer


def whole_moved(
    state: LedgerState, part: Indicator, day: date, back_fen: int, number: str, by: str
) -> WholeMoved | None:
    """What an act on a part gives back, or takes where that is less than nothing; None of an
    indicator that is no part.

    Args:
        number: of the act.

    Raises:
        Refusal: ``insufficient_indicator`` where less than nothing would be left to distribute, on
            that day or a later one.
    """
    if not part.distributed_from:
        return None
    whole = require(state, part.distributed_from, day)
    kind = DistributionReturned if back_fen > 0 else DistributionRaised
    amounts = {"amount": abs(back_fen)}
    after = moved_with_row(state, day, whole.bgt_id, "", kind.TYPE, amounts)
    event = kind(
        bgt_id=whole.bgt_id,
        part_bgt_id=part.bgt_id,
        adj_no=number,
        amt=yuan(abs(back_fen)),
        pending_amt=yuan(after[1].row.pending),
        figures=after[0].row.figures(),
        by=by,
    )
    return WholeMoved(whole, event, day, amounts, after)


def with_whole(state: LedgerState, decision: Decision, moved: WholeMoved | None) -> Decision:
    """The decision on a part, and behind it what becomes of the whole."""
    if moved is not None:
        entry = journal(
            state,
            moved.event.TYPE,
            moved.day,
            number=moved.event.adj_no,
            indicator=moved.indicator,
            amounts_fen=moved.amounts_fen,
            ahead=len(decision.events),
        )
        bgt_id = moved.indicator.bgt_id
        decision.events += [(INDICATOR, bgt_id, moved.event), (INDICATOR, bgt_id, entry)]
        decision.moved = [*decision.moved, *moved.after]
    return decision
