"""作废: what becomes of a voucher that is not to be paid any more."""

from typing import ClassVar

from budget.events import Figures
from ledger.elements.register import DIMENSIONS
from ledger.events import Event, RuleNeeds, Traits, register
from payments.events import RELEASED


class PaymentVoided(Event, frozen=True, kw_only=True):
    """作废: the voucher number is void for ever, and the indicator has its amount back.

    ``sent_before`` says what the outbox has shown, locked, when this was decided: whether a sender
    may have handed the voucher to its bank. Then the bank has refused it before.
    """

    TYPE: ClassVar[str] = "payment.voided"
    TRAITS: ClassVar[Traits] = Traits(
        ends=True,
        subject="payment",
        asked_by="payment.void",
        moves=("indicator",),
        posts={"payment.voided": RuleNeeds(DIMENSIONS, {"pay": RELEASED})},
        delivery=True,
        step="payment",
        title="作废",
    )
    pay_app_no: str
    pay_cert_no: str
    reason: str
    sent_before: bool
    figures: Figures
    by: str


register(PaymentVoided)
