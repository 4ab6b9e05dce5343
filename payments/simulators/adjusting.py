"""支付调整: how a simulated bank answers what it is told of a correction: 1, or 0 by a fault."""

from payments.messages import adjustments
from payments.messages.adjustments import OutlayAdjustment
from payments.simulators.answers import Answer
from payments.simulators.faults import Faults

DECLINED = "原凭证科目不符"


def adjusted(faults: Faults, told: OutlayAdjustment) -> Answer:
    """No money moves either way."""
    declined = faults.strikes(faults.reject_rate, "reject", told.voucher_no)
    word = DECLINED if declined else ""
    form = adjustments.answer(told, faults.day_of(told.vou_date), word)
    return Answer(amount_fen=0, receipt=form)
