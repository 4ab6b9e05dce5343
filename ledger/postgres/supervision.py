"""Watching over a server that this program owns: when it dies alone, it is started again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
PAUSE_AFTER_FAILURE_S = 10.0


@contextmanager
def supervised(is_alive: Callable[[], bool], restart: Callable[[], None]) -> Iterator[None]:
    """Looks every second, for the length of the block, in a thread of its own.

    A restart that fails is logged and tried again; meanwhile readiness says what is missing.
    """
    ending = threading.Event()

    def watch() -> None:
        pause_s = LOOK_EVERY_S
        while not ending.wait(pause_s):
            pause_s = LOOK_EVERY_S
            if is_alive():
                continue
            log.error("the database server is gone; it is started again")
            try:
                restart()
            except Exception:
                log.exception("the database server could not be started")
                pause_s = PAUSE_AFTER_FAILURE_S

    thread = threading.Thread(target=watch, name="watch-postgres", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
