"""工资表: a list of wages as people send it, a person a line.

Every cell is held to the rules of its element, every line to 应发 − 扣款 = 实发, and each person
stands there once; what the books say of it is for the decision (``payments.wages.loading``).
"""

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

from ledger.errors import BY_TEXT, Code, GuokuError, Refusal, RequestError
from ledger.files.checking import FileErrors, check_text
from ledger.files.columns import Layout, Row
from ledger.files.rows import read_rows
from ledger.money import parse_yuan
from payments.messages.gbk import check_encodable
from payments.wages.lines import AMOUNTS, MAY_BE_ZERO, WrongField, twice, wrong_in
from payments.wages.loading import LINES_MAX
from payments.wages.run_events import WageLine

_PAYEE = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")
_REQUIRED = ("agency_code", "bgt_id", "iden_no", *_PAYEE, "wage_sala", "net_sala")
LAYOUT = Layout(fields=WageLine.__struct_fields__, required=_REQUIRED, amounts=AMOUNTS)


class WageFile(NamedTuple):
    """What a file says, and on which of its lines."""

    lines: tuple[WageLine, ...]
    file_lines: list[int]

    def refused(self, problem: GuokuError) -> GuokuError:
        """What the books found wrong, by line and column of the file where it is of a line."""
        told = problem.extra.get("errors") or [_pointed(problem)]
        report = FileErrors()
        for each in told:
            _, _, place, *column = f"{each['pointer']}///".split("/")[:4]
            if not each["pointer"].startswith("/lines/"):
                return problem
            line = self.lines[int(place)]
            error = GuokuError(BY_TEXT[each["code"]], each["detail"])
            for name in column:
                report.add_read(self.file_lines[int(place)], name, error, getattr(line, name))
        problem.extra |= report.as_extra()
        return problem


def _pointed(problem: GuokuError) -> Mapping[str, Any]:
    pointer = problem.extra.get("pointer", "")
    return {"pointer": pointer, "code": problem.code.text, "detail": problem.detail}


def read_wage_file(file: BinaryIO, media_type: str, charset: str = "") -> WageFile:
    """The lines of a file.

    Raises:
        Refusal: ``details_mismatch`` with ``errors``, ``error_count`` and ``line_count``.
        RequestError: the file as such cannot be read, is empty or has too many lines.
    """
    report, count = FileErrors(), 0
    lines: list[WageLine] = []
    file_lines: list[int] = []
    first: dict[str, int] = {}
    for row in read_rows(file, media_type, LAYOUT, charset):
        count += 1
        if count > LINES_MAX:
            raise RequestError(Code.TOO_MANY_ITEMS, f"a list has at most {LINES_MAX} lines")
        before = report.count
        said = dict(zip(LAYOUT.fields, row.texts, strict=True))
        _check_cells(row, said, report)
        if report.count > before:
            continue
        line = WageLine(**said)
        _report(report, row, said, [*wrong_in(line), twice(first, line, row.file_line)])
        lines.append(line)
        file_lines.append(row.file_line)
    if not count:
        raise RequestError(Code.MALFORMED, "the file has no lines")
    if report.count:
        detail = f"{report.count} errors in {count} lines: nothing was entered"
        raise Refusal(Code.DETAILS_MISMATCH, detail, line_count=count, **report.as_extra())
    return WageFile(tuple(lines), file_lines)


def _report(
    report: FileErrors, row: Row, said: Mapping[str, str], wrongs: Iterable[WrongField | None]
) -> None:
    for wrong in wrongs:
        if wrong is not None:
            problem = GuokuError(wrong.code, wrong.detail)
            report.add_read(row.file_line, wrong.field, problem, said[wrong.field])


def _check_cells(row: Row, said: Mapping[str, str], report: FileErrors) -> None:
    """Reports every cell of a line that is not what it has to be."""
    if row.problem:
        report.add(row.file_line, row.column, Code.MALFORMED.text, row.problem)
        return
    for name, text in said.items():
        if not text and name not in _REQUIRED:
            continue
        try:
            if name in AMOUNTS:
                parse_yuan(text, zero=name in MAY_BE_ZERO)
            else:
                check_text(name, text)
                check_encodable(text, pointer=f"/{name}")
        except RequestError as problem:
            report.add_read(row.file_line, name, problem, text)
