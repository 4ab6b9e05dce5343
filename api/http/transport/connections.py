"""Connections: how many are held, how long one may keep us waiting, how long a head may be.

Whoever opens connections and says little must not keep others from being served. A connection that
is waited for, for its next request, for the rest of a head or of a body, gives way when all places
are taken, the one that has waited longest first; and none is waited for longer than a bound. The
bounds are looked at once a second for all connections, not by a timer for each request.

Whoever was refused for what he sent is answered at once, and let go a moment later: he would be
back with the same, and a connection costs more than a request.

Hundreds who come, speak or are ended at one moment are not served at that moment: the event loop
would do nothing else meanwhile, and whoever is served already would wait for the last of them. New
connections begin in turns, and end so. A request whose body comes slowly has not begun: it is bytes
of a connection until all of them are there, or so many that somebody should look who sends them.
"""

import asyncio
import resource
from enum import Enum
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote

import httptools
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.http.transport.exchange import Exchange
from api.http.transport.turns import Turns

HEAD_BYTES_MAX = 32 * 1024  # of a request line and its headers; a bearer token takes 60
HEADERS_MAX = 100
SWEEP_S = 1.0
ANSWER_TIMEOUT_S = 60.0  # for what was written to be taken
LINGER_S = 1.0  # of a connection that was refused; it may take its answer meanwhile
NEWCOMERS_AT_ONCE = 4  # connections whose first word is taken before the event loop comes round
CUT_AT_ONCE, CUT_EVERY_S = 8, 0.01
BEGUN_BODY_BYTES = 64 * 1024  # of a body: with fewer, and without its end, no request begins
TOLD_BODY_BYTES = 16 * 1024  # of the body of one that has begun; fewer wait for more
DESCRIPTORS_LEFT = 200  # for Postgres, files, simulators and what the libraries open

log = structlog.get_logger(__name__)


class Waits(Enum):
    """What a connection is waited for."""

    HEAD = "head"
    BODY = "body"
    TAKEN = "taken"  # that the other side takes what was written
    END = "end"  # for its end: it was refused


class Bounds(NamedTuple):
    """Bounds on connections.

    Attributes:
        connections: held at once.
        head_timeout_s: for the first byte of a request, and from there for its whole head.
        body_timeout_s: for a whole body.
    """

    connections: int
    head_timeout_s: float
    body_timeout_s: float

    def of(self, waits: Waits) -> float:
        if waits is Waits.HEAD:
            return self.head_timeout_s
        if waits is Waits.BODY:
            return self.body_timeout_s
        return LINGER_S if waits is Waits.END else ANSWER_TIMEOUT_S


class Connections:
    """All connections of a server, on its event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds._replace(connections=_held_at_most(bounds.connections))
        self._open: set[LimitedProtocol] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self.newcomers = Turns(NEWCOMERS_AT_ONCE)
        self.refused = 0
        self.timed_out = 0
        self.long_heads = 0

    @property
    def protocol(self) -> Any:
        """What uvicorn makes a protocol of, for its ``http``."""
        return partial(LimitedProtocol, of=self)

    def enter(self, connection: "LimitedProtocol") -> bool:
        """Takes a connection on; False where there is no place, which nobody gives up."""
        if len(self._open) >= self._bounds.connections and not self._make_room():
            self.refused += 1
            return False
        self._open.add(connection)
        if self._sweeping is None:
            self._sweep()
        return True

    def leave(self, connection: "LimitedProtocol") -> None:
        self._open.discard(connection)

    def _make_room(self) -> bool:
        waited_for = [c for c in self._open if c.waits is not None]
        if not waited_for:
            return False
        self.refused += 1
        longest = min(waited_for, key=lambda connection: connection.waits_since)
        longest.cut()
        self._open.discard(longest)
        return True

    def _sweep(self) -> None:
        """Gives up what was waited for too long; comes again as long as there are connections."""
        loop = asyncio.get_running_loop()
        now, cut = loop.time(), 0
        for connection in list(self._open):
            waits = connection.waits
            if waits is not None and now - connection.waits_since > self._bounds.of(waits):
                if cut == CUT_AT_ONCE:
                    break
                cut += 1
                self.timed_out += waits is not Waits.END
                connection.give_up(self._bounds.of(waits))
        again_s = CUT_EVERY_S if cut == CUT_AT_ONCE else SWEEP_S
        self._sweeping = loop.call_later(again_s, self._sweep) if self._open else None

    def figures(self) -> "list[Metric]":
        """For Prometheus."""
        counts = CounterMetricFamily(
            "guoku_http_connections_ended",
            "Connections that were ended or not taken, by reason",
            labels=["reason"],
        )
        counts.add_metric(["no place"], self.refused)
        counts.add_metric(["waited too long"], self.timed_out)
        counts.add_metric(["long head"], self.long_heads)
        held = GaugeMetricFamily(
            "guoku_http_connections", "Connections that are held", value=len(self._open)
        )
        return [held, counts]


class LongHeadError(Exception):
    """The head of a request is too long, and has been answered."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, within bounds.

    Attributes:
        waits: what the connection is waited for; None while a request of its is worked on.
        waits_since: by the loop's clock.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        of: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._of = of
        self._head_bytes = 0
        self._in_head = True
        self._began = False
        self._first_word = b""
        self._not_begun: Exchange | None = None
        self.waits: Waits | None = Waits.HEAD
        self.waits_since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self._of.enter(self):
            self._say("503 Service Unavailable", "too many connections", b"Retry-After: 1\r\n")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._of.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over():
            return
        if not self._began and not self._may_begin(data):
            return
        if self._in_head:
            if not self._head_bytes:
                self.waits, self.waits_since = Waits.HEAD, self.loop.time()
            self._head_bytes += len(data)
        super().data_received(data)
        if self._not_begun is not None:
            self._not_begun.note_head(self.waits_since)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse_head()

    def _may_begin(self, data: bytes) -> bool:
        """Whether the first word of the connection is taken now; else it is kept, and nothing more
        is read until its turn has come."""
        address = self.client[0] if self.client else ""
        self._began = not self._first_word and self._of.newcomers.may_begin(address, self._begin)
        if not self._began:
            self._first_word += data
            self.transport.pause_reading()
        return self._began

    def _begin(self) -> bool:
        """The turn of a new connection has come; False where it has gone meanwhile."""
        if self._is_over():
            return False
        data, self._first_word = self._first_word, b""
        self._began = True
        self.transport.resume_reading()
        self.data_received(data)
        return True

    def on_headers_complete(self) -> None:
        self._in_head = False
        long = self._head_bytes > HEAD_BYTES_MAX and not self._head_is_short()
        if long or len(self.headers) > HEADERS_MAX:
            self._refuse_head()
            raise LongHeadError  # nothing more is read of what came with it
        self.waits, self.waits_since = Waits.BODY, self.loop.time()
        if self.parser.should_upgrade():
            super().on_headers_complete()
        else:
            self._begin_exchange()

    def _begin_exchange(self) -> None:
        """As uvicorn begins what it calls a cycle; nothing bounds how many there are but ours."""
        scope, parser = self.scope, self.parser
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = self._not_begun = Exchange(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            version != "1.0" and parser.should_keep_alive(),
            self.on_response_complete,
        )
        if before is not None and not before.response_complete:
            self.flow.pause_reading()  # what is sent ahead waits for what it was sent behind
            self.pipeline.appendleft((self.cycle, self.app))
        if self.expect_100_continue:  # whether the body is wanted, the request itself will say
            self._begin_request()

    def _begin_request(self) -> None:
        """What has come of the request is enough to begin it, in its turn."""
        self._not_begun = None
        if not self.pipeline:
            self._start_asgi_task(self.cycle, self.app)

    def on_body(self, body: bytes) -> None:
        """As uvicorn's, but that few bytes wake nobody: a body that comes a byte at a time would
        cost a turn of its request for each."""
        cycle = self.cycle
        if self.parser.should_upgrade():
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.body += body
            held = len(cycle.body)
            if held > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            if self._not_begun is not None and held >= BEGUN_BODY_BYTES:
                self._begin_request()
            if self._not_begun is None and held >= TOLD_BODY_BYTES:
                cycle.message_event.set()

    def on_message_complete(self) -> None:
        self.waits = None
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()
        if self._not_begun is not None:
            self._begin_request()

    def on_response_complete(self) -> None:
        """As uvicorn's, without a timer for each answer: silence is bounded as all waiting is."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            if cycle is not self._not_begun:
                self._start_asgi_task(cycle, app)
        elif self.waits is None:
            self.waits, self.waits_since = Waits.HEAD, self.loop.time()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.waits is Waits.END:
            return
        self.waits, self.waits_since = Waits.TAKEN, self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.waits is Waits.TAKEN:
            self.waits = None

    def give_up(self, after_s: float) -> None:
        """Ends the connection that was waited for, with a word where nothing is answered yet."""
        if self._not_begun is None or self.pipeline or self._is_over():
            self.cut()
            return
        self._not_begun = None
        self._refuse("400 Bad Request", f"the body did not come within {after_s:g} s")

    def cut(self) -> None:
        """Ends the connection at once."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if not self._is_over():
            self._refuse("400 Bad Request", msg)

    def _is_over(self) -> bool:
        return self.waits is Waits.END or self.transport.is_closing()

    def _head_is_short(self) -> bool:
        """Where the first bytes of a body came with the head."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        return size <= HEAD_BYTES_MAX

    def _refuse_head(self) -> None:
        if not self._is_over():
            self._of.long_heads += 1
            self._refuse("431 Request Header Fields Too Large", "the head of a request is too long")

    def _refuse(self, status: str, detail: str) -> None:
        """Answers, and takes nothing more until the connection is ended."""
        self._say(status, detail)
        self.transport.pause_reading()
        self.waits, self.waits_since = Waits.END, self.loop.time()

    def _say(self, status: str, detail: str, header: bytes = b"") -> None:
        """Answers as much as can be said without a request."""
        code = {"4": "malformed", "5": "busy"}[status[0]]
        problem = (
            f'{{"type":"urn:guoku:problem:{code}","title":"{status[4:]}","status":{status[:3]},'
            f'"detail":"{detail}","code":"{code}"}}'
        ).encode()
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(problem)}\r\nconnection: close\r\n"
        ).encode()
        self.transport.write(head + header + b"\r\n" + problem)


def _held_at_most(wanted: int) -> int:
    """As many as wanted, as far as the process may open descriptors; it asks for more of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + DESCRIPTORS_LEFT:
        soft = wanted + DESCRIPTORS_LEFT
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    held = max(1, min(wanted, soft - DESCRIPTORS_LEFT))
    if held < wanted:
        log.warning("fewer connections are held than wanted", wanted=wanted, held=held)
    return held
