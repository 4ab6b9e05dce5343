"""数据采集: files of collected rows come in, and how far each ledger's rows are here."""

from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_reach
from api.exchange import collection_receiver
from api.http.admission import require_caller
from api.http.call import Call
from api.http.dependencies import Acting, Read
from api.http.models.enums import Tag
from api.http.parameters import LedgerName
from api.http.problems import OF_ACT, OF_READ, refusals
from api.http.routes import Operation
from ledger.account_set import parse_ledger
from ledger.errors import Code
from projections.collection.package import CollectionFile
from projections.collection.receiving import CollectionAnswer, RejectedRow, rejected, state_of

_FILE = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "a signed file of collected rows, as guoku collection send writes it",
    }
}
MEDIA_TYPE = "application/vnd.guoku.collection"

router = APIRouter(route_class=Operation, tags=[Tag.COLLECTION])


class CollectionView(msgspec.Struct, kw_only=True):
    """Up to which position of its history a ledger's rows are here; what of them is not sound."""

    ledger: str
    position: int
    chain: str
    rejected: list[RejectedRow]


@router.post(
    "/v1/collection/files",
    operation_id="collection.receive",
    summary="Take in a file of rows of the standard tables 数据采集接收",
    response_model=CollectionAnswer,
    responses=refusals(
        *OF_ACT, Code.LEDGER_NOT_FOUND, Code.CERTIFICATE_INVALID, Code.SIGNATURE_INVALID
    ),
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: _FILE}}},
)
async def receive_file(
    call: Annotated[Call, Depends(Acting(Right.COLLECT))],
) -> Response:
    """All of it or nothing; what came of it is the answer, also where it is no next one."""
    data = await call.read_body()
    caller = require_caller(call)
    receiver = collection_receiver(call.treasury)

    def taken(file: CollectionFile, connection: Connection) -> CollectionAnswer:
        with connection.transaction(force_rollback=call.dry_run):
            return receiver.receive(connection, file)

    with NamedTemporaryFile() as kept:  # as long as a file on a disk would be
        kept.write(data)
        kept.flush()
        file = await call.in_thread(CollectionFile, Path(kept.name))
        require_reach(caller, parse_ledger(file.header.ledger))
        answer = await call.read(partial(taken, file))
    return call.respond(answer)


@router.get(
    "/v1/collection/{ledger}",
    operation_id="collection.show",
    summary="How far a ledger's rows are here, and which were not taken 采集状态",
    response_model=CollectionView,
    responses=refusals(*OF_READ, Code.LEDGER_NOT_FOUND),
)
async def show_state(call: Read, ledger: LedgerName) -> Response:
    key = parse_ledger(ledger)
    require_reach(require_caller(call), key)

    def read(connection: Connection) -> CollectionView:
        state = state_of(connection, key)
        return CollectionView(
            ledger=ledger,
            position=state.position,
            chain=state.chain,
            rejected=list(rejected(connection, key)),
        )

    return call.respond(await call.read(read))
