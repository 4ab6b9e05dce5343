"""Opening the books for a server that waits where a person has something to resolve."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
import uvicorn

from api.http.waiting import create_waiting_app
from api.server import Stop
from api.tls import TlsFiles
from ledger.errors import HistoryCutError

log = structlog.get_logger(__name__)

TRY_EVERY_S = 2.0
LOGGED_EVERY = 30  # tries

T = TypeVar("T")


def opened_when_resolved(
    open_books: Callable[[], T], bound: socket.socket, stop: Stop, tls: TlsFiles | None
) -> T:
    """What ``open_books`` gives, as soon as it does; until then its reason is served.

    Raises:
        GuokuError: it fails for another reason than a lost history.
        SystemExit: a stop signal has come meanwhile.
    """
    try:
        return open_books()
    except HistoryCutError as error:
        reason = error.detail
    with _served(bound, tls, lambda: reason):
        tries = 0
        while True:
            if tries % LOGGED_EVERY == 0:
                log.error("the books are not opened: a person has to resolve it", reason=reason)
            stop.pause(TRY_EVERY_S)
            stop.check()
            tries += 1
            try:
                return open_books()
            except HistoryCutError as error:
                reason = error.detail


@contextmanager
def _served(
    bound: socket.socket, tls: TlsFiles | None, reason: Callable[[], str]
) -> Iterator[None]:
    """Serves the reason on a copy of the socket, in a thread."""
    config = uvicorn.Config(
        create_waiting_app(reason),
        access_log=False,
        log_config=None,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    server = uvicorn.Server(config)
    copy = bound.dup()
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [copy]}, name="waiting", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        copy.close()
