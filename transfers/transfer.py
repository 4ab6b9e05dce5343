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

ISSUED, ACCEPTED = "issued", "accepted"


class Transfer(msgspec.Struct, frozen=True):
    """A transfer, and how its receiver has accepted it; None before the sender knows of that."""

    issued: TransferIssued
    noted: TransferAcceptanceNoted | None = None

    @property
    def transfer_no(self) -> str:
        return self.issued.transfer_no

    @property
    def status(self) -> str:
        return ISSUED if self.noted is None else ACCEPTED

    @property
    def accepted(self) -> EventPlace | None:
        return None if self.noted is None else self.noted.accepted

    @property
    def terms(self) -> TransferTerms:
        return terms_of(self.issued)


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
    if transfer is not None and isinstance(event, TransferAcceptanceNoted):
        return Transfer(transfer.issued, event)
    return transfer


# ---- what is under way


class TransferAmounts(msgspec.Struct, frozen=True, gc=False):
    """Of one transfer, in fen: what the sender does not know to be accepted, what it does, and what
    stands in its book (支出指标—转移支付)."""

    in_transit: int = 0
    accepted: int = 0
    booked: int = 0


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


class TransferFold(RegisterFold):
    """By the numbers of transfers."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        TransferIssued: _Issued,
        TransferAcceptanceNoted: _Noted,
        TransferWrittenOff: _WrittenOff,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        key, amt_fen = event.transfer_no, stored_fen(event.amt)
        match event:
            case _Issued():
                return [(key, 0, amt_fen), (key, 2, amt_fen)]
            case _Noted():
                return [(key, 0, -amt_fen), (key, 1, amt_fen)]
        return [(key, 2, -amt_fen)]


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, TransferIssued | TransferAcceptanceNoted | TransferWrittenOff):
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
        floored=("in_transit", "accepted", "booked"),
        refuse=_refuse,
        fold=TransferFold,
        touched=_touched,
    )
)


# ---- by receiver and document


class SentAmounts(msgspec.Struct, frozen=True, gc=False):
    """What one document has sent to one tier below, in fen."""

    sent: int = 0


class SentFold(RegisterFold):
    """A document is a transfer's to one tier, so that the other side knows it by that."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {TransferIssued: _Issued}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        return [(sent_key(event.rec_div_code, event.bgt_doc_no), 0, stored_fen(event.amt))]


def sent_key(rec_div_code: str, bgt_doc_no: str) -> str:
    return f"{rec_div_code}/{bgt_doc_no}"


def _touched_document(event: Event) -> Iterator[str]:
    if isinstance(event, TransferIssued):
        yield sent_key(event.rec_div_code, event.bgt_doc_no)


SENT: Register[SentAmounts] = declare(
    Register(
        name="sent_below",
        row=SentAmounts,
        floored=("sent",),
        refuse=_refuse,
        fold=SentFold,
        touched=_touched_document,
    )
)

TRANSFER: Kind[Transfer] = Kind(
    name="transfer",
    opened_by="transfer.issue",
    fold=_fold,
    rows=lambda transfer: ((TRANSFERS, transfer.transfer_no),),
)


def require_transfer(state: LedgerState, transfer_no: str) -> Transfer:
    """The transfer; raises Refusal ``not_found``."""
    if (transfer := state.get(TRANSFER, transfer_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no transfer {transfer_no!r}", pointer="/transfer_no")
    return transfer
