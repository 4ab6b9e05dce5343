"""实拨: an allocation is paid from an indicator into the unit's own account. Pure decisions.

It is occupied and its cash taken when it is ordered; the central bank's receipt books it, and then
the unit has it as 银行存款 in its own books. What comes back restores the indicator.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from budget.balances import BALANCES
from budget.debt_events import BondServiced
from budget.debt_register import DEBT_NEEDS
from budget.debts import BOND
from budget.events import Figures
from budget.indicator import (
    INDICATOR,
    Indicator,
    moved,
    require_executable,
)
from budget.indicator import require as require_indicator
from budget.plans import require_planned
from budget.special_funds import require_treasury_money
from budget.year_end_events import carried_mark
from division.agencies import refuse_ended
from division.knowledge import require_workday
from ledger.calendar import day_text, effective_day, evidence_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, AnyRegister, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import CASH, CONTROL
from payments.clearing.promised import STANDING
from payments.contracts.drawing import require_purchase_control
from payments.monitoring.orders import warned_of_order
from payments.monitoring.rules import LineToPayee
from payments.order_events import AllocationOrdered, AllocationReceipted, AllocationReturned
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.debt_service import (
    DebtChange,
    ForBond,
    bond_of_order,
    debt_answered,
    debt_ordered,
    debt_returned,
)
from payments.orders.ordering import (
    ALLOCATIONS,
    account_back,
    cash_answered,
    cash_back,
    cash_ordered,
    check_written,
    day_paid,
    left_of,
    order_number,
    ordered_from,
    status_of,
)

# what of an allocation stands in the order to the central bank, beside the indicator's codes
_WRITTEN = (
    "alloc_no",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "use_des",
)


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """An allocation, the central bank's answer, and what came back of it; ``accrued_fen`` of it has
    settled interest of a bond that was accrued."""

    ordered: AllocationOrdered
    receipt: AllocationReceipted | None = None
    returns: tuple[AllocationReturned, ...] = ()
    accrued_fen: int = 0

    @property
    def left_fen(self) -> int:
        """What was paid and has not come back."""
        return left_of(self.receipt, self.returns)

    @property
    def status(self) -> str:
        return status_of(self.receipt, self.left_fen)

    @property
    def paid_on(self) -> str:
        """The day on which it was booked; "" of one that was not paid."""
        return day_paid(self.receipt)

    @property
    def codes(self) -> dict[str, str]:
        codes = {name: getattr(self.ordered, name) for name in DIMENSIONS}
        return {**codes, **carried_mark(self.ordered.is_carried)}


def _fold(allocation: Allocation | None, event: Event) -> Allocation | None:
    if isinstance(event, AllocationOrdered):
        return Allocation(ordered=event)
    if allocation is not None and isinstance(event, AllocationReceipted):
        return msgspec.structs.replace(allocation, receipt=event)
    if allocation is not None and isinstance(event, AllocationReturned):
        return msgspec.structs.replace(allocation, returns=(*allocation.returns, event))
    if allocation is not None and isinstance(event, BondServiced):
        accrued_fen = allocation.accrued_fen + stored_fen(event.accrued_amt)
        return msgspec.structs.replace(allocation, accrued_fen=accrued_fen)
    return allocation


def _rows_of(allocation: Allocation) -> tuple[tuple[AnyRegister, str], ...]:
    return ((BALANCES, allocation.ordered.bgt_id),)


ALLOCATION: Kind[Allocation] = Kind(
    name="allocation",
    opened_by="allocation.order",
    fold=_fold,
    rows=_rows_of,
)


class OrderAllocation(Command, frozen=True, kw_only=True):
    """实拨: the payee is an account of the unit's own."""

    OPERATION: ClassVar[str] = "allocation.order"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "实拨"
    NUMBER: ClassVar[str] = "alloc_no"
    KIND: ClassVar[AnyKind] = ALLOCATION
    alloc_no: str
    bgt_id: str
    amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    use_des: str = ""
    bond_code: str = ""
    rec_div_code: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The bond may be left out where it is the indicator's money that is paid."""
        for dated in (None, told.day):
            for bond_code in dict.fromkeys((told.event.bond_code, "")):
                yield cls(**fields_in(cls, told.event, bond_code=bond_code, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_written(self, _WRITTEN)
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        bond: tuple[Need, ...] = ((BOND, self.bond_code), *DEBT_NEEDS) if self.bond_code else ()
        return (ALLOCATION, self.alloc_no), (INDICATOR, self.bgt_id), *STANDING, *bond

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        indicator = require_indicator(state, self.bgt_id, day)
        require_executable(indicator)
        fund = indicator.issued.fund_type_code
        require_treasury_money(fund, "/bgt_id")
        refuse_ended(state, indicator.issued.agency_code, day, pointer="/bgt_id")
        require_purchase_control(state, indicator.issued, None)
        of = bond_of_order(state, indicator.issued, self.bond_code, self.rec_div_code)
        amount_fen = parse_yuan(self.amt, pointer="/amt")
        require_planned(state, indicator, day, amount_fen)
        amounts = {"pay": amount_fen}
        occupied = moved(state, day, self.bgt_id, AllocationOrdered.TYPE, amounts)
        debt = debt_ordered(state, day, indicator.issued, of, self.amt)
        acct = ordered_from(state, fund, self.amt, indicator.issued)
        cash = cash_ordered(state, day, acct, fund, self.amt)
        payee = LineToPayee(
            self.payee_acct_name, self.payee_acct_no, self.payee_acct_bank_name, amount_fen
        )
        warned = warned_of_order(state, indicator, day, payee, self.use_des)
        # point of no return
        ordered = self._event(state, indicator, day, acct, by, occupied.row.figures(), warned, of)
        entry = state.books(day).post(
            ordered.TYPE,
            source=state.next_position,
            number=self.alloc_no,
            amounts_fen=amounts,
            codes=indicator.codes,
            bgt_id=self.bgt_id,
        )
        return Decision(
            events=_happened(self.alloc_no, ordered, entry, debt),
            effective_on=day,
            moved=[occupied, *cash, *debt.rows],
        )

    def _event(
        self,
        state: LedgerState,
        indicator: Indicator,
        day: date,
        acct: str,
        by: str,
        figures: Figures,
        warned: tuple[str, ...],
        of: ForBond,
    ) -> AllocationOrdered:
        return AllocationOrdered(
            alloc_no=self.alloc_no,
            voucher_no=order_number(state.ledger_id, ALLOCATIONS, self.alloc_no),
            bgt_id=self.bgt_id,
            amt=self.amt,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            use_des=self.use_des,
            cash_acct=acct,
            order_date=day_text(day),
            figures=figures,
            by=by,
            is_carried=indicator.is_carried,
            monitor_rules=warned,
            **indicator.codes,
            **of._asdict(),
        )


def _happened(
    alloc_no: str, event: Event, entry: JournalPosted, debt: DebtChange
) -> list[tuple[AnyKind | None, str, Event]]:
    """An act of an allocation with its journal, and what of a debt it has changed."""
    of_order: list[Event] = [event, entry, *debt.of_order]
    return [
        *((ALLOCATION, alloc_no, each) for each in of_order),
        *((None, "", told) for told in debt.told),
    ]


def _of_indicator(
    state: LedgerState, day: date, bgt_id: str, rule: str, amounts_fen: Mapping[str, int]
) -> MovedRow:
    """The indicator's balances as a rule leaves them that moves cash as well, which has a row."""
    changes = state.books(day).controlled(rule, amounts_fen)
    changes.pop(CONTROL, 0)
    return state.moved(BALANCES, bgt_id, day, changes)


def _entry(
    state: LedgerState,
    day: date,
    event: str,
    allocation: Allocation,
    number: str,
    amounts_fen: dict[str, int],
) -> JournalPosted:
    return state.books(day).post(
        event,
        source=state.next_position,
        number=number,
        amounts_fen=amounts_fen,
        codes=allocation.codes,
        bgt_id=allocation.ordered.bgt_id,
    )


class ApplyAllocationReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """实拨回单: the central bank has paid an allocation, or will not."""

    OPERATION: ClassVar[str] = "allocation.receipt"
    KIND: ClassVar[AnyKind] = ALLOCATION
    alloc_no: str

    def needs(self) -> Iterable[Need]:
        return (ALLOCATION, self.alloc_no), (CASH, WHOLE), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        allocation = state.get(ALLOCATION, self.alloc_no)
        order = None if allocation is None else allocation.ordered
        answered = allocation is not None and allocation.receipt is not None
        self.require_of(order, answered=answered)
        assert allocation is not None
        assert order is not None
        day = evidence_day(state, self.xpay_date, since=date.fromisoformat(order.order_date))
        amounts = {"paid": self.xpay_fen, "failed": parse_yuan(order.amt) - self.xpay_fen}
        after = _of_indicator(state, day, order.bgt_id, AllocationReceipted.TYPE, amounts)
        debt = debt_answered(state, day, order, self.xpay_fen)
        # point of no return: the central bank has decided
        receipted = AllocationReceipted(
            alloc_no=self.alloc_no,
            bgt_id=order.bgt_id,
            figures=after.row.figures(),
            **self.told(day, by),
        )
        entry = _entry(state, day, receipted.TYPE, allocation, self.alloc_no, amounts)
        return Decision(
            events=_happened(self.alloc_no, receipted, entry, debt),
            effective_on=day,
            moved=[
                after,
                *cash_answered(state, day, order, settled=not self.rejected),
                *debt.rows,
            ],
            documents=self.documents,
        )


class ReturnAllocation(ApplyOrderReturn, frozen=True, kw_only=True):
    """实拨退款: what the central bank says came back of an allocation."""

    OPERATION: ClassVar[str] = "allocation.return"
    KIND: ClassVar[AnyKind] = ALLOCATION
    alloc_no: str

    def needs(self) -> Iterable[Need]:
        return (ALLOCATION, self.alloc_no), (CASH, WHOLE), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        allocation = self.require_paid(state.get(ALLOCATION, self.alloc_no))
        self.require_new(allocation.returns)
        amount_fen, left_fen = parse_yuan(self.amt), allocation.left_fen
        if amount_fen > left_fen:
            raise Refusal(
                Code.REFUND_EXCEEDS_PAID,
                f"of allocation {self.alloc_no} {yuan(left_fen)} was paid and is not back",
                available_amt=yuan(left_fen),
                requested_amt=self.amt,
            )
        order, day = allocation.ordered, self.day_back(state, allocation.paid_on)
        amounts = {"returned": amount_fen}
        after = _of_indicator(state, day, order.bgt_id, AllocationReturned.TYPE, amounts)
        acct = account_back(state, order)
        debt = debt_returned(state, day, order, allocation.accrued_fen, self.amt)
        # point of no return
        returned = AllocationReturned(
            alloc_no=self.alloc_no,
            bgt_id=order.bgt_id,
            fund_type_code=order.fund_type_code,
            cash_acct=acct,
            figures=after.row.figures(),
            **self.told(day, by),
        )
        entry = _entry(state, day, returned.TYPE, allocation, self.notice_no, amounts)
        return Decision(
            events=_happened(self.alloc_no, returned, entry, debt),
            effective_on=day,
            moved=[
                after,
                *cash_back(state, day, acct, order.fund_type_code, self.amt),
                *debt.rows,
            ],
            documents=self.documents,
        )
