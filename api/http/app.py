"""The HTTP application: FastAPI with the operations of every resource."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http import (
    accounting_vouchers,
    advance_limits,
    advances,
    agencies,
    allocations,
    balance_reports,
    bank,
    bank_claims,
    banks,
    base_data,
    books,
    budget_reports,
    budget_rows,
    budgets,
    bulk,
    cash,
    cash_policy,
    clearings,
    code_sets,
    collection,
    contracts,
    corrections,
    debts,
    direct_funds,
    disbursement_reads,
    disbursements,
    division_documents,
    divisions,
    documents,
    draft_files,
    elements,
    history,
    income_orders,
    income_reports,
    indicators,
    installations,
    ledgers,
    monitoring,
    openings,
    operations,
    own_signatures,
    payments,
    performance,
    periods,
    placements,
    prior_returns,
    project_bulk,
    projects,
    proofs,
    province,
    purchase_plans,
    reconciliations,
    sessions,
    special_income,
    statements,
    subsidy_lists,
    suspense,
    tier_funds,
    transfer_deadlines,
    transfer_messages,
    transfers,
    wage_runs,
    wages,
    webhooks,
    year_end,
)
from api.http.console import add_console
from api.http.direct import OrdinaryWay, with_direct_way
from api.http.docs import add_docs, add_document
from api.http.models.enums import TAGS
from api.http.observing import Observing, RequestFigures
from api.http.problems import OF_ERRORS
from api.http.routes import DirectRoute
from api.http.services import Services
from api.http.transport.background import Background
from api.treasury import Treasury

# asked most or for most, those of payments before all, because routes are tried in order
DIRECT: tuple[DirectRoute, ...] = (
    *payments.DIRECT,
    *bulk.DIRECT,
    *indicators.DIRECT,
    *tier_funds.DIRECT,
    *transfers.DIRECT,
    *contracts.DIRECT,
    *purchase_plans.DIRECT,
    *monitoring.DIRECT,
    *corrections.DIRECT,
    *clearings.DIRECT,
    *bank_claims.DIRECT,
    *suspense.DIRECT,
    *ledgers.DIRECT,
    *divisions.DIRECT,
    *periods.DIRECT,
    *banks.DIRECT,
    *installations.DIRECT,
    *projects.DIRECT,
    *project_bulk.DIRECT,
    *agencies.DIRECT,
    *base_data.DIRECT,
    *performance.DIRECT,
    *advance_limits.DIRECT,
    *budgets.DIRECT,
    *budget_rows.DIRECT,
    *openings.DIRECT,
    *income_reports.DIRECT,
    *income_orders.DIRECT,
    *special_income.DIRECT,
    *balance_reports.DIRECT,
    *reconciliations.DIRECT,
    *accounting_vouchers.DIRECT,
    *advances.DIRECT,
    *wages.DIRECT,
    *year_end.DIRECT,
    *allocations.DIRECT,
    *debts.DIRECT,
    *placements.DIRECT,
    *cash_policy.DIRECT,
    *wage_runs.DIRECT,
    *subsidy_lists.DIRECT,
)
RESOURCES = (
    sessions,
    payments,
    own_signatures,
    indicators,
    budgets,
    draft_files,
    budget_rows,
    budget_reports,
    ledgers,
    periods,
    placements,
    documents,
    division_documents,
    divisions,
    banks,
    installations,
    agencies,
    base_data,
    performance,
    projects,
    clearings,
    bank_claims,
    tier_funds,
    transfers,
    transfer_messages,
    collection,
    contracts,
    debts,
    purchase_plans,
    monitoring,
    corrections,
    prior_returns,
    code_sets,
    elements,
    disbursements,
    disbursement_reads,
    bank,
    suspense,
    openings,
    balance_reports,
    reconciliations,
    income_orders,
    income_reports,
    special_income,
    accounting_vouchers,
    advances,
    wages,
    year_end,
    allocations,
    wage_runs,
    subsidy_lists,
    cash,
    cash_policy,
    province,
    direct_funds,
    transfer_deadlines,
    books,
    statements,
    history,
    proofs,
    operations,
    webhooks,
)


class Application(FastAPI):
    """FastAPI without the figures and traces of its own.

    Ours are ``/metrics`` and the log, and whoever wants traces instruments the application. To ask
    of each request whether FastAPI's are wanted would cost a twentieth of a payment.
    """

    services: Services
    _entry: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if self._entry is None:
            self.middleware_stack = self.build_middleware_stack()
            self._entry = _entry(self.middleware_stack)
        await self._entry(scope, receive, send)

    def setup(self) -> None:
        """Adds what FastAPI does for its document."""
        assert self.openapi_url is not None, "as FastAPI has it unless it is told otherwise"
        add_document(self, self.openapi_url)

    def build_middleware_stack(self) -> ASGIApp:
        """As FastAPI's, with the direct way behind all that was added as middleware, and the
        ordinary way in the place of a router that tries all its routes."""
        self.router.middleware_stack = OrdinaryWay(self.router)
        added, self.user_middleware = self.user_middleware, []
        try:
            ordinary = super().build_middleware_stack()
        finally:
            self.user_middleware = added
        return with_direct_way(ordinary, self, added)


def _entry(stack: ASGIApp) -> ASGIApp:
    """Where requests come in: what observes them answers every error itself, so that where it
    stands outermost Starlette's own answer to errors has nothing to do."""
    if type(stack) is ServerErrorMiddleware and isinstance(stack.app, Observing):
        return stack.app
    return stack


def create_app(treasury: Treasury, background: Background | None = None) -> Application:
    """The application on an open treasury.

    Args:
        background: sealer, projector, dispatcher and programs that run in this process beside it:
            readiness asks them. None when all of them run elsewhere.
    """
    services = Services(treasury, background)
    operations.register_figures(services.registry, services)
    app = application(_lifespan(services))
    app.services = services
    for kind, handler in OF_ERRORS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Observing, figures=RequestFigures(services.registry))
    add_docs(app)
    add_console(app)
    return app


def application(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> Application:
    """All operations, with nothing behind them: enough for the document that is published."""
    app = Application(
        title="guoku 国库",
        version=version("guoku"),
        description="Ledger and payment execution of a Chinese public treasury.",
        openapi_tags=[{"name": tag, "description": about} for tag, about in TAGS.items()],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.router.routes[:0] = DIRECT
    for resource in RESOURCES:
        app.router.routes.extend(resource.router.routes)
    return app


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
            await services.live.close()
            services.treasury.sequencer.close_loop_committer()

    return span
