"""草案文件: a unit's draft as people send it, a row of the budget, or of its income, a line.

Every cell is held to the rules of its element; which codes are in force, and what the library says
of a project, is for the decision (``budget.preparation.entering``). A line that names a
收入分类科目 says what the unit expects to have; every other one is a row of the budget.
"""

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

from budget.preparation.entering import ROWS_MAX, AskedIncome, AskedRow
from ledger.errors import BY_TEXT, Code, GuokuError, Refusal, RequestError
from ledger.files.checking import FileErrors, check_text
from ledger.files.columns import Layout, Row
from ledger.files.rows import read_rows
from ledger.money import parse_yuan

_CODES = (
    "bgt_pman_id",
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
)
_AMT, _IS_GOV_PUR, _INCOME = "amt", "is_gov_pur", "inc_sort_code"
LAYOUT = Layout(
    fields=(*_CODES, _AMT, _IS_GOV_PUR, _INCOME), required=(*_CODES, _AMT), amounts=(_AMT,)
)
_OF_INCOME = (_INCOME, "fund_type_code", _AMT)
_YES_NO = {"": None, "1": True, "是": True, "2": False, "否": False}


class DraftFile(NamedTuple):
    """What a file says, and on which of its lines.

    Attributes:
        lines: by the name of a part of the draft, the line of each of that part.
    """

    rows: tuple[AskedRow, ...]
    income: tuple[AskedIncome, ...]
    lines: Mapping[str, list[int]]

    def errors_of(self, problems: Iterable[Mapping[str, Any]]) -> FileErrors:
        """What is wrong with the draft (each a ``pointer``, ``code`` and ``detail``), by lines and
        columns of the file."""
        report = FileErrors()
        for each in problems:
            _, part, place, *column = each["pointer"].split("/")
            said, line = getattr(self, part)[int(place)], self.lines[part][int(place)]
            problem = GuokuError(BY_TEXT[each["code"]], each["detail"])
            for name in column:
                report.add_read(line, name, problem, getattr(said, name))
        return report


def read_draft_file(file: BinaryIO, media_type: str, charset: str = "") -> DraftFile:
    """The rows and the income of a file.

    Raises:
        Refusal: ``details_mismatch`` with ``errors``, ``error_count`` and ``line_count``.
        RequestError: the file as such cannot be read, is empty or has too many lines.
    """
    report, count = FileErrors(), 0
    rows: list[AskedRow] = []
    income: list[AskedIncome] = []
    lines: dict[str, list[int]] = {"rows": [], "income": []}
    first: dict[str, int] = {}  # the line of each row of the budget
    for row in read_rows(file, media_type, LAYOUT, charset):
        count += 1
        if count > ROWS_MAX:
            raise RequestError(Code.TOO_MANY_ITEMS, f"a draft has at most {ROWS_MAX} rows")
        said = dict(zip(LAYOUT.fields, row.texts, strict=True))
        before = report.count
        _check(row, said, report)
        key = said["bgt_pman_id"]
        if key and (line := first.setdefault(key, row.file_line)) != row.file_line:
            detail = f"line {line} has the same row"
            report.add(row.file_line, "bgt_pman_id", Code.MALFORMED.text, detail)
        if report.count > before:
            continue
        if said[_INCOME]:
            income.append(AskedIncome(*(said[name] for name in _OF_INCOME)))
            lines["income"].append(row.file_line)
        else:
            asked = {name: said[name] for name in (*_CODES, _AMT)}
            rows.append(AskedRow(**asked, is_gov_pur=_YES_NO[said[_IS_GOV_PUR]]))
            lines["rows"].append(row.file_line)
    if not count:
        raise RequestError(Code.MALFORMED, "the file has no lines")
    if report.count:
        raise refused(report, count)
    return DraftFile(tuple(rows), tuple(income), lines)


def refused(report: FileErrors, line_count: int) -> Refusal:
    """Of a file some of whose lines are wrong: nothing of it is kept."""
    detail = f"{report.count} errors in {line_count} lines: nothing was entered"
    return Refusal(Code.DETAILS_MISMATCH, detail, line_count=line_count, **report.as_extra())


def _check(row: Row, said: Mapping[str, str], report: FileErrors) -> None:
    """Reports every cell of a line that is not what it has to be."""
    if row.problem:
        report.add(row.file_line, row.column, Code.MALFORMED.text, row.problem)
        return
    needed = _OF_INCOME if said[_INCOME] else LAYOUT.required
    for name, text in said.items():
        try:
            if name in needed or (text and name == _IS_GOV_PUR and not said[_INCOME]):
                _check_cell(name, text)
            elif text:
                raise RequestError(Code.MALFORMED, f"a line of income says nothing of {name}")
        except RequestError as problem:
            report.add_read(row.file_line, name, problem, text)


def _check_cell(name: str, text: str) -> None:
    if name == _AMT:
        parse_yuan(text)
    elif name == _IS_GOV_PUR:
        if text not in _YES_NO:
            raise RequestError(Code.MALFORMED, f"{name} is 1 是 or 2 否")
    else:
        check_text(name, text)
