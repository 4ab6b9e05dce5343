"""Lists in pages: a cursor carries the filter and the place, so that a page follows exactly."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from api.http.door import Call
from ledger.errors import Code, RequestError

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1000
PAGE_QUERY = ("page_size", "cursor")


class _Cursor(msgspec.Struct, array_like=True):
    path: str
    filters: dict[str, str]
    after: str


class Page(msgspec.Struct, frozen=True):
    """What a list is asked for: at most ``size`` items after ``after`` ("" from the start)."""

    path: str
    filters: dict[str, str]
    after: str
    size: int

    def answer(self, items: Sequence[Any], next_after: str | None) -> dict[str, Any]:
        """The page; ``next_after`` is the place of its last item, None when nothing follows."""
        cursor = None
        if next_after is not None:
            packed = msgspec.json.encode(_Cursor(self.path, self.filters, next_after))
            cursor = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
        return {"items": items, "next_cursor": cursor}


def page_of(call: Call, names: Sequence[str] = ()) -> Page:
    """The page that a request asks for, filtered by the query parameters ``names``.

    Raises:
        RequestError: ``malformed``: a size out of bounds, a cursor that is not one of this list, or
            a filter beside it that is another than the cursor's.
    """
    query, path = call.request.query_params, call.request.url.path
    size = call.integer("page_size", PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    filters = {name: query[name] for name in names if name in query}
    if any("\x00" in value for value in filters.values()):
        raise RequestError(Code.MALFORMED, "a filter holds a control character")
    if "cursor" not in query:
        return Page(path, filters, "", size)
    cursor = _decoded(query["cursor"])
    if cursor.path != path or any(cursor.filters.get(name) != filters[name] for name in filters):
        raise RequestError(Code.MALFORMED, "the cursor belongs to another list")
    return Page(path, cursor.filters, cursor.after, size)


def _decoded(text: str) -> _Cursor:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(packed, type=_Cursor)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        raise RequestError(Code.MALFORMED, "the cursor is none that a list has given") from None
