"""One element of the register (要素), and how the register writes it down."""

import re
from dataclasses import dataclass

from ledger.elements.shapes import AMOUNT, NAME, NUMBER, TEXT

OF_THE_ACT = "随单录入"  # said anew with each act, and true of that act alone


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the register.

    Attributes:
        name: as in the standard, snake_case.
        title: its Chinese name.
        max_length: in characters.
        shape: what its text must match in full.
        channel: 唯一录入渠道 of the commands that enter it, whichever others refer to it; "" where
            nobody enters it, ``OF_THE_ACT`` where it belongs to an act itself (a reason, a day).
        code_set: whether its values are codes of a code set.
        form: its shape in words, for whoever got it wrong; "" where the name says enough.
    """

    name: str
    title: str
    max_length: int
    shape: re.Pattern[str]
    channel: str = ""
    code_set: bool = False
    form: str = ""

    @property
    def is_amount(self) -> bool:
        return self.shape is AMOUNT

    @property
    def is_free(self) -> bool:
        """Whether letters and digits of any script will do, whatever else may stand in it."""
        return self.shape in (TEXT, NUMBER, NAME)


def code_element(name: str, title: str, max_length: int, shape: str, channel: str = "") -> Element:
    """An element whose values are codes of a code set."""
    pattern = re.compile(shape, re.ASCII)
    return Element(name, title, max_length, pattern, channel, code_set=True)


def pattern_element(name: str, title: str, length: int, shape: str, channel: str) -> Element:
    """An element with a shape of its own."""
    return Element(name, title, length, re.compile(shape, re.ASCII), channel)
