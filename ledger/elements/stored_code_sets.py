"""Code sets (代码集) in the package and in the database.

What the program ships is the ground; what a treasury loads lies over it. Loaded rows are never
changed: a later load of the same code supersedes the earlier row, so the code sets that held after
any load, whose version the events name, can be read again.
"""

import io
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.elements.code_sets import CodeRow, CodeSets
from ledger.elements.files import parse_code_sets
from ledger.gm import sm3

_LOAD_LOCK_KEY = int.from_bytes(b"guokuele")  # loads stand in one order
_COLUMNS = ", ".join(CodeRow._fields)
_KEY = "element, code, mof_div_code, fiscal_year, start_date"
_IN_FORCE = f"""
    SELECT DISTINCT ON ({_KEY}) {_COLUMNS} FROM code_sets
    WHERE load_id <= %s ORDER BY {_KEY}, load_id DESC"""  # noqa: S608 - constants
_ALL_LOADS = 2**63 - 1
YES, NO = 1, 2  # the Ministry's 是 and 否


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


@cache
def shipped() -> CodeSets:
    """The code sets that come with the program (``ledger/data/code_sets/README.md``)."""
    directory = resources.files("ledger.data") / "code_sets"
    files = sorted(
        (file for file in directory.iterdir() if file.name.endswith(".csv")),
        key=lambda file: file.name,
    )
    rows: list[CodeRow] = []
    for file in files:  # in order of name: a set stands after those whose codes it names
        known = {(row.element, row.code) for row in rows}
        text = file.read_text(encoding="utf-8")
        rows += parse_code_sets(io.StringIO(text, newline=""), known)
    return CodeSets(rows)


def read(conn: Connection[TupleRow], *, up_to_load: int = _ALL_LOADS) -> CodeSets:
    """The code sets in force: the shipped ones, overlaid by what was loaded.

    Args:
        conn: any role that may read.
        up_to_load: a ``load_id``; the code sets as they were directly after it.
    """
    loaded = [_from_store(values) for values in conn.execute(_IN_FORCE, [up_to_load])]
    return shipped().overlaid(loaded) if loaded else shipped()


def load(
    conn: Connection[TupleRow],
    rows: Iterable[CodeRow],
    *,
    loaded_by: str,
    file_name: str = "",
    file_content: bytes = b"",
) -> LoadReport:
    """Puts rows in force and on record, in one transaction.

    Args:
        conn: of a role that may insert into the two tables. Inside an open transaction the load
            is part of that one.
        rows: as :func:`ledger.elements.files.parse_code_sets` gives them.
        loaded_by: the principal who loads.
        file_name: where they come from, for the record.
        file_content: the file's bytes; their SM3 goes on record.

    Returns:
        What changed. A load that changes nothing is recorded like any other.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOAD_LOCK_KEY])
        before = read(conn)
        standing = {row.key: row for row in before.rows()}
        given = {row.key: row for row in rows}
        changed = [row for key, row in given.items() if standing.get(key) != row]
        added = sum(row.key not in standing for row in changed)
        after = before.overlaid(changed)
        report = _record(
            conn,
            {
                "loaded_by": loaded_by,
                "version": after.version,
                "file_name": file_name,
                "file_sm3": sm3(file_content).hex() if file_content else "",
                "added": added,
                "superseded": len(changed) - added,
                "unchanged": len(given) - len(changed),
            },
        )
        with conn.cursor().copy(f"COPY code_sets (load_id, {_COLUMNS}) FROM STDIN") as copy:
            for row in changed:
                copy.write_row((report.load_id, *_to_store(row)))
    return report


def loads(conn: Connection[TupleRow]) -> list[LoadReport]:
    """Every load, first to last."""
    fields = ", ".join(LoadReport._fields)
    statement = f"SELECT {fields} FROM code_set_loads ORDER BY load_id"  # noqa: S608 - constants
    return [LoadReport(*values) for values in conn.execute(statement)]


def _record(conn: Connection[TupleRow], values: dict[str, Any]) -> LoadReport:
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    returned = conn.execute(
        f"INSERT INTO code_set_loads ({names}) VALUES ({places}) "  # noqa: S608 - constants
        f"RETURNING {', '.join(LoadReport._fields)}",
        values,
    ).fetchone()
    assert returned is not None, "an insert returns its row"
    return LoadReport(*returned)


def _to_store(row: CodeRow) -> tuple[Any, ...]:
    return tuple((YES if value else NO) if isinstance(value, bool) else value for value in row)


def _from_store(values: TupleRow) -> CodeRow:
    row = CodeRow(*values)
    return row._replace(
        is_leaf=row.is_leaf == YES,
        is_enabled=row.is_enabled == YES,
        is_standard=row.is_standard == YES,
    )
