"""The HTTP application: every route through one door, every error through one mapping."""

from importlib.metadata import version

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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
    trace,
)
from api.http.door import Route, Services, endpoint
from api.http.observing import Observing, RequestFigures
from api.http.parts import Parts
from api.treasury import Treasury
from ledger.errors import GuokuError

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
    *trace.ROUTES,
    *operations.ROUTES,
)


def create_app(treasury: Treasury, parts: Parts | None = None) -> FastAPI:
    """The application on an open treasury.

    Args:
        parts: projector, dispatcher and programs that run in this process beside it: readiness
            asks them. None when all of them run elsewhere.
    """
    services = Services(treasury, parts)
    operations.register_figures(services.registry, services)
    document = openapi.api_document(ROUTES, version("guoku"))
    services.document = openapi.packed(document)
    services.docs = openapi.docs_page(document).encode()
    app = FastAPI(
        title="guoku 国库",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=disbursements.lifespan(services),
    )
    for route in ROUTES:
        operation = route.operation
        serve = disbursements.streamed if route is disbursements.LOAD else endpoint
        app.router.add_route(
            operation.path,
            serve(route, services),
            methods=[operation.method],
            name=operation.name,
        )
    app.add_exception_handler(GuokuError, problems.on_guoku_error)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    app.add_exception_handler(psycopg.OperationalError, problems.on_database_away)
    app.add_middleware(Observing, figures=RequestFigures(services.registry))
    return app
