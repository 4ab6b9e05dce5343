"""上级转移支付: it is entered as the sender's history tells it, and a person accepts it.

Pure decisions. Nobody enters one over the network: the program brings what the sender's event says,
with its place there, and a verification holds the one against the other. By the sender's document
it is entered once, however often it is brought.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.received import (
    FROM_ABOVE,
    RECEIVED,
    RECEIVED_AMOUNTS,
    RECEIVED_TRANSFER,
    require_received,
)
from budget.transfer_events import EventPlace, TransferAccepted, TransferReceived, TransferTerms
from ledger.account_set import division_of, fiscal_year_of, ledger_text, parse_ledger
from ledger.calendar import PERIODS, effective_day, first_open_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import stored_fen, yuan
from transfers.tiers import is_below


class ReceiveTransfer(Command, frozen=True, kw_only=True):
    """接收登记: what the event at ``issued`` has sent to this ledger is a source of its budget."""

    OPERATION: ClassVar[str] = "transfer.receive"
    NUMBER: ClassVar[str] = "sup_bgt_doc_no"
    KIND: ClassVar[AnyKind] = RECEIVED_TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False  # it is brought until it is entered
    sup_bgt_doc_no: str
    transfer_no: str
    terms: TransferTerms
    issued: EventPlace

    def needs(self) -> Iterable[Need]:
        yield RECEIVED_TRANSFER, self.sup_bgt_doc_no
        yield RECEIVED_AMOUNTS, self.sup_bgt_doc_no
        yield FROM_ABOVE, self.issued.ledger

    def decide(self, state: LedgerState, by: str) -> Decision:
        if state.settings.get(PERIODS).year_closed:
            raise Refusal(
                Code.PERIOD_CLOSED, f"the year {state.fiscal_year} is closed for good 年终关账"
            )
        sender = parse_ledger(self.issued.ledger)
        of_year = fiscal_year_of(sender) == state.fiscal_year
        if not (of_year and is_below(division_of(sender), division_of(state.ledger_id))):
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.issued.ledger} is no ledger of a tier above {ledger_text(state.ledger_id)}",
            )
        day = first_open_day(state, state.today)
        amt_fen = stored_fen(self.terms.amt)
        moved = [
            state.moved(
                RECEIVED_AMOUNTS, self.sup_bgt_doc_no, day, {"rest": amt_fen, "received": amt_fen}
            ),
            state.moved(FROM_ABOVE, self.issued.ledger, day, {"waiting": amt_fen}),
        ]
        # point of no return
        received = TransferReceived(
            sup_bgt_doc_no=self.sup_bgt_doc_no,
            transfer_no=self.transfer_no,
            terms=self.terms,
            issued=self.issued,
            by=by,
        )
        entry = state.books(day).post(
            received.TYPE,
            source=state.next_position,
            number=self.sup_bgt_doc_no,
            amounts_fen={"amount": amt_fen},
            codes={"fund_type_code": self.terms.fund_type_code},
        )
        stream = (RECEIVED_TRANSFER, self.sup_bgt_doc_no)
        return Decision(
            events=[(*stream, received), (*stream, entry)], effective_on=day, moved=moved
        )


class AcceptTransfer(Command, frozen=True, kw_only=True):
    """接收: what the tier above has sent by ``sup_bgt_doc_no`` may be allotted from here on."""

    OPERATION: ClassVar[str] = "transfer.accept"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "转移支付"
    NUMBER: ClassVar[str] = "rec_no"
    KIND: ClassVar[AnyKind] = RECEIVED_TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    sup_bgt_doc_no: str
    rec_no: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return ((RECEIVED_TRANSFER, self.sup_bgt_doc_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        received = require_received(state, self.sup_bgt_doc_no)
        if received.status != RECEIVED:
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.sup_bgt_doc_no} is {received.status} {received.rec_no} 已接收或已退回",
                sup_bgt_doc_no=self.sup_bgt_doc_no,
            )
        amt_fen = state.row(RECEIVED_AMOUNTS, self.sup_bgt_doc_no).received
        if not amt_fen:
            raise Refusal(
                Code.INVALID_STATE, f"nothing is left of {self.sup_bgt_doc_no}: it was reduced"
            )
        sender = received.issued.ledger
        after = state.moved(FROM_ABOVE, sender, day, {"waiting": -amt_fen, "accepted": amt_fen})
        # point of no return
        accepted = TransferAccepted(
            sup_bgt_doc_no=self.sup_bgt_doc_no,
            rec_no=self.rec_no,
            from_ledger=sender,
            transfer_no=received.received.transfer_no,
            amt=yuan(amt_fen),
            by=by,
        )
        return Decision(
            events=[(RECEIVED_TRANSFER, self.sup_bgt_doc_no, accepted)],
            effective_on=day,
            moved=[after],
        )
