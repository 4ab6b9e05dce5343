"""作废、撤销: what becomes of a voucher that is not to be paid any more."""

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
        moves=("indicator", "contract", "card_line"),
        posts={"payment.voided": RuleNeeds(DIMENSIONS, {"pay": RELEASED})},
        delivery=True,
        step="payment",
        title="作废",
    )
    pay_app_no: str
    pay_cert_no: str
    reason: str
    sent_before: bool
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    figures: Figures
    by: str


class RecallRequested(Event, frozen=True, kw_only=True):
    """撤销申请: the bank is asked to stop a voucher; nothing moves until it answers.

    ``recall_no`` makes the request's number at the bank: a recall that is told again is the same.
    """

    TYPE: ClassVar[str] = "payment.recall_requested"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="payment.recall",
        delivery=True,
        step="voucher",
        title="撤销申请",
    )
    pay_app_no: str
    pay_cert_no: str
    recall_no: str
    request_date: str
    reason: str
    by: str


class RecallRefused(Event, frozen=True, kw_only=True):
    """The bank does not stop the voucher: it has paid it."""

    TYPE: ClassVar[str] = "payment.recall_refused"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="recall.refuse",
        delivery=True,
        step="voucher",
        title="撤销申请退回",
    )
    pay_app_no: str
    recall_no: str
    reason: str


register(PaymentVoided, RecallRequested, RecallRefused)
