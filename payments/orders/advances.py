"""预拨、暂付: an advance is ordered, paid by the central bank, and comes back. Pure decisions.

It takes no indicator: it is an asset of the treasury (预拨经费, 借出款项, 其他应收款)
until it is turned into an expense (``advance_steps``). Which accounts of the chart may be advanced
on, the chart says; what a unit of the division received stands in its books as well.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

from budget.special_funds import is_units_money
from division.agencies import require_agency
from division.knowledge import require_workday
from ledger.account_set import division_of
from ledger.books import Account, Books
from ledger.books.given import accounts_called
from ledger.calendar import day_text, effective_day, evidence_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import CASH, is_cash, kind_of
from payments.clearing.promised import STANDING
from payments.order_events import AdvanceOrdered, AdvanceReceipted, AdvanceReturned
from payments.orders.advance import ADVANCE, STANDING_OUT, Advance
from payments.orders.advance_policy import ADVANCE_POLICY
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.ordering import (
    ADVANCES,
    account_back,
    cash_answered,
    cash_back,
    cash_ordered,
    check_written,
    kept_by,
    order_number,
    ordered_from,
)

BOOK = "treasury_financial"
OF_THE_GENERAL_BUDGET = "111"

# what of an advance stands in the order to the central bank; its purpose is reason or object
_WRITTEN = (
    "adv_no",
    "object",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "reason",
)


class OrderAdvance(Command, frozen=True, kw_only=True):
    """预拨、暂付: ``acct_cls_code`` is the account, by its official code or the chart's own id."""

    OPERATION: ClassVar[str] = "advance.pay"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预拨暂付"
    NUMBER: ClassVar[str] = "adv_no"
    KIND: ClassVar[AnyKind] = ADVANCE
    adv_no: str
    acct_cls_code: str
    object: str
    amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    agency_code: str = ""
    fund_type_code: str = OF_THE_GENERAL_BUDGET
    reason: str = ""
    due_on: date | None = None
    approval_doc_no: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        due_on = date.fromisoformat(told.event.due_on) if told.event.due_on else None
        for dated in (None, told.day):
            yield cls(**fields_in(cls, told.event, due_on=due_on, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_written(self, _WRITTEN)
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (STANDING_OUT, WHOLE), *STANDING

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        account = advanced_on(state.books(day), self.acct_cls_code)
        self._require_codes(state, day)
        self._require_limit(state)
        acct = ordered_from(state, self.fund_type_code, self.amt)
        amount_fen = parse_yuan(self.amt, pointer="/amt")
        moved = [
            state.moved(STANDING_OUT, self.adv_no, day, {"ordered": amount_fen}),
            *cash_ordered(state, day, acct, self.fund_type_code, self.amt),
        ]
        # point of no return
        ordered = AdvanceOrdered(
            adv_no=self.adv_no,
            voucher_no=order_number(state.ledger_id, ADVANCES, self.adv_no),
            acct_cls_code=self.acct_cls_code,
            acct_cls_id=account.id,
            acct_cls_name=account.name,
            object=self.object,
            agency_code=self.agency_code,
            fund_type_code=self.fund_type_code,
            amt=self.amt,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            reason=self.reason,
            due_on=day_text(self.due_on) if self.due_on else "",
            approval_doc_no=self.approval_doc_no,
            cash_acct=acct,
            order_date=day_text(day),
            by=by,
        )
        return Decision(events=[(ADVANCE, self.adv_no, ordered)], effective_on=day, moved=moved)

    def _require_codes(self, state: LedgerState, day: date) -> None:
        """A unit in force, and a fund that lies at the treasury."""
        where: dict[str, Any] = {"on": day, "mof_div_code": division_of(state.ledger_id)}
        if self.agency_code:
            state.codes.check("agency_code", self.agency_code, pointer="/agency_code", **where)
            require_agency(state, self.agency_code, day)
        fund, pointer = self.fund_type_code, "/fund_type_code"
        state.codes.check("fund_type_code", fund, pointer=pointer, **where)
        state.codes.check_leaf("fund_type_code", fund, pointer=pointer, **where)
        if not kind_of(fund) or not is_cash(fund) or is_units_money(state, fund):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"an advance is of a fund that lies at the treasury, such as 111, not of {fund}",
                pointer=pointer,
            )

    def _require_limit(self, state: LedgerState) -> None:
        """That what stands out stays within the limit, unless the government has approved it.

        Raises:
            Refusal: ``insufficient_ceiling``.
        """
        limit_amt = state.settings.get(ADVANCE_POLICY).limit_amt
        if not limit_amt or self.approval_doc_no:
            return
        rows = state.rows_of(STANDING_OUT).values()
        free_fen = stored_fen(limit_amt) - sum(row.left + row.ordered for row in rows)
        if parse_yuan(self.amt, pointer="/amt") > free_fen:
            raise Refusal(
                Code.INSUFFICIENT_CEILING,
                f"advances together may be {limit_amt} 暂付款限额; more wants approval_doc_no",
                pointer="/amt",
                available_amt=yuan(max(0, free_fen)),
                requested_amt=self.amt,
            )


def advanced_on(books: Books, called: str) -> Account:
    """The account that is called so, if the chart lets it be advanced on.

    Raises:
        Refusal: ``element_invalid``.
    """
    found = accounts_called(books, BOOK, called)
    if len(found) == 1 and not books.uncovered({"acct_cls_id": found[0].id}):
        return found[0]
    problem = f"is {found[0].name}, on which nothing is advanced" if found else "is no account"
    raise Refusal(
        Code.ELEMENT_INVALID,
        f"{called[:40]!r} {problem} of {BOOK} 科目不可用于预拨暂付",
        pointer="/acct_cls_code",
    )


def journal_of(
    state: LedgerState,
    day: date,
    event: str,
    advance: Advance,
    number: str,
    amounts_fen: Mapping[str, int],
) -> JournalPosted:
    """The entry of an advance, each line kept by its unit, fund and treasury account."""
    ordered = advance.ordered
    entry = state.books(day).post(
        event,
        source=state.next_position,
        number=number,
        amounts_fen=amounts_fen,
        codes={"acct_cls_id": ordered.acct_cls_id, "fund_type_code": ordered.fund_type_code},
    )
    return kept_by(entry, advance.kept_by)


class ApplyAdvanceReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """拨款回单: the central bank has paid an advance, or will not."""

    OPERATION: ClassVar[str] = "advance.receipt"
    KIND: ClassVar[AnyKind] = ADVANCE
    adv_no: str

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (STANDING_OUT, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        advance = state.get(ADVANCE, self.adv_no)
        order = None if advance is None else advance.ordered
        self.require_of(order, answered=advance is not None and advance.receipt is not None)
        assert advance is not None
        assert order is not None
        day = evidence_day(state, self.xpay_date, since=date.fromisoformat(order.order_date))
        ordered_fen = parse_yuan(order.amt)
        changes = {"ordered": -ordered_fen, "left": self.xpay_fen}
        # point of no return: the central bank has decided
        receipted = AdvanceReceipted(
            adv_no=self.adv_no,
            **self.told(day, by),
        )
        happened: list[Event] = [receipted]
        if self.xpay_fen:
            unit_fen = self.xpay_fen if order.agency_code else 0
            amounts = {"paid": self.xpay_fen, "to_unit": unit_fen}
            happened.append(journal_of(state, day, receipted.TYPE, advance, self.adv_no, amounts))
        return Decision(
            events=[(ADVANCE, self.adv_no, event) for event in happened],
            effective_on=day,
            moved=[
                state.moved(STANDING_OUT, self.adv_no, day, changes),
                *cash_answered(state, day, order, settled=not self.rejected),
            ],
            documents=self.documents,
        )


class ReturnAdvance(ApplyOrderReturn, frozen=True, kw_only=True):
    """实拨退款: what the central bank says came back of an advance."""

    OPERATION: ClassVar[str] = "advance.return"
    KIND: ClassVar[AnyKind] = ADVANCE
    adv_no: str

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (STANDING_OUT, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        advance = self.require_paid(state.get(ADVANCE, self.adv_no))
        self.require_new(advance.returns)
        day = self.day_back(state, advance.paid_on)
        fund, amount_fen = advance.ordered.fund_type_code, parse_yuan(self.amt)
        acct = account_back(state, advance.ordered)
        moved = back(state, day, advance, acct, amount_fen)
        # point of no return
        returned = AdvanceReturned(
            adv_no=self.adv_no,
            fund_type_code=fund,
            cash_acct=acct,
            **self.told(day, by),
        )
        unit_fen = amount_fen if advance.ordered.agency_code else 0
        amounts = {"returned": amount_fen, "from_unit": unit_fen}
        entry = journal_of(state, day, returned.TYPE, advance, self.notice_no, amounts)
        return Decision(
            events=[(ADVANCE, self.adv_no, returned), (ADVANCE, self.adv_no, entry)],
            effective_on=day,
            moved=moved,
            documents=self.documents,
        )


def back(
    state: LedgerState, day: date, advance: Advance, acct: str, amount_fen: int
) -> list[MovedRow]:
    """What stands out and the cash, once some of it is there again.

    Raises:
        Refusal: ``exceeds_advance``.
    """
    ordered = advance.ordered
    return [
        state.moved(STANDING_OUT, ordered.adv_no, day, {"left": -amount_fen}),
        *cash_back(state, day, acct, ordered.fund_type_code, yuan(amount_fen)),
    ]
