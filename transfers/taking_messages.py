"""异地消息入账: a message of another installation goes on record before what follows from it.

Its signature was verified when it came in; a verification does that again, and holds each event
that names a place of that ledger against what the message says of it.
"""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from ledger.account_set import ledger_text, parse_ledger
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.gm import sm3
from transfers.message_event import TransferMessageTaken


class KnownMessage(msgspec.Struct, frozen=True):
    """That a message is on record, and whose it is."""

    message_sm3: str
    from_ledger: str


def _fold(known: KnownMessage | None, event: Event) -> KnownMessage | None:
    if isinstance(event, TransferMessageTaken):
        return KnownMessage(event.message_sm3, event.from_ledger)
    return known


TRANSFER_MESSAGE: Kind[KnownMessage] = Kind(
    name="transfer_message", opened_by="transfer.take_message", fold=_fold
)


class TakeTransferMessage(Command, frozen=True, kw_only=True):
    """Puts a message on record, by the SM3 of its text, once."""

    OPERATION: ClassVar[str] = "transfer.take_message"
    KIND: ClassVar[AnyKind] = TRANSFER_MESSAGE
    KEEPS_REFUSAL: ClassVar[bool] = False
    from_ledger: str
    text: str
    cert_serial: str
    signature: str

    @property
    def number(self) -> str:
        return sm3(self.text.encode()).hex()

    @property
    def body(self) -> object:
        """Its text; it may be signed anew."""
        return self.from_ledger, self.text

    @classmethod
    def number_in(cls, event: TransferMessageTaken) -> str:
        return event.message_sm3

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**fields_in(cls, told.event)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if parse_ledger(self.from_ledger) == state.ledger_id:
            own = ledger_text(state.ledger_id)
            raise Refusal(Code.INVALID_STATE, f"{own} sends itself no messages")
        # point of no return
        taken = TransferMessageTaken(
            message_sm3=self.number,
            from_ledger=self.from_ledger,
            text=self.text,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
        )
        return Decision(events=[(TRANSFER_MESSAGE, self.number, taken)], effective_on=state.today)
