"""放行: a payment that monitoring rules hold goes on when another person says so. Pure."""

from typing import ClassVar

from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from payments.application import OnPayment, business_day, require_other_person
from payments.monitoring.events import PaymentReleased
from payments.payment import APPLIED, PAYMENT, require_status


class ReleasePayment(OnPayment, frozen=True, kw_only=True):
    """放行 of what monitoring rules hold, by another person than who applied."""

    OPERATION: ClassVar[str] = "payment.release"
    CHANNEL: ClassVar[str] = "支付审核"
    NUMBER: ClassVar[str] = "pay_app_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = self._payment(state)
        require_status(payment, APPLIED)
        if not payment.is_held:
            raise Refusal(Code.INVALID_STATE, f"no rule holds payment {self.pay_app_no}")
        require_other_person(payment, by)
        day = business_day(state, payment, self.effective_on)
        # point of no return
        released = PaymentReleased(pay_app_no=self.pay_app_no, reason=self.reason, by=by)
        return Decision(events=[(PAYMENT, self.pay_app_no, released)], effective_on=day)
