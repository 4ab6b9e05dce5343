"""What a sender puts on record of its transfers later: that the other side has accepted one, and
that the book of a closed year is left. Pure decisions, asked by the program."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.transfer_events import EventPlace, TransferAcceptanceNoted, TransferWrittenOff
from budget.year_end.writing_off import require_year_closed
from ledger.calendar import first_open_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import stored_fen, yuan
from transfers.transfer import TRANSFER, TRANSFERS, receiver_text, require_transfer


class NoteAcceptance(Command, frozen=True, kw_only=True):
    """接收确认: the receiver's event at ``accepted`` says that it has accepted ``amt``."""

    OPERATION: ClassVar[str] = "transfer.note_acceptance"
    NUMBER: ClassVar[str] = "transfer_no"
    KIND: ClassVar[AnyKind] = TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    transfer_no: str
    rec_no: str
    amt: str
    accepted: EventPlace

    def needs(self) -> Iterable[Need]:
        return ((TRANSFER, self.transfer_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        transfer = require_transfer(state, self.transfer_no)
        to = receiver_text(state.ledger_id, transfer.issued.rec_div_code)
        if transfer.noted is not None or transfer.return_no or self.accepted.ledger != to:
            raise Refusal(
                Code.INVALID_STATE, f"transfer {self.transfer_no} waits for no word of that kind"
            )
        day = first_open_day(state, state.today)
        amt_fen = stored_fen(self.amt)
        changes = {"in_transit": -amt_fen, "accepted": amt_fen}
        after = state.moved(TRANSFERS, self.transfer_no, day, changes)
        # point of no return
        noted = TransferAcceptanceNoted(
            transfer_no=self.transfer_no,
            rec_no=self.rec_no,
            amt=self.amt,
            accepted=self.accepted,
            by=by,
        )
        return Decision(
            events=[(TRANSFER, self.transfer_no, noted)], effective_on=day, moved=[after]
        )


class WriteOffTransfer(Command, frozen=True, kw_only=True):
    """转移支付核销: what was sent goes off the book of a year that is closed."""

    OPERATION: ClassVar[str] = "transfer.write_off"
    NUMBER: ClassVar[str] = "transfer_no"
    KIND: ClassVar[AnyKind] = TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    transfer_no: str

    def needs(self) -> Iterable[Need]:
        return ((TRANSFER, self.transfer_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_closed(state)
        transfer = require_transfer(state, self.transfer_no)
        day = date(state.fiscal_year, 12, 31)
        booked_fen = state.row(TRANSFERS, self.transfer_no).booked
        if not booked_fen:
            raise Refusal(Code.INVALID_STATE, f"transfer {self.transfer_no} is not in the book")
        after = state.moved(TRANSFERS, self.transfer_no, day, {"booked": -booked_fen})
        # point of no return
        event = TransferWrittenOff(transfer_no=self.transfer_no, amt=yuan(booked_fen), by=by)
        entry = state.books(day).post(
            event.TYPE,
            source=state.next_position,
            number=self.transfer_no,
            amounts_fen={"amount": booked_fen},
            codes={"fund_type_code": transfer.issued.fund_type_code},
        )
        stream = (TRANSFER, self.transfer_no)
        return Decision(
            events=[(*stream, event), (*stream, entry)], effective_on=day, moved=[after]
        )
