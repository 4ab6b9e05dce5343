"""The rows of an export for people's tools: one struct a subject, MoF element names.

A struct says which Parquet file it goes to and which element of which class of the XML it becomes;
"" where it goes to neither. Its docstring is its description in ``docs/export.md``. Amounts are
held in fen and written as yuan with two decimals. A yes is 1 是 and a no 2 否, as in the exchange
tables.
"""

from typing import Annotated, ClassVar

import msgspec

Fen = Annotated[int, msgspec.Meta(description="fen; written in yuan as decimal(18,2)")]
Flag = Annotated[int, msgspec.Meta(description="1 是, 2 否")]

YES, NO = 1, 2

# the classes of GB/T 42940—2023: name of the file and of the class
BASIC, PROJECT, BUDGET = ("basic", "基础"), ("project", "项目"), ("budget", "预算")
REVENUE, EXPENDITURE, FINAL = ("revenue", "收入"), ("expenditure", "支出"), ("final", "决算")
CLASSES = (BASIC, PROJECT, BUDGET, REVENUE, EXPENDITURE, FINAL)
NOWHERE = ("", "")


class Subject(msgspec.Struct, gc=False):
    """What all rows have in common."""

    PARQUET: ClassVar[str] = ""
    XML: ClassVar[tuple[str, str]] = NOWHERE
    ELEMENT: ClassVar[str] = ""
    # the fields that tell a row from others where it is sent upward; () where it is not sent
    KEY: ClassVar[tuple[str, ...]] = ()
    # fields whose element is not their name in capitals; "" where the XML leaves one out
    ELEMENTS: ClassVar[dict[str, str]] = {}


def flag(yes: bool) -> int:
    """A yes or no as the exchange tables write it."""
    return YES if yes else NO
