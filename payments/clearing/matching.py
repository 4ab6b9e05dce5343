"""勾兑: a bank's claim against what waits to be claimed by it, by unit and function. Pure.

A claim either sums over all that waits of its message and fund, and then has every unit and
function of it, or it names vouchers that are claimed singly, and has all of each.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ledger.errors import Code, Refusal
from ledger.money import stored_fen, yuan
from payments.clearing.bank_events import BankClaimLine
from payments.clearing.uncleared_key import UnclearedKey
from payments.messages.vt_codes import CLAIM

CLAIM_LINES_MAX = 499  # details < 500 a message, as with payment vouchers
DIFFERENCES_TOLD_MAX = 50

OwedRow = tuple[UnclearedKey, str, int]  # key, its text, fen


class Claimed(Protocol):
    """What is matched of a claim."""

    @property
    def vt_code(self) -> str: ...
    @property
    def fund_type_code(self) -> str: ...
    @property
    def lines(self) -> tuple[BankClaimLine, ...]: ...


class _Place(NamedTuple):
    """What a detail sums over; ``pay_app_no`` "" where it is of no single payment."""

    pay_app_no: str
    sup_dep_code: str
    exp_func_code: str


def due_to(claim: Claimed, owed: Iterable[OwedRow]) -> list[OwedRow]:
    """What of the rows a claim is about, by its message, its fund and the vouchers it names."""
    named = {line.pay_app_no for line in claim.lines if line.pay_app_no} or {""}
    return [
        row
        for row in owed
        if (row[0].vt_code, row[0].fund_type_code) == (claim.vt_code, claim.fund_type_code)
        and row[0].pay_app_no in named
    ]


def rows_of(claim: Claimed, owed: Iterable[OwedRow]) -> list[OwedRow]:
    """Those of them that stand under one of its details."""
    places = {_of_line(line) for line in claim.lines}
    return [row for row in due_to(claim, owed) if _of_key(row[0]) in places]


def require_one_way(claim: Claimed) -> None:
    """That it names a voucher in each detail or in none; and in none of a return.

    Raises:
        Refusal: ``receipt_mismatch``.
    """
    names = {bool(line.voucher_no) for line in claim.lines}
    if len(names) > 1:
        raise Refusal(
            Code.RECEIPT_MISMATCH, "a claim names a voucher in each of its details, or in none"
        )
    if names == {True} and claim.vt_code != CLAIM:
        raise Refusal(
            Code.RECEIPT_MISMATCH, "a 2302 sums over units and functions and names no vouchers"
        )


def require_match(claims: Sequence[Claimed], owed: Iterable[OwedRow], *, whole: bool) -> None:
    """That claims of one message and fund, or one that names vouchers, come to what waits.

    Args:
        whole: whether they must have every unit and function that waits; a claim that is full may
            have another one behind it.

    Raises:
        Refusal: ``receipt_mismatch``, with ``differences``.
    """
    claimed: dict[_Place, int] = {}
    for claim in claims:
        for line in claim.lines:
            place = _of_line(line)
            claimed[place] = claimed.get(place, 0) + stored_fen(line.pay_amt)
    waiting: dict[_Place, int] = {}
    for key, _, amount_fen in due_to(_Together.of(claims), owed):
        waiting[_of_key(key)] = waiting.get(_of_key(key), 0) + amount_fen
    places = claimed.keys() | (waiting.keys() if whole else set())
    differing = [
        {
            **place._asdict(),
            "claimed_amt": yuan(claimed.get(place, 0)),
            "waiting_amt": yuan(waiting.get(place, 0)),
        }
        for place in sorted(places)
        if claimed.get(place, 0) != waiting.get(place, 0)
    ]
    if differing:
        first = differing[0]
        of = first["pay_app_no"] or f"unit {first['sup_dep_code']}"
        raise Refusal(
            Code.RECEIPT_MISMATCH,
            f"{len(differing)} differ from what waits to be claimed, first function "
            f"{first['exp_func_code']} of {of}: {first['claimed_amt']} is claimed, "
            f"{first['waiting_amt']} waits 划款与支付不符",
            differences=differing[:DIFFERENCES_TOLD_MAX],
        )


class _Together(NamedTuple):
    """Claims of one message and fund as one."""

    vt_code: str
    fund_type_code: str
    lines: tuple[BankClaimLine, ...]

    @classmethod
    def of(cls, claims: Sequence[Claimed]) -> "_Together":
        lines = tuple(line for claim in claims for line in claim.lines)
        return cls(claims[0].vt_code, claims[0].fund_type_code, lines)


def _of_line(line: BankClaimLine) -> _Place:
    return _Place(line.pay_app_no, line.sup_dep_code, line.exp_func_code)


def _of_key(key: UnclearedKey) -> _Place:
    return _Place(key.pay_app_no, key.sup_dep_code, key.exp_func_code)
