"""The direct way: a request for a direct route goes there past what FastAPI needs for others.

Ordinary operations pass exception handlers, an exit stack for what dependencies opened, a bound on
bodies, telemetry and the router before they are reached. A direct route solves no dependencies and
bounds its body itself, so of all these it needs the exception handlers alone, and those only when
something is wrong. Middleware that is added to the application stands before both ways.

Neither way tries one route after the other until one fits: of some three hundred, those alone that
the method and the number of slashes leave. To ask them all took a millisecond of the event loop for
each request, and of three hundred that came at one moment every payment waited for the last.
"""

from collections.abc import Sequence
from re import Pattern

from fastapi import FastAPI
from fastapi.routing import APIRouter, iter_route_contexts
from starlette._utils import get_route_path
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.routes import DirectRoute

_Shape = tuple[str, int]  # of a request: its method, and the slashes of its path
_OF_ANY_DEPTH = ":path}"  # a parameter that takes slashes, too


class DirectWay:
    """ASGI application: direct routes in their order, else ``app``."""

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self._app = app
        self._answer_error = ExceptionMiddleware(_raise, of.exception_handlers)
        self._routes: dict[_Shape, list[DirectRoute]] = {}
        for route in of.router.routes:
            if isinstance(route, DirectRoute):
                shape = route.method, route.path.count("/")
                self._routes.setdefault(shape, []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (route := self._find(scope)) is None:
            await self._app(scope, receive, send)
            return
        try:
            await route.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - handed to the application's handlers
            scope["error"] = error
            await self._answer_error(scope, receive, send)

    def _find(self, scope: Scope) -> DirectRoute | None:
        """The route, with what a router tells of it in the scope."""
        if scope["type"] != "http":
            return None
        path = get_route_path(scope) if scope["root_path"] else scope["path"]
        for route in self._routes.get((scope["method"], path.count("/")), ()):
            if (found := route.path_regex.match(path)) is not None:
                scope["endpoint"] = route.endpoint
                scope["path_params"] = found.groupdict()
                scope["route"] = route
                return route
        return None


class OrdinaryWay:
    """ASGI application in the router's place: it asks the part of it alone that has a route of the
    request's shape and address, and the router itself where none does.

    What was included in the router first is asked first, as the router would; a route that takes
    paths of any depth is left to it.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._parts: dict[_Shape, list[tuple[Pattern[str], BaseRoute]]] = {}
        for part in router.routes:
            if not isinstance(part, DirectRoute):
                self._enter(part)

    def _enter(self, part: BaseRoute) -> None:
        """A route, or all that was included at once."""
        for route in iter_route_contexts([part]):
            if not route.methods or route.path is None or _OF_ANY_DEPTH in route.path:
                continue
            for method in route.methods:
                known = self._parts.setdefault((method, route.path.count("/")), [])
                known.append((route.path_regex, part))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        part = self._find(scope) if scope["type"] == "http" else None
        if part is None:
            await self._router.app(scope, receive, send)
            return
        scope.setdefault("router", self._router)
        await part.handle(scope, receive, send)

    def _find(self, scope: Scope) -> BaseRoute | None:
        path, method = get_route_path(scope), scope["method"]
        shape = "GET" if method == "HEAD" else method, path.count("/")
        for pattern, part in self._parts.get(shape, ()):
            if pattern.match(path) is not None:
                match, found = part.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    return part
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


async def _raise(scope: Scope, _receive: Receive, _send: Send) -> None:
    """Its own frames do not hold the error, nor does what handles it: they would keep each other,
    and the call with its body, until garbage is collected."""
    raise scope.pop("error")
