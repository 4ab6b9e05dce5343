"""Validation of a run's lines: each by itself, fast where nothing is wrong.

Nearly all lines of a file are sound, so a line is first held against conditions that are narrower
than the rules and cheap to test; only a line that fails those is asked rule by rule, which says
exactly what is wrong with it.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ledger.elements.register import ElementRegister
from ledger.errors import Code, GuokuError, RequestError
from ledger.money import AMOUNT_MAX_FEN, parse_yuan
from payments.disbursement.columns import FIELDS, REQUIRED, Row
from payments.disbursement.lines import StoredLine
from payments.messages.gbk import check_encodable

ERRORS_SHOWN_MAX = 1000
_READ_SHOWN_MAX = 60

# what is not plainly sound: a space at either end (printable texts have no other white space), or
# what may be a formula or an error of a spreadsheet
_EDGE = re.compile(r"\| | \||\|[=+@#'-]|_x")
# What a spreadsheet would carry out, what it wrote where it could not, the mark by which it was
# told that a cell is text, and its escape of a line's end: no part of anybody's name or number.
_OF_SPREADSHEETS = re.compile(
    r"^[=+@']|^-.|^#(?:N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|DIV/0!|SPILL!|CALC!)|_x[0-9A-F]{4}_",
    re.IGNORECASE,
)
_IS_ACCOUNT = ElementRegister.ELEMENTS["payee_acct_no"].shape.fullmatch

_LENGTHS = tuple(ElementRegister.ELEMENTS[name].max_length for name in FIELDS)
_ID_MAX, _NAME_MAX, _, _BANK_MAX, _BANK_NO_MAX, _, _IDEN_MAX, _REMARK_MAX = _LENGTHS


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

    def add_uncounted(self, error: LineError) -> None:
        """An error that was counted otherwise."""
        if len(self.shown) < self._shown_max:
            self.shown.append(error)

    def as_extra(self) -> dict[str, Any]:
        """Members of the problem document, in the order of the file."""
        shown = sorted(self.shown, key=lambda error: error.line)
        return {"error_count": self.count, "errors": msgspec.to_builtins(shown)}


def checked(row: Row, line_no: int, report: FileErrors) -> StoredLine | None:
    """The line, or None after its errors were reported. Without an id its number is its id."""
    if not row.problem:
        texts = row.texts
        if not texts[0]:
            texts[0] = str(line_no)
        if _plainly_sound(texts):
            try:
                pay_fen = parse_yuan(texts[5])
            except RequestError:
                pass
            else:
                return StoredLine(
                    line_no, row.file_line, texts[0], texts[1], texts[2], texts[3], texts[4],
                    pay_fen, texts[6], texts[7],
                )  # fmt: skip
    return _examined(row, line_no, report)


def _plainly_sound(texts: Sequence[str]) -> bool:
    """True only for texts that break no rule of theirs; others may yet be sound."""
    detail_id, name, account, bank, bank_no, _, iden_no, remark = texts
    everything = f"|{'|'.join(texts)}|"
    if not everything.isprintable():
        return False
    try:
        everything.encode("gbk")
    except UnicodeEncodeError:
        return False
    return (
        0 < len(detail_id) <= _ID_MAX
        and 0 < len(name) <= _NAME_MAX
        and _IS_ACCOUNT(account) is not None
        and 0 < len(bank) <= _BANK_MAX
        and len(bank_no) <= _BANK_NO_MAX
        and len(iden_no) <= _IDEN_MAX
        and len(remark) <= _REMARK_MAX
        and _EDGE.search(everything) is None
    )


def _examined(row: Row, line_no: int, report: FileErrors) -> StoredLine | None:
    """Each field by its own rules; every error is told."""
    before = report.count
    if row.problem:
        report.add(row.file_line, row.column, "malformed", row.problem)
    else:
        for name, text in zip(FIELDS, row.texts, strict=True):
            problem = _problem(name, text)
            if problem is not None:
                report.add(row.file_line, name, problem.code.text, _told(problem, text))
    if report.count > before:
        return None
    detail_id, payee, account, bank, bank_no, pay_amt, iden_no, remark = row.texts
    pay_fen = parse_yuan(pay_amt)
    return StoredLine(
        line_no, row.file_line, detail_id, payee, account, bank, bank_no, pay_fen, iden_no, remark
    )


def _told(problem: GuokuError, text: str) -> str:
    """What is wrong, and what was read, which may not be what its sender sees."""
    read = repr(text[:_READ_SHOWN_MAX])
    return problem.detail if read in problem.detail else f"{problem.detail}; {read} was read"


def _problem(name: str, text: str) -> GuokuError | None:
    try:
        if name == "pay_amt":
            parse_yuan(text)
        elif text or name in REQUIRED:
            ElementRegister.check_shape(name, text, "")
            check_encodable(text, pointer=f"/{name}")
            if found := _OF_SPREADSHEETS.search(text):
                return RequestError(
                    Code.MALFORMED,
                    f"{name} holds a formula, a mark or an error of a spreadsheet, {found[0]!r}",
                )
    except RequestError as error:
        return error
    return None


def check_total(pay_fen: int, report: FileErrors) -> None:
    """A run's total is an amount like any other."""
    if pay_fen > AMOUNT_MAX_FEN:
        report.add(0, "pay_amt", "invalid_amount", "the lines add up to more than can be written")
