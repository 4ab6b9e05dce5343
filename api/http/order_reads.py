"""Orders to the central bank as they are shown, whatever they are of: one, and all in order."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from api.http.admission import admit
from api.http.call import Call
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.standing_object import shown_object
from api.http.units import is_own, require_agencies
from ledger.deciding.objects import AnyKind
from projections.orders import orders_after

View = Callable[[int, Any], Any]


async def show_orders(call: Call, asked: AskedPage, kind: AnyKind, view: View) -> Response:
    """A page in the order in which they were ordered; a unit sees those of its own."""
    key = await admit(call)
    await wait_for_head(call, key)
    after = whole_place_after(call, asked.cursor)
    page = await call.read(lambda c: orders_after(c, key, kind, after, asked.size))
    items = [view(key, each) for each in page.items if is_own(call, _unit_of(each))]
    place = None if page.after is None else str(page.after)
    return call.respond(page_after(call, items, place), position=page.position)


async def show_order(call: Call, kind: AnyKind, number: str, view: View) -> Response:
    """One; raises Refusal ``not_found``, AccessError ``forbidden`` where it is another unit's."""
    key = await admit(call, number=number)
    position, order = await shown_object(call, key, kind, number)
    await require_agencies(call, key, [(number, _unit_of(order))])
    return call.respond(view(key, order), position=position)


def _unit_of(order: Any) -> str:
    """The unit that is paid; "" of an order about income, which is the treasury's."""
    return getattr(order.ordered, "agency_code", "")
