"""异地转移支付: what another installation says of transfers comes in here.

It takes no token: whose word a message is its signature says, by a certificate of an installation
that is registered here.
"""

from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from api.http.dependencies import AnyCall
from api.http.models.enums import Tag
from api.http.problems import refusals
from api.http.routes import Operation
from ledger.errors import Code
from transfers.link import MEDIA_TYPE, PATH

OPERATION = "transfer.exchange"

_MESSAGE = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "a line of JSON, and one of the key and the SM2 signature over it",
    }
}

router = APIRouter(route_class=Operation, tags=[Tag.TRANSFERS])


@router.post(
    PATH,
    operation_id=OPERATION,
    summary="Take in what another installation says of transfers 异地转移支付消息",
    response_model=None,
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: _MESSAGE}, "description": "what this one answers, signed"},
        **refusals(
            Code.BUSY,
            Code.LEDGER_NOT_FOUND,
            Code.INVALID_STATE,
            Code.CERTIFICATE_INVALID,
            Code.SIGNATURE_INVALID,
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: _MESSAGE}}},
)
async def exchange(call: AnyCall) -> Response:
    """Each part of a message is taken by its number, once; what is on record already is said to
    be. The answer says what the receiver's ledger has said behind the position asked for. Whoever
    asks is a stranger until his signature holds, and for strangers only so much is done."""
    message = await call.read_body()
    intake = call.services.message_intake
    answer = await call.in_thread(partial(intake.take_in, message, call.submit_and_wait))
    call.services.strangers.note_known(OPERATION, call.address)
    return Response(answer, media_type=MEDIA_TYPE)
