"""What is wrong with the lines of a file: every error of it is told, the first ones in full."""

import re
from typing import Any

import msgspec

from ledger.elements.register import ElementRegister
from ledger.errors import Code, GuokuError, RequestError

ERRORS_SHOWN_MAX = 1000
_READ_SHOWN_MAX = 60

# What a spreadsheet would carry out, what it wrote where it could not, the mark by which it was
# told that a cell is text, its escape of a line's end, and what it makes of a number of twelve
# digits: no part of anybody's name or number.
_OF_SPREADSHEETS = re.compile(
    r"^[=+@']|^-.|^#(?:N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|DIV/0!|SPILL!|CALC!)|_x[0-9A-F]{4}_"
    r"|^[0-9](?:\.[0-9]+)?E\+[0-9]+$",
    re.IGNORECASE,
)

# Cells that are the number of somebody or something, and what is none: what other programs write
# for no value, and digits and letters of another width, by which two that look alike would be two.
_NUMBERS = frozenset({"pay_detail_id", "payee_bank_no", "iden_no"})
is_no_number = re.compile(
    r"(?i:nan|null|none|[+-]?inf)\Z|.*[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
).match


class LineError(msgspec.Struct, frozen=True):
    """What is wrong with a line of the file; ``column`` "" is the line as a whole."""

    line: int
    column: str
    code: str
    detail: str


class FileErrors:
    """The errors of a whole file: the first ones in full, all of them counted."""

    def __init__(self, shown_max: int = ERRORS_SHOWN_MAX) -> None:
        self.shown: list[LineError] = []
        self.count = 0
        self._shown_max = shown_max

    def add(self, line: int, column: str, code: str, detail: str) -> None:
        self.count += 1
        if len(self.shown) < self._shown_max:
            self.shown.append(LineError(line, column, code, detail))

    def add_read(self, line: int, column: str, problem: GuokuError, text: str) -> None:
        """What is wrong with a cell, and what was read, which may not be what its sender sees."""
        read = repr(text[:_READ_SHOWN_MAX])
        detail = problem.detail if read in problem.detail else f"{problem.detail}; {read} was read"
        self.add(line, column, problem.code.text, detail)

    def add_uncounted(self, error: LineError) -> None:
        """An error that was counted otherwise."""
        if len(self.shown) < self._shown_max:
            self.shown.append(error)

    def as_extra(self) -> dict[str, Any]:
        """Members of the problem document, in the order of the file."""
        shown = sorted(self.shown, key=lambda error: error.line)
        return {"error_count": self.count, "errors": msgspec.to_builtins(shown)}


def check_text(name: str, text: str) -> None:
    """A cell that says an element of the register: its shape, and that no spreadsheet has made it;
    of a number, that it is one.

    Raises:
        RequestError: ``malformed``.
    """
    ElementRegister.check_shape(name, text)
    if found := _OF_SPREADSHEETS.search(text):
        raise RequestError(
            Code.MALFORMED,
            f"{name} holds a formula, a mark or an error of a spreadsheet, {found[0]!r}",
        )
    if name in _NUMBERS and is_no_number(text):
        raise RequestError(
            Code.MALFORMED, f"{name} is no value, or has full-width digits or letters"
        )
