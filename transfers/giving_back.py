"""上级转移支付调减、退回: what the receiver gives up of what it has not allotted. Pure decisions.

A reduction is asked by the sender's ledger, and answered by this one's own books: what is allotted
when it comes stays. A return is a person's act, of a transfer of which nothing was allotted.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.received import (
    FROM_ABOVE,
    RECEIVED_AMOUNTS,
    RECEIVED_TRANSFER,
    RETURNED,
    ReceivedTransfer,
    reduction_number,
    require_received,
)
from budget.transfer_events import (
    EventPlace,
    TransferGivenBack,
    TransferReductionDeclined,
    TransferReductionTaken,
)
from ledger.calendar import effective_day, first_open_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

_Told = TransferReductionTaken | TransferReductionDeclined


class TakeReduction(Command, frozen=True, kw_only=True):
    """调减: the sender's event at ``asked`` asks for ``amt``; asked by the program."""

    OPERATION: ClassVar[str] = "transfer.take_reduction"
    KIND: ClassVar[AnyKind] = RECEIVED_TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    sup_bgt_doc_no: str
    transfer_no: str
    reduce_no: str
    amt: str
    asked: EventPlace

    @property
    def number(self) -> str:
        return reduction_number(self.asked.ledger, self.reduce_no)

    @classmethod
    def number_in(cls, event: _Told) -> str:
        return reduction_number(event.from_ledger, event.reduce_no)

    def needs(self) -> Iterable[Need]:
        return ((RECEIVED_TRANSFER, self.sup_bgt_doc_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        received = require_received(state, self.sup_bgt_doc_no)
        sender = received.issued.ledger
        if (sender, received.received.transfer_no) != (self.asked.ledger, self.transfer_no):
            raise Refusal(
                Code.INVALID_STATE, f"{self.sup_bgt_doc_no} was not sent by {self.asked.ledger}"
            )
        day = first_open_day(state, state.today)
        amt_fen = stored_fen(self.amt)
        rest_fen = _rest_fen(state, self.sup_bgt_doc_no, day)
        told = {
            "sup_bgt_doc_no": self.sup_bgt_doc_no,
            "from_ledger": sender,
            "transfer_no": self.transfer_no,
            "reduce_no": self.reduce_no,
            "amt": self.amt,
        }
        stream = (RECEIVED_TRANSFER, self.sup_bgt_doc_no)
        if amt_fen > rest_fen:
            # point of no return
            declined = TransferReductionDeclined(
                **told, asked=self.asked, rest_amt=yuan(rest_fen), by=by
            )
            return Decision(events=[(*stream, declined)], effective_on=day)
        moved = _given_up(state, received, day, amt_fen)
        # point of no return
        taken = TransferReductionTaken(
            **told, asked=self.asked, was_accepted=received.accepted is not None, by=by
        )
        return _with_entry(state, received, day, taken, self.reduce_no, amt_fen, moved)


class GiveBackTransfer(Command, frozen=True, kw_only=True):
    """退回: all that was received by ``sup_bgt_doc_no`` goes back to who has sent it."""

    OPERATION: ClassVar[str] = "transfer.give_back"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "转移支付"
    NUMBER: ClassVar[str] = "return_no"
    KIND: ClassVar[AnyKind] = RECEIVED_TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    sup_bgt_doc_no: str
    return_no: str
    reason: str = ""
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return ((RECEIVED_TRANSFER, self.sup_bgt_doc_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        received = require_received(state, self.sup_bgt_doc_no)
        rest_fen = _rest_fen(state, self.sup_bgt_doc_no, day)
        if rest_fen < received.amt_fen:
            raise Refusal(
                Code.TRANSFER_ALLOTTED,
                f"of {self.sup_bgt_doc_no} something is allotted: take that back first 已分配",
                sup_bgt_doc_no=self.sup_bgt_doc_no,
                available_amt=yuan(rest_fen),
                requested_amt=yuan(received.amt_fen),
            )
        if received.status == RETURNED or not received.amt_fen:
            raise Refusal(
                Code.INVALID_STATE, f"nothing is left of {self.sup_bgt_doc_no} to go back 已退回"
            )
        moved = _given_up(state, received, day, received.amt_fen)
        # point of no return
        back = TransferGivenBack(
            sup_bgt_doc_no=self.sup_bgt_doc_no,
            return_no=self.return_no,
            from_ledger=received.issued.ledger,
            transfer_no=received.received.transfer_no,
            amt=yuan(received.amt_fen),
            was_accepted=received.accepted is not None,
            reason=self.reason,
            by=by,
        )
        return _with_entry(state, received, day, back, self.return_no, received.amt_fen, moved)


def _rest_fen(state: LedgerState, sup_bgt_doc_no: str, day: date) -> int:
    """What is not allotted on the day and on every later one."""
    levels = state.row_on(RECEIVED_AMOUNTS, sup_bgt_doc_no, day).levels(day)
    return max(0, min(row.rest for _, row in levels))


def _given_up(
    state: LedgerState, received: ReceivedTransfer, day: date, amt_fen: int
) -> list[MovedRow]:
    less = {"rest": -amt_fen, "received": -amt_fen}
    of_sender = {"waiting" if received.accepted is None else "accepted": -amt_fen}
    return [
        state.moved(RECEIVED_AMOUNTS, received.sup_bgt_doc_no, day, less),
        state.moved(FROM_ABOVE, received.issued.ledger, day, of_sender),
    ]


def _with_entry(
    state: LedgerState,
    received: ReceivedTransfer,
    day: date,
    event: Event,
    number: str,
    amt_fen: int,
    moved: list[MovedRow],
) -> Decision:
    entry = state.books(day).post(
        event.TYPE,
        source=state.next_position,
        number=number,
        amounts_fen={"amount": amt_fen},
        codes={"fund_type_code": received.terms.fund_type_code},
    )
    stream = (RECEIVED_TRANSFER, received.sup_bgt_doc_no)
    return Decision(events=[(*stream, event), (*stream, entry)], effective_on=day, moved=moved)
