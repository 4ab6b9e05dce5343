"""Lists of persons that people send as a file, one a line: wages, subsidies.

Every cell is held to the rules of its element, every line to those of its list, and each person
stands there once. Either all of it is right, or it is refused with every error by line and column;
what the books say of it is for the decision that enters the list.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

from ledger.errors import BY_TEXT, Code, GuokuError, Refusal, RequestError
from ledger.files.checking import FileErrors, check_text
from ledger.files.columns import Layout, Row
from ledger.files.rows import read_rows
from ledger.money import parse_yuan
from payments.messages.gbk import check_encodable

_ERRORS_TOLD_MAX = 1_000


class WrongField(NamedTuple):
    """What is wrong with a field of a line."""

    field: str
    code: Code
    detail: str


class OfPerson(Protocol):
    """A line of a list."""

    @property
    def iden_no(self) -> str: ...


class LineRules(NamedTuple):
    """What the lines of one kind of list are held to.

    Attributes:
        line: makes a line of its fields.
        may_be_zero: amounts that may be left out.
        wrong_in: what is wrong with a line by itself; its amounts can be read.
        lines_max: how many a list may have.
    """

    line: Callable[..., Any]
    layout: Layout
    may_be_zero: Sequence[str]
    wrong_in: Callable[[Any], Iterable[WrongField]]
    lines_max: int


class ListFile(NamedTuple):
    """What a file says, and on which of its lines."""

    lines: tuple[Any, ...]
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


def twice(first: dict[str, int], line: OfPerson, place: int) -> WrongField | None:
    """A person stands in a list once; ``first`` remembers where each stood."""
    earlier = first.setdefault(line.iden_no, place)
    if earlier == place:
        return None
    return WrongField("iden_no", Code.DETAILS_MISMATCH, f"line {earlier} is of the same person")


def wrong_lines(rules: LineRules, lines: Sequence[Any]) -> Iterator[tuple[int, WrongField]]:
    """What is wrong with each line by itself, and who stands there twice."""
    first: dict[str, int] = {}
    for place, line in enumerate(lines):
        for wrong in rules.wrong_in(line):
            yield place, wrong
        if (again := twice(first, line, place)) is not None:
            yield place, again


def refuse_lines(wrong: Iterable[tuple[int, WrongField]], line_count: int) -> None:
    """Refuses a list for what is wrong with its lines.

    Raises:
        Refusal: of the first code, with ``errors``, each a pointer, code and detail.
    """
    errors = [
        {"pointer": f"/lines/{place}/{field}", "code": code.text, "detail": detail}
        for place, (field, code, detail) in wrong
    ]
    if errors:
        raise Refusal(
            BY_TEXT[errors[0]["code"]],
            f"{len(errors)} errors in {line_count} lines: {errors[0]['detail']}",
            pointer=errors[0]["pointer"],
            error_count=len(errors),
            errors=errors[:_ERRORS_TOLD_MAX],
        )


def read_list_file(
    rules: LineRules, file: BinaryIO, media_type: str, charset: str = ""
) -> ListFile:
    """The lines of a file.

    Raises:
        Refusal: ``details_mismatch`` with ``errors``, ``error_count`` and ``line_count``.
        RequestError: the file as such cannot be read, is empty or has too many lines.
    """
    report, count = FileErrors(), 0
    lines: list[Any] = []
    file_lines: list[int] = []
    first: dict[str, int] = {}
    for row in read_rows(file, media_type, rules.layout, charset):
        count += 1
        if count > rules.lines_max:
            problem = f"a list has at most {rules.lines_max} lines"
            raise RequestError(Code.TOO_MANY_ITEMS, problem)
        before = report.count
        said = dict(zip(rules.layout.fields, row.texts, strict=True))
        _check_cells(rules, row, said, report)
        if report.count > before:
            continue
        line = rules.line(**said)
        again = twice(first, line, row.file_line)
        for wrong in (*rules.wrong_in(line), *([again] if again else ())):
            error = GuokuError(wrong.code, wrong.detail)
            report.add_read(row.file_line, wrong.field, error, said[wrong.field])
        lines.append(line)
        file_lines.append(row.file_line)
    if not count:
        raise RequestError(Code.MALFORMED, "the file has no lines")
    if report.count:
        detail = f"{report.count} errors in {count} lines: nothing was entered"
        raise Refusal(Code.DETAILS_MISMATCH, detail, line_count=count, **report.as_extra())
    return ListFile(tuple(lines), file_lines)


def _check_cells(rules: LineRules, row: Row, said: Mapping[str, str], report: FileErrors) -> None:
    """Reports every cell of a line that is not what it has to be."""
    if row.problem:
        report.add(row.file_line, row.column, Code.MALFORMED.text, row.problem)
        return
    for name, text in said.items():
        if not text and name not in rules.layout.required:
            continue
        try:
            if name in rules.layout.amounts:
                parse_yuan(text, zero=name in rules.may_be_zero)
            else:
                check_text(name, text)
                check_encodable(text, pointer=f"/{name}")
        except RequestError as problem:
            report.add_read(row.file_line, name, problem, text)
