"""作废: a voucher that no bank has, or that it has refused, is void, and its money free. Pure.

Whether the bank can have it is nothing that the events tell: a sender hands a voucher over before
its event says so. So the decision asks how the voucher stands on its way, and that stays locked
until the void is committed (``HANDED_OVER``): a sender comes before, and the void is refused, or
after, and finds the voucher void. What a bank may have is called back by asking the bank.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from payments.application import business_day
from payments.clearing.promised import PROMISED
from payments.events import VoucherRefused
from payments.giving_back import released, with_release
from payments.payment import APPROVED, PAYMENT, SIGNED, Payment, require, require_status
from payments.void_events import PaymentVoided


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """How far a voucher has come on its way to the bank.

    Attributes:
        tried: a sender has taken it at least once, so the bank may have it.
        waits: a sender has it, or may take it again.
        known: after a loss of history the bank was found to have a voucher of this number.
    """

    tried: bool = False
    waits: bool = False
    known: bool = False


def _told_by(event: Event) -> HandedOver | None:
    return HandedOver(tried=event.sent_before) if isinstance(event, PaymentVoided) else None


# by ``pay_app_no``; read where the outbox is (payments.delivery.handing_over)
HANDED_OVER: LockedFact[HandedOver] = LockedFact("handed_over", _told_by, HandedOver())


class VoidPayment(Command, frozen=True, kw_only=True):
    """作废: of a payment that is approved or signed, and that no bank has been given, or its bank
    has refused."""

    OPERATION: ClassVar[str] = "payment.void"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False  # the bank may still refuse what it was given
    CHANNEL: ClassVar[str] = "支付审核"
    NUMBER: ClassVar[str] = "pay_app_no"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    reason: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return (PAYMENT, self.pay_app_no), (HANDED_OVER, self.pay_app_no), (PROMISED, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.effective_on is not None:
            effective_day(state, self.effective_on)
        payment = require(state, self.pay_app_no)
        require_status(payment, APPROVED, SIGNED)
        handed = state.fact(HANDED_OVER, self.pay_app_no)
        _require_not_at_bank(payment, handed)
        day = business_day(state, payment, self.effective_on)
        after = released(state, payment, day, PaymentVoided.TYPE)
        # point of no return
        voided = PaymentVoided(
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            reason=self.reason,
            sent_before=handed.tried,
            contract_no=payment.applied.contract_no,
            card_lines=payment.applied.card_lines,
            figures=after.row.figures(),
            by=by,
        )
        return with_release(state, payment, day, voided, after)


def has_another(refused: VoucherRefused) -> bool:
    """Whether the bank refuses a voucher because it has another of its number, perhaps paid."""
    return refused.code == Code.IDEMPOTENCY_CONFLICT.text


def _require_not_at_bank(payment: Payment, handed: HandedOver) -> None:
    """Refuses with ``invalid_state`` what the bank has, or may have: that is to be recalled."""
    refused = payment.refused
    if handed.known or (refused is not None and has_another(refused)):
        problem = "the bank has a voucher of this number"
    elif handed.tried and refused is None:
        problem = "it was handed to the bank, which has not refused it"
    elif handed.tried and handed.waits:
        problem = "the bank has refused it, and is being asked again"
    else:
        return
    raise Refusal(
        Code.INVALID_STATE,
        f"voucher {payment.pay_cert_no} cannot be void: {problem}; recall it 撤销支付",
        payment_status=payment.status,
    )
