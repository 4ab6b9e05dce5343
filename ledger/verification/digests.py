"""摘要: every column of every row against the digest that the row bears."""

import hashlib
from struct import Struct

from ledger.reading.streaming import Chunk
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings

_HEAD = Struct(">qq16siqiH")
_START = hashlib.new("sm3", b"guoku.event.1\x00")


class DigestCheck:
    """Recomputes digests as ``ledger.integrity.chain`` describes them, a chunk at a time."""

    NAME = name_check("digest", "摘要 digests over every column", "events", "events")

    def __init__(self, ledger_id: int, findings: Findings) -> None:
        self._ledger_id, self._findings = ledger_id, findings

    def take(self, chunk: Chunk) -> None:
        pack, start, ledger_id = _HEAD.pack, _START.copy, self._ledger_id
        self._findings.count(self.NAME, len(chunk.positions))
        for position, stream_id, version, recorded_us, day, type_, payload, digest in zip(
            *chunk, strict=True
        ):
            computed = start()
            try:
                head = pack(ledger_id, position, stream_id, version, recorded_us, day, len(type_))
            except BROKEN as error:  # an infinite time, a type beyond all lengths
                self._differs(position, type_, f" ({error})")
                continue
            computed.update(head + type_ + payload)
            if computed.digest() != digest:
                self._differs(position, type_)

    def _differs(self, position: int, type_: bytes, why: str = "") -> None:
        detail = f"{type_[:100].decode(errors='replace')}: the row is not what was hashed 事件被改"
        self._findings.add(self.NAME, position, detail + why)

    def conclude(self) -> None:
        """Nothing is left over."""
