"""转移支付调减: the sender takes back what the receiver has not allotted. Pure decisions.

What was sent is the receiver's. So the sender asks, which moves nothing; the receiver's ledger says
whether it gives that up, and has it less from that moment; and then the sender has it again. No
moment has the money twice, or allots what goes back.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import ClassVar

import msgspec

from budget.received import RECEIVED_AMOUNTS, moved_received
from budget.rows import ROWS, moved_row
from budget.special_funds import TREASURY_TRANSFERS
from budget.transfer_events import (
    EventPlace,
    TransferIssued,
    TransferReduced,
    TransferReductionAsked,
    TransferReductionDropped,
)
from ledger.calendar import effective_day, first_open_day
from ledger.deciding.command import Command, Need
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan
from transfers.tier_funds import TIER_FUNDS
from transfers.transfer import (
    ASKED,
    SENT,
    TRANSFER,
    TRANSFERS,
    Transfer,
    receiver_text,
    require_transfer,
    sent_key,
)


class OtherEnd(msgspec.Struct, frozen=True):
    """What the receiver had not allotted, in yuan; "" where it has entered nothing."""

    rest_amt: str = ""


def _told_by(event: Event) -> OtherEnd | None:
    return OtherEnd(event.rest_amt) if isinstance(event, TransferReductionAsked) else None


# By ``sent_key``. It is looked at and not locked: whoever asks for too much is told at once, and
# what counts is the receiver's own decision, which comes later.
OTHER_END: LockedFact[OtherEnd] = LockedFact("transfer_other_end", _told_by, OtherEnd())


class ReduceTransfer(Command, frozen=True, kw_only=True):
    """调减: the receiver is asked for ``amt``, at most what it has not allotted."""

    OPERATION: ClassVar[str] = "transfer.reduce"
    APPROVABLE: ClassVar[bool] = True
    LOOKS_FURTHER: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "转移支付"
    NUMBER: ClassVar[str] = "reduce_no"
    KIND: ClassVar[AnyKind] = TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False  # what is allotted today may be recalled tomorrow
    transfer_no: str
    reduce_no: str
    amt: str
    reason: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return ((TRANSFER, self.transfer_no),)

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        if (transfer := state.get(TRANSFER, self.transfer_no)) is not None:
            yield OTHER_END, _key_of(transfer)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        transfer = require_transfer(state, self.transfer_no)
        amt_fen = parse_yuan(self.amt, pointer="/amt")
        seen = state.fact(OTHER_END, _key_of(transfer))
        amounts = state.row(TRANSFERS, self.transfer_no)
        left_fen = amounts.in_transit + amounts.accepted - amounts.asked
        if seen.rest_amt:
            left_fen = min(left_fen, stored_fen(seen.rest_amt))
        if amt_fen > left_fen:
            raise Refusal(
                Code.TRANSFER_ALLOTTED,
                f"of transfer {self.transfer_no} the receiver has allotted the rest 已分配",
                transfer_no=self.transfer_no,
                available_amt=yuan(max(0, left_fen)),
                requested_amt=yuan(amt_fen),
            )
        between = state.row(TIER_FUNDS, transfer.tier_key)
        if amt_fen > between.transferred - between.subsidies:
            raise Refusal(
                Code.INVALID_STATE,
                f"of what was sent to {transfer.issued.rec_div_code} the rest is settled 已结算",
                transfer_no=self.transfer_no,
            )
        after = state.moved(TRANSFERS, self.transfer_no, day, {"asked": amt_fen})
        # point of no return
        asked = TransferReductionAsked(
            transfer_no=self.transfer_no,
            reduce_no=self.reduce_no,
            amt=self.amt,
            reason=self.reason,
            rest_amt=seen.rest_amt,
            by=by,
        )
        return Decision(
            events=[(TRANSFER, self.transfer_no, asked)], effective_on=day, moved=[after]
        )


class _OfAnswer(Command, frozen=True, kw_only=True):
    """What the receiver's event at ``told`` says."""

    KIND: ClassVar[AnyKind] = TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    transfer_no: str
    amt: str
    told: EventPlace

    def needs(self) -> Iterable[Need]:
        return ((TRANSFER, self.transfer_no),)

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        if (transfer := state.get(TRANSFER, self.transfer_no)) is not None:
            if transfer.issued.bgt_pman_id:
                yield ROWS, transfer.issued.bgt_pman_id
            else:
                yield RECEIVED_AMOUNTS, transfer.issued.sup_bgt_doc_no

    def _transfer(self, state: LedgerState, reduce_no: str) -> Transfer:
        """Raises Refusal ``invalid_state`` where no such word is waited for."""
        transfer = require_transfer(state, self.transfer_no)
        to = receiver_text(state.ledger_id, transfer.issued.rec_div_code)
        reduction = transfer.reductions.get(reduce_no)
        is_due = not reduce_no or (
            reduction is not None and (reduction.state, reduction.asked.amt) == (ASKED, self.amt)
        )
        if not is_due or self.told.ledger != to or transfer.return_no:
            raise Refusal(
                Code.INVALID_STATE, f"transfer {self.transfer_no} waits for no word of that kind"
            )
        return transfer


class NoteReduction(_OfAnswer, frozen=True, kw_only=True):
    """转移支付收回: the receiver has given ``amt`` up, as ``reduce_no`` asked, or has returned
    it by ``return_no``."""

    OPERATION: ClassVar[str] = "transfer.note_reduction"
    reduce_no: str = ""
    return_no: str = ""

    @property
    def number(self) -> str:
        return _number(self)

    @classmethod
    def number_in(cls, event: TransferReduced) -> str:
        return _number(event)

    def decide(self, state: LedgerState, by: str) -> Decision:
        transfer = self._transfer(state, self.reduce_no)
        if bool(self.reduce_no) == bool(self.return_no):  # a ledger elsewhere says what it likes
            problem = f"what comes back of {self.transfer_no} was asked for, or is returned"
            raise Refusal(Code.INVALID_STATE, problem)
        issued = transfer.issued
        day = first_open_day(state, state.today)
        amt_fen = stored_fen(self.amt)
        was_accepted = transfer.noted is not None
        changes = {"accepted" if was_accepted else "in_transit": -amt_fen, "booked": -amt_fen}
        if self.reduce_no:
            changes["asked"] = -amt_fen
        if issued.bgt_pman_id:
            source = moved_row(state, issued.bgt_pman_id, day, amt_fen)
        else:
            source = moved_received(state, issued.sup_bgt_doc_no, day, amt_fen)
        back = {"sent": -amt_fen, "reduced": amt_fen}
        moved = [
            source,
            state.moved(TRANSFERS, self.transfer_no, day, changes),
            state.moved(SENT, _key_of(transfer), day, back),
            state.moved(TIER_FUNDS, transfer.tier_key, day, {"transferred": -amt_fen}),
        ]
        # point of no return
        reduced = TransferReduced(
            transfer_no=self.transfer_no,
            reduce_no=self.reduce_no,
            return_no=self.return_no,
            amt=self.amt,
            told=self.told,
            rec_div_code=issued.rec_div_code,
            bgt_doc_no=issued.bgt_doc_no,
            bgt_pman_id=issued.bgt_pman_id,
            sup_bgt_doc_no=issued.sup_bgt_doc_no,
            **_told_of(state, issued),
            was_accepted=was_accepted,
            by=by,
        )
        entry = state.books(day).post(
            reduced.TYPE,
            source=state.next_position,
            number=self.reduce_no or self.return_no,
            amounts_fen={"amount": amt_fen},
            codes={"fund_type_code": issued.fund_type_code},
        )
        stream = (TRANSFER, self.transfer_no)
        return Decision(
            events=[(*stream, reduced), (*stream, entry)], effective_on=day, moved=moved
        )


def _told_of(state: LedgerState, issued: TransferIssued) -> dict[str, str]:
    """Of which fund and mark it is; ledgers that an earlier release has opened do not say that."""
    if not state.settings.get(TREASURY_TRANSFERS).on:
        return {}
    return {"fund_type_code": issued.fund_type_code, "is_dir_code": issued.is_dir_code}


class DropReduction(_OfAnswer, frozen=True, kw_only=True):
    """调减未果: the receiver has allotted too much, and keeps it."""

    OPERATION: ClassVar[str] = "transfer.drop_reduction"
    NUMBER: ClassVar[str] = "reduce_no"
    reduce_no: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        self._transfer(state, self.reduce_no)
        day = first_open_day(state, state.today)
        changes = {"asked": -stored_fen(self.amt)}
        after = state.moved(TRANSFERS, self.transfer_no, day, changes)
        # point of no return
        dropped = TransferReductionDropped(
            transfer_no=self.transfer_no,
            reduce_no=self.reduce_no,
            amt=self.amt,
            told=self.told,
            by=by,
        )
        return Decision(
            events=[(TRANSFER, self.transfer_no, dropped)], effective_on=day, moved=[after]
        )


def _number(said: NoteReduction | TransferReduced) -> str:
    """A reduction and a return may bear one number."""
    act = f"reduce/{said.reduce_no}" if said.reduce_no else f"return/{said.return_no}"
    return f"{said.transfer_no}/{act}"


def _key_of(transfer: Transfer) -> str:
    return sent_key(transfer.issued.rec_div_code, transfer.issued.bgt_doc_no)
