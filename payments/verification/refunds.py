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

# stream, position, line (or none), indicator (none: the payment's own), fen: positive paid or taken
# over by a correction, negative back or given; of a correction no line, of a share no payment
_MOVED = Struct(">16sqB8s8sq")
_PAID, _BACK, _SHARED, _CORRECTED = range(4)
_LINE_BYTES = 8


@lru_cache(1024)  # nearly all payments have the one line "1"
def _mark(line: str) -> bytes:
    return sm3(line.encode())[:_LINE_BYTES] if line else bytes(_LINE_BYTES)


class RefundCheck:
    """What comes back of a payment, or of one of its lines, is never more than was paid; nor what
    is corrected, or comes back to an indicator, than that one bears of it."""

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
            self._write(_PAID, stream_id, position, line, "", amount_fen)

    def refunded(self, position: int, stream_id: bytes, line: str, back_fen: int) -> None:
        """``line`` "" for a refund of the payment as a whole."""
        self._findings.count(self.NAME, 1)
        self._write(_BACK, stream_id, position, line, "", -back_fen)

    def restored(self, position: int, stream_id: bytes, bgt_id: str, back_fen: int) -> None:
        """What of a refund restores one indicator; ``bgt_id`` "" for the payment's own."""
        self._write(_SHARED, stream_id, position, "", bgt_id, -back_fen)

    def corrected(self, position: int, stream_id: bytes, bgt_id: str, moved_fen: int) -> None:
        """What a correction adds to what an indicator bears, or takes from it."""
        self._write(_CORRECTED, stream_id, position, "", bgt_id, moved_fen)

    def _write(
        self, kind: int, stream_id: bytes, position: int, line: str, bgt_id: str, fen: int
    ) -> None:
        self._spill.parts[stream_id[15] % PARTS] += _MOVED.pack(
            stream_id, position, kind, _mark(line), _mark(bgt_id), fen
        )

    def conclude(self) -> None:
        for part in range(PARTS):
            self._look_at(_MOVED.iter_unpack(self._spill.read(part)))

    def _look_at(self, records: Iterable[tuple[bytes, int, int, bytes, bytes, int]]) -> None:
        left_of: dict[tuple[bytes, ...], int] = {}
        for stream_id, position, kind, line, bgt_id, fen in records:
            keys: list[tuple[bytes, ...]] = []
            if kind in (_PAID, _BACK):
                keys = [(stream_id,), (stream_id, line)] if any(line) else [(stream_id,)]
            if kind != _BACK:
                keys.append((stream_id, b"borne", bgt_id))
            for key in keys:
                left_of[key] = left_of.get(key, 0) + fen
            short_fen = -min(left_of[key] for key in keys)
            if fen < 0 < short_fen:
                what = "more came back" if kind == _BACK else "more is moved of an indicator"
                detail = f"{yuan(short_fen)} {what} than was paid 退款超付"
                self._findings.add(self.NAME, position, detail)
