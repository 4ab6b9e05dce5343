"""更正: what a correction moves between indicators, and what of a refund restores each of them."""

from collections.abc import Callable, Mapping
from typing import Any

from ledger.events import Event
from ledger.verification.amounts import Amounts
from payments.correction_events import PaymentCorrected, RefundShared
from payments.events import PaymentRefunded
from payments.verification.refunds import RefundCheck

# what is read of each: all of it
WANTED_OF_CORRECTIONS: Mapping[type[Event], type[Event]] = {
    cls: cls for cls in (RefundShared, PaymentCorrected)
}
Wrong = Callable[[int, str], None]


class CorrectionSteps:
    """Held against what each indicator bears, in :class:`RefundCheck`. A refund's shares stand
    directly behind it, in its own commit."""

    def __init__(self, wrong: Wrong, refunds: RefundCheck, amounts: Amounts) -> None:
        self._wrong, self._refunds, self._amounts = wrong, refunds, amounts
        self._unshared: tuple[bytes, str, int] = (b"", "", 0)  # of the last refund

    @property
    def steps(self) -> Mapping[type[Event], Callable[[int, bytes, Any], None]]:
        return {RefundShared: self.shared, PaymentCorrected: self.corrected}

    def refunded(self, position: int, stream_id: bytes, event: PaymentRefunded) -> None:
        back_fen = self._amounts[event.refund_amt]
        borne_fen = self._amounts[event.borne_amt] if event.borne_amt else back_fen
        self._refunds.restored(position, stream_id, event.bgt_id, borne_fen)
        self._unshared = stream_id, event.refund_no, back_fen - borne_fen

    def shared(self, position: int, stream_id: bytes, event: RefundShared) -> None:
        back_fen = self._amounts[event.refund_amt]
        of_stream, refund_no, left_fen = self._unshared
        self._unshared = of_stream, refund_no, left_fen - back_fen
        if (of_stream, refund_no) != (stream_id, event.refund_no) or back_fen > left_fen:
            self._wrong(position, "it restores an indicator by what did not come back")
        self._refunds.restored(position, stream_id, event.bgt_id, back_fen)

    def corrected(self, position: int, stream_id: bytes, event: PaymentCorrected) -> None:
        amount_fen = self._amounts[event.amt]
        if sum(self._amounts[line.amt] for line in event.lines) != amount_fen:
            self._wrong(position, "what is corrected is not the sum of its lines")
        own = event.own_bgt_id
        gives, takes = ("" if id_ == own else id_ for id_ in (event.bgt_id, event.to_bgt_id))
        if gives == takes:
            self._wrong(position, "it corrects an indicator to itself")
        self._refunds.corrected(position, stream_id, gives, -amount_fen)
        self._refunds.corrected(position, stream_id, takes, amount_fen)
