"""The HTTP server: one process, one event loop, a socket that is ours before anything else starts.

uvicorn's own signal handling ends the process by the signal once it has shut down, before anything
around it could be closed. Here a signal only ends the serving; the caller unwinds in its order.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic
from types import FrameType
from typing import Any

import httpx
import structlog
import uvicorn

from api.interpreter import tune_interpreter
from api.tls import TlsFiles, trusting
from ledger.errors import ConfigurationError

log = structlog.get_logger(__name__)

NOT_READY_LOGGED_EVERY_S = 60.0
READY_POLL_S = 0.1
GRACE_S = 5  # for requests under way; then they are cut
BACKLOG = 1024
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def bind(host: str, port: int, variable: str = "GUOKU_PORT") -> socket.socket:
    """A socket bound to the address (port 0: any free one), not yet listening.

    Raises:
        ConfigurationError: the port is taken, or the address is not one of this machine; with the
            ``variable`` that chooses another.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {reason} ({variable} chooses another)"
        ) from error
    return bound


def url_of(bound: socket.socket, tls: TlsFiles | None = None) -> str:
    """The URL under which a client on this machine reaches the socket."""
    scheme = "http" if tls is None else "https"
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only recognised here
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Stop:
    """What SIGINT, SIGTERM and SIGHUP do.

    While things start, the first one waits for the step under way (a cluster half made, a lock half
    taken would be left behind), a second one does not. While serving, it ends the serving. After
    that none does anything: stopping is under way and is not to be interrupted.
    """

    def __init__(self) -> None:
        self._signum = 0
        self._came = threading.Event()
        self._stopping = False
        self._server: uvicorn.Server | None = None

    def check(self) -> None:
        """Between two steps of starting: raises SystemExit if a signal has come."""
        if self._signum:
            self._stopping = True
            raise SystemExit(128 + self._signum)

    def pause(self, timeout_s: float) -> None:
        """Waits, between two steps of starting, or until a signal has come."""
        self._came.wait(timeout_s)

    def serving(self, server: uvicorn.Server) -> None:
        """From now on a signal ends this server."""
        self.check()
        self._server = server

    def handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._stopping:
            return
        again, self._signum = bool(self._signum), signum
        self._came.set()
        if self._server is not None:
            self._stopping = True
            self._server.should_exit = True
        elif again:
            self.check()

    def ignore(self) -> None:
        """From now on signals do nothing."""
        self._stopping = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Handles the stop signals for the length of the block (main thread only)."""
    stop = Stop()
    before = {signum: signal.signal(signum, stop.handle) for signum in STOP_SIGNALS}
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which calls ``on_ready`` once /readyz answers 200."""

    def __init__(
        self,
        config: uvicorn.Config,
        url: str,
        tls: TlsFiles | None,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.url = url
        self._tls = tls
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._watch: asyncio.Task[None] | None = None

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._watch = asyncio.create_task(self._tell_when_ready())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._on_stop()
        await super().shutdown(sockets)

    async def _tell_when_ready(self) -> None:
        """Asks until it is: what keeps it from being ready may be for a person to resolve."""
        logged_at, answer = monotonic(), "no answer"
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, verify=trusting(self._tls)
        ) as client:
            while True:
                try:
                    response = await client.get("/readyz")
                    if response.status_code == httpx.codes.OK:
                        self._on_ready()
                        return
                    answer = response.text
                except httpx.HTTPError as error:
                    answer = str(error) or type(error).__name__
                if monotonic() - logged_at > NOT_READY_LOGGED_EVERY_S:
                    logged_at = monotonic()
                    log.warning("not ready yet", answer=answer)
                await asyncio.sleep(READY_POLL_S)


def serve(
    app: Any,
    bound: socket.socket,
    stop: Stop,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None] = lambda: None,
    *,
    protocol: Any = "httptools",
    tls: TlsFiles | None = None,
) -> None:
    """Serves an ASGI application on a bound socket until a stop signal, in the main thread.

    ``on_stop`` is called on the event loop before requests under way are waited for: it ends those
    that would not end by themselves. ``protocol`` is what makes one for a connection.

    Raises:
        ConfigurationError: two servers were started at once on one address.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here asks where a request comes from
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    server = _Server(config, url_of(bound, tls), tls, on_ready, on_stop)
    stop.serving(server)
    tune_interpreter()
    log.info("serving", url=server.url, pid=os.getpid())
    try:
        server.run(sockets=[bound])
    except OSError as error:  # two starts at once: both could bind, and the other one listens
        raise ConfigurationError(f"cannot listen on {server.url}: {error.strerror}") from error
    log.info("no longer serving")
