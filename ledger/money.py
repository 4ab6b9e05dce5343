"""Money: integer fen inside, yuan text with two decimals outside. No float ever touches it.

``parse_yuan`` is the only way in, ``yuan`` the only way out. The limit of 16 integer digits is
that of ``NUMBER(18,2)`` in the exchange tables.
"""

import re
from functools import lru_cache

from ledger.errors import Code, RequestError

FEN_PER_YUAN = 100
INTEGER_DIGITS_MAX = 16
AMOUNT_MAX_FEN = 10 ** (INTEGER_DIGITS_MAX + 2) - 1
_STORED_KNOWN_MAX = 4_096  # one text stands in an event and in every line of its journal
_DECIMALS = tuple(f".{fen:02d}" for fen in range(FEN_PER_YUAN))

_YUAN = re.compile(r"(-?)(0|[1-9][0-9]{0,15})\.([0-9]{2})", re.ASCII)


def parse_yuan(text: object, *, pointer: str = "", signed: bool = False, zero: bool = False) -> int:
    """Yuan text to fen.

    Args:
        text: ``"1234.56"``: a string with exactly two decimals and no leading zeros.
        pointer: JSON pointer of the field, for the error.
        signed: whether a negative amount is meaningful here.
        zero: whether zero is.

    Raises:
        RequestError: ``invalid_amount`` for anything else: numbers, exponents, a third decimal.
    """
    if isinstance(text, str) and text.isascii():  # what is plainly an amount, in less time
        integer, _, decimals = text.partition(".")
        plain = integer.isdigit() and decimals.isdigit() and len(decimals) == 2
        if plain and integer[0] != "0" and len(integer) <= INTEGER_DIGITS_MAX:
            return int(integer + decimals)
    match = _YUAN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise RequestError(
            Code.INVALID_AMOUNT,
            "an amount is text in yuan with two decimals and at most 16 integer digits, "
            'such as "1234.56"',
            pointer=pointer,
        )
    sign, integer, decimals = match.groups()
    fen = int(integer) * FEN_PER_YUAN + int(decimals)
    if fen == 0 and not zero:
        raise RequestError(Code.INVALID_AMOUNT, "the amount is zero", pointer=pointer)
    if sign:
        if not signed or fen == 0:
            raise RequestError(Code.INVALID_AMOUNT, "the amount is negative", pointer=pointer)
        return -fen
    return fen


def yuan(amount_fen: int) -> str:
    """Fen to yuan text: ``123456`` -> ``"1234.56"``."""
    if amount_fen > 0:
        return str(amount_fen // FEN_PER_YUAN) + _DECIMALS[amount_fen % FEN_PER_YUAN]
    return "-" + yuan(-amount_fen) if amount_fen else "0.00"


@lru_cache(_STORED_KNOWN_MAX)
def stored_fen(amount: str) -> int:
    """Yuan text of a stored event, which was parsed when it was decided, to fen."""
    return int(amount.replace(".", ""))
