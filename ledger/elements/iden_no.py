"""公民身份号码 (GB 11643): 18 digits, of which the last one checks the others; it may be X."""

import re
from datetime import date

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_BORN = slice(6, 14)
_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
_CHECK_DIGITS = "10X98765432"  # by the weighted sum modulo 11


def check_digit(first_17: str) -> str:
    """The last digit of a number that begins so."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_DIGITS[total % 11]


def wrong_with(iden_no: str) -> str:
    """Why this is nobody's number; "" where it may be somebody's."""
    if _SHAPE.fullmatch(iden_no) is None:
        return "a 公民身份号码 has 18 digits, the last of which may be X"
    born = iden_no[_BORN]
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return f"nobody is born on {born}"
    if check_digit(iden_no[:-1]) != iden_no[-1]:
        return "its last digit does not check the others 校验码不符"
    return ""
