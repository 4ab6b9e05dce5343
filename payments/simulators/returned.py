"""Money that a simulated bank sends back: of which lines, and how much."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan


class PaidLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line that was paid: its id, the payee, fen."""

    id: str
    payee_acct_no: str
    payee_acct_name: str
    fen: int


class Return(NamedTuple):
    """Money that goes back.

    Attributes:
        serial: the bank's number of it, counted from 1.
        number, pay_app_no, adm_div_code, st_year: of the voucher that it was paid by.
        lines: what goes back of each.
    """

    serial: int
    number: str
    pay_app_no: str
    adm_div_code: str
    st_year: int
    lines: tuple[PaidLine, ...]


def taken_of(
    left_fen: Mapping[str, int], detail_id: str, amount_fen: int | None
) -> list[tuple[str, int]]:
    """How much goes back of which line.

    Raises:
        Refusal: ``details_mismatch``: no such line; ``refund_exceeds_paid``: more than is left.
    """
    if detail_id and detail_id not in left_fen:
        raise Refusal(Code.DETAILS_MISMATCH, f"it has no line {detail_id!r}")
    lines = {detail_id: left_fen[detail_id]} if detail_id else left_fen
    wanted_fen = sum(lines.values()) if amount_fen is None else amount_fen
    if not 0 < wanted_fen <= sum(lines.values()):
        left = yuan(sum(lines.values()))
        raise Refusal(Code.REFUND_EXCEEDS_PAID, f"of what was paid {left} can still come back")
    taken: list[tuple[str, int]] = []
    for id_, fen in lines.items():
        part_fen = min(fen, wanted_fen)
        if part_fen:
            taken.append((id_, part_fen))
        wanted_fen -= part_fen
    return taken
