"""What came in late for a moment, as callers see it: recorded after it, effective before it."""

from collections.abc import Iterable

import msgspec

from budget.balances import Balances
from ledger.money import yuan
from ledger.reading.objects import StoredRow
from projections.core.moments import Late


class LateFiguresView(msgspec.Struct):
    """By how much late entries moved an indicator; cuts are negative."""

    after_position: int
    upto_position: int
    effective_through: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str


class LateEventView(msgspec.Struct):
    position: int
    type: str
    effective_on: str
    recorded_at: str


class LateEventsView(msgspec.Struct):
    """A payment's own late events."""

    after_position: int
    upto_position: int
    effective_through: str
    events: list[LateEventView]


def late_figures(late: Late | None, moved: Balances) -> LateFiguresView | None:
    return late and LateFiguresView(
        after_position=late.after,
        upto_position=late.upto,
        effective_through=late.through.isoformat(),
        frozen_amt=yuan(moved.frozen),
        pay_app_amt=yuan(moved.occupied),
        pay_amt=yuan(moved.paid),
        canuse_amt=yuan(moved.available),
        plan_amt=yuan(moved.plan),
    )


def late_events(late: Late | None, rows: Iterable[StoredRow]) -> LateEventsView | None:
    """Those of a payment's rows that came in late."""
    return late and LateEventsView(
        after_position=late.after,
        upto_position=late.upto,
        effective_through=late.through.isoformat(),
        events=[
            LateEventView(
                position=row.position,
                type=row.type,
                effective_on=row.effective_on.isoformat(),
                recorded_at=row.recorded_at.isoformat(),
            )
            for row in rows
            if late.after < row.position <= late.upto and row.effective_on <= late.through
        ],
    )
