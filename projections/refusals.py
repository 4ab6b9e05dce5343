"""What was refused, to whom and why: for auditors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

import msgspec

from ledger.events import CommandRefused, Event
from projections.projection import Fact, Projection, Rows, Writes
from projections.tables import Table


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

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        return Writes({REFUSALS: [_row(f, cast("CommandRefused", f.event)) for f in facts]})


def _row(fact: Fact, refused: CommandRefused) -> RefusalRow:
    return RefusalRow(
        position=fact.position,
        operation=refused.operation,
        number=refused.number,
        code=refused.code,
        detail=refused.detail,
        by=refused.by,
        recorded_at=fact.recorded_at,
    )
