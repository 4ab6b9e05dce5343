"""收入更正: income is of another code, level or fund than was reported. Pure decisions.

The central bank is told by a 5407 and answers. No cash comes or goes; between kinds of fund it lies
with the other then.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.income_booking import BOOKING_NEEDS, cash_told, moved_by
from accounting.income_orders import (
    INCOME_CORRECTION,
    account_of,
    check_place,
    done,
    journal,
    moved_told,
    require_place,
)
from accounting.income_register import INCOME, IncomePlace, received, require_received
from division.knowledge import require_workday
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, stored_fen
from payments.clearing.cash import kind_of
from payments.clearing.promised import PAID_AHEAD
from payments.income_order_events import IncomeCorrectionOrdered, IncomeCorrectionReceipted
from payments.orders.answered import ApplyOrderReceipt
from payments.orders.ordering import (
    INCOME_CORRECTIONS,
    check_written,
    order_number,
    require_on,
)


class OrderIncomeCorrection(Command, frozen=True, kw_only=True):
    """收入更正: so much of what was received of one code, fund and level is of another."""

    OPERATION: ClassVar[str] = "correction.income_codes"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "收入退库更正"
    NUMBER: ClassVar[str] = "inc_cor_no"
    KIND: ClassVar[AnyKind] = INCOME_CORRECTION
    inc_cor_no: str
    inc_sort_code: str
    fund_type_code: str
    to_inc_sort_code: str
    to_fund_type_code: str
    amt: str
    reason: str
    budget_level_code: str = ""
    to_budget_level_code: str = ""
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
        check_place(self, "to_")
        check_written(self, ("inc_cor_no", "reason"))
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (INCOME_CORRECTION, self.inc_cor_no), *BOOKING_NEEDS, *PAID_AHEAD

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        codes = self.inc_sort_code, self.fund_type_code, self.budget_level_code
        to_codes = self.to_inc_sort_code, self.to_fund_type_code, self.to_budget_level_code
        require_place(state, day, codes)
        require_place(state, day, to_codes, "to_")
        if codes == to_codes:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "it is of that code, fund and level already",
                pointer="/to_inc_sort_code",
            )
        acct, amount_fen = account_of(state, self.tre_code), parse_yuan(self.amt, pointer="/amt")
        place = IncomePlace(acct, *codes)
        require_received(state, place, day, amount_fen, "/amt")
        to_place = IncomePlace(acct, *to_codes)
        if kind_of(self.fund_type_code) != kind_of(self.to_fund_type_code):
            require_on(state, acct, self.fund_type_code, self.amt)
        # what a kind of fund has is not held for another until the central bank answers
        moved_by(state, day, acct, {place.codes: -amount_fen, to_place.codes: amount_fen})
        ordered_row = state.moved(INCOME, place.key, day, {"ordered": amount_fen})
        # point of no return
        ordered = IncomeCorrectionOrdered(
            inc_cor_no=self.inc_cor_no,
            voucher_no=order_number(state.ledger_id, INCOME_CORRECTIONS, self.inc_cor_no),
            inc_sort_code=self.inc_sort_code,
            fund_type_code=self.fund_type_code,
            budget_level_code=self.budget_level_code,
            to_inc_sort_code=self.to_inc_sort_code,
            to_fund_type_code=self.to_fund_type_code,
            to_budget_level_code=self.to_budget_level_code,
            amt=self.amt,
            reason=self.reason,
            cash_acct=acct,
            order_date=day_text(day),
            by=by,
        )
        return Decision(
            events=[(INCOME_CORRECTION, self.inc_cor_no, ordered)],
            effective_on=day,
            moved=[ordered_row],
        )


class ApplyIncomeCorrectionReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """更正回单: the central bank has corrected its books, or will not."""

    OPERATION: ClassVar[str] = "income.correction_receipt"
    KIND: ClassVar[AnyKind] = INCOME_CORRECTION
    inc_cor_no: str

    def needs(self) -> Iterable[Need]:
        return (INCOME_CORRECTION, self.inc_cor_no), *BOOKING_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        correction = state.get(INCOME_CORRECTION, self.inc_cor_no)
        order = None if correction is None else correction.ordered
        self.require_of(order, answered=correction is not None and correction.receipt is not None)
        assert correction is not None
        assert order is not None
        amounts = {correction.place: -self.xpay_fen, correction.to_place: self.xpay_fen}
        since = date.fromisoformat(order.order_date)
        happened = done(state, order.cash_acct, self.xpay_date, since, amounts)
        booked = {place.codes: fen for place, fen in happened.booked.items()}
        amount_fen = stored_fen(order.amt)
        left, taken = (happened.booked.get(p, 0) for p in (correction.place, correction.to_place))
        changes = {"ordered": -amount_fen, "received": left}
        moved = [
            state.moved(INCOME, correction.place.key, happened.day, changes),
            *received(state, happened.day, {correction.to_place.key: taken}),
            *moved_told(state, happened),
            *moved_by(state, happened.day, order.cash_acct, booked),
        ]
        # point of no return: the central bank has decided
        receipted = IncomeCorrectionReceipted(
            inc_cor_no=self.inc_cor_no,
            is_reported=happened.in_report,
            **self.told(happened.day, by),
        )
        return Decision(
            events=[
                (INCOME_CORRECTION, self.inc_cor_no, receipted),
                *journal(state, INCOME_CORRECTION, self.inc_cor_no, receipted, happened),
                *cash_told(order.cash_acct, booked),
            ],
            effective_on=happened.day,
            moved=moved,
            documents=self.documents,
        )
