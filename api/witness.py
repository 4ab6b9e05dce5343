"""The witness as a service: a log posts its checkpoint with a proof and is given a cosignature.

The exchange is C2SP's tlog-witness, with problem documents where that has bare status codes.
"""

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.http.problems import MEDIA_TYPE, problem
from ledger.errors import Code, GuokuError, RequestError
from ledger.integrity.note import NOTE_BYTES_MAX
from ledger.integrity.witness import Witness, parse_request


def create_app(witness: Witness) -> Starlette:
    """The ASGI application: ``POST /add-checkpoint``, ``GET /checkpoint?origin=``, ``GET /key``."""

    async def add(request: Request) -> Response:
        try:
            asked = parse_request(await _body(request))
            line = await run_in_threadpool(witness.cosign, asked)
        except GuokuError as error:
            return _problem(error)
        return PlainTextResponse(f"{line}\n")

    async def show(request: Request) -> Response:
        origin = request.query_params.get("origin", "")
        known = await run_in_threadpool(witness.remembered, origin)
        if known is None:
            return _problem(RequestError(Code.NOT_FOUND, f"nothing is known of {origin[:80]!r}"))
        return PlainTextResponse(known.note)

    async def key(_request: Request) -> Response:
        shown = {"name": witness.name, "public_key": witness.public_key.hex()}
        return Response(orjson.dumps(shown), media_type="application/json")

    async def alive(_request: Request) -> Response:
        return Response(b'{"alive":true}', media_type="application/json")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/checkpoint", show, methods=["GET"]),
            Route("/key", key, methods=["GET"]),
            Route("/healthz", alive, methods=["GET"]),
        ]
    )


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > 2 * NOTE_BYTES_MAX:
            raise RequestError(Code.TOO_MANY_ITEMS, "the request is too large")
        chunks.append(chunk)
    return b"".join(chunks)


def _problem(error: GuokuError) -> Response:
    return Response(
        orjson.dumps(problem(error), default=str), error.code.status, media_type=MEDIA_TYPE
    )
