"""What proves history to outsiders: checkpoints, proofs, keys, the evidence for one payment."""

import asyncio
from time import monotonic
from typing import TypeVar

import msgspec
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_right
from api.evidence import Evidence, payment_evidence
from api.http.door import Call, Operation, Route
from api.http.moments import MIN_POSITION, wait_for_projections
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
NOTE = "text/plain; charset=utf-8"

_LEDGER = "/v1/ledgers/{ledger}"

T = TypeVar("T")


class NoteKeyView(msgspec.Struct):
    """A key that signs notes; ``name`` stands in the signature line, ``public_key`` is hex."""

    name: str
    public_key: str


async def checkpoint(call: Call) -> Response:
    size = _size(call, "size")
    key = await call.admit()
    await wait_for_seal(call, key, call.integer(MIN_POSITION, 0))
    note = await call.read(lambda connection: find_note(connection, key, size))
    if note is None:
        which = "no checkpoint yet" if size is None else f"no checkpoint of size {size}"
        raise RequestError(Code.NOT_FOUND, f"the ledger has {which}")
    return Response(note, media_type=NOTE)


async def checkpoints(call: Call) -> Response:
    after = call.integer("after", 0)
    limit = call.integer("limit", LIMIT, low=1, high=LIMIT_MAX)
    key = await call.admit()

    def read(connection: Connection) -> bytes:
        found = checkpoints_after(connection, key, after, limit)
        return b"".join(cosigned(connection, one).encode() + END for one in found)

    return Response(await call.read(read), media_type=NOTE)


async def province_head(call: Call) -> Response:
    require_right(call.caller, Right.READ)
    note = await call.read(find_province_head)
    if note is None:
        raise RequestError(Code.NOT_FOUND, "no province head has been sealed yet")
    return Response(note, media_type=NOTE)


async def keys(call: Call) -> Response:
    require_right(call.caller, Right.READ)
    registered = await call.read(note_keys)
    return call.respond([NoteKeyView(k.name, k.public_key.hex()) for k in registered])


async def inclusion(call: Call) -> Response:
    position = call.integer("position", 0)
    size = _size(call, "size")
    key = await call.admit()
    await wait_for_seal(call, key, call.integer(MIN_POSITION, 0))
    return call.respond(await call.read(lambda conn: prove_inclusion(conn, key, position, size)))


async def consistency(call: Call) -> Response:
    older = call.integer("from", 0)
    newer = _size(call, "to")
    key = await call.admit()
    return call.respond(await call.read(lambda conn: prove_consistency(conn, key, older, newer)))


async def evidence(call: Call) -> Response:
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)
    await wait_for_projections(call, key)
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


async def wait_for_seal(call: Call, key: int, least: int) -> None:
    """Waits, bounded, until a checkpoint covers a position; raises ``unavailable``."""
    deadline = monotonic() + call.treasury.settings.read_wait_s
    while (size := await call.read(lambda connection: sealed_size(connection, key))) < least:
        if monotonic() + POLL_S > deadline:
            raise UnavailableError(
                Code.UNAVAILABLE, f"no checkpoint covers position {least} yet, the last {size}"
            )
        await asyncio.sleep(POLL_S)


def _size(call: Call, name: str) -> int | None:
    return call.integer(name, 0) if name in call.request.query_params else None


ROUTES = (
    Route(
        Operation(
            name="checkpoint.show",
            method="GET",
            path=f"{_LEDGER}/checkpoint",
            right=Right.READ,
            summary="The ledger's last checkpoint, or the one of a size, as a signed note 检查点",
            media="text/plain",
            codes=(Code.NOT_FOUND,),
            query=("size",),
        ),
        checkpoint,
    ),
    Route(
        Operation(
            name="checkpoint.list",
            method="GET",
            path=f"{_LEDGER}/checkpoints",
            right=Right.READ,
            summary="Checkpoints beyond a size, in order, each followed by a line ---",
            media="text/plain",
            query=("after", "limit"),
        ),
        checkpoints,
    ),
    Route(
        Operation(
            name="proof.inclusion",
            method="GET",
            path=f"{_LEDGER}/proofs/inclusion",
            right=Right.READ,
            summary="That an event is in the tree that a checkpoint signs",
            answer=InclusionProof,
            codes=(Code.NOT_FOUND,),
            query=("position", "size"),
        ),
        inclusion,
    ),
    Route(
        Operation(
            name="proof.consistency",
            method="GET",
            path=f"{_LEDGER}/proofs/consistency",
            right=Right.READ,
            summary="That an older tree is the beginning of a newer one",
            answer=ConsistencyProof,
            codes=(Code.NOT_FOUND,),
            query=("from", "to"),
        ),
        consistency,
    ),
    Route(
        Operation(
            name="payment.evidence",
            method="GET",
            path=f"{_LEDGER}/payments/{{pay_app_no}}/evidence",
            right=Right.READ,
            summary="All that proves one payment, as one file 支付证据",
            answer=Evidence,
            codes=(Code.PAYMENT_NOT_FOUND,),
        ),
        evidence,
    ),
    Route(
        Operation(
            name="province_head.show",
            method="GET",
            path="/v1/checkpoint",
            right=Right.READ,
            summary="The last province head: one signature over all ledgers' checkpoints",
            media="text/plain",
            codes=(Code.NOT_FOUND,),
        ),
        province_head,
    ),
    Route(
        Operation(
            name="checkpoint.keys",
            method="GET",
            path="/v1/checkpoint/keys",
            right=Right.READ,
            summary="The public keys that have signed and cosigned checkpoints",
            answer=list[NoteKeyView],
        ),
        keys,
    ),
)
