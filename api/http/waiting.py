"""What is served while the books cannot be opened for a reason that a person has to resolve."""

from collections.abc import Callable

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.http.problems import MEDIA_TYPE, problem
from ledger.errors import Code, UnavailableError

RETRY_AFTER_S = 10


def create_waiting_app(reason: Callable[[], str]) -> Starlette:
    """Alive, not ready, and to everything else ``history_cut`` 503 with the reason."""

    async def alive(_request: Request) -> Response:
        return Response(b'{"alive":true}', media_type="application/json")

    async def ready(_request: Request) -> Response:
        shown = {"ready": False, "reasons": [reason()], "degraded": []}
        return _unavailable(orjson.dumps(shown), "application/json")

    async def refuse(request: Request) -> Response:
        error = UnavailableError(Code.HISTORY_CUT, reason(), retry_after_s=RETRY_AFTER_S)
        document = problem(error, instance=request.url.path)
        return _unavailable(orjson.dumps(document), MEDIA_TYPE)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/{path:path}", refuse, methods=methods),
        ]
    )


def _unavailable(body: bytes, media_type: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Response(body, 503, headers, media_type)
