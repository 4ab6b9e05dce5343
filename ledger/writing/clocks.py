"""Two clocks 两只钟: the ledger's time is the host's and the database server's in agreement.

The host reads its clock before and after it asks the server for its own, so that neither the way
nor a lock that had to be waited for counts as a difference: in agreement, the server's time lies
between the two. The question is part of the query that locks a head, and costs no round trip.

Where both run on one machine they are one clock, and agree when it is wrong. So a clock that has
just been set is not believed at once: what it says has to hold for a while against the time that
has passed since the machine was started. Two seconds of a wrong time leave nothing behind.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import psycopg

from ledger.account_set import ledger_text
from ledger.errors import Code, UnavailableError
from ledger.integrity.chain import microseconds, moment_of

Clock = Callable[[], datetime]

SECOND_US = 1_000_000
RETRY_AFTER_S = 5
SETTLED_AFTER_S = 60.0
_AHEAD_SHOWN_MAX = 5


class ClockReading(NamedTuple):
    """Both clocks, in µs since 1970: the host's before and after, the server's between."""

    before_us: int
    server_us: int
    after_us: int

    @property
    def skew_us(self) -> int:
        """How far the host is ahead of the server at least (behind: negative); 0 in agreement."""
        if self.server_us < self.before_us:
            return self.before_us - self.server_us
        return min(0, self.after_us - self.server_us)

    @property
    def latest_us(self) -> int:
        """The later of the two clocks."""
        return max(self.server_us, self.after_us)


def _since_boot_us() -> int:
    """Time that passes evenly, whatever the clock is set to; a suspended machine's time counts."""
    boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(boot) // 1_000


class StepWatch:
    """Notices that a clock was set, and believes the new time once it has held for a while.

    Args:
        passed_us: counts evenly, from wherever.
    """

    def __init__(
        self, clock: Clock, tolerance_us: int, passed_us: Callable[[], int] = _since_boot_us
    ) -> None:
        self._clock, self._tolerance_us, self._passed_us = clock, tolerance_us, passed_us
        self._believed_us = microseconds(clock()) - passed_us()
        self._doubted: tuple[int, int] | None = None  # the new offset, and since when

    def fault(self, now_us: int | None = None) -> UnavailableError | None:
        """Why the clock is not believed; None where it is."""
        passed_us = self._passed_us()
        offset_us = (microseconds(self._clock()) if now_us is None else now_us) - passed_us
        step_us = offset_us - self._believed_us
        if abs(step_us) <= self._tolerance_us:
            self._believed_us, self._doubted = offset_us, None
            return None
        if self._doubted is None or abs(offset_us - self._doubted[0]) > self._tolerance_us:
            self._doubted = offset_us, passed_us
        if passed_us - self._doubted[1] >= SETTLED_AFTER_S * SECOND_US:
            self._believed_us, self._doubted = offset_us, None
            return None
        way = "forward" if step_us > 0 else "back"
        return _skewed(
            f"the host's clock was set {_span(abs(step_us))} {way} and has not held that for"
            f" {SETTLED_AFTER_S:.0f} s",
            step_us,
        )


def clock_fault(
    reading: ClockReading, last_us: int, tolerance_us: int, *, ahead_allowed: bool = False
) -> UnavailableError | None:
    """Why nothing may be committed by these clocks; None where they agree.

    Args:
        last_us: when the ledger's last event was recorded.
        ahead_allowed: whether that may lie ahead: it is what is about to be corrected.
    """
    before_us, server_us, after_us = reading
    if before_us <= server_us <= after_us and last_us <= after_us:
        return None  # as nearly always
    skew_us = reading.skew_us
    if abs(skew_us) > tolerance_us:
        return _skewed(f"the host's clock {_compared(skew_us)} the database server's", skew_us)
    ahead_us = last_us - reading.latest_us
    if ahead_us > tolerance_us and not ahead_allowed:
        what = f"the last event was recorded at {moment_of(last_us).isoformat()}"
        return _skewed(f"{what}, {_span(ahead_us)} ahead of both clocks", ahead_us)
    return None


def read_clocks(connection: psycopg.Connection, clock: Clock) -> ClockReading:
    """Both clocks now, by a question of its own: for readiness and for the command line."""
    before_us = microseconds(clock())
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return ClockReading(before_us, microseconds(row[0]), microseconds(clock()))


class LedgerAhead(NamedTuple):
    """A ledger whose last event lies ahead of both clocks, and by how much."""

    ledger_id: int
    position: int
    recorded_us: int
    ahead_us: int


def ledgers_ahead(
    connection: psycopg.Connection, reading: ClockReading, tolerance_us: int
) -> list[LedgerAhead]:
    """The ledgers that cannot be written to before their last event's time has come, or an operator
    has corrected it."""
    limit = moment_of(reading.latest_us + tolerance_us)
    rows = connection.execute(
        "SELECT ledger_id, position, recorded_at FROM ledgers"
        " WHERE recorded_at > %s AND position > 0 ORDER BY ledger_id",
        (limit,),
    )
    return [
        LedgerAhead(key, position, us := microseconds(recorded_at), us - reading.latest_us)
        for key, position, recorded_at in rows
    ]


def clock_reasons(connection: psycopg.Connection, clock: Clock, tolerance_us: int) -> Iterable[str]:
    """Why the clocks let nothing be committed, for readiness; nothing where they agree."""
    reading = read_clocks(connection, clock)
    if abs(reading.skew_us) > tolerance_us:
        yield (
            f"the host's clock {_compared(reading.skew_us)} the database server's: nothing is"
            " committed until they agree (clock_skewed)"
        )
        return
    ahead = ledgers_ahead(connection, reading, tolerance_us)
    for ledger in ahead[:_AHEAD_SHOWN_MAX]:
        yield (
            f"the last event of {ledger_text(ledger.ledger_id)} (position {ledger.position}) was"
            f" recorded at {moment_of(ledger.recorded_us).isoformat()}, {_span(ledger.ahead_us)}"
            " ahead of both clocks: nothing is committed there; `guoku ledger correct-clock` is the"
            " way out"
        )
    if len(ahead) > _AHEAD_SHOWN_MAX:
        yield f"{len(ahead)} ledgers in all have a last event ahead of both clocks"


def _skewed(detail: str, skew_us: int) -> UnavailableError:
    return UnavailableError(
        Code.CLOCK_SKEWED,
        f"{detail}: nothing is committed until they agree",
        retry_after_s=RETRY_AFTER_S,
        skew_s=round(skew_us / SECOND_US, 3),
    )


def _compared(skew_us: int) -> str:
    return f"is {_span(abs(skew_us))} {'ahead of' if skew_us > 0 else 'behind'}"


def _span(span_us: int) -> str:
    """A length of time as people say it."""
    seconds = span_us / SECOND_US
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} days"
