"""调度到账: what another tier has dispatched is there, as the central bank says. Pure decisions.

The receiver's books believe the central bank alone, whose word names the order: by the number of
that it is booked once. Then the sender's ledger puts on record that it is there.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.transfer_events import EventPlace
from ledger.account_set import division_of, fiscal_year_of, ledger_id, ledger_text, parse_ledger
from ledger.calendar import day_text, evidence_day, first_open_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, stored_fen
from payments.clearing.cash import CASH, NO_ACCOUNT, came, kind_of, moved_cash, split_key
from payments.dispatch_events import FundsArrived
from payments.orders.ordering import PAID, kept_by
from transfers.dispatching import ABOVE, BELOW, kept_codes
from transfers.tier_events import ArrivalNoted
from transfers.tier_funds import (
    FUND_ARRIVAL,
    FUND_DISPATCH,
    TIER_FUNDS,
    FundDispatch,
    tier_key,
)
from transfers.tiers import is_below


class TakeFunds(Command, frozen=True, kw_only=True):
    """到账: by the central bank's signed notice ``notice_no``; asked by what takes it in."""

    OPERATION: ClassVar[str] = "transfer.take_funds"
    NUMBER: ClassVar[str] = "voucher_no"
    KIND: ClassVar[AnyKind] = FUND_ARRIVAL
    KEEPS_REFUSAL: ClassVar[bool] = False
    voucher_no: str
    from_ledger: str
    dispatch_no: str
    fund_type_code: str
    is_dir_code: str
    amt: str
    tre_code: str
    notice_no: str
    arrived_on: date
    agent_business_no: str
    notice_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def body(self) -> object:
        """The notice is its bytes; it may be signed anew."""
        return self.notice_sm3

    @property
    def kept(self) -> list[tuple[bytes, bytes]]:
        """Its bytes by their digest."""
        return [(bytes.fromhex(self.notice_sm3), self.document)]

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        arrived_on = date.fromisoformat(told.event.arrived_on)
        return (cls(**fields_in(cls, told.event, arrived_on=arrived_on, document=b"")),)

    def needs(self) -> Iterable[Need]:
        return (FUND_ARRIVAL, self.voucher_no), (TIER_FUNDS, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        own, sender = division_of(state.ledger_id), division_of(parse_ledger(self.from_ledger))
        from_above = is_below(sender, own)
        if not (from_above or is_below(own, sender)) or not kind_of(self.fund_type_code):
            raise Refusal(
                Code.RECEIPT_MISMATCH, f"{self.from_ledger} is no tier above or below {own}"
            )
        day = evidence_day(state, self.arrived_on, since=date(state.fiscal_year, 1, 1))
        amt_fen = parse_yuan(self.amt)
        acct = self._account(state)
        key = tier_key(sender, self.fund_type_code, self.is_dir_code)
        moved = [
            state.moved(TIER_FUNDS, key, day, {"arrived": amt_fen}),
            *moved_cash(
                state, day, lambda owed_of: came(acct, self.fund_type_code, amt_fen, owed_of)
            ),
        ]
        # point of no return
        arrived = FundsArrived(
            voucher_no=self.voucher_no,
            from_ledger=self.from_ledger,
            dispatch_no=self.dispatch_no,
            from_div_code=sender,
            fund_type_code=self.fund_type_code,
            is_dir_code=self.is_dir_code,
            amt=self.amt,
            tre_code=self.tre_code,
            cash_acct=acct,
            notice_no=self.notice_no,
            arrived_on=day_text(self.arrived_on),
            booked_on="" if day == self.arrived_on else day_text(day),
            agent_business_no=self.agent_business_no,
            notice_sm3=self.notice_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
        )
        entry = state.books(day).post(
            arrived.TYPE,
            source=state.next_position,
            number=self.dispatch_no,
            amounts_fen={
                ABOVE: amt_fen if from_above else 0,
                BELOW: 0 if from_above else amt_fen,
            },
            codes={"fund_type_code": self.fund_type_code},
        )
        stream = (FUND_ARRIVAL, self.voucher_no)
        kept = kept_by(entry, kept_codes(sender, self.fund_type_code, acct))
        decision = Decision(
            events=[(*stream, arrived), (*stream, kept)], effective_on=day, moved=moved
        )
        decision.shared_documents = self.kept
        return decision

    def _account(self, state: LedgerState) -> str:
        """Where it lies; "" where the ledger keeps no account at the treasury yet."""
        known = any(acct for acct, _ in map(split_key, state.rows_of(CASH)))
        return self.tre_code if known else NO_ACCOUNT


class NoteArrival(Command, frozen=True, kw_only=True):
    """到账确认: the receiver's event at ``arrived`` says that ``amt`` is there."""

    OPERATION: ClassVar[str] = "transfer.note_arrival"
    NUMBER: ClassVar[str] = "dispatch_no"
    KIND: ClassVar[AnyKind] = FUND_DISPATCH
    KEEPS_REFUSAL: ClassVar[bool] = False
    dispatch_no: str
    amt: str
    arrived: EventPlace

    def needs(self) -> Iterable[Need]:
        return (FUND_DISPATCH, self.dispatch_no), (TIER_FUNDS, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        dispatch: FundDispatch | None = state.get(FUND_DISPATCH, self.dispatch_no)
        if (
            dispatch is None
            or dispatch.status != PAID
            or dispatch.ordered.amt != self.amt
            or self.arrived.ledger != ledger_of_tier(state, dispatch.ordered.rec_div_code)
        ):
            raise Refusal(
                Code.INVALID_STATE, f"dispatch {self.dispatch_no} waits for no word of that kind"
            )
        day, ordered = first_open_day(state, state.today), dispatch.ordered
        after = state.moved(TIER_FUNDS, dispatch.key, day, {"in_transit": -stored_fen(self.amt)})
        # point of no return
        noted = ArrivalNoted(
            dispatch_no=self.dispatch_no,
            rec_div_code=ordered.rec_div_code,
            fund_type_code=ordered.fund_type_code,
            is_dir_code=ordered.is_dir_code,
            amt=self.amt,
            arrived=self.arrived,
            by=by,
        )
        return Decision(
            events=[(FUND_DISPATCH, self.dispatch_no, noted)], effective_on=day, moved=[after]
        )


def ledger_of_tier(state: LedgerState, div_code: str) -> str:
    """The other tier's ledger of the same year."""
    return ledger_text(ledger_id(div_code, fiscal_year_of(state.ledger_id)))
