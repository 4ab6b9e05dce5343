"""What proves history to outsiders: checkpoints, proofs, keys, the evidence for one payment."""

import asyncio
from time import monotonic
from typing import Annotated

import msgspec
from annotated_types import Interval
from fastapi import APIRouter, Query
from psycopg import Connection
from starlette.responses import Response

from api.evidence import Evidence, payment_evidence
from api.http.admission import admit, require_caller
from api.http.call import Call
from api.http.dependencies import LedgerRead, Read
from api.http.models.enums import Tag
from api.http.moments import wait_for_projections
from api.http.parameters import WHOLE, PayAppNo, Position
from api.http.problems import OF_LEDGER_READ, OF_READ, refusals
from api.http.routes import Operation
from api.http.units import require_units
from ledger.errors import Code, RequestError, UnavailableError
from ledger.sealing.files import END
from ledger.sealing.proofs import (
    ConsistencyProof,
    InclusionProof,
    find_note,
    find_province_head,
    prove_consistency,
    prove_inclusion,
    sealed_size,
)
from ledger.sealing.register import (
    checkpoints_after,
    cosigned,
    note_keys,
)

LIMIT, LIMIT_MAX = 100, 1000
POLL_S = 0.05

_LEDGER = "/v1/ledgers/{ledger}"
_NOTE = "a signed note (C2SP)"

router = APIRouter(route_class=Operation, tags=[Tag.PROOFS])


class NoteText(Response):
    """A checkpoint as it is signed."""

    media_type = "text/plain"


class NoteKeyView(msgspec.Struct):
    """A key that signs notes; ``name`` stands in the signature line, ``public_key`` is hex."""

    name: str
    public_key: str


@router.get(
    _LEDGER + "/checkpoint",
    operation_id="checkpoint.show",
    summary="The ledger's last checkpoint, or the one of a size, as a signed note 检查点",
    response_class=NoteText,
    response_description=_NOTE,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def checkpoint(call: LedgerRead, size: Position | None = None) -> Response:
    key = await admit(call)
    await _wait_for_seal(call, key, call.min_position or 0)
    note = await call.read(lambda connection: find_note(connection, key, size))
    if note is None:
        which = "no checkpoint yet" if size is None else f"no checkpoint of size {size}"
        raise RequestError(Code.NOT_FOUND, f"the ledger has {which}")
    return NoteText(note)


@router.get(
    _LEDGER + "/checkpoints",
    operation_id="checkpoint.list",
    summary="Checkpoints beyond a size, in order, each followed by a line ---",
    response_class=NoteText,
    response_description=_NOTE,
    responses=refusals(*OF_LEDGER_READ),
)
async def checkpoints(
    call: LedgerRead,
    after: Position = 0,
    limit: Annotated[int, Interval(ge=1, le=LIMIT_MAX), WHOLE] = LIMIT,
) -> Response:
    key = await admit(call)

    def read(connection: Connection) -> bytes:
        found = checkpoints_after(connection, key, after, limit)
        return b"".join(cosigned(connection, one).encode() + END for one in found)

    return NoteText(await call.read(read))


@router.get(
    "/v1/checkpoint",
    operation_id="province_head.show",
    summary="The last province head: one signature over all ledgers' checkpoints",
    response_class=NoteText,
    response_description=_NOTE,
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def province_head(call: Read) -> Response:
    require_caller(call)
    note = await call.read(find_province_head)
    if note is None:
        raise RequestError(Code.NOT_FOUND, "no province head has been sealed yet")
    return NoteText(note)


@router.get(
    "/v1/checkpoint/keys",
    operation_id="checkpoint.keys",
    summary="The public keys that have signed and cosigned checkpoints",
    response_model=list[NoteKeyView],
    responses=refusals(*OF_READ),
)
async def keys(call: Read) -> Response:
    require_caller(call)
    registered = await call.read(note_keys)
    return call.respond([NoteKeyView(k.name, k.public_key.hex()) for k in registered])


@router.get(
    _LEDGER + "/proofs/inclusion",
    operation_id="proof.inclusion",
    summary="That an event is in the tree that a checkpoint signs",
    response_model=InclusionProof,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def inclusion(
    call: LedgerRead, position: Position = 0, size: Position | None = None
) -> Response:
    key = await admit(call)
    await _wait_for_seal(call, key, call.min_position or 0)
    return call.respond(await call.read(lambda conn: prove_inclusion(conn, key, position, size)))


@router.get(
    _LEDGER + "/proofs/consistency",
    operation_id="proof.consistency",
    summary="That an older tree is the beginning of a newer one",
    response_model=ConsistencyProof,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def consistency(
    call: LedgerRead,
    older: Annotated[Position, Query(alias="from")] = 0,
    newer: Annotated[Position | None, Query(alias="to")] = None,
) -> Response:
    """The trees are named by their sizes; without ``to`` the newer one is the last sealed."""
    key = await admit(call)
    return call.respond(await call.read(lambda conn: prove_consistency(conn, key, older, newer)))


@router.get(
    _LEDGER + "/payments/{pay_app_no}/evidence",
    operation_id="payment.evidence",
    summary="All that proves one payment, as one file 支付证据",
    response_model=Evidence,
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND),
)
async def evidence(call: LedgerRead, pay_app_no: PayAppNo) -> Response:
    key = await admit(call, number=pay_app_no)
    await wait_for_projections(call, key)
    await require_units(call, key, pay_app_nos=[pay_app_no])
    deadline = monotonic() + call.treasury.settings.read_wait_s
    while True:
        try:
            found = await call.read(lambda conn: payment_evidence(conn, key, pay_app_no))
        except UnavailableError:  # its last event is younger than the last checkpoint
            if monotonic() + POLL_S > deadline:
                raise
            await asyncio.sleep(POLL_S)
        else:
            return call.respond(found)


async def _wait_for_seal(call: Call, key: int, least: int) -> None:
    """Waits, bounded, until a checkpoint covers a position; raises ``unavailable``."""
    deadline = monotonic() + call.treasury.settings.read_wait_s
    while (size := await call.read(lambda connection: sealed_size(connection, key))) < least:
        if monotonic() + POLL_S > deadline:
            raise UnavailableError(
                Code.UNAVAILABLE, f"no checkpoint covers position {least} yet, the last {size}"
            )
        await asyncio.sleep(POLL_S)
