"""What is seen of requests: a correlation id in and out, a log line, counts and latencies."""

import logging
import re
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from itertools import accumulate, count
from random import Random
from time import perf_counter

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from api.http.problems import on_any_error
from api.logging import correlation_id

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"
# unique, not secret: asking the system for randomness with each request gives up the interpreter's
# lock, and to get it back beside the writing threads costs the event loop up to a millisecond
_PROCESS = f"{Random().getrandbits(64):016x}"  # noqa: S311
_serial = count(Random().getrandbits(48))  # noqa: S311
_root = logging.getLogger()

AsgiHandler = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)


class _Figure:
    """Requests of one route, method and status: how many took how long."""

    __slots__ = ("by_bucket", "seconds")

    def __init__(self) -> None:
        self.by_bucket = [0] * (len(_BUCKETS_S) + 1)
        self.seconds = 0.0


class RequestFigures(Collector):
    """Counts and latencies of requests by route, method and status.

    Noted on the event loop only, in plain numbers: the library's own count and histogram lock and
    search for each request. They are made into its families when somebody asks.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._of: dict[tuple[str, str, int], _Figure] = {}
        registry.register(self)

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        key = (route, method, status)
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = _Figure()
        found.by_bucket[bisect_left(_BUCKETS_S, seconds)] += 1
        found.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """In whatever thread."""
        requests = CounterMetricFamily(
            "guoku_http_requests", "HTTP requests answered", labels=("route", "method", "status")
        )
        latencies = HistogramMetricFamily(
            "guoku_http_request_seconds",
            "Time from the request's head to the answer's head",
            labels=("route", "method"),
        )
        of_route: dict[tuple[str, str], list[_Figure]] = {}
        for (route, method, status), figure in list(self._of.items()):
            requests.add_metric((route, method, str(status)), sum(figure.by_bucket))
            of_route.setdefault((route, method), []).append(figure)
        for labels, figures in of_route.items():
            counts = accumulate(map(sum, zip(*(f.by_bucket for f in figures), strict=True)))
            bounds = (*map(floatToGoString, _BUCKETS_S), "+Inf")
            latencies.add_metric(
                labels,
                buckets=list(zip(bounds, counts, strict=True)),
                sum_value=sum(figure.seconds for figure in figures),
            )
        yield requests
        yield latencies


class Observing:
    """ASGI middleware: nothing that is answered goes past it, not even a failure."""

    def __init__(self, app: AsgiHandler, figures: RequestFigures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["correlation_id"] = _request_id(scope)
        correlation_id.set(request_id)
        header = (b"x-request-id", request_id.encode("ascii"))
        started, begun = perf_counter(), False

        def observed(message: Message) -> Awaitable[None]:
            nonlocal begun
            if not begun:
                begun = True
                message["headers"] = [*message["headers"], header]
                seconds, route = perf_counter() - started, scope.get("route")
                path = NO_ROUTE if route is None else route.path_format
                self._figures.note(path, scope["method"], message["status"], seconds)
                if _root.isEnabledFor(logging.DEBUG):  # asked before the line is made, not after
                    _log_request(scope, path, message["status"], seconds)
            return send(message)

        try:
            await self._app(scope, receive, observed)
        except ClientDisconnect:
            log.debug("the caller has hung up", path=scope["path"])
        except Exception as error:
            if begun:  # the answer can only be cut off
                raise
            response = await on_any_error(Request(scope), error)
            await response(scope, receive, observed)


def _log_request(scope: Scope, route: str, status: int, seconds: float) -> None:
    log.debug(
        "request",
        method=scope["method"],
        route=route,
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
    )


def _request_id(scope: Scope) -> str:
    """The caller's X-Request-Id where it is harmless, else one of ours."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _ID.fullmatch(text):
                return str(text)
    return f"{_PROCESS}{next(_serial):016x}"
