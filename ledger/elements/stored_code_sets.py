"""Code sets (代码集) in the package and in the database.

What the program ships is the ground; what a treasury loads lies over it (``division.code_sets``).
Loaded rows are never changed: a later load of the same code supersedes the earlier row, so the code
sets that held after any load, whose version the events name, can be read again.
"""

import csv
import io
from datetime import datetime
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.elements.code_sets import CodeRow, CodeSets
from ledger.elements.files import Codes, parse_code_sets
from ledger.elements.register import FUND_PAIR
from ledger.errors import ConfigurationError

_COLUMNS = ", ".join(CodeRow._fields)
_KEY = "element, code, mof_div_code, fiscal_year, start_date"
_IN_FORCE = f"""
    SELECT DISTINCT ON ({_KEY}) {_COLUMNS} FROM code_sets
    WHERE load_id <= %s ORDER BY {_KEY}, load_id DESC"""  # noqa: S608 - constants
_ALL_LOADS = 2**63 - 1
YES = 1  # the Ministry's 是; 否 is 2


class LoadReport(NamedTuple):
    """What a load did, as it is kept for the auditor.

    Attributes:
        version: of the code sets after it, shipped and loaded together.
        added: rows whose key was new.
        superseded: rows that took the place of an earlier one, loaded or shipped.
        unchanged: rows that said what held already; they are not stored again.
    """

    load_id: int
    loaded_at: datetime
    loaded_by: str
    version: str
    file_name: str
    file_sm3: str
    added: int
    superseded: int
    unchanged: int


SHIPPED_COLUMNS = ("element", "code", "name", "parent")
FORMER_RELEASES = ("0.2.0",)  # whose code sets events may name; the last before a change of them


@cache
def shipped() -> CodeSets:
    """The code sets that come with the program (``ledger/data/code_sets/README.md``)."""
    return _shipped_in(resources.files("ledger.data") / "code_sets")


@cache
def shipped_versions() -> dict[str, CodeSets]:
    """By their version all code sets that a release has shipped: what an old event was decided by,
    in a database where nothing was loaded, is told by the version that it names."""
    directory = resources.files("ledger.data") / "code_sets"
    former = [_shipped_in(directory / release) for release in FORMER_RELEASES]
    return {codes.version: codes for codes in (*former, shipped())}


def _shipped_in(directory: Traversable) -> CodeSets:
    files = sorted(
        (file for file in directory.iterdir() if file.name.endswith(".csv")),
        key=lambda file: file.name,
    )
    rows: list[CodeRow] = []
    for file in files:  # in order of name: a set stands after those whose codes it names
        known = {(row.element, row.code) for row in rows}
        rows += shipped_rows(file.name, file.read_text(encoding="utf-8"), known)
    return CodeSets(rows)


def shipped_rows(file_name: str, text: str, known: Codes) -> list[CodeRow]:
    """The rows of one shipped file, which is named after the one element that it holds.

    A column that is left out has a default, by which every code is a root and every pair allowed;
    a shipped file leaves none of its own out.

    Raises:
        ConfigurationError: with the file's name, and every bad line.
    """
    element = file_name.removesuffix(".csv")
    try:
        rows = parse_code_sets(io.StringIO(text, newline=""), known)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file_name}: {error.detail}", **error.extra) from None
    header = text.partition("\n")[0].strip().split(",")
    columns = (*SHIPPED_COLUMNS, *(("is_enabled",) if element == FUND_PAIR else ()))
    if missing := [column for column in columns if column not in header]:
        raise ConfigurationError(f"{file_name}: line 1: the header lacks {', '.join(missing)}")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for line in reader:
        if (other := (line["element"] or "").strip()) != element:
            said = f"{other} stands in the file of {element}"
            raise ConfigurationError(f"{file_name}: line {reader.line_num}: {said}")
    return rows


def read(conn: Connection[TupleRow], *, up_to_load: int = _ALL_LOADS) -> CodeSets:
    """The code sets in force: the shipped ones, overlaid by what was loaded.

    Args:
        conn: any role that may read.
        up_to_load: a ``load_id``; the code sets as they were directly after it.
    """
    loaded = [_from_store(values) for values in conn.execute(_IN_FORCE, [up_to_load])]
    return shipped().overlaid(loaded) if loaded else shipped()


def read_at(conn: Connection[TupleRow], at: datetime | None) -> CodeSets:
    """The code sets as they were at a time, by all that had been loaded; None is now."""
    if at is None:
        return read(conn)
    row = conn.execute(
        "SELECT coalesce(max(load_id), 0) FROM code_set_loads WHERE loaded_at <= %s", (at,)
    ).fetchone()
    assert row is not None, "an aggregate is one row"
    return read(conn, up_to_load=row[0])


def loads(conn: Connection[TupleRow]) -> list[LoadReport]:
    """Every load, first to last."""
    fields = ", ".join(LoadReport._fields)
    statement = f"SELECT {fields} FROM code_set_loads ORDER BY load_id"  # noqa: S608 - constants
    return [LoadReport(*values) for values in conn.execute(statement)]


def stored_rows(conn: Connection[TupleRow]) -> list[tuple[int, CodeRow]]:
    """Every loaded row with its load, whatever has superseded it."""
    statement = f"SELECT load_id, {_COLUMNS} FROM code_sets ORDER BY load_id, {_KEY}"  # noqa: S608
    return [(values[0], _from_store(values[1:])) for values in conn.execute(statement)]


def _from_store(values: TupleRow) -> CodeRow:
    row = CodeRow(*values)
    return row._replace(
        is_leaf=row.is_leaf == YES,
        is_enabled=row.is_enabled == YES,
        is_standard=row.is_standard == YES,
    )
