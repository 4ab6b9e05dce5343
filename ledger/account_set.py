"""账套: a ledger is one fiscal division in one fiscal year.

Outside it is ``440000000-2026``; in the store one bigint, ``mof_div_code * 10000 + fiscal_year``,
which leads every key, so that the schema distributes by it unchanged.

``000000000-2026`` is no division's: the system ledger 系统账套 of a year keeps what the program has
to have on record about the others, such as their signed checkpoints. Only the program writes it.

``440000000-0000`` is a division's standing ledger 基础信息账套: what outlives a year, such as
persons and their rights. ``000000000-0000`` holds what is of all divisions.
"""

import re
from datetime import date
from functools import lru_cache

from ledger.errors import AccessError, Code, Refusal

SYSTEM_DIVISION = "000000000"

DIVISION_DIGITS = 9
STANDING_YEAR = 0  # in the place of the year: the ledger of what outlives every year

_TEXT = re.compile(r"([1-9][0-9]{8}|0{9})-(20[0-9]{2}|0000)", re.ASCII)
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
    return f"{key // YEARS:09d}-{key % YEARS:04d}"


@_remembered
def division_of(key: int) -> str:
    """The nine digits of the fiscal division (财政区划)."""
    return f"{key // YEARS:09d}"


def fiscal_year_of(key: int) -> int:
    """The fiscal year, which is the calendar year (预算法 §18); 0 of a standing ledger."""
    return key % YEARS


def require_year_before(key: int, from_ledger: str) -> None:
    """That what a ledger takes over is of its division's year before; raises Refusal
    ``invalid_state``."""
    before = parse_ledger(from_ledger)
    due = division_of(key), fiscal_year_of(key) - 1
    if (division_of(before), fiscal_year_of(before)) != due:
        raise Refusal(Code.INVALID_STATE, f"{from_ledger} is not the year before this ledger's")


def system_ledger(fiscal_year: int) -> int:
    """The key of a year's system ledger."""
    return fiscal_year


def is_system(key: int) -> bool:
    """Whether the ledger is a system ledger, and no division's."""
    return STANDING_YEAR < key < DIVISIONS_BEGIN


def standing_ledger(division_prefix: str) -> int:
    """The key of the standing ledger in which what is given for a division, or for all whose codes
    begin so, is on record: ``44`` and ``440000000`` share one, and "" has the one of all."""
    return ledger_id(division_prefix.ljust(DIVISION_DIGITS, "0"), STANDING_YEAR)


def own_standing_ledger(key: int) -> int:
    """The key of the standing ledger of a ledger's own division."""
    return key - key % YEARS


def is_standing(key: int) -> bool:
    """Whether the ledger is a standing ledger, which has no year."""
    return fiscal_year_of(key) == STANDING_YEAR


def standing_ledgers_of(key: int) -> tuple[int, ...]:
    """The standing ledgers whose content may concern a ledger: those of every prefix of its
    division's code, from the one of all down; of a system or standing ledger none."""
    if is_system(key) or is_standing(key):
        return ()
    division = division_of(key)
    prefixes = (division[:digits] for digits in range(DIVISION_DIGITS + 1))
    return tuple(sorted({standing_ledger(prefix) for prefix in prefixes}))


def within_year(key: int, day: date) -> date:
    """``day`` brought into the ledger's year: its last day for a later one, else its first. A
    standing ledger has every year."""
    if is_standing(key):
        return day
    year = fiscal_year_of(key)
    if day.year < year:
        return date(year, 1, 1)
    if day.year > year:
        return date(year, 12, 31)
    return day
