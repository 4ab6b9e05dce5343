"""Pages of a read model: filters, order, and cursors that carry both.

Pages are found by key, never by counting, so that the thousandth costs what the first does and rows
written meanwhile neither repeat nor hide others. A cursor names its list, ledger, filters and the
last key it showed; it holds nothing that its reader has not seen.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Generic, LiteralString, NamedTuple, TypeVar

import msgspec
import psycopg
from psycopg.sql import SQL, Composable, Identifier, Placeholder

from ledger.errors import Code, RequestError

R = TypeVar("R", bound=msgspec.Struct)

PAGE_SIZE = 100
PAGE_SIZE_MAX = 1000
POSITION_MAX = 2**63 - 1
_FILTER_CHARACTERS_MAX = 200
# the position and the rows in one statement, so that they are of one moment
_PAGE = SQL("""
SELECT g.position AS model_position, r.*
FROM proj_positions g LEFT JOIN LATERAL (
    SELECT {columns} FROM {table} t
    WHERE t.ledger_id = g.ledger_id AND t.generation = g.generation {conditions}
    ORDER BY {order} LIMIT %s) AS r ON true
WHERE g.ledger_id = %s AND g.projection = %s AND g.live
ORDER BY {order}""")
_TOTAL = SQL("""
SELECT count(*), coalesce(sum({amount}::numeric), 0)
FROM proj_positions g JOIN {table} t ON t.ledger_id = g.ledger_id AND t.generation = g.generation
WHERE g.ledger_id = %s AND g.projection = %s AND g.live {conditions}""")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def a_text(text: str, pointer: str) -> str:
    if "\0" in text or len(text) > _FILTER_CHARACTERS_MAX:
        raise _malformed("a filter is a short text", pointer)
    return text


def a_day(text: str, pointer: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _malformed("a date is written YYYY-MM-DD", pointer)


def a_position(text: str, pointer: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise _malformed("a position is a whole number", pointer)
    return int(text)


class Filter(NamedTuple):
    """A condition, in which ``%s`` is the value, and how the value is read from its text; a tuple
    stands for as many of them.

    Where it depends on the value (an index holds some of them alone), a function gives it.
    """

    condition: LiteralString | Callable[[Any], LiteralString]
    parse: Callable[[str, str], Any] = a_text

    def said(self, value: Any) -> LiteralString:
        """The condition for this value."""
        return self.condition(value) if callable(self.condition) else self.condition


class Total(NamedTuple):
    """Of all that a list's filters let through: how many rows, and what they add up to."""

    rows: int
    amount_fen: int


class ListingPage(NamedTuple):
    """Items as callers see them, the cursor of the next page, how far the model has come, and the
    list's total where it was asked for."""

    items: list[dict[str, Any]]
    next_cursor: str | None
    position: int
    total: Total | None = None


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    list_name: str
    ledger_id: int
    filters: dict[str, str]
    after: list[str | int]
    sort: str = ""

    def shown_until(self, last: list[Any]) -> str:
        """The text of the cursor behind this row."""
        encoded = msgspec.json.encode(msgspec.structs.replace(self, after=last))
        return urlsafe_b64encode(encoded).decode().rstrip("=")


class Listing(Generic[R]):
    """One list over a table or view of a projection.

    Args:
        projection: whose live generation is read.
        table: where the rows are.
        row: their struct.
        order: the fields that order and name a row; the last is unique within the others.
        filters: by the name callers use.
        sorts: other such orders, by the name callers use; with ``-`` before it the other way round.
    """

    def __init__(
        self,
        projection: str,
        table: str,
        row: type[R],
        order: tuple[str, ...],
        filters: Mapping[str, Filter],
        *,
        sorts: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        types = {field.name: field.type for field in msgspec.structs.fields(row)}
        self._projection = projection
        self._table = table
        self._row = row
        self._orders = {"": order, **sorts}
        self._types = types
        self._filters = filters

    def page(
        self,
        connection: psycopg.Connection,
        ledger_id: int,
        filters: Mapping[str, str | None],
        cursor: str | None,
        page_size: int,
        sort: str = "",
    ) -> tuple[list[R], str | None, int]:
        """The rows of a page, the next cursor, and the model's position, in one statement.

        Raises:
            RequestError: ``malformed`` for a filter, an order, a page size or a cursor that is
                none, or a cursor of another list, of other filters or of another order.
        """
        if not 1 <= page_size <= PAGE_SIZE_MAX:
            raise _malformed(f"page_size is 1 to {PAGE_SIZE_MAX}", "/page_size")
        asked = self._asked(ledger_id, filters, cursor, sort)
        order, descends = self._order(asked.sort)
        conditions, values = self._conditions(asked.filters)
        if asked.after:
            placeholders = SQL(", ").join([Placeholder()] * len(order))
            beyond = SQL("({}) < ({})" if descends else "({}) > ({})")
            conditions.append(beyond.format(_names(order), placeholders))
            values += self._place(order, asked.after)
        statement = _PAGE.format(
            columns=_names(self._row.__struct_fields__),
            table=Identifier(self._table),
            conditions=_all_of(conditions),
            order=_names(order, " DESC" if descends else ""),
        )
        parameters = (*values, page_size + 1, ledger_id, self._projection)
        found = connection.execute(statement, parameters).fetchall()
        rows = [self._row(*fields) for _, *fields in found if fields[0] is not None]
        position = found[0][0] if found else 0
        if len(rows) <= page_size:
            return rows, None, position
        del rows[page_size:]
        last = [getattr(rows[-1], name) for name in order]
        return rows, asked.shown_until(last), position

    def total(
        self,
        connection: psycopg.Connection,
        ledger_id: int,
        filters: Mapping[str, str | None],
        cursor: str | None,
        amount: str,
    ) -> Total:
        """How many rows the filters let through, or those of the cursor, and the sum of one of
        their fields, in fen; whoever wants a page of the same moment reads both in one.

        Raises:
            RequestError: as :meth:`page`.
        """
        conditions, values = self._conditions(self._asked(ledger_id, filters, cursor).filters)
        statement = _TOTAL.format(
            amount=Identifier(amount),
            table=Identifier(self._table),
            conditions=_all_of(conditions),
        )
        parameters = (ledger_id, self._projection, *values)
        [(rows, amount_fen)] = connection.execute(statement, parameters).fetchall()
        return Total(rows, int(amount_fen))

    def _order(self, sort: str) -> tuple[tuple[str, ...], bool]:
        """The fields of an order, and whether it is from the last to the first."""
        name = sort.removeprefix("-")
        if (order := self._orders.get(name)) is None or sort == "-":
            named = ", ".join(name for name in self._orders if name)
            raise _malformed(f"sort is one of {named}, or one of them behind a -", "/sort")
        return order, sort != name

    def _conditions(self, given: Mapping[str, str]) -> tuple[list[Composable], list[Any]]:
        conditions: list[Composable] = []
        values: list[Any] = []
        for name, text in given.items():
            if (known := self._filters.get(name)) is None:
                raise _malformed(f"there is no filter {name!r} here", f"/{name}")
            value = known.parse(text, f"/{name}")
            conditions.append(SQL(known.said(value)))
            values += value if isinstance(value, tuple) else (value,)
        return conditions, values

    # ---- cursors

    def _asked(
        self,
        ledger_id: int,
        filters: Mapping[str, str | None],
        text: str | None,
        sort: str = "",
    ) -> _Cursor:
        """Filters, order and last key: a cursor's, where there is one; what is given beside it must
        be the same."""
        given = {name: value for name, value in filters.items() if value}
        if not text:
            return _Cursor(self._table, ledger_id, given, [], sort)
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            cursor = msgspec.json.decode(urlsafe_b64decode(padded), type=_Cursor)
        except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError):
            raise _no_cursor() from None
        if (cursor.list_name, cursor.ledger_id) != (self._table, ledger_id):
            raise _malformed("the cursor belongs to another list", "/cursor")
        if given and given != cursor.filters:
            raise _malformed("the cursor belongs to other filters", "/cursor")
        if sort and sort != cursor.sort:
            raise _malformed("the cursor belongs to another order", "/cursor")
        if not cursor.after or cursor.sort.removeprefix("-") not in self._orders:
            raise _no_cursor()
        return cursor

    def _place(self, order: tuple[str, ...], after: list[str | int]) -> list[Any]:
        """The key that a cursor stands behind."""
        if len(after) != len(order):
            raise _no_cursor()
        return [
            _key_value(value, self._types[name]) for value, name in zip(after, order, strict=True)
        ]


def _all_of(conditions: Iterable[Composable]) -> Composable:
    return SQL("").join(SQL(" AND ") + condition for condition in conditions)


def _names(columns: Iterable[str], direction: LiteralString = "") -> Composable:
    return SQL(", ").join(Identifier(column) + SQL(direction) for column in columns)


def _key_value(value: str | int, kind: Any) -> Any:
    if kind is date and isinstance(value, str):
        return a_day(value, "/cursor")
    if kind is str and isinstance(value, str):
        return a_text(value, "/cursor")
    if kind is int and isinstance(value, int) and 0 <= value <= POSITION_MAX:
        return value
    raise _no_cursor()


def _no_cursor() -> RequestError:
    return _malformed("the cursor is none of ours", "/cursor")


def _malformed(detail: str, pointer: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer=pointer)
