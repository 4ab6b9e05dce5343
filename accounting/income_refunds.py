"""收入退库: income is paid back to who paid it, by order to the central bank. Pure decisions.

Never more than was received of its code, fund and level. Its cash is taken when it is ordered and
gone when the central bank has paid, which is negative income of the code.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.income_booking import BOOKING_NEEDS
from accounting.income_orders import (
    INCOME_REFUND,
    IncomeRefund,
    account_of,
    check_place,
    done,
    journal,
    moved_told,
    place_ordered,
    require_place,
)
from accounting.income_register import INCOME, IncomePlace, received, require_received
from division.knowledge import require_workday
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.promised import PAID_AHEAD
from payments.income_order_events import (
    IncomeRefundOrdered,
    IncomeRefundReceipted,
    IncomeRefundReturned,
)
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.ordering import (
    INCOME_REFUNDS,
    cash_answered,
    cash_back,
    cash_ordered,
    check_written,
    order_number,
    require_on,
)

_WRITTEN = (
    "inc_refund_no",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "reason",
)


class OrderIncomeRefund(Command, frozen=True, kw_only=True):
    """收入退付: pay back so much of a kind of income; ``tre_code`` may be left out where income is
    reported of one treasury account alone."""

    OPERATION: ClassVar[str] = "income.refund"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "收入退库更正"
    NUMBER: ClassVar[str] = "inc_refund_no"
    KIND: ClassVar[AnyKind] = INCOME_REFUND
    inc_refund_no: str
    inc_sort_code: str
    fund_type_code: str
    amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    reason: str
    payee_bank_no: str = ""
    budget_level_code: str = ""
    tre_code: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        for dated in (None, told.day):
            for tre_code in ("", told.event.cash_acct):
                yield cls(**fields_in(cls, told.event, tre_code=tre_code, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_place(self)
        check_written(self, _WRITTEN)
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (INCOME_REFUND, self.inc_refund_no), *BOOKING_NEEDS, *PAID_AHEAD

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        codes = self.inc_sort_code, self.fund_type_code, self.budget_level_code
        require_place(state, day, codes)
        acct, amount_fen = account_of(state, self.tre_code), parse_yuan(self.amt, pointer="/amt")
        place = IncomePlace(acct, *codes)
        require_received(state, place, day, amount_fen, "/amt")
        require_on(state, acct, self.fund_type_code, self.amt)
        moved = [
            state.moved(INCOME, place.key, day, {"ordered": amount_fen}),
            *cash_ordered(state, day, acct, self.fund_type_code, self.amt),
        ]
        # point of no return
        ordered = IncomeRefundOrdered(
            inc_refund_no=self.inc_refund_no,
            voucher_no=order_number(state.ledger_id, INCOME_REFUNDS, self.inc_refund_no),
            inc_sort_code=self.inc_sort_code,
            fund_type_code=self.fund_type_code,
            budget_level_code=self.budget_level_code,
            amt=self.amt,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            reason=self.reason,
            cash_acct=acct,
            order_date=day_text(day),
            by=by,
        )
        return Decision(
            events=[(INCOME_REFUND, self.inc_refund_no, ordered)], effective_on=day, moved=moved
        )


class ApplyIncomeRefundReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """收入退付回单: the central bank has paid it back, or will not."""

    OPERATION: ClassVar[str] = "income.refund_receipt"
    KIND: ClassVar[AnyKind] = INCOME_REFUND
    inc_refund_no: str

    def needs(self) -> Iterable[Need]:
        return (INCOME_REFUND, self.inc_refund_no), *BOOKING_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        refund = state.get(INCOME_REFUND, self.inc_refund_no)
        order = None if refund is None else refund.ordered
        self.require_of(order, answered=refund is not None and refund.receipt is not None)
        assert order is not None
        place, since = place_ordered(order), date.fromisoformat(order.order_date)
        happened = done(state, order.cash_acct, self.xpay_date, since, {place: -self.xpay_fen})
        settled = bool(happened.booked)
        # point of no return: the central bank has decided
        receipted = IncomeRefundReceipted(
            inc_refund_no=self.inc_refund_no,
            is_reported=happened.in_report,
            **self.told(happened.day, by),
        )
        changes = {"ordered": -stored_fen(order.amt), "received": happened.booked.get(place, 0)}
        return Decision(
            events=[
                (INCOME_REFUND, self.inc_refund_no, receipted),
                *journal(state, INCOME_REFUND, self.inc_refund_no, receipted, happened),
            ],
            effective_on=happened.day,
            moved=[
                state.moved(INCOME, place.key, happened.day, changes),
                *moved_told(state, happened),
                *cash_answered(state, happened.day, order, settled=settled),
            ],
            documents=self.documents,
        )


class ReturnIncomeRefund(ApplyOrderReturn, frozen=True, kw_only=True):
    """退付退款: what the central bank says came back of it is income again."""

    OPERATION: ClassVar[str] = "income.refund_return"
    KIND: ClassVar[AnyKind] = INCOME_REFUND
    inc_refund_no: str

    def needs(self) -> Iterable[Need]:
        return (INCOME_REFUND, self.inc_refund_no), *BOOKING_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        refund = self.require_paid(state.get(INCOME_REFUND, self.inc_refund_no))
        self.require_new(refund.returns)
        amount_fen = parse_yuan(self.amt)
        self._require_left(refund, amount_fen)
        order, place = refund.ordered, refund.place
        since = date.fromisoformat(refund.paid_on)
        happened = done(state, order.cash_acct, self.return_date, since, {place: amount_fen})
        moved = [
            *received(state, happened.day, happened.received),
            *moved_told(state, happened),
        ]
        if happened.booked:
            fund = order.fund_type_code
            moved += cash_back(state, happened.day, order.cash_acct, fund, self.amt)
        # point of no return
        returned = IncomeRefundReturned(
            inc_refund_no=self.inc_refund_no,
            fund_type_code=order.fund_type_code,
            cash_acct=order.cash_acct,
            is_reported=happened.in_report,
            **self.told(happened.day, by),
        )
        return Decision(
            events=[
                (INCOME_REFUND, self.inc_refund_no, returned),
                *journal(state, INCOME_REFUND, self.inc_refund_no, returned, happened),
            ],
            effective_on=happened.day,
            moved=moved,
            documents=self.documents,
        )

    def _require_left(self, refund: IncomeRefund, amount_fen: int) -> None:
        if amount_fen > refund.left_fen:
            raise Refusal(
                Code.REFUND_EXCEEDS_PAID,
                f"of refund {self.inc_refund_no} {yuan(refund.left_fen)} was paid and is not back",
                available_amt=yuan(refund.left_fen),
                requested_amt=self.amt,
            )
