"""收入更正、退库更正、调库: income is of another code, level, fund or treasury. Pure decisions.

The central bank is told by a 5407 and answers. Of income that was received, or of a refund, no cash
comes or goes; between kinds of fund it lies with the other then. What is another treasury's leaves
the account: its cash is taken when it is ordered, and that treasury's own report says that it came.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.income_booking import BOOKING_NEEDS, Happened, cash_told, moved_by
from accounting.income_orders import (
    INCOME_CORRECTION,
    INCOME_REFUND,
    IncomeCorrection,
    IncomeDone,
    account_of,
    check_place,
    done,
    journal,
    moved_told,
    require_place,
)
from accounting.income_register import (
    INCOME,
    IncomeMove,
    IncomePlace,
    income_moved,
    received,
    require_received,
)
from division.knowledge import require_workday
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import kind_of
from payments.clearing.promised import PAID_AHEAD
from payments.income_order_events import IncomeCorrectionOrdered, IncomeCorrectionReceipted
from payments.orders.answered import ApplyOrderReceipt
from payments.orders.ordering import (
    INCOME_CORRECTIONS,
    REJECTED,
    cash_answered,
    cash_ordered,
    check_written,
    order_number,
    require_on,
)


class OrderIncomeCorrection(Command, frozen=True, kw_only=True):
    """收入更正: so much of what was received of one code, fund and level is of another.

    Where ``inc_refund_no`` is given, so much of that refund was of ``to_…`` (退库更正); where
    ``to_tre_code`` is, the income is that treasury's (调库).
    """

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
    inc_refund_no: str = ""
    to_tre_code: str = ""
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
        if self.inc_refund_no and self.to_tre_code:
            raise RequestError(
                Code.MALFORMED,
                "a refund is corrected, or income goes to another treasury, not both",
                pointer="/to_tre_code",
            )
        if self.to_tre_code:
            ElementRegister.check_shape("to_tre_code", self.to_tre_code, "/to_tre_code")
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        yield from ((INCOME_CORRECTION, self.inc_cor_no), *BOOKING_NEEDS, *PAID_AHEAD)
        if self.inc_refund_no:  # what of it is corrected already
            yield from ((INCOME_REFUND, self.inc_refund_no), (INCOME_CORRECTION, WHOLE))

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        codes = self.inc_sort_code, self.fund_type_code, self.budget_level_code
        to_codes = self.to_inc_sort_code, self.to_fund_type_code, self.to_budget_level_code
        require_place(state, day, codes)
        require_place(state, day, to_codes, "to_")
        if codes == to_codes and not self.to_tre_code:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "it is of that code, fund and level already",
                pointer="/to_inc_sort_code",
            )
        acct, amount_fen = account_of(state, self.tre_code), parse_yuan(self.amt, pointer="/amt")
        if self.to_tre_code == acct:
            raise Refusal(
                Code.ELEMENT_MISMATCH, "it is that treasury's already", pointer="/to_tre_code"
            )
        place, to_place = IncomePlace(acct, *codes), IncomePlace(acct, *to_codes)
        moves = income_moved(place, to_place, self.inc_refund_no, self.to_tre_code)
        if self.inc_refund_no:
            self._require_refunded(state, place, amount_fen)
        require_received(state, moves.gives, day, amount_fen, "/amt")
        moved = [
            state.moved(INCOME, moves.gives.key, day, {"ordered": amount_fen}),
            *self._cash(state, day, moves),
        ]
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
            inc_refund_no=self.inc_refund_no,
            to_tre_code=self.to_tre_code,
        )
        return Decision(
            events=[(INCOME_CORRECTION, self.inc_cor_no, ordered)],
            effective_on=day,
            moved=moved,
        )

    def _require_refunded(self, state: LedgerState, place: IncomePlace, amount_fen: int) -> None:
        """That so much of the refund was paid of this place, and is neither back nor corrected.

        Raises:
            Refusal: ``not_found``, ``element_mismatch``, ``invalid_state``,
                ``correction_exceeds_paid``.
        """
        refund = state.get(INCOME_REFUND, self.inc_refund_no)
        if refund is None:
            raise Refusal(
                Code.NOT_FOUND, f"no refund {self.inc_refund_no!r}", pointer="/inc_refund_no"
            )
        if refund.place != place:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "the refund was of another code, fund, level or treasury account",
                pointer="/inc_sort_code",
            )
        if not refund.paid_on:
            raise Refusal(Code.INVALID_STATE, f"refund {self.inc_refund_no} was not paid 未退付")
        left_fen = refund.left_fen
        for cached in state.cached(INCOME_CORRECTION).values():
            other: IncomeCorrection = cached.obj
            if other.ordered.inc_refund_no == self.inc_refund_no and other.status != REJECTED:
                left_fen -= stored_fen(other.ordered.amt)
        if amount_fen > left_fen:
            raise Refusal(
                Code.CORRECTION_EXCEEDS_PAID,
                f"of refund {self.inc_refund_no} {yuan(max(0, left_fen))} is neither back nor"
                " corrected 超过可更正金额",
                pointer="/amt",
                available_amt=yuan(max(0, left_fen)),
                requested_amt=self.amt,
            )

    def _cash(self, state: LedgerState, day: date, moves: IncomeMove) -> list[MovedRow]:
        """The cash that it takes now: what leaves the account. What a kind of fund has is not held
        for another until the central bank answers.

        Raises:
            Refusal: ``insufficient_cash``.
        """
        acct, fund = moves.gives.tre_code, moves.gives.fund_type_code
        amount_fen = parse_yuan(self.amt)
        if moves.takes is None:
            require_on(state, acct, fund, self.amt)
            return cash_ordered(state, day, acct, fund, self.amt)
        if kind_of(fund) != kind_of(moves.takes.fund_type_code):
            require_on(state, acct, fund, self.amt)
        between = {moves.gives.codes: -amount_fen, moves.takes.codes: amount_fen}
        moved_by(state, day, acct, between)
        return []


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
        gives, takes = correction.moves
        amounts = {gives: -self.xpay_fen} | ({takes: self.xpay_fen} if takes else {})
        since = date.fromisoformat(order.order_date)
        happened = done(state, order.cash_acct, self.xpay_date, since, amounts)
        came = {place.key: fen for place, fen in happened.booked.items() if place != gives}
        changes = {"ordered": -stored_fen(order.amt), "received": happened.booked.get(gives, 0)}
        cash, told = _cash_after(state, correction, happened)
        moved = [
            state.moved(INCOME, gives.key, happened.day, changes),
            *received(state, happened.day, came),
            *moved_told(state, happened),
            *cash,
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
                *told,
            ],
            effective_on=happened.day,
            moved=moved,
            documents=self.documents,
        )


def _cash_after(
    state: LedgerState, correction: IncomeCorrection, happened: IncomeDone
) -> tuple[list[MovedRow], Happened]:
    """The cash once the central bank has answered, and what tells of it: what left the account was
    taken when it was ordered."""
    order = correction.ordered
    if correction.moves.takes is None:
        settled = bool(happened.booked)
        return cash_answered(state, happened.day, order, settled=settled), []
    booked = {place.codes: fen for place, fen in happened.booked.items()}
    moved = moved_by(state, happened.day, order.cash_acct, booked)
    return moved, cash_told(order.cash_acct, booked)
