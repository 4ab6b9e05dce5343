"""Amounts: ``Decimal`` of yuan with two decimals, never float.

An amount is handed over as ``Decimal`` or as text as the server writes it (``"1234.56"``). An
``int`` is refused with the floats: nobody sees of ``100`` whether it is yuan or fen.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TypeAlias

from guoku_client.errors import AmountError

Amount: TypeAlias = Decimal | str

INTEGER_DIGITS_MAX = 16
_FEN = Decimal("0.01")
_LIMIT = Decimal(10) ** INTEGER_DIGITS_MAX
_TEXT = re.compile(r"-?(0|[1-9][0-9]{0,15})\.[0-9]{2}", re.ASCII)
# of its own, so that no context of the caller's rounds an amount
_EXACT = Context(prec=INTEGER_DIGITS_MAX + 4, traps=[Inexact, InvalidOperation])


def yuan(amount: object, name: str = "amount") -> Decimal:
    """The amount in yuan, with exactly two decimals; ``str`` of it is what goes to the server.

    Args:
        amount: a ``Decimal`` without a third decimal, or text such as ``"1234.56"``.
        name: of the field, for the error.

    Raises:
        AmountError: anything else, float and int above all; more than 16 integer digits.
    """
    if isinstance(amount, str):
        if not _TEXT.fullmatch(amount):
            detail = f'{amount!r} is not yuan text with two decimals, such as "1234.56"'
            raise AmountError(f"{name}: {detail}")
        amount = Decimal(amount)
    if not isinstance(amount, Decimal):
        kind = type(amount).__name__
        raise AmountError(f"{name}: {amount!r} is {kind}; an amount is Decimal or text in yuan")
    try:
        exact = amount.quantize(_FEN, context=_EXACT) if amount.is_finite() else None
    except (Inexact, InvalidOperation):
        exact = None
    if exact is None:
        raise AmountError(f"{name}: {amount} is not an amount of whole fen, or too large")
    if abs(exact) >= _LIMIT:
        raise AmountError(f"{name}: {amount} has more than {INTEGER_DIGITS_MAX} integer digits")
    return exact if exact else Decimal("0.00")  # there is no -0.00
