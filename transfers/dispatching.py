"""库款调度: a treasury sends cash to that of another tier; the central bank pays. Pure decisions.

It goes below ahead of what transfers will give, or above as what is owed there (上解, or what came
too much). It takes cash as any order does, never above what is free, and the account that is paid
is the other treasury's own: nobody names another. Cash of direct funds (直达资金) goes under its
mark, to a tier that has been sent so much of them, and is kept apart from all other cash.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.knowledge import require_workday
from ledger.account_set import division_of
from ledger.calendar import day_text, effective_day, evidence_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan
from payments.clearing.cash import CASH
from payments.clearing.promised import STANDING
from payments.dispatch_events import DispatchReceipted, DispatchReturned, FundsDispatched
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.ordering import (
    DISPATCHES,
    PAID,
    account_back,
    cash_answered,
    cash_back,
    cash_ordered,
    check_written,
    kept_by,
    order_number,
    ordered_from,
    require_fund,
)
from transfers.tier_funds import (
    FUND_DISPATCH,
    TIER_FUNDS,
    FundDispatch,
    tier_key,
)
from transfers.tiers import is_below
from transfers.transferred import require_transferred
from transfers.treasury_account import PAYEE_BANK, payee_account, payee_name

BELOW, ABOVE = "below", "above"


class DispatchFunds(Command, frozen=True, kw_only=True):
    """调度: ``amt`` goes to the treasury of ``rec_div_code``, a tier below or above."""

    OPERATION: ClassVar[str] = "transfer.dispatch"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "库款调度"
    NUMBER: ClassVar[str] = "dispatch_no"
    KIND: ClassVar[AnyKind] = FUND_DISPATCH
    KEEPS_REFUSAL: ClassVar[bool] = False  # there may be cash tomorrow
    dispatch_no: str
    rec_div_code: str
    amt: str
    fund_type_code: str
    is_dir_code: str = ""
    reason: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_written(self, ("dispatch_no", "reason"))
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        yield FUND_DISPATCH, self.dispatch_no
        yield TIER_FUNDS, WHOLE
        yield from STANDING

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        require_tier(state, self.rec_div_code, day)
        require_fund(state, self.fund_type_code, day)
        amt_fen = parse_yuan(self.amt, pointer="/amt")
        if self.is_dir_code:
            self._require_direct(state, amt_fen)
        acct = ordered_from(state, self.fund_type_code, self.amt)
        key = tier_key(self.rec_div_code, self.fund_type_code, self.is_dir_code)
        moved = [
            state.moved(TIER_FUNDS, key, day, {"leaving": amt_fen}),
            *cash_ordered(state, day, acct, self.fund_type_code, self.amt),
        ]
        # point of no return
        ordered = FundsDispatched(
            dispatch_no=self.dispatch_no,
            voucher_no=order_number(state.ledger_id, DISPATCHES, self.dispatch_no),
            rec_div_code=self.rec_div_code,
            fund_type_code=self.fund_type_code,
            is_dir_code=self.is_dir_code,
            amt=self.amt,
            payee_acct_name=payee_name(self.rec_div_code),
            payee_acct_no=payee_account(self.rec_div_code),
            payee_acct_bank_name=PAYEE_BANK,
            reason=self.reason,
            cash_acct=acct,
            order_date=day_text(day),
            by=by,
        )
        return Decision(
            events=[(FUND_DISPATCH, self.dispatch_no, ordered)], effective_on=day, moved=moved
        )

    def _require_direct(self, state: LedgerState, amt_fen: int) -> None:
        """That the tier below has been sent so much of direct funds, beside what went already."""
        own = division_of(state.ledger_id)
        if not is_below(own, self.rec_div_code):
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "direct funds go below; what goes above bears no mark 直达资金不上调",
                pointer="/is_dir_code",
            )
        key = tier_key(self.rec_div_code, self.fund_type_code, self.is_dir_code)
        row = state.row(TIER_FUNDS, key)
        require_transferred(state, key, amt_fen, taken_fen=row.sent + row.leaving)


def require_tier(state: LedgerState, rec_div_code: str, day: date) -> None:
    """That it is a division in force, of a tier below or above; raises ``element_invalid``."""
    own, pointer = division_of(state.ledger_id), "/rec_div_code"
    state.codes.check("mof_div_code", rec_div_code, on=day, mof_div_code=own, pointer=pointer)
    if not (is_below(own, rec_div_code) or is_below(rec_div_code, own)):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{rec_div_code} is neither below {own} nor above 非上下级财政",
            pointer=pointer,
        )


def kept_codes(other: str, fund_type_code: str, acct: str = "") -> dict[str, str]:
    """The elements by which entries between tiers are kept: the other tier, fund and account."""
    return {"rec_div_code": other, "fund_type_code": fund_type_code, "tre_code": acct}


class ApplyDispatchReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """调度回单: the central bank has paid it, or will not."""

    OPERATION: ClassVar[str] = "transfer.dispatch_receipt"
    KIND: ClassVar[AnyKind] = FUND_DISPATCH
    dispatch_no: str

    def needs(self) -> Iterable[Need]:
        return (FUND_DISPATCH, self.dispatch_no), (TIER_FUNDS, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        dispatch: FundDispatch | None = state.get(FUND_DISPATCH, self.dispatch_no)
        order = None if dispatch is None else dispatch.ordered
        self.require_of(order, answered=dispatch is not None and dispatch.receipt is not None)
        assert dispatch is not None
        assert order is not None
        day = evidence_day(state, self.xpay_date, since=date.fromisoformat(order.order_date))
        changes = {"leaving": -parse_yuan(order.amt)}
        if self.xpay_fen:
            changes |= {"in_transit": self.xpay_fen, "sent": self.xpay_fen}
        # point of no return: the central bank has decided
        receipted = DispatchReceipted(
            dispatch_no=self.dispatch_no,
            rec_div_code=order.rec_div_code,
            fund_type_code=order.fund_type_code,
            is_dir_code=order.is_dir_code,
            amt=order.amt,
            **self.told(day, by),
        )
        happened: list[Event] = [receipted]
        if self.xpay_fen:
            below = is_below(division_of(state.ledger_id), order.rec_div_code)
            entry = state.books(day).post(
                receipted.TYPE,
                source=state.next_position,
                number=self.dispatch_no,
                amounts_fen={
                    BELOW: self.xpay_fen if below else 0,
                    ABOVE: 0 if below else self.xpay_fen,
                },
                codes={"fund_type_code": order.fund_type_code},
            )
            kept = kept_codes(order.rec_div_code, order.fund_type_code, order.cash_acct)
            happened.append(kept_by(entry, kept))
        return Decision(
            events=[(FUND_DISPATCH, self.dispatch_no, event) for event in happened],
            effective_on=day,
            moved=[
                state.moved(TIER_FUNDS, dispatch.key, day, changes),
                *cash_answered(state, day, order, settled=not self.rejected),
            ],
            documents=self.documents,
        )


class ReturnDispatch(ApplyOrderReturn, frozen=True, kw_only=True):
    """调度退回: the central bank says that it came to nobody, and is here again."""

    OPERATION: ClassVar[str] = "transfer.dispatch_return"
    KIND: ClassVar[AnyKind] = FUND_DISPATCH
    dispatch_no: str

    def needs(self) -> Iterable[Need]:
        return (FUND_DISPATCH, self.dispatch_no), (TIER_FUNDS, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        dispatch: FundDispatch = self.require_paid(state.get(FUND_DISPATCH, self.dispatch_no))
        self._require_whole(dispatch)
        order, day = dispatch.ordered, self.day_back(state, dispatch.paid_on)
        fund, amt_fen = order.fund_type_code, parse_yuan(self.amt)
        acct = account_back(state, order)
        below = is_below(division_of(state.ledger_id), order.rec_div_code)
        moved = [
            state.moved(TIER_FUNDS, dispatch.key, day, {"in_transit": -amt_fen, "sent": -amt_fen}),
            *cash_back(state, day, acct, fund, self.amt),
        ]
        # point of no return
        returned = DispatchReturned(
            dispatch_no=self.dispatch_no,
            rec_div_code=order.rec_div_code,
            fund_type_code=fund,
            is_dir_code=order.is_dir_code,
            cash_acct=acct,
            **self.told(day, by),
        )
        entry = state.books(day).post(
            returned.TYPE,
            source=state.next_position,
            number=self.notice_no,
            amounts_fen={BELOW: amt_fen if below else 0, ABOVE: 0 if below else amt_fen},
            codes={"fund_type_code": fund},
        )
        stream = (FUND_DISPATCH, self.dispatch_no)
        kept = kept_by(entry, kept_codes(order.rec_div_code, fund, acct))
        return Decision(
            events=[(*stream, returned), (*stream, kept)],
            effective_on=day,
            moved=moved,
            documents=self.documents,
        )

    def _require_whole(self, dispatch: FundDispatch) -> None:
        """That it is known to be nowhere, and comes back whole; raises Refusal
        ``receipt_mismatch``."""
        if dispatch.status != PAID:
            raise Refusal(
                Code.RECEIPT_MISMATCH, f"dispatch {self.dispatch_no} is {dispatch.status} already"
            )
        if self.amt != dispatch.ordered.amt:
            raise Refusal(
                Code.RECEIPT_MISMATCH,
                f"a dispatch comes back whole: it was over {dispatch.ordered.amt}, not {self.amt}",
            )
