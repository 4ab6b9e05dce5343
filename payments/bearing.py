"""Which indicator bears what of a payment, line by line. Pure.

Until something is corrected a payment's own indicator bears all of it, and nothing is kept here.
What was corrected last is moved on, and comes back, first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from ledger.money import stored_fen
from payments.correction_events import PaymentCorrected

LineAmounts = Sequence[tuple[str, int]]  # (detail id, fen)


class Borne(msgspec.Struct, frozen=True, gc=False):
    """What an indicator bears of a line, in fen, and under which day it waited to be claimed."""

    pay_detail_id: str
    bgt_id: str
    amount_fen: int
    since: date


Bearing = tuple[Borne, ...]  # what was corrected last stands last


def borne_at_first(bgt_id: str, since: date, left_fen: Mapping[str, int]) -> Bearing:
    """All of it by the payment's own indicator; ``left_fen``: what was paid of each line and has
    not come back."""
    return tuple(Borne(line, bgt_id, fen, since) for line, fen in left_fen.items() if fen)


def borne_by(bearing: Bearing, bgt_id: str, pay_detail_id: str = "") -> int:
    """What an indicator bears of the payment, or of one line, in fen."""
    return sum(
        borne.amount_fen
        for borne in bearing
        if borne.bgt_id == bgt_id and pay_detail_id in ("", borne.pay_detail_id)
    )


def lines_of(bearing: Bearing, bgt_id: str, pay_detail_id: str, amount_fen: int) -> LineAmounts:
    """The lines out of which an amount is moved: the one that is named, or the first ones."""
    lines: list[tuple[str, int]] = []
    for line in dict.fromkeys(borne.pay_detail_id for borne in bearing):
        if pay_detail_id in ("", line) and amount_fen:
            part_fen = min(amount_fen, borne_by(bearing, bgt_id, line))
            amount_fen -= part_fen
            lines += [(line, part_fen)] if part_fen else []
    return lines


def taken(
    bearing: Bearing, lines: Iterable[tuple[str, int]], bgt_id: str = ""
) -> tuple[Bearing, list[Borne]]:
    """What is left when lines are taken out of what an indicator bears, or whoever does, and what
    was taken."""
    left, parts = list(bearing), []
    for line, amount_fen in lines:
        for place in reversed(range(len(left))):
            borne = left[place]
            if borne.pay_detail_id != line or bgt_id not in ("", borne.bgt_id):
                continue
            part_fen = min(amount_fen, borne.amount_fen)
            amount_fen -= part_fen
            rest_fen = borne.amount_fen - part_fen
            left[place] = msgspec.structs.replace(borne, amount_fen=rest_fen)
            parts.append(msgspec.structs.replace(borne, amount_fen=part_fen))
    return _nonzero(left), list(_nonzero(parts))


def corrected(bearing: Bearing, correction: PaymentCorrected) -> Bearing:
    """As a correction leaves it. What waits on under its day keeps to it."""
    lines = [(line.pay_detail_id, stored_fen(line.amt)) for line in correction.lines]
    left, parts = taken(bearing, lines, correction.bgt_id)
    moved_on = date.fromisoformat(correction.cor_date)
    to = (
        Borne(
            part.pay_detail_id,
            correction.to_bgt_id,
            part.amount_fen,
            moved_on if correction.waiting else part.since,
        )
        for part in parts
    )
    return (*left, *to)


def _nonzero(parts: Iterable[Borne]) -> Bearing:
    return tuple(part for part in parts if part.amount_fen)
