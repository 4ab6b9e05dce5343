"""Binary COPY of rows that are packed already, and of a batch that comes in pages."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType

import psycopg

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

WAITING_BYTES_MAX = 8 * 1024 * 1024


@contextmanager
def copying(connection: psycopg.Connection, statement: str) -> Iterator[psycopg.Copy]:
    """A COPY that packed rows are written to."""
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as into:
        into.write(HEADER)
        yield into
        into.write(TRAILER)


def copy(connection: psycopg.Connection, rows: Mapping[str, bytes]) -> None:
    """Appends packed rows, by their COPY statements; empty where there are none."""
    for statement, packed in rows.items():
        if packed:
            with copying(connection, statement) as into:
                into.write(packed)


class PagedCopy:
    """Copies a batch that comes in pages by one COPY for each table, not one for each page.

    At the begin of each COPY the server makes room for a thousand rows, one by one, and looks for
    each among all that it has made; over a page that was a fifth of its work. So the COPY of the
    first table stays open from page to page. What belongs in the others waits for its end.

    Leaving it, all is copied; by an exception, nothing more is.
    """

    def __init__(self, connection: psycopg.Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._open = ExitStack()
        self._into: psycopg.Copy | None = None
        self._waiting: dict[str, list[bytes]] = {}
        self._waiting_bytes = 0

    def __enter__(self) -> "PagedCopy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._end()
        else:
            self._open.__exit__(kind, error, traceback)

    def write(self, rows: bytes, others: Mapping[str, bytes]) -> None:
        """Takes a page: rows of the first table, and of others by their COPY statements."""
        if self._into is None:
            self._into = self._open.enter_context(copying(self._connection, self._statement))
        self._into.write(rows)
        for statement, packed in others.items():
            self._waiting.setdefault(statement, []).append(packed)
            self._waiting_bytes += len(packed)
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._end()

    def _end(self) -> None:
        self._open.close()
        self._into = None
        copy(self._connection, {s: b"".join(parts) for s, parts in self._waiting.items()})
        self._waiting, self._waiting_bytes = {}, 0
