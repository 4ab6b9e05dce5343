"""Validation of a run's lines: each by itself, fast where nothing is wrong.

Nearly all lines of a file are sound, so a line is first held against conditions that are narrower
than the rules and cheap to test; only a line that fails those is asked rule by rule, which says
exactly what is wrong with it.
"""

import re
from collections.abc import Sequence

from ledger.elements.register import ElementRegister
from ledger.errors import GuokuError, RequestError
from ledger.files.checking import FileErrors, check_text, is_no_number
from ledger.files.columns import Layout, Row
from ledger.money import AMOUNT_MAX_FEN, parse_yuan
from payments.disbursement.lines import StoredLine
from payments.messages.gbk import check_encodable

FIELDS = (
    "pay_detail_id",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "pay_amt",
    "iden_no",
    "remark",
)
REQUIRED = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "pay_amt")
LAYOUT = Layout(FIELDS, REQUIRED, amounts=("pay_amt",))

# what is not plainly sound: a space at either end (printable texts have no other white space), or
# what may be a formula or an error of a spreadsheet, or a number as it writes them
_EDGE = re.compile(r"\| | \||\|[=+@#'-]|_x|[Ee]\+")
_IS_ACCOUNT = ElementRegister.ELEMENTS["payee_acct_no"].shape.fullmatch

_LENGTHS = tuple(ElementRegister.ELEMENTS[name].max_length for name in FIELDS)
_ID_MAX, _NAME_MAX, _, _BANK_MAX, _BANK_NO_MAX, _, _IDEN_MAX, _REMARK_MAX = _LENGTHS


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
        and not any(map(is_no_number, (detail_id, bank_no, iden_no)))
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
                report.add_read(row.file_line, name, problem, text)
    if report.count > before:
        return None
    detail_id, payee, account, bank, bank_no, pay_amt, iden_no, remark = row.texts
    pay_fen = parse_yuan(pay_amt)
    return StoredLine(
        line_no, row.file_line, detail_id, payee, account, bank, bank_no, pay_fen, iden_no, remark
    )


def _problem(name: str, text: str) -> GuokuError | None:
    try:
        if name == "pay_amt":
            parse_yuan(text)
        elif text or name in REQUIRED:
            check_text(name, text)
            check_encodable(text, pointer=f"/{name}")
    except RequestError as error:
        return error
    return None


def check_total(pay_fen: int, report: FileErrors) -> None:
    """A run's total is an amount like any other."""
    if pay_fen > AMOUNT_MAX_FEN:
        report.add(0, "pay_amt", "invalid_amount", "the lines add up to more than can be written")
