"""The direct way: a request for a direct route goes there past what FastAPI needs for others.

Ordinary operations pass exception handlers, an exit stack for what dependencies opened, a bound on
bodies, telemetry and the router before they are reached. A direct route solves no dependencies and
bounds its body itself, so of all these it needs the exception handlers alone, and those only when
something is wrong. Middleware that is added to the application stands before both ways.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette._utils import get_route_path
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.routes import DirectRoute


class DirectWay:
    """ASGI application: direct routes in their order, else ``app``."""

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self._app = app
        self._of = of
        self._routes = [route for route in of.router.routes if isinstance(route, DirectRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (route := self._find(scope)) is None:
            await self._app(scope, receive, send)
            return
        try:
            await route.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - handed to the application's handlers
            handled = ExceptionMiddleware(_raising(error), self._of.exception_handlers)
            await handled(scope, receive, send)

    def _find(self, scope: Scope) -> DirectRoute | None:
        """The route, with what a router tells of it in the scope."""
        if scope["type"] != "http":
            return None
        method = scope["method"]
        path = get_route_path(scope) if scope["root_path"] else scope["path"]
        for route in self._routes:
            if route.method == method and (found := route.path_regex.match(path)) is not None:
                scope["endpoint"] = route.endpoint
                scope["path_params"] = found.groupdict()
                scope["route"] = route
                return route
        return None


def with_direct_way(ordinary: ASGIApp, of: FastAPI, added: Sequence[Middleware]) -> ASGIApp:
    """The stack of an application: what answers any error, its middleware, then the two ways.

    Args:
        ordinary: FastAPI's own stack without the middleware.
        added: the middleware, outermost first.
    """
    assert isinstance(ordinary, ServerErrorMiddleware), "as Starlette begins every stack"
    app: ASGIApp = DirectWay(ordinary.app, of)
    for cls, args, kwargs in reversed(added):
        app = cls(app, *args, **kwargs)
    return ServerErrorMiddleware(app, handler=ordinary.handler, debug=ordinary.debug)


def _raising(error: Exception) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return app
