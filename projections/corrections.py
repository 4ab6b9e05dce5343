"""更正 as read models show them: what went from one indicator to another, and what came back to
another indicator than the payment's own. Part of the read model of payments."""

from datetime import date

import msgspec

from ledger.money import stored_fen
from projections.core.fold import Fact
from projections.core.tables import Table
from projections.views import Corrected, Refunded, Shared

CORRECTED, RESTORED = "corrected", "restored"


class CorrectionRow(msgspec.Struct, gc=False):
    """A row of ``proj_corrections``: a correction, or what of a refund restored ``from_bgt_id``,
    which bore it by a correction. ``waiting_fen`` was not claimed yet, and is claimed as that of
    ``to_bgt_id``."""

    position: int
    kind: str
    cor_no: str
    refund_no: str
    pay_app_no: str
    pay_detail_id: str
    agency_code: str
    from_bgt_id: str
    to_bgt_id: str
    cor_fen: int
    waiting_fen: int
    reason: str
    effective_on: date


CORRECTIONS = Table("proj_corrections", CorrectionRow, ("position",))

BETWEEN_INDICATORS = Corrected | Shared | Refunded


def correction_row(fact: Fact, event: BETWEEN_INDICATORS) -> CorrectionRow | None:
    """The row that an event makes; none of a refund that restores the payment's own indicator."""
    if isinstance(event, Corrected):
        return CorrectionRow(
            fact.position,
            CORRECTED,
            event.cor_no,
            "",
            event.pay_app_no,
            event.pay_detail_id,
            event.agency_code,
            event.bgt_id,
            event.to_bgt_id,
            stored_fen(event.amt),
            sum(stored_fen(part.amt) for part in event.waiting),
            event.reason,
            fact.effective_on,
        )
    if not event.bgt_id:
        return None
    back = (isinstance(event, Refunded) and event.borne_amt) or event.refund_amt
    return CorrectionRow(
        fact.position,
        RESTORED,
        "",
        event.refund_no,
        event.pay_app_no,
        "",
        "",
        event.bgt_id,
        "",
        stored_fen(back),
        0,
        "",
        fact.effective_on,
    )
