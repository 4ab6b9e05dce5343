"""要素: the register of elements, each with its one source and with what carries it on."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.responses import Response

from api.http.admission import require_caller
from api.http.dependencies import Read
from api.http.models.enums import Tag
from api.http.problems import OF_READ, refusals
from api.http.routes import Operation
from ledger.deciding.lineage import lineage_of
from ledger.elements.code_sets import ElementRegister
from ledger.elements.register import Element
from ledger.errors import Code, Refusal

_ALL = "/v1/elements"

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class ElementView(msgspec.Struct, kw_only=True):
    """An element of the register.

    ``shape`` is the regular expression that its text matches in full, ``is_coded`` whether its
    values are of a code set, valid by day and division. ``channel`` is its 唯一录入渠道 ("" where
    nobody enters it): the operations ``entered_by``. Others refer to it (``referred_by``), events
    carry it (``carried_by``), and rules of the charts post by it (``rules``).
    """

    name: str
    title: str
    max_length: int
    shape: str
    form: str
    is_coded: bool
    channel: str
    entered_by: tuple[str, ...]
    referred_by: tuple[str, ...]
    carried_by: tuple[str, ...]
    rules: tuple[str, ...]


class ElementsView(msgspec.Struct):
    items: list[ElementView]


def element_view(element: Element) -> ElementView:
    return ElementView(
        name=element.name,
        title=element.title,
        max_length=element.max_length,
        shape=element.shape.pattern,
        form=element.form,
        is_coded=element.code_set,
        channel=element.channel,
        **lineage_of(element)._asdict(),
    )


@router.get(
    _ALL,
    operation_id="element.list",
    summary="All elements of the register 要素",
    response_model=ElementsView,
    responses=refusals(*OF_READ),
)
async def list_elements(call: Read) -> Response:
    require_caller(call)
    views = [element_view(each) for each in ElementRegister.ELEMENTS.values()]
    return call.respond(ElementsView(views))


@router.get(
    _ALL + "/{name}",
    operation_id="element.show",
    summary="An element, its one source and its consumers 一数之源",
    response_model=ElementView,
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def show_element(
    call: Read, name: Annotated[str, Path(description="as in the standard", examples=["pro_code"])]
) -> Response:
    require_caller(call)
    element = ElementRegister.ELEMENTS.get(name)
    if element is None:
        raise Refusal(Code.NOT_FOUND, f"there is no element {name!r}")
    return call.respond(element_view(element))
