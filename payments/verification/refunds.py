"""退款: what comes back of a payment, or of one of its lines, against what was paid.

What each line was paid goes to disk, where the refunds of whatever later day meet it.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from struct import Struct

from ledger.gm import sm3
from ledger.money import yuan
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings
from ledger.verification.spill import PARTS, Spill

_MOVED = Struct(">16sq8sq")  # stream, position, line (or none), fen: positive paid, negative back
_LINE_BYTES = 8


@lru_cache(1024)  # nearly all payments have the one line "1"
def _mark(line: str) -> bytes:
    return sm3(line.encode())[:_LINE_BYTES] if line else bytes(_LINE_BYTES)


class RefundCheck:
    """What comes back of a payment, or of one of its lines, is never more than was paid."""

    NAME = name_check("refund", "退款 refunds within what was paid", "refunds", "events")

    def __init__(self, findings: Findings, folder: Path, lengths: list[int] | None = None) -> None:
        self._findings = findings
        self._spill = Spill(folder, "paid", lengths)

    def lengths(self) -> list[int]:
        return self._spill.lengths()

    def settle(self) -> None:
        self._spill.settle()

    def paid(self, position: int, stream_id: bytes, lines: Mapping[str, int]) -> None:
        """What each line was paid, in fen."""
        for line, amount_fen in lines.items():
            self._write(stream_id, position, line, amount_fen)

    def refunded(self, position: int, stream_id: bytes, line: str, back_fen: int) -> None:
        """``line`` "" for a refund of the payment as a whole."""
        self._findings.count(self.NAME, 1)
        self._write(stream_id, position, line, -back_fen)

    def _write(self, stream_id: bytes, position: int, line: str, fen: int) -> None:
        mark = _mark(line)
        self._spill.parts[stream_id[15] % PARTS] += _MOVED.pack(stream_id, position, mark, fen)

    def conclude(self) -> None:
        for part in range(PARTS):
            self._look_at(_MOVED.iter_unpack(self._spill.read(part)))

    def _look_at(self, records: Iterable[tuple[bytes, int, bytes, int]]) -> None:
        left_of: dict[bytes, int] = {}
        for stream_id, position, mark, fen in records:
            keys = [stream_id] if not any(mark) else [stream_id, stream_id + mark]
            for key in keys:
                left_of[key] = left_of.get(key, 0) + fen
            short_fen = -min(left_of[key] for key in keys)
            if fen < 0 < short_fen:
                detail = f"{yuan(short_fen)} more came back than was paid 退款超付"
                self._findings.add(self.NAME, position, detail)
