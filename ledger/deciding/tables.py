"""Tables of objects: rows that show what the events of a kind are folded to, to be found by SQL.

A row is a cache. It is a function of one object and written in the transaction of the events that
changed it; nothing reads one against the events, and a verification folds them again. A domain
declares its tables with the kind of object (``ledger.deciding.objects.Kind``), and the engine
writes what they say.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

TableRow = tuple[
    Any, ...
]  # in the order of the columns, as JSON has them; bytes as PostgreSQL's "\\x…"


class ObjectTable(msgspec.Struct, Generic[T], frozen=True, dict=True):
    """One table. Its rows stay: an object that has ended has a row that says so.

    Attributes:
        name: in the database.
        columns: name and SQL type of each, the first ``key`` of which are its primary key.
        rows: of a ledger's object; those of one object never get fewer.
        keeps: whether a row never changes either.
        home: the one ledger whose rows it holds; else a column ``ledger_id`` says whose each is.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: int
    rows: Callable[[int, T], Iterable[TableRow]]
    keeps: bool = False
    home: int | None = None

    @cached_property
    def upsert(self) -> str:
        """The statement that writes rows, given as one JSON array of objects."""
        names = [name for name, _ in self.columns]
        typed = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        told = ", ".join(f"{name} = excluded.{name}" for name in names[self.key :])
        keys = ", ".join(names[: self.key])
        return (
            f"INSERT INTO {self.name} ({', '.join(names)})"  # noqa: S608 - declared names only
            f" SELECT {', '.join(names)} FROM jsonb_to_recordset($1::jsonb) AS t ({typed})"
            f" ON CONFLICT ({keys}) DO {'NOTHING' if self.keeps else f'UPDATE SET {told}'}"
        )

    def as_json(self, rows: Iterable[TableRow]) -> bytes:
        """Rows as the statement takes them, of each key the last."""
        names = [name for name, _ in self.columns]
        by_key = {row[: self.key]: dict(zip(names, row, strict=True)) for row in rows}
        return msgspec.json.encode(list(by_key.values()))


AnyTable = ObjectTable[Any]


class ShownRows(msgspec.Struct, frozen=True, array_like=True):
    """Rows of one table that are to be written: the statement, and its parameter."""

    statement: str
    rows: bytes


def shown(table: AnyTable, ledger_id: int, objects: Sequence[Any]) -> ShownRows:
    """What a table has to say of these objects."""
    rows = (row for obj in objects for row in table.rows(ledger_id, obj))
    return ShownRows(table.upsert, table.as_json(rows))
