"""转移支付: a transfer as its sender's events have left it, and what is under way of it.

What a sender has given stands in its book from the first; it is in transit until the receiver has
accepted it and the sender has that on record.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.transfer_events import (
    EventPlace,
    TransferAcceptanceNoted,
    TransferIssued,
    TransferReduced,
    TransferReductionAsked,
    TransferReductionDropped,
    TransferTerms,
    TransferWrittenOff,
)
from ledger.account_set import fiscal_year_of, ledger_id, ledger_text
from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import Movement, Register, RegisterFold, Rows, Shortage, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from transfers.tier_funds import TIER_FUNDS, TierFunds, tier_key

ISSUED, ACCEPTED, REDUCED, RETURNED = "issued", "accepted", "reduced", "returned"
SETTLED = "settled"
ASKED, DROPPED = "asked", "dropped"  # of a reduction, beside REDUCED


class Reduction(msgspec.Struct, frozen=True):
    """A reduction that was asked for: ``asked``, ``reduced`` or ``dropped``."""

    asked: TransferReductionAsked
    state: str = ASKED


class Transfer(msgspec.Struct, frozen=True):
    """A transfer, as far as its sender knows.

    Attributes:
        noted: how its receiver has accepted it; None before.
        reductions: by their numbers.
        reduced_fen: what has come back.
        return_no: by which the receiver has returned all of it; "" of all others.
    """

    issued: TransferIssued
    noted: TransferAcceptanceNoted | None = None
    reductions: Mapping[str, Reduction] = {}
    reduced_fen: int = 0
    return_no: str = ""

    @property
    def waits(self) -> bool:
        """Whether the receiver's word is not in."""
        if self.return_no:
            return False
        asked = any(each.state == ASKED for each in self.reductions.values())
        return asked or (self.noted is None and self.amt_fen > 0)

    @property
    def amt_fen(self) -> int:
        """What of it has not come back."""
        return stored_fen(self.issued.amt) - self.reduced_fen

    @property
    def transfer_no(self) -> str:
        return self.issued.transfer_no

    @property
    def status(self) -> str:
        if self.return_no:
            return RETURNED
        if self.reduced_fen:
            return REDUCED
        return ISSUED if self.noted is None else ACCEPTED

    @property
    def accepted(self) -> EventPlace | None:
        return None if self.noted is None else self.noted.accepted

    @property
    def tier_key(self) -> str:
        """Of the row of ``TIER_FUNDS``."""
        issued = self.issued
        return tier_key(issued.rec_div_code, issued.fund_type_code, issued.is_dir_code)

    @property
    def terms(self) -> TransferTerms:
        return terms_of(self.issued)


def status_in(transfer: Transfer, between: TierFunds) -> str:
    """Its status with what lies between the two tiers: what was accepted is ``settled`` once
    settlements have covered all that transfers have sent there of that fund and mark."""
    if transfer.status == ACCEPTED and between.subsidies >= between.transferred:
        return SETTLED
    return transfer.status


def terms_of(issued: TransferIssued) -> TransferTerms:
    """What both ends say of it."""
    return TransferTerms(
        **{name: getattr(issued, name) for name in TransferTerms.__struct_fields__}
    )


def receiving_ledger(key: int, rec_div_code: str) -> int:
    """The ledger that a transfer of this one goes to: the division's, of the same year."""
    return ledger_id(rec_div_code, fiscal_year_of(key))


def receiver_text(key: int, rec_div_code: str) -> str:
    return ledger_text(receiving_ledger(key, rec_div_code))


def _fold(transfer: Transfer | None, event: Event) -> Transfer | None:
    if isinstance(event, TransferIssued):
        return Transfer(event)
    if transfer is None:
        return None
    match event:
        case TransferAcceptanceNoted():
            return msgspec.structs.replace(transfer, noted=event)
        case TransferReductionAsked():
            reductions = {**transfer.reductions, event.reduce_no: Reduction(event)}
            return msgspec.structs.replace(transfer, reductions=reductions)
        case TransferReduced():
            return msgspec.structs.replace(
                _answered(transfer, event.reduce_no, REDUCED),
                reduced_fen=transfer.reduced_fen + stored_fen(event.amt),
                return_no=event.return_no,
            )
        case TransferReductionDropped():
            return _answered(transfer, event.reduce_no, DROPPED)
    return transfer


def _answered(transfer: Transfer, reduce_no: str, state: str) -> Transfer:
    """With the receiver's word on a reduction; "" of a return, which none has asked for."""
    if (reduction := transfer.reductions.get(reduce_no)) is None:
        return transfer
    answered = {**transfer.reductions, reduce_no: Reduction(reduction.asked, state)}
    return msgspec.structs.replace(transfer, reductions=answered)


# ---- what is under way


class TransferAmounts(msgspec.Struct, frozen=True, gc=False):
    """Of one transfer, in fen: what the sender does not know to be accepted, what it does, what
    stands in its book (支出指标—转移支付), and what the receiver is asked to give up."""

    in_transit: int = 0
    accepted: int = 0
    booked: int = 0
    asked: int = 0


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferIssued``."""

    rec_div_code: str
    bgt_doc_no: str
    transfer_no: str
    amt: str


class _Noted(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferAcceptanceNoted``."""

    transfer_no: str
    amt: str


class _WrittenOff(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferWrittenOff``."""

    transfer_no: str
    amt: str


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReductionAsked``."""

    transfer_no: str
    amt: str


class _Dropped(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReductionDropped``."""

    transfer_no: str
    amt: str


class _Reduced(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReduced``."""

    rec_div_code: str
    bgt_doc_no: str
    transfer_no: str
    amt: str
    was_accepted: bool
    reduce_no: str = ""


class TransferFold(RegisterFold):
    """By the numbers of transfers."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        TransferIssued: _Issued,
        TransferAcceptanceNoted: _Noted,
        TransferReductionAsked: _Asked,
        TransferReductionDropped: _Dropped,
        TransferReduced: _Reduced,
        TransferWrittenOff: _WrittenOff,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        key, amt_fen = event.transfer_no, stored_fen(event.amt)
        match event:
            case _Issued():
                return [(key, 0, amt_fen), (key, 2, amt_fen)]
            case _Noted():
                return [(key, 0, -amt_fen), (key, 1, amt_fen)]
            case _Asked():
                return [(key, 3, amt_fen)]
            case _Dropped():
                return [(key, 3, -amt_fen)]
            case _Reduced():
                back = [(key, int(event.was_accepted), -amt_fen), (key, 2, -amt_fen)]
                return [*back, (key, 3, -amt_fen)] if event.reduce_no else back
        return [(key, 2, -amt_fen)]


def _touched(event: Event) -> Iterator[str]:
    if event.TRAITS.subject == "transfer" and hasattr(event, "transfer_no"):
        yield event.transfer_no


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INVALID_STATE,
        f"of transfer {short.key} {yuan(max(0, short.available_fen))} is {short.field}"
        f" on {short.on}",
    )


TRANSFERS: Register[TransferAmounts] = declare(
    Register(
        name="transfer",
        row=TransferAmounts,
        floored=("in_transit", "accepted", "booked", "asked"),
        refuse=_refuse,
        fold=TransferFold,
        touched=_touched,
    )
)


# ---- by receiver and document


class SentAmounts(msgspec.Struct, frozen=True, gc=False):
    """What one document has sent to one tier below, in fen, less what has come back; and that."""

    sent: int = 0
    reduced: int = 0


class SentFold(RegisterFold):
    """A document is a transfer's to one tier, so that the other side knows it by that."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        TransferIssued: _Issued,
        TransferReduced: _Reduced,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        key, amt_fen = sent_key(event.rec_div_code, event.bgt_doc_no), stored_fen(event.amt)
        if isinstance(event, _Reduced):
            return [(key, 0, -amt_fen), (key, 1, amt_fen)]
        return [(key, 0, amt_fen)]


def sent_key(rec_div_code: str, bgt_doc_no: str) -> str:
    return f"{rec_div_code}/{bgt_doc_no}"


def _touched_document(event: Event) -> Iterator[str]:
    if isinstance(event, TransferIssued | TransferReduced):
        yield sent_key(event.rec_div_code, event.bgt_doc_no)


SENT: Register[SentAmounts] = declare(
    Register(
        name="sent_below",
        row=SentAmounts,
        floored=("sent", "reduced"),
        refuse=_refuse,
        fold=SentFold,
        touched=_touched_document,
    )
)

TRANSFER: Kind[Transfer] = Kind(
    name="transfer",
    opened_by="transfer.issue",
    fold=_fold,
    rows=lambda transfer: (
        (TRANSFERS, transfer.transfer_no),
        (SENT, sent_key(transfer.issued.rec_div_code, transfer.issued.bgt_doc_no)),
        (TIER_FUNDS, transfer.tier_key),
    ),
)


def require_transfer(state: LedgerState, transfer_no: str) -> Transfer:
    """The transfer; raises Refusal ``not_found``."""
    if (transfer := state.get(TRANSFER, transfer_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no transfer {transfer_no!r}", pointer="/transfer_no")
    return transfer
