"""要素: the register of elements, each with its one source, what carries it on, and its codes.

Codes are shown as rows of the code sets: which hold in which division and year, from when to when.
What a division registers itself (its units, projects, accounts) stands in its own lists, which an
element names; each entry there has its own days.
"""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import require_caller
from api.http.dependencies import Read
from api.http.models.enums import Tag
from api.http.moments import AsOf
from api.http.problems import OF_READ, refusals
from api.http.routes import Operation
from division.code_set_load import HOME
from ledger.deciding.lineage import lineage_of
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow, CodeSets, ElementRegister
from ledger.elements.register import Element
from ledger.errors import Code, Refusal
from ledger.reading.objects import read_head
from projections.core.moments import Moment, recorded_time

_ALL = "/v1/elements"
CODES_MAX = 20_000  # of one answer
# what a division keeps of an element, under /v1/divisions/{mof_div_code}
REGISTERS = {
    "agency_code": "agencies",
    "pro_code": "projects",
    "acct_no": "accounts",
    "pay_bank_code": "banks",
    "receiver_code": "payees",
    "std_code": "standards",
    "staff_no": "staff",
    "principal": "persons",
    "cert_serial": "certificates",
    "days": "calendar",
    "perf_ind_code": "performance-indicators",
}

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class ElementView(msgspec.Struct, kw_only=True):
    """An element of the register.

    ``shape`` is the regular expression that its text matches in full, ``is_coded`` whether its
    values are of a code set, valid by day and division. ``channel`` is its 唯一录入渠道 ("" where
    nobody enters it): the operations ``entered_by``. Others refer to it (``referred_by``), events
    carry it (``carried_by``), and rules of the charts post by it (``rules``). ``kept_in`` is the
    list of a division that has its values by days, "" where none has.
    """

    name: str
    title: str
    max_length: int
    shape: str
    form: str
    is_coded: bool
    channel: str
    kept_in: str
    entered_by: tuple[str, ...]
    referred_by: tuple[str, ...]
    carried_by: tuple[str, ...]
    rules: tuple[str, ...]


class ElementsView(msgspec.Struct):
    items: list[ElementView]


class ElementCodeView(msgspec.Struct, kw_only=True):
    """A row of a code set: it holds in ``mof_div_code`` and all below it ("" is everywhere), in
    ``fiscal_year`` ("" is every year), from ``start_date`` to ``end_date``, both included and null
    where it is open. Of several rows for a code the nearest to a division decides."""

    code: str
    name: str
    parent: str
    is_leaf: bool
    is_enabled: bool
    is_standard: bool
    mof_div_code: str
    fiscal_year: str
    start_date: str | None
    end_date: str | None


class ElementHistoryView(ElementView, kw_only=True):
    """An element with the rows of its code set, as they were known at the moment;
    ``codes_version`` is that of all code sets then, which events name."""

    codes_version: str
    codes: list[ElementCodeView]


def element_view(element: Element) -> ElementView:
    return ElementView(**_fields(element))


def _fields(element: Element) -> dict[str, Any]:
    kept = REGISTERS.get(element.name)
    return {
        "name": element.name,
        "title": element.title,
        "max_length": element.max_length,
        "shape": element.shape.pattern,
        "form": element.form,
        "is_coded": element.code_set,
        "channel": element.channel,
        "kept_in": f"/v1/divisions/{{mof_div_code}}/{kept}" if kept else "",
        **lineage_of(element)._asdict(),
    }


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
    summary="An element, its one source, its consumers 一数之源, and its codes",
    response_model=ElementHistoryView,
    responses=refusals(*OF_READ, Code.NOT_FOUND, Code.TOO_MANY_ITEMS),
)
async def show_element(
    call: Read,
    name: Annotated[str, Path(description="as in the standard", examples=["pro_code"])],
    moment: AsOf,
    mof_div_code: str | None = None,
    code: str | None = None,
) -> Response:
    """Its codes are those that were loaded at the moment: a position is one of `000000000-0000`,
    where loads are on record. ``as_of_effective`` leaves those that hold on that day,
    ``mof_div_code`` those that hold in a division, ``code`` those that begin so."""
    require_caller(call)
    element = ElementRegister.ELEMENTS.get(name)
    if element is None:
        raise Refusal(Code.NOT_FOUND, f"there is no element {name!r}")
    codes = await call.read(lambda connection: _codes(connection, moment))
    rows = codes.rows_of(name, code or "", on=moment.effective, mof_div_code=mof_div_code)
    if len(rows) > CODES_MAX:
        raise Refusal(
            Code.TOO_MANY_ITEMS,
            f"{name} has more than {CODES_MAX} codes: ask for a division, or how they begin",
            pointer="/code",
        )
    view = ElementHistoryView(
        **_fields(element),
        codes_version=codes.version,
        codes=[_code(row) for row in rows],
    )
    return call.respond(view)


def _codes(connection: Connection, moment: Moment) -> CodeSets:
    """The code sets that were loaded at a moment."""
    head = read_head(connection, HOME)
    at = recorded_time(connection, HOME, moment, head.position if head else 0)
    return stored_code_sets.read_at(connection, at)


def _code(row: CodeRow) -> ElementCodeView:
    return ElementCodeView(
        code=row.code,
        name=row.name,
        parent=row.parent,
        is_leaf=row.is_leaf,
        is_enabled=row.is_enabled,
        is_standard=row.is_standard,
        mof_div_code=row.mof_div_code,
        fiscal_year=row.fiscal_year,
        start_date=None if row.start_date == date.min else row.start_date.isoformat(),
        end_date=None if row.end_date == date.max else row.end_date.isoformat(),
    )
