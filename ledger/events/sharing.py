"""Texts that thousands of records repeat, kept once in memory: codes, names, round amounts."""

from collections.abc import Iterable
from sys import intern
from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def sharing(record: S, names: Iterable[str]) -> S:
    """The record, with these of its texts shared by all that say the same.

    What is decoded has texts of its own, each of some 55 bytes: of a row of the budget that stays
    at hand, half of what it takes. A text goes when nobody has it any more.
    """
    return msgspec.structs.replace(
        record, **{name: intern(getattr(record, name)) for name in names}
    )
