"""账套: a ledger is one fiscal division in one fiscal year.

Outside it is ``440000000-2026``; in the store one bigint, ``mof_div_code * 10000 + fiscal_year``,
which leads every key, so that the schema distributes by it unchanged.

``000000000-2026`` is no division's: the system ledger 系统账套 of a year keeps what the program has
to have on record about the others, such as their signed checkpoints. Only the program writes it.
"""

import re
from datetime import date
from functools import lru_cache

from ledger.errors import AccessError, Code

SYSTEM_DIVISION = "000000000"

_TEXT = re.compile(r"([1-9][0-9]{8}|0{9})-(20[0-9]{2})", re.ASCII)
YEARS = 10_000  # a year takes the last four digits of the store's key
DIVISIONS_BEGIN = YEARS  # every key from here on is a division's
# Few ledgers are named again and again: several times a payment.
_remembered = lru_cache(maxsize=1024)


def ledger_id(mof_div_code: str, fiscal_year: int) -> int:
    """The store's key of a division's year."""
    return int(mof_div_code) * YEARS + fiscal_year


@_remembered
def parse_ledger(text: str) -> int:
    """``440000000-2026`` to the store's key; raises ``ledger_not_found`` for any other shape."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger is named {text[:40]!r}")
    return ledger_id(match.group(1), int(match.group(2)))


@_remembered
def ledger_text(key: int) -> str:
    """The store's key to ``440000000-2026``."""
    return f"{key // YEARS:09d}-{key % YEARS}"


@_remembered
def division_of(key: int) -> str:
    """The nine digits of the fiscal division (财政区划)."""
    return f"{key // YEARS:09d}"


def fiscal_year_of(key: int) -> int:
    """The fiscal year, which is the calendar year (预算法 §18)."""
    return key % YEARS


def system_ledger(fiscal_year: int) -> int:
    """The key of a year's system ledger."""
    return fiscal_year


def is_system(key: int) -> bool:
    """Whether the ledger is a system ledger, and no division's."""
    return key < DIVISIONS_BEGIN


def within_year(key: int, day: date) -> date:
    """``day`` brought into the ledger's year: its last day for a later one, else its first."""
    year = fiscal_year_of(key)
    if day.year < year:
        return date(year, 1, 1)
    if day.year > year:
        return date(year, 12, 31)
    return day
