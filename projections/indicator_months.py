"""What each indicator's journals come to in a month, so that a slice adds months, not lines.

A few rules make all journals, so those of an indicator in a month are a few *shapes*
(``ledger.books.posted``), each with the amount that its journals have together. A journal of
several amounts is kept line by line: a line alone is a shape, too.
"""

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from hashlib import blake2b

import msgspec

from ledger.books import CREDIT, DEBIT
from ledger.books.posted import amounts_of
from projections.core.fold import BulkStatement
from projections.core.tables import Sum, Table

_ID_BYTES = 8
_SHAPES_MAX = 4_096
_NEW_SHAPES = """
INSERT INTO proj_journal_shapes (ledger_id, generation, shape_id, shape)
SELECT %(ledger_id)s, %(generation)s, u.shape_id, u.shape
FROM unnest(%(ids)s::bigint[], %(shapes)s::text[]) AS u (shape_id, shape)
ON CONFLICT DO NOTHING"""


class IndicatorMonthRow(msgspec.Struct):
    """A row of ``proj_indicator_months``: ``fen`` of a shape that journals of an indicator with
    business days in a month come to."""

    bgt_id: str
    month: int
    shape_id: int
    fen: Sum = 0


class ShapeRow(msgspec.Struct):
    """A row of ``proj_journal_shapes``: lines without their amount."""

    shape_id: int
    shape: str


INDICATOR_MONTHS = Table(
    "proj_indicator_months",
    IndicatorMonthRow,
    ("bgt_id", "month", "shape_id"),
    adds=("fen",),
    integers=("month",),
)
JOURNAL_SHAPES = Table("proj_journal_shapes", ShapeRow, ("shape_id",))


@lru_cache(_SHAPES_MAX)
def shape_id(shape: bytes) -> int:
    """A number for a shape that is the same in every ledger and rebuild: the beginning of its
    digest. Shapes are few, and an accident among 64 bits is none to reckon with."""
    digest = blake2b(shape, digest_size=_ID_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True)


class MonthSums:
    """Sums in the making."""

    def __init__(self) -> None:
        self._fen: dict[tuple[str, int, bytes], int] = {}

    def add(self, bgt_id: str, day: date, shape: bytes, fen: int) -> None:
        """A journal of one amount."""
        key = bgt_id, day.month, shape
        self._fen[key] = self._fen.get(key, 0) + fen

    def add_lines(self, bgt_id: str, day: date, lines: bytes) -> None:
        """A journal of several."""
        for account, debit_fen, credit_fen in amounts_of(lines):
            line = b'[["%s",%d,""]]' % (account.encode(), DEBIT if debit_fen else CREDIT)
            self.add(bgt_id, day, line, debit_fen or credit_fen)

    def rows(self) -> Collection[IndicatorMonthRow]:
        return [
            IndicatorMonthRow(bgt_id, month, shape_id(shape), fen)
            for (bgt_id, month, shape), fen in self._fen.items()
        ]

    def new_shapes(self) -> BulkStatement:
        """Enters the shapes that are not there."""
        shapes = {shape for _, _, shape in self._fen}
        ids = {shape_id(shape): shape.decode() for shape in shapes}
        return BulkStatement(_NEW_SHAPES, {"ids": list(ids), "shapes": list(ids.values())})
