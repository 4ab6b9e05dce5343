"""On what condition anything is committed: looked at while the head is locked, before deciding."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic

import psycopg
import structlog

from ledger.errors import Code, UnavailableError
from ledger.integrity.chain import microseconds
from ledger.reading.loading import LockedHead
from ledger.writing.clocks import (
    Clock,
    ClockReading,
    StepWatch,
    clock_fault,
    clock_reasons,
    read_clocks,
)

log = structlog.get_logger(__name__)

LOGGED_EVERY_S = 60.0
_MICROSECOND = timedelta(microseconds=1)

# asked with a ledger and its head's position: why nothing may be written to it, or None
HistoryFault = Callable[[int, int], UnavailableError | None]


def never_cut(_ledger_id: int, _position: int) -> None:
    """Nobody remembers more of a history than there is."""


class Conditions:
    """Those of one sequencer.

    Args:
        clock: the host's, in aware datetimes.
        tolerance: by how much the clocks may differ; None where ``clock`` is not the host's, but
            that of a history that is played again, and there is nothing to compare it with.
        history_fault: what is known of a lost tail.
    """

    def __init__(
        self,
        clock: Clock,
        tolerance: timedelta | None = None,
        history_fault: HistoryFault = never_cut,
    ) -> None:
        self._clock = clock
        self._history_fault = history_fault
        self.tolerance_us = None if tolerance is None else tolerance // _MICROSECOND
        self._steps = None if self.tolerance_us is None else StepWatch(clock, self.tolerance_us)
        self._logged_at = float("-inf")
        self._rewritten: dict[int, str] = {}  # by ledger what its head's row says wrongly

    def now_us(self) -> int:
        """The host's clock; read before the head is asked for."""
        return microseconds(self._clock())

    def reading(self, before_us: int, head: LockedHead) -> ClockReading:
        """Both clocks, now that the head is locked."""
        return ClockReading(before_us, head.server_us, self.now_us())

    def fault(
        self,
        ledger_id: int,
        head: LockedHead,
        reading: ClockReading,
        *,
        mended: Code | None = None,
    ) -> UnavailableError | None:
        """Why nothing may be committed; None where everything may.

        Args:
            mended: what is about to be mended, and so is no reason.
        """
        found = self._history_fault(ledger_id, head.position)
        tolerance_us = self.tolerance_us
        if found is None and self._steps is not None and tolerance_us is not None:
            ahead_allowed = mended is Code.CLOCK_SKEWED
            found = clock_fault(
                reading, head.recorded_us, tolerance_us, ahead_allowed=ahead_allowed
            ) or self._steps.fault(reading.after_us)
        if found is not None:
            self._log(ledger_id, found)
        return found

    def _log(self, ledger_id: int, reason: UnavailableError) -> None:
        if monotonic() - self._logged_at > LOGGED_EVERY_S:
            self._logged_at = monotonic()
            log.error("nothing is committed", ledger_id=ledger_id, reason=str(reason))

    def head_is_rewritten(self, ledger_id: int, error: UnavailableError) -> None:
        """A head's row says what no event says: so does readiness, until it does not."""
        self._rewritten[ledger_id] = error.detail
        self._log(ledger_id, error)

    def head_agrees(self, ledger_id: int) -> None:
        if self._rewritten:
            self._rewritten.pop(ledger_id, None)

    def require_whole_history(self) -> None:
        """Raises UnavailableError, ``history_cut``, while a part of the history may be lost."""
        if (found := self._history_fault(0, 0)) is not None:
            raise found

    def halted(self) -> str:
        """Why nothing is written to any ledger, and nothing sent; "" where that is not so."""
        found = self._history_fault(0, 0)
        return "" if found is None else found.detail

    def fault_now(
        self, connection: psycopg.Connection, recorded_at: datetime
    ) -> UnavailableError | None:
        """Why nothing is committed to a ledger now, asked without its lock; None where everything
        is. ``recorded_at``: when its last event was recorded."""
        found = self._history_fault(0, 0)
        if found is None and self._steps is not None and self.tolerance_us is not None:
            reading = read_clocks(connection, self._clock)
            last_us = microseconds(recorded_at)
            found = clock_fault(reading, last_us, self.tolerance_us) or self._steps.fault()
        return found

    def step_fault(self, now_us: int) -> UnavailableError | None:
        """Why this moment is not believed, where the server's clock is compared elsewhere."""
        return None if self._steps is None else self._steps.fault(now_us)

    def reasons(self, connection: psycopg.Connection) -> Iterator[str]:
        """Why nothing is committed, for readiness; nothing where everything is."""
        yield from list(self._rewritten.values())
        if self._steps is None or self.tolerance_us is None:
            return
        if (step := self._steps.fault()) is not None:
            yield step.detail
        yield from clock_reasons(connection, self._clock, self.tolerance_us)
