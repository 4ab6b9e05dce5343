"""时钟: what was recorded ahead of its time, and when it can have happened.

A clock that ran ahead leaves events with times that had not come. Without a correction on record
the ledger is told of as what it is; with one (``ledger.deciding.clock``) its times are taken for
what they are: what stands before the correction and was recorded after it happened some time
between the event before and the correction.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg

from ledger.deciding.objects import ledger_stream_id
from ledger.events import ClockCorrected, decode
from ledger.integrity.chain import microseconds, moment_of
from ledger.reading.streaming import Chunk
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings

TOLERANCE_US = 5_000_000
_CORRECTED = ClockCorrected.TYPE.encode()


class Stretch(NamedTuple):
    """Events from ``first`` on that were recorded ahead; they happened between these two times."""

    first: int
    since_us: int
    until_us: int


class ClockCheck:
    """Nothing was recorded ahead of its time, or a correction says so.

    Args:
        corrections: position and time of every correction of the ledger, in order.
        now_us: the database server's clock.
        recorded_us: of the last event before the first that is taken.
    """

    NAME = name_check("clock", "时钟 nothing recorded ahead of its time", "events", "events")

    def __init__(
        self,
        findings: Findings,
        corrections: Sequence[tuple[int, int]],
        now_us: int,
        recorded_us: int = 0,
    ) -> None:
        self._findings = findings
        self._now_us = now_us
        self._sound_us = recorded_us
        self._limits = _limits(corrections, now_us + TOLERANCE_US)
        self._uncorrected: tuple[int, int] | None = None
        self._last_us = recorded_us
        self._within = False
        self.stretches: list[Stretch] = []

    def take(self, chunk: Chunk) -> None:
        self._findings.count(self.NAME, len(chunk.positions))
        while self._limits[0][0] < chunk.positions[0]:
            del self._limits[0]
        limit_us = min(limit for _, limit in self._limits)
        if max(chunk.recorded_us) > limit_us or _CORRECTED in chunk.types:
            self._look_at_each(chunk)
        else:
            self._sound_us, self._within = chunk.recorded_us[-1], False
        self._last_us = chunk.recorded_us[-1]

    def _look_at_each(self, chunk: Chunk) -> None:
        before_us = self._last_us
        for position, recorded_us, type_, payload in zip(
            chunk.positions, chunk.recorded_us, chunk.types, chunk.payloads, strict=True
        ):
            while self._limits[0][0] < position:
                del self._limits[0]
            if type_ == _CORRECTED:
                self._correction(position, recorded_us, before_us, payload)
            limit_us = min(limit for _, limit in self._limits)
            if recorded_us <= limit_us:
                self._sound_us, self._within = recorded_us, False
            elif not self._within:
                self._within = True
                self.stretches.append(Stretch(position, self._sound_us, limit_us))
            if self._within and len(self._limits) == 1:
                first = self._uncorrected[0] if self._uncorrected else position
                self._uncorrected = first, position
            before_us = recorded_us

    def _correction(self, position: int, recorded_us: int, before_us: int, payload: bytes) -> None:
        event = decode(ClockCorrected.TYPE, payload)
        assert isinstance(event, ClockCorrected)
        said = (event.position, event.recorded_at)
        if said != (position - 1, moment_of(before_us).isoformat()) or recorded_us >= before_us:
            detail = "it corrects another time than that of the event before it 对时不符"
            self._findings.add(self.NAME, position, detail)

    def span(self, position: int, recorded_us: int) -> tuple[int, int]:
        """The first and the last moment at which an event can have happened."""
        for stretch in reversed(self.stretches):
            if stretch.first <= position:
                if recorded_us > stretch.until_us:
                    return stretch.since_us, stretch.until_us
                break
        return recorded_us, recorded_us

    def conclude(self) -> None:
        if self._uncorrected is None:
            return
        first, last = self._uncorrected
        ahead_days = (self._last_us - self._now_us) / 86_400_000_000
        self._findings.add(
            self.NAME,
            first,
            f"events {first} to {last} were recorded up to {_moment_told(self._last_us)},"
            f" {ahead_days:.1f} days ahead of the clock 时钟超前: `guoku ledger correct-clock` puts"
            " that on record",
            last,
        )


def _moment_told(recorded_us: int) -> str:
    try:
        return moment_of(recorded_us).isoformat()
    except BROKEN:  # an infinite time
        return "no time at all"


def _limits(corrections: Sequence[tuple[int, int]], last_us: int) -> list[tuple[int, int]]:
    """(position, time): nothing up to there happened later than that."""
    return [*corrections, (2**63 - 1, last_us)]


def corrections_of(connection: psycopg.Connection, ledger_id: int) -> list[tuple[int, int]]:
    """Position and time of every correction, from the events themselves."""
    rows = connection.execute(
        "SELECT position, recorded_at FROM events WHERE ledger_id = %s AND stream_id = %s"
        " AND type = %s ORDER BY position",
        (ledger_id, UUID(bytes=ledger_stream_id(ledger_id)), ClockCorrected.TYPE),
    )
    return [(position, microseconds(recorded_at)) for position, recorded_at in rows]


def server_now_us(connection: psycopg.Connection) -> int:
    """The database server's clock."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return microseconds(row[0])
