"""转移支付分配时限 over HTTP: what was received and is not allotted, by when it has to be."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.dependencies import Read
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.problems import OF_READ, refusals
from api.http.province import AskedDivision, FiscalYear, sight_of, year_of
from api.http.routes import Operation
from ledger.account_set import division_of, ledger_text
from ledger.deciding.state import BEIJING
from ledger.errors import AccessError, Code
from ledger.money import yuan
from projections.province.deadlines import Unallotted, unallotted

Overdue = Annotated[bool, Query(description="those alone whose day is over")]

router = APIRouter(route_class=Operation, tags=[Tag.PROVINCE])


class TransferDeadline(msgspec.Struct, kw_only=True):
    """What came by a document of a tier above and is not allotted; ``days_left`` is below zero
    where it is overdue 逾期."""

    ledger: str
    mof_div_code: str
    sup_bgt_doc_no: str
    from_ledger: str
    status: str
    is_dir_code: str
    track_pro_code: str
    amt: str
    rest_amt: str
    received_on: str
    due_on: str
    days_left: int


@router.get(
    "/v1/province/transfer-deadlines",
    operation_id="province.transfer_deadlines",
    summary="What tiers have received and not allotted, by when it is due 转移支付分配时限",
    response_model=Page[TransferDeadline],
    responses=refusals(*OF_READ),
)
async def list_deadlines(
    call: Read,
    asked: AskedPage,
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
    overdue: Overdue = False,
) -> Response:
    """Thirty days after it was received, direct funds seven (预算法 §52). What is due first stands
    first."""
    sight, year = sight_of(call, division), year_of(call, fiscal_year)
    if not sight.sees_all_units:
        raise AccessError(Code.FORBIDDEN, "what goes between tiers is of no unit")
    after = whole_place_after(call, asked.cursor)
    today = call.treasury.now().astimezone(BEIJING).date()
    found = await call.read(lambda connection: unallotted(connection, sight, year))
    shown = [one for one in found if not overdue or one.due_on < today]
    items = [_item(one, (one.due_on - today).days) for one in shown[after : after + asked.size]]
    end = after + len(items)
    return call.respond(page_after(call, items, str(end) if end < len(shown) else None))


def _item(one: Unallotted, days_left: int) -> TransferDeadline:
    received = one.received
    return TransferDeadline(
        ledger=ledger_text(one.ledger_id),
        mof_div_code=division_of(one.ledger_id),
        sup_bgt_doc_no=received.sup_bgt_doc_no,
        from_ledger=received.issued.ledger,
        status=received.status,
        is_dir_code=received.terms.is_dir_code,
        track_pro_code=received.terms.track_pro_code,
        amt=yuan(received.amt_fen),
        rest_amt=yuan(one.rest_fen),
        received_on=one.received_on.isoformat(),
        due_on=one.due_on.isoformat(),
        days_left=days_left,
    )
