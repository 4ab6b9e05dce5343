"""What a server puts on record by itself when it starts: at once, or as soon as it may.

While the clocks disagree, or a part of the history is lost, nothing is written by anybody, and a
person has something to resolve. A server that ended for that could not even say so.
"""

import threading
from collections.abc import Callable
from typing import Self

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from ledger.errors import GuokuError, UnavailableError

log = structlog.get_logger(__name__)

TRY_EVERY_S = 1.0


class Recording:
    """One such act, in use as a context manager; it may be begun again where it was broken off."""

    def __init__(self, record: Callable[[], None]) -> None:
        self._record = record
        self._waits_for = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def __enter__(self) -> Self:
        """Raises GuokuError where it fails for another reason than that nobody may write."""
        try:
            self._record()
        except UnavailableError as error:
            self._waits_for = str(error)
            log.warning("what a start puts on record waits", reason=self._waits_for)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def fault(self) -> str | None:
        """What it waits for; None once it is on record."""
        if not self._waits_for:
            return None
        return f"tokens and banks of this start are not on record yet: {self._waits_for}"

    def _run(self) -> None:
        while not self._closing.wait(TRY_EVERY_S):
            try:
                self._record()
            except (GuokuError, psycopg.Error, PoolTimeout) as error:
                if str(error) != self._waits_for:
                    log.warning("what a start puts on record waits", reason=str(error))
                self._waits_for = str(error)
            else:
                self._waits_for = ""
                return
