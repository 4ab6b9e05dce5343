"""What was refused, to whom and why: for auditors."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from ledger.events import CommandRefused, Event
from projections.core.fold import AppendingFold, Fact, Fold, Projection
from projections.core.tables import Table


class RefusalRow(msgspec.Struct):
    """A row of ``proj_refusals``."""

    position: int
    operation: str
    number: str
    code: str
    detail: str
    by: str
    recorded_at: datetime


REFUSALS = Table("proj_refusals", RefusalRow, ("position",))


class Refusals(Projection):
    name: ClassVar[str] = "refusals"
    tables: ClassVar[tuple[Table[Any], ...]] = (REFUSALS,)
    follows: ClassVar[frozenset[type[Event]]] = frozenset({CommandRefused})

    def fold(self, after: int) -> Fold:
        return AppendingFold(refusal_row, REFUSALS)


def refusal_row(fact: Fact) -> RefusalRow:
    refused: CommandRefused = fact.event
    return RefusalRow(
        position=fact.position,
        operation=refused.operation,
        number=refused.number,
        code=refused.code,
        detail=refused.detail,
        by=refused.by,
        recorded_at=fact.recorded_at,
    )
