"""Returns of last year's payments 以前年度退回, as this year has booked them."""

from fastapi import APIRouter
from starlette.responses import Response

from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page, PriorReturnItem
from api.http.pages import AskedPage, respond_with_page
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.units import prefixes_of
from projections.prior_return_lists import list_prior_returns

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


@router.get(
    "/v1/ledgers/{ledger}/prior-returns",
    operation_id="prior_return.list",
    summary="What came back of last year's payments, in the order in which it was booked",
    response_model=Page[PriorReturnItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(
    call: LedgerRead,
    asked: AskedPage,
    pay_app_no: str | None = None,
    bgt_id: str | None = None,
    clear_no: str | None = None,
) -> Response:
    """Of a payment of last year, of an indicator that goes on with it, of a clearing, or all."""
    filters = {
        "pay_app_no": pay_app_no,
        "bgt_id": bgt_id,
        "clear_no": clear_no,
        "agency_prefixes": ",".join(prefixes_of(call.caller, call.right)),
    }
    return await respond_with_page(call, asked, filters, list_prior_returns)
