"""序号: positions without gap, and within each stream versions without gap.

How far each stream has come is known for more streams than memory should hold. So the places of
events are spilled into a file a part (of the streams, by their last byte), and each part is looked
at alone in the end. The files stay, and a later verification goes on from them.
"""

from pathlib import Path
from struct import Struct

from ledger.events import ClockCorrected
from ledger.reading.streaming import Chunk
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings
from ledger.verification.spill import PARTS, Spill

_PLACE = Struct(">q16si")
_CORRECTED = ClockCorrected.TYPE.encode()


class PositionCheck:
    """Every position once, from the first to the head's, and ``recorded_at`` never going back but
    where a correction of the clock says so."""

    NAME = name_check("position", "序号 positions without gap", "events", "events")

    def __init__(self, findings: Findings, after: int = 0, recorded_us: int = 0) -> None:
        self._findings = findings
        self.position, self._recorded_us = after, recorded_us

    @property
    def recorded_us(self) -> int:
        return self._recorded_us

    def take(self, chunk: Chunk) -> None:
        self._findings.count(self.NAME, len(chunk.positions))
        first, last = chunk.positions[0], chunk.positions[-1]
        gapless = first == self.position + 1 and last - self.position == len(chunk.positions)
        if not gapless:
            self._gaps(chunk.positions)
        recorded = chunk.recorded_us
        if recorded[0] < self._recorded_us or any(map(int.__gt__, recorded, recorded[1:])):
            self._backwards(chunk)
        self.position, self._recorded_us = last, recorded[-1]

    def _gaps(self, positions: list[int]) -> None:
        due = self.position + 1
        for position in positions:
            if position != due:
                self._missing(due, position - 1)
            due = position + 1

    def _missing(self, first: int, last: int) -> None:
        until = f" to {last}" if last > first else ""
        self._findings.add(self.NAME, first, f"events {first}{until} are missing 事件缺失")

    def _backwards(self, chunk: Chunk) -> None:
        before = self._recorded_us
        for position, recorded_us, type_ in zip(
            chunk.positions, chunk.recorded_us, chunk.types, strict=True
        ):
            if recorded_us < before and type_ != _CORRECTED:
                detail = "it was recorded before its predecessor 时间倒退"
                self._findings.add(self.NAME, position, detail)
            before = recorded_us

    def conclude(self, head: int) -> None:
        """``head`` is the position that the ledger says it has reached."""
        if self.position < head:
            self._missing(self.position + 1, head)
        elif self.position > head:
            self._findings.add(self.NAME, head + 1, f"events go on behind the head, {head}")


class VersionCheck:
    """The versions of each stream are 1, 2, 3, … in the order of positions."""

    NAME = name_check("version", "版本 versions of each stream without gap", "streams", "events")

    def __init__(self, findings: Findings, folder: Path, lengths: list[int] | None = None) -> None:
        self._findings = findings
        self._spill = Spill(folder, "streams", lengths)

    def lengths(self) -> list[int]:
        """What a later verification needs to go on from here; all is on disk after this."""
        return self._spill.lengths()

    def take(self, chunk: Chunk) -> None:
        pack, parts = _PLACE.pack, self._spill.parts
        for position, stream_id, version in zip(
            chunk.positions, chunk.stream_ids, chunk.versions, strict=True
        ):
            parts[stream_id[15] % PARTS] += pack(position, stream_id, version)
        self._spill.settle()

    def conclude(self) -> None:
        for part in range(PARTS):
            self._look_at(self._spill.read(part))

    def _look_at(self, part: bytes) -> None:
        reached: dict[bytes, int] = {}
        for position, stream_id, version in _PLACE.iter_unpack(part):
            due = reached.get(stream_id, 0) + 1
            if version != due:
                detail = f"version {version} where {due} is due 版本不连续"
                self._findings.add(self.NAME, position, detail)
            reached[stream_id] = version
        self._findings.count(self.NAME, len(reached))
