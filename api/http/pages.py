"""Lists in pages: a cursor carries the place, and where it is a filter's, the filter."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import Depends
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import admit
from api.http.call import Call
from api.http.models.lists import Page
from api.http.moments import wait_for_projections
from api.http.parameters import POSITION_MAX, Cursor, PageSize
from ledger.errors import Code, RequestError
from ledger.money import yuan
from projections import queries
from projections.core.listing import PAGE_SIZE, Total

Filters = Mapping[str, str | None]
Reader = Callable[[Connection, int, Filters, str | None, int], queries.ListingPage]
Choice = Callable[[Call, int, list[dict[str, Any]]], Awaitable[list[dict[str, Any]]]]


class Paging(NamedTuple):
    """What a list is asked for: at most ``size`` items after those of ``cursor``."""

    size: int
    cursor: str | None


async def paging(page_size: PageSize = PAGE_SIZE, cursor: Cursor = None) -> Paging:
    return Paging(page_size, cursor)


AskedPage = Annotated[Paging, Depends(paging)]


async def respond_with_page(
    call: Call, asked: Paging, filters: Filters, read: Reader, shown: Choice | None = None
) -> Response:
    """A page of a read model, as far as it has come; ``shown`` says what of it the caller sees."""
    key = await admit(call)
    await wait_for_projections(call, key)
    page = await call.read(
        lambda connection: read(connection, key, filters, asked.cursor, asked.size)
    )
    items = page.items if shown is None else await shown(call, key, page.items)
    answer: dict[str, Any] = {"items": items, "next_cursor": page.next_cursor}
    if page.total is not None:
        answer |= told_total(page.total)
    return call.respond(answer, position=page.position)


def told_total(total: Total) -> dict[str, Any]:
    """A list's total as it stands in its answer."""
    return {"total": total.rows, "sum_amt": yuan(total.amount_fen)}


# ---- lists that are no read model's: their cursor holds the address and the place


class _Cursor(msgspec.Struct, array_like=True):
    path: str
    after: str


def place_after(call: Call, cursor: str | None) -> str:
    """The place that a cursor of this list holds, "" at its beginning; raises ``malformed``."""
    if cursor is None:
        return ""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(packed, type=_Cursor)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        raise no_cursor() from None
    if found.path != call.scope["path"]:
        raise RequestError(Code.MALFORMED, "the cursor belongs to another list", pointer="/cursor")
    return found.after


def whole_place_after(call: Call, cursor: str | None, *, most: int = POSITION_MAX) -> int:
    """As :func:`place_after`, where places are whole numbers, of which ``most`` is the last."""
    place = place_after(call, cursor) or "0"
    if not (place.isascii() and place.isdigit()) or int(place) > most:
        raise no_cursor()
    return int(place)


def page_after(call: Call, items: Sequence[Any], after: str | None) -> Page[Any]:
    """The page; ``after`` is the place of its last item, None when nothing follows."""
    if after is None:
        return Page(list(items), None)
    packed = msgspec.json.encode(_Cursor(call.scope["path"], after))
    return Page(list(items), base64.urlsafe_b64encode(packed).rstrip(b"=").decode())


def no_cursor() -> RequestError:
    """``malformed``: for a cursor that cannot be read."""
    return RequestError(
        Code.MALFORMED, "the cursor is none that a list has given", pointer="/cursor"
    )
