"""国库现金管理: treasury cash is placed with a bank for a term, and comes back. Pure decisions.

Only what is above the reserve of its kind of fund (库款保留额) is placed, so payments have theirs.
The central bank's receipt books it, and its notice of a return (3208) brings it back: nobody's word
of this house does. No budget entry is made of it but between the parts of 资金结存.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.knowledge import require_workday
from ledger.books import Charts
from ledger.calendar import day_text, effective_day, evidence_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import (
    WHOLE,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import CASH, kind_of
from payments.clearing.promised import STANDING, require_spare
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.ordering import (
    PLACEMENTS,
    account_back,
    cash_answered,
    cash_back,
    cash_ordered,
    check_written,
    day_paid,
    kept_by,
    left_of,
    order_number,
    ordered_from,
    require_fund,
    status_of,
)
from payments.placement_events import PlacementOrdered, PlacementReceipted, PlacementReturned

_WRITTEN = (
    "place_no",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "payee_bank_no",
    "reason",
)


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A placement, the central bank's answer, and what of it is back."""

    ordered: PlacementOrdered
    receipt: PlacementReceipted | None = None
    returns: tuple[PlacementReturned, ...] = ()

    @property
    def left_fen(self) -> int:
        """What is placed and not back."""
        return left_of(self.receipt, self.returns)

    @property
    def status(self) -> str:
        return status_of(self.receipt, self.left_fen)

    @property
    def paid_on(self) -> str:
        """The day on which it was booked; "" of one that was not placed."""
        return day_paid(self.receipt)

    @property
    def kept_by(self) -> dict[str, str]:
        ordered = self.ordered
        return {"fund_type_code": ordered.fund_type_code, "tre_code": ordered.cash_acct}


def _fold(placement: Placement | None, event: Event) -> Placement | None:
    if isinstance(event, PlacementOrdered):
        return Placement(ordered=event)
    if placement is not None and isinstance(event, PlacementReceipted):
        return msgspec.structs.replace(placement, receipt=event)
    if placement is not None and isinstance(event, PlacementReturned):
        return msgspec.structs.replace(placement, returns=(*placement.returns, event))
    return placement


PLACEMENT: Kind[Placement] = Kind(name="placement", opened_by="placement.order", fold=_fold)


# ---- what is placed


class PlacedCash(msgspec.Struct, frozen=True, gc=False):
    """Of one placement, in fen: ``left`` is with the bank, ``ordered`` is not answered yet."""

    left: int = 0
    ordered: int = 0


class _Ordered(msgspec.Struct, frozen=True, gc=False):
    place_no: str
    amt: str


class _Returned(msgspec.Struct, frozen=True, gc=False):
    place_no: str
    amt: str


class _Answered(msgspec.Struct, frozen=True, gc=False):
    place_no: str
    xpay_amt: str


class PlacedFold(RegisterFold):
    """Its memory is what is ordered."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        PlacementOrdered: _Ordered,
        PlacementReceipted: _Answered,
        PlacementReturned: _Returned,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        match event:
            case _Ordered():
                yield event.place_no, 1, stored_fen(event.amt)
            case _Answered():
                yield event.place_no, 1, -rows[event.place_no][1]
                yield event.place_no, 0, stored_fen(event.xpay_amt)
            case _Returned():
                yield event.place_no, 0, -stored_fen(event.amt)


def _exceeds(short: Shortage) -> Refusal:
    return Refusal(
        Code.REFUND_EXCEEDS_PAID,
        f"of placement {short.key} {yuan(max(0, short.available_fen))} is with the bank on"
        f" {short.on}",
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


PLACED: Register[PlacedCash] = declare(
    Register(
        name="placements",
        row=PlacedCash,
        floored=("left", "ordered"),
        refuse=_exceeds,
        fold=PlacedFold,
        whole=True,
        keeps_zero=False,
    )
)


# ---- commands


class PlaceCash(Command, frozen=True, kw_only=True):
    """国库现金管理操作: so much goes to a bank until ``due_on``, if the reserve stays."""

    OPERATION: ClassVar[str] = "placement.order"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "国库现金管理"
    NUMBER: ClassVar[str] = "place_no"
    KIND: ClassVar[AnyKind] = PLACEMENT
    place_no: str
    fund_type_code: str
    amt: str
    int_rate: str
    due_on: date
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    reason: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        due_on = date.fromisoformat(told.event.due_on)
        for dated in (None, told.day):
            yield cls(**fields_in(cls, told.event, due_on=due_on, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        check_written(self, _WRITTEN)
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (PLACEMENT, self.place_no), (PLACED, WHOLE), *STANDING

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        require_workday(state, day, "/effective_on")
        require_fund(state, self.fund_type_code, day)
        if self.due_on <= day:
            raise Refusal(
                Code.INVALID_STATE, f"what is placed on {day} is back later", pointer="/due_on"
            )
        amount_fen = parse_yuan(self.amt)
        if require_spare(state, self.fund_type_code, None, amount_fen) is None:
            raise Refusal(
                Code.INVALID_STATE,
                f"no reserve of fund {kind_of(self.fund_type_code)} is kept for payments: what lies"
                " above it is not known 未设库款保留额",
            )
        acct = ordered_from(state, self.fund_type_code, self.amt)
        moved = [
            state.moved(PLACED, self.place_no, day, {"ordered": amount_fen}),
            *cash_ordered(state, day, acct, self.fund_type_code, self.amt),
        ]
        # point of no return
        ordered = PlacementOrdered(
            place_no=self.place_no,
            voucher_no=order_number(state.ledger_id, PLACEMENTS, self.place_no),
            fund_type_code=self.fund_type_code,
            amt=self.amt,
            int_rate=self.int_rate,
            due_on=day_text(self.due_on),
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            reason=self.reason,
            cash_acct=acct,
            order_date=day_text(day),
            by=by,
        )
        return Decision(events=[(PLACEMENT, self.place_no, ordered)], effective_on=day, moved=moved)


def _journal(
    state: LedgerState,
    day: date,
    event: str,
    placement: Placement,
    number: str,
    amounts_fen: Mapping[str, int],
) -> JournalPosted:
    entry = state.books(day).post(
        event,
        source=state.next_position,
        number=number,
        amounts_fen=amounts_fen,
        codes={"fund_type_code": placement.ordered.fund_type_code},
    )
    return kept_by(entry, placement.kept_by)


class ApplyPlacementReceipt(ApplyOrderReceipt, frozen=True, kw_only=True):
    """拨款回单 of a placement."""

    OPERATION: ClassVar[str] = "placement.receipt"
    KIND: ClassVar[AnyKind] = PLACEMENT
    place_no: str

    def needs(self) -> Iterable[Need]:
        return (PLACEMENT, self.place_no), (PLACED, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        placement = state.get(PLACEMENT, self.place_no)
        order = None if placement is None else placement.ordered
        self.require_of(order, answered=placement is not None and placement.receipt is not None)
        assert placement is not None
        assert order is not None
        day = evidence_day(state, self.xpay_date, since=date.fromisoformat(order.order_date))
        changes = {"ordered": -parse_yuan(order.amt), "left": self.xpay_fen}
        # point of no return: the central bank has decided
        receipted = PlacementReceipted(
            place_no=self.place_no,
            **self.told(day, by),
        )
        happened: list[Event] = [receipted]
        if self.xpay_fen:
            amounts = {"placed": self.xpay_fen}
            happened.append(_journal(state, day, receipted.TYPE, placement, self.place_no, amounts))
        return Decision(
            events=[(PLACEMENT, self.place_no, event) for event in happened],
            effective_on=day,
            moved=[
                state.moved(PLACED, self.place_no, day, changes),
                *cash_answered(state, day, order, settled=not self.rejected),
            ],
            documents=self.documents,
        )


class ReturnPlacement(ApplyOrderReturn, frozen=True, kw_only=True):
    """到期收回: what the central bank says is back of the principal."""

    OPERATION: ClassVar[str] = "placement.return"
    KIND: ClassVar[AnyKind] = PLACEMENT
    place_no: str

    def needs(self) -> Iterable[Need]:
        return (PLACEMENT, self.place_no), (PLACED, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        placement = self.require_paid(state.get(PLACEMENT, self.place_no))
        self.require_new(placement.returns)
        day = self.day_back(state, placement.paid_on)
        fund, amount_fen = placement.ordered.fund_type_code, parse_yuan(self.amt)
        acct = account_back(state, placement.ordered)
        moved = [
            state.moved(PLACED, self.place_no, day, {"left": -amount_fen}),
            *cash_back(state, day, acct, fund, self.amt),
        ]
        # point of no return
        returned = PlacementReturned(
            place_no=self.place_no,
            fund_type_code=fund,
            cash_acct=acct,
            **self.told(day, by),
        )
        amounts = {"returned": amount_fen}
        entry = _journal(state, day, returned.TYPE, placement, self.notice_no, amounts)
        return Decision(
            events=[(PLACEMENT, self.place_no, returned), (PLACEMENT, self.place_no, entry)],
            effective_on=day,
            moved=moved,
            documents=self.documents,
        )
