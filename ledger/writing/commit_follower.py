"""Behind commits: what a program does, in a thread of its own, for ledgers that were written to."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from ledger.errors import GuokuError

LOOK_EVERY_S = 1.0
AGAIN_EVERY_S = 30.0  # what could not be done is tried again

log = structlog.get_logger(__name__)


class CommitFollower(ABC):
    """Follows commits from :meth:`start` to :meth:`stop`: all ledgers at first, and whenever it has
    failed, and those that were written to from then on.

    Several programs may follow one database: what each does is numbered, and done once.

    Args:
        name: of the thread.
        failed: what the log says when it could not be done.
    """

    def __init__(self, name: str, failed: str) -> None:
        self._failed = failed
        self._lock = threading.Lock()
        self._written: set[int] | None = None  # ledgers to be looked at; None for all there are
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def committed(self, written: int, _position: int) -> None:
        """Something was written to a ledger; called in the thread that has committed."""
        with self._lock:
            if self._written is not None:
                self._written.add(written)

    def _run(self) -> None:
        pause_s = LOOK_EVERY_S
        while not self._stopping.wait(pause_s):
            try:
                self.look()
                pause_s = LOOK_EVERY_S
            except (GuokuError, psycopg.Error, PoolTimeout, TimeoutError) as error:
                log.warning(f"{self._failed}; again later", reason=str(error))
                with self._lock:
                    self._written = None
                pause_s = AGAIN_EVERY_S

    def look(self) -> int:
        """Does what is due by now; gives how much that was.

        Raises:
            GuokuError: something speaks against it, or nothing may be written now.
            TimeoutError: a commit takes too long.
        """
        with self._lock:
            written, self._written = self._written, set()
        return 0 if written == set() else self._look_at(written)

    @abstractmethod
    def _look_at(self, written: Collection[int] | None) -> int:
        """The same for ledgers that were written to; None for all there are."""
