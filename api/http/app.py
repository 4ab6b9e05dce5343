"""The HTTP application: every route through one door, every error through one mapping."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http import (
    bank,
    books,
    bulk,
    clearings,
    disbursements,
    history,
    indicators,
    ledgers,
    openapi,
    operations,
    payments,
    problems,
    proofs,
    trace,
)
from api.http.addresses import Addresses
from api.http.door import Call, Route
from api.http.observing import Observing, RequestFigures
from api.http.parts import Parts
from api.http.services import Services
from api.treasury import Treasury

log = structlog.get_logger(__name__)

ROUTES: tuple[Route, ...] = (
    *payments.ROUTES,  # first, because routes are tried in order and these are asked most
    *ledgers.ROUTES,
    *indicators.ROUTES,
    *bulk.ROUTES,
    *clearings.ROUTES,
    *disbursements.ROUTES,
    *bank.ROUTES,
    *books.ROUTES,
    *history.ROUTES,
    *proofs.ROUTES,
    *trace.ROUTES,
    *operations.ROUTES,
)


def create_app(treasury: Treasury, parts: Parts | None = None) -> FastAPI:
    """The application on an open treasury.

    Args:
        parts: sealer, projector, dispatcher and programs that run in this process beside it:
            readiness asks them. None when all of them run elsewhere.
    """
    services = Services(treasury, parts)
    operations.register_figures(services.registry, services)
    document = openapi.api_document(ROUTES, version("guoku"))
    services.document = openapi.packed(document)
    services.docs = openapi.docs_page(document).encode()
    return Application(services, ROUTES)


class Application(FastAPI):
    """FastAPI, with the way of a request to its handler cut short.

    The framework is asked for the lifespan and for whatever has no route: an unknown address, a
    method that a resource does not have. A request for one of ``routes`` passes no further layer
    between the server and its handler; each of them costs several microseconds, and together they
    cost more than a payment.
    """

    def __init__(self, services: Services, routes: Sequence[Route]) -> None:
        super().__init__(
            title="guoku 国库",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            lifespan=_lifespan(services),
        )
        self._services = services
        self._addresses = Addresses(routes)
        self._observed = Observing(self._answer, RequestFigures(services.registry))
        for kind, handler in problems.OF_ERRORS.items():
            self.add_exception_handler(kind, handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._observed(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._addresses.find(scope["method"], scope["path"])
        if found is None:
            await self._answer_elsewhere(scope, receive, send)
            return
        route, scope["path_params"] = found
        scope["route_path_template"] = route.operation.path
        call = Call(scope, receive, route.operation, self._services)
        try:
            try:
                await call.open()
                response = await route.handler(call)
            except ClientDisconnect:
                raise
            except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised there again
                response = await _problem(call, error)
            await response(scope, receive, send)
        except ClientDisconnect:
            log.debug("the caller has hung up", route=route.operation.path)
        finally:
            call.close()

    async def _answer_elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What no route serves: not with this method, or not at all."""
        if methods := self._addresses.methods(scope["path"]):
            status = HTTPStatus.METHOD_NOT_ALLOWED
            refused = HTTPException(status, headers={"Allow": ", ".join(methods)})
            response = await problems.on_http_exception(Request(scope), refused)
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """While the application runs, its loop commits small batches itself."""
    executions = disbursements.lifespan(services)

    @asynccontextmanager
    async def span(app: FastAPI) -> AsyncIterator[None]:
        services.treasury.sequencer.open_loop_committer()
        try:
            async with executions(app):
                yield
        finally:
            services.treasury.sequencer.close_loop_committer()

    return span


async def _problem(call: Call, error: Exception) -> Response:
    """What the caller is told of an error; raises it again where that is not foreseen."""
    response = await problems.response_to(Request(call.scope), error)
    if response is None:
        raise error
    return response
