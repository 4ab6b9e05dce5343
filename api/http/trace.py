"""溯源: a payment's whole chain both ways, and from an indicator to every fen spent of it."""

from starlette.responses import Response

from api.access import Right
from api.http.door import Call, Operation, Route
from api.http.moments import wait_for_projections
from api.http.pages import PAGE_QUERY, PAGE_SIZE, PAGE_SIZE_MAX
from ledger.errors import Code
from projections.tracing.indicator import IndicatorTrace, trace_indicator
from projections.tracing.payment import PaymentTrace, trace_payment


async def payment_trace(call: Call) -> Response:
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)
    await wait_for_projections(call, key)
    return call.respond(
        await call.read(lambda connection: trace_payment(connection, key, pay_app_no))
    )


async def indicator_trace(call: Call) -> Response:
    """The indicator, what moved it, and a page of its payments."""
    bgt_id, cursor = call.path("bgt_id"), call.request.query_params.get("cursor")
    key = await call.admit(number=bgt_id)
    size = call.integer("page_size", PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    await wait_for_projections(call, key)
    trace = await call.read(
        lambda connection: trace_indicator(connection, key, bgt_id, cursor, size)
    )
    return call.respond(trace, position=trace.position)


ROUTES = (
    Route(
        Operation(
            name="payment.trace",
            method="GET",
            path="/v1/ledgers/{ledger}/payments/{pay_app_no}/trace",
            right=Right.READ,
            summary="From project and budget to receipt, clearing and journals, and back 溯源",
            answer=PaymentTrace,
            codes=(Code.PAYMENT_NOT_FOUND,),
        ),
        payment_trace,
    ),
    Route(
        Operation(
            name="indicator.trace",
            method="GET",
            path="/v1/ledgers/{ledger}/indicators/{bgt_id}/trace",
            right=Right.READ,
            summary="Every fen of an indicator: movements, payments, sums that prove it 溯源",
            answer=IndicatorTrace,
            codes=(Code.INDICATOR_NOT_FOUND,),
            query=PAGE_QUERY,
        ),
        indicator_trace,
    ),
)
