"""What the commands print: tables and fields for people, lines for pipes, one document of JSON.

With ``--json`` a command's whole answer is one JSON object: its fields by name, its table under
``items``, what else it says under ``output``; an error is one on standard error. Everything a
command says goes through here, so that no command needs to know of it.
"""

import errno
import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO


class _Document:
    """The answer as JSON, while it is being made; ``out`` is where it will go."""

    def __init__(self) -> None:
        self.out: TextIO = sys.stdout
        self.parts: dict[str, Any] = {}
        self.rest = io.StringIO()
        sys.stdout = self.rest


_document: _Document | None = None


def answer_in_json() -> None:
    """From here on what is shown becomes one JSON object, which :func:`finish` prints."""
    global _document
    _document = _document or _Document()


def finish(*, wrong_usage: bool = False) -> None:
    """Prints the JSON object, if one is wanted; the answer of a command is whole. Of
    ``wrong_usage`` all is said on standard error."""
    global _document
    if _document is None:
        return
    document, _document = _document, None
    sys.stdout = document.out
    said = document.rest.getvalue()
    if wrong_usage and not (said or document.parts):
        return
    if said and not document.parts:
        try:
            document.parts = {"output": json.loads(said)}
        except ValueError:
            document.parts = {"output": said}
    elif said.strip():
        document.parts["output"] = said
    print(json.dumps(document.parts, ensure_ascii=False, indent=2))


def fail(line: str, code: str) -> None:
    """Says on standard error why a command ends, as JSON where that is wanted."""
    global _document
    if _document is None:
        print(f"guoku: {line}", file=sys.stderr)
        return
    sys.stdout, _document = _document.out, None
    error = {"error": {"code": code, "detail": line}}
    print(json.dumps(error, ensure_ascii=False), file=sys.stderr)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], name: str = "items") -> None:
    """Prints rows: as a table on a terminal, else a line each, cells parted by tabs, below the
    names of the columns. In JSON they are objects under ``name``."""
    if _document is not None:
        _document.parts[name] = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
        return
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print(*(_text(cell).replace("\t", " ") for cell in row), sep="\t")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    Console().print(table, markup=False)


def show_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Prints name and value, a line each."""
    for name, value in fields:
        if _document is not None:
            _document.parts[name] = _plain(value)
        else:
            print(f"{name}: {_text(value)}")


def add(name: str, value: Any) -> None:
    """Puts a value to those under ``name``, for programs alone: people are told otherwise."""
    if _document is not None:
        _document.parts.setdefault(name, []).append(value)


def announce(fields: Iterable[tuple[str, Any]]) -> None:
    """As :func:`show_fields`, by a program that goes on running: told at once."""
    given = list(fields)
    if _document is not None:
        line = json.dumps({name: _plain(value) for name, value in given}, ensure_ascii=False)
        print(line, file=_document.out, flush=True)
        _document.parts.clear()
        finish_quietly()
        return
    for name, value in given:
        print(f"{name}: {_text(value)}", flush=True)


def finish_quietly() -> None:
    """The answer was given already; what is said from here on is said as it comes."""
    global _document
    if _document is not None:
        sys.stdout, _document = _document.out, None


def explain(error: BaseException) -> str | None:
    """One clear line for an error that a user can act on; None for a fault of the program."""
    import psycopg
    from psycopg_pool import PoolTimeout

    from ledger.errors import Code, GuokuError
    from projections.core.facts import ProjectionError

    match error:
        case GuokuError():
            text = error.detail if error.code is Code.INTERNAL else str(error)
            return text.strip().replace("\n\t", " ")  # how libpq goes on; a log's tail stays lines
        case PoolTimeout() | psycopg.OperationalError():
            return f"the database does not answer: {_one_line(error)}"
        case ProjectionError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):  # a write names no file
            return f"nothing more can be written: {error.strerror}"
    return None


def code_of(error: BaseException) -> str:
    """The stable code of an error that has one; ``internal`` for the rest, as over HTTP."""
    from ledger.errors import Code, GuokuError

    return error.code.text if isinstance(error, GuokuError) else Code.INTERNAL.text


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bytes():
            return value.hex()
        case list() | tuple():
            return ",".join(map(str, value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


def _plain(value: Any) -> Any:
    """A value as JSON has it: numbers, truth and nothing as such, lists as lists, else its text."""
    match value:
        case None | bool() | int() | float() | str() | dict():
            return value
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
    return _text(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
