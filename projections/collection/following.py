"""采集报送 by the program: from time to time the next file of every ledger that was written to.

The folder alone says how far a ledger is, as for ``guoku collection send``: whoever is killed goes
on from the newest file there, or from where the answer beside it says that the receiver is. So no
commit waits for it, and nothing is kept of what was sent.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from time import monotonic

import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import division_of, is_standing, is_system, ledger_text
from ledger.books import Charts
from ledger.errors import GuokuError
from ledger.reading.tails import read_positions
from ledger.writing.commit_follower import CommitFollower
from projections.collection.outbox import alone_in, next_of
from projections.collection.sending import send
from transfers.messages import InstallationSigner

log = structlog.get_logger(__name__)


class SendingUpward(CommitFollower):
    """Writes them to ``folder``, from :meth:`start` to :meth:`stop`; a second program that has the
    same folder waits.

    Args:
        of_division: what the codes of the divisions begin with that the signer speaks for.
        every_s: between two files of a ledger at least.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        folder: Path,
        charts: Charts,
        signer: Callable[[], InstallationSigner],
        now: Callable[[], datetime],
        *,
        of_division: str,
        every_s: float,
    ) -> None:
        super().__init__("collection", "rows could not be sent upward")
        self._pool, self._folder, self._charts = pool, folder, charts
        self._signer, self._now, self._every_s = signer, now, every_s
        self._of_division = of_division
        self._sent_at = float("-inf")

    def look(self) -> int:
        """Whatever there is, once the time has passed; until then nothing is looked at."""
        if monotonic() - self._sent_at < self._every_s:
            return 0
        with self._lock:
            self._written = None
        return super().look()

    def _look_at(self, written: Collection[int] | None) -> int:
        """Gives how many files were written. One ledger's trouble keeps no other's rows back."""
        signer = self._signer()
        with self._pool.connection() as connection:
            keys = sorted(read_positions(connection))
        self._folder.mkdir(parents=True, exist_ok=True)
        done = 0
        with alone_in(self._folder):
            for key in keys:
                if is_system(key) or is_standing(key) or self._stopping.is_set():
                    continue
                if not division_of(key).startswith(self._of_division):
                    continue
                try:
                    done += self._send(key, signer)
                except GuokuError as error:
                    log.warning(
                        "rows were not sent upward; again later",
                        ledger=ledger_text(key),
                        reason=str(error),
                    )
        self._sent_at = monotonic()
        return done

    def _send(self, key: int, signer: InstallationSigner) -> bool:
        due = next_of(self._folder, ledger_text(key))
        with self._pool.connection() as connection:
            made = send(
                connection,
                key,
                self._folder,
                after=due.after,
                charts=self._charts,
                signer=signer,
                made_at=self._now(),
                again=due.again,
            )
        return made is not None
