"""Lists of what stands in a division's standing ledger, folded from its events."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.call import Call
from api.http.division_routes import ReadingDivision, admit_to_division
from api.http.pages import Paging, page_after, place_after
from division.folded import FoldedObject, folded_object, folded_objects
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, Refusal
from ledger.reading.objects import read_head
from projections.core.moments import Moment, one_moment, reach

V = TypeVar("V")

DivisionRead = Annotated[Call, Depends(ReadingDivision(Right.READ))]


def page_of(call: Call, asked: Paging, items: list[V], place: Callable[[V], str]) -> Response:
    """A page of a list that is at hand whole, in the order of a text that names each item."""
    after = place_after(call, asked.cursor)
    following = sorted((i for i in items if place(i) > after), key=place)
    last = place(following[asked.size - 1]) if len(following) > asked.size else None
    return call.respond(page_after(call, following[: asked.size], last))


async def respond_with_objects(
    call: Call,
    asked: Paging,
    moment: Moment,
    kind: AnyKind,
    view: Callable[[int, Any], V],
    place: Callable[[V], str],
    *,
    key: int | None = None,
) -> Response:
    """The objects of one kind as the events make them, now or as of a moment.

    Args:
        key: the ledger that holds them, where it is not the division's own.
    """
    own = await admit_to_division(call)
    ledger_id = own if key is None else key
    await call.head(ledger_id)
    found = await call.read(lambda connection: _objects(connection, ledger_id, kind, moment))
    return page_of(call, asked, [view(ledger_id, each.obj) for each in found], place)


async def respond_with_object(
    call: Call,
    moment: Moment,
    kind: AnyKind,
    number: str,
    view: Callable[[int, Any], Any],
) -> Response:
    """One object of the division by its number, now or as of a moment.

    Raises:
        Refusal: ``not_found``.
    """
    key = await admit_to_division(call)
    head = await call.head(key)
    found = await call.read(lambda connection: _object(connection, key, kind, number, moment))
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"no {kind.name} {number!r} is on record of the division")
    return call.respond(view(key, found), position=head.position)


def _object(
    connection: Connection, ledger_id: int, kind: AnyKind, number: str, moment: Moment
) -> Any:
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        upto = reach(connection, ledger_id, moment, head.position if head else 0).upto
        return folded_object(connection, ledger_id, kind, number, upto)


def _objects(
    connection: Connection, ledger_id: int, kind: AnyKind, moment: Moment
) -> list[FoldedObject]:
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        upto = reach(connection, ledger_id, moment, head.position if head else 0).upto
        return list(folded_objects(connection, ledger_id, [kind], upto))
