"""Journals as projections read them: lines taken together where they differ in accounts alone.

A journal of one amount names it in each of its lines, ten of them for a payment, and a few rules
make them all. So the lines of a journal are a *shape* (accounts and sides, the amount left out) and
an amount; a shape is decoded once, and what is added up are amounts by shape.
"""

from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import msgspec

from ledger.books import DEBIT
from ledger.events import Line
from ledger.money import stored_fen

_SHAPES_MAX = 4_096
_SHAPE_BYTES_MAX = 4_096  # longer journals are of bulk vouchers, hardly two alike

_NONE = msgspec.Raw(b"[]")

_lines = msgspec.json.Decoder(tuple[Line, ...]).decode


class Posted(msgspec.Struct, frozen=True, gc=False):
    """A ``JournalPosted`` whose lines are not decoded yet."""

    source: int
    event: str
    chart_version: str = msgspec.field(name="rule")
    number: str
    lines: msgspec.Raw
    bgt_id: str = ""
    fund_type_code: str = ""
    red_flag: int = 0
    line_codes: msgspec.Raw = _NONE

    @property
    def says_codes(self) -> bool:
        """Whether its lines say their elements themselves, and not its indicator."""
        return self.line_codes is not _NONE and bytes(self.line_codes) != b"[]"


class Side(NamedTuple):
    """How often an account is debited and credited by the amount of a shape."""

    account: str
    debits: int
    credits: int


def shape_of(lines: bytes) -> tuple[bytes, int]:
    """What is left of a journal's lines without the first one's amount, and that amount in fen.

    It is their shape if ``sides`` knows it; else they have several amounts, or are too long.
    """
    parts = lines.split(b'"', 4)  # [["A3",1,"12.50"],["A5",-1,"12.50"]]
    if len(parts) < 4 or len(lines) > _SHAPE_BYTES_MAX:
        return b"", 0
    amount = parts[3]
    shape = lines.replace(b'"' + amount + b'"', b'""')
    return shape, int(amount.replace(b".", b"")) if amount[-3:-2] == b"." else 0


@lru_cache(_SHAPES_MAX)
def sides(shape: bytes) -> tuple[Side, ...]:
    """What a shape moves; nothing for bytes that are none: an amount left, an account lacking."""
    lines: tuple[Line, ...] = ()
    with suppress(msgspec.MsgspecError):
        lines = _lines(shape)
    if any(line.amt or not line.account for line in lines):
        return ()
    accounts = dict.fromkeys(line.account for line in lines)
    return tuple(
        Side(
            account,
            sum(line.account == account and line.dr_cr == DEBIT for line in lines),
            sum(line.account == account and line.dr_cr != DEBIT for line in lines),
        )
        for account in accounts
    )


def books_of(lines: bytes) -> str:
    """The letters of the books that a journal's lines touch, as ``ADEF``."""
    accounts = [side.account for side in sides(shape_of(lines)[0])]
    if not accounts:
        accounts = [line.account for line in _lines(lines)]
    return "".join(sorted({account[0] for account in accounts}))


def amounts_of(lines: bytes) -> list[tuple[str, int, int]]:
    """(account, debit fen, credit fen) of each line."""
    return [
        (line.account, fen, 0) if line.dr_cr == DEBIT else (line.account, 0, fen)
        for line in _lines(lines)
        for fen in (stored_fen(line.amt),)
    ]
