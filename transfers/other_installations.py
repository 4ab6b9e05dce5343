"""异地转移支付核验: what a ledger has of one that is kept elsewhere, against its signed word."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from typing import Any

import psycopg

from budget.transfer_events import (
    TransferAcceptanceNoted,
    TransferReceived,
    TransferReduced,
    TransferReductionDeclined,
    TransferReductionDropped,
    TransferReductionTaken,
)
from division import certificates
from division.folded import folded_objects
from division.installation import INSTALLATION
from ledger.account_set import parse_ledger, standing_ledgers_of
from ledger.deciding.command import Command, Told
from ledger.errors import GuokuError
from ledger.events import Event, type_names
from ledger.gm import Provider, sm3
from ledger.integrity.chain import moment_of
from ledger.reading.tails import read_tail
from transfers.answering import NoteAcceptance
from transfers.arriving import NoteArrival
from transfers.giving_back import TakeReduction
from transfers.message_event import TransferMessageTaken
from transfers.messages import SignedText, read_answer, read_message, steps_of
from transfers.receiving import ReceiveTransfer
from transfers.reducing import DropReduction, NoteReduction
from transfers.settling import NoteSettlement, TakeSettlement
from transfers.tier_events import ArrivalNoted, SettlementNoted, SettlementTaken

# by which command an event follows from the other side's word
_FOLLOWS: dict[type[Event], type[Command]] = {
    TransferReceived: ReceiveTransfer,
    TransferReductionTaken: TakeReduction,
    TransferReductionDeclined: TakeReduction,
    TransferAcceptanceNoted: NoteAcceptance,
    TransferReduced: NoteReduction,
    TransferReductionDropped: DropReduction,
    SettlementTaken: TakeSettlement,
    SettlementNoted: NoteSettlement,
    ArrivalNoted: NoteArrival,
}


class SignedWords:
    """What messages on a ledger's record have said, read when it is first asked for."""

    def __init__(self, connection: psycopg.Connection, ledger_id: int, upto: int) -> None:
        self._connection, self._ledger_id, self._upto = connection, ledger_id, upto
        self._said: dict[Command, int] | None = None

    def has(self, position: int, event: Event) -> bool:
        """Whether a message before that position says just what the event follows from."""
        if self._said is None:
            types = type_names(TransferMessageTaken)
            told = read_tail(self._connection, self._ledger_id, 0, self._upto, types)
            self._said = {}
            for each in told:
                for command in said_in(each.event):
                    self._said.setdefault(command, each.position)
        asked = _FOLLOWS[type(event)].asked_in(Told(event, date.min))
        return any(self._said.get(command, position) < position for command in asked)


def said_in(event: Any) -> Iterable[Command]:
    """The commands that a message holds; none of one that cannot be read."""
    with suppress(GuokuError):
        return steps_of(read_answer(event.text))
    with suppress(GuokuError):
        return steps_of(read_message(event.text))
    return ()


def message_fault(
    connection: psycopg.Connection,
    provider: Provider,
    ledger_id: int,
    event: TransferMessageTaken,
    recorded_us: int,
) -> str:
    """What is wrong with a message on record: its SM3, its certificate, its signature, or that its
    installation was never registered; "" where nothing is."""
    if sm3(event.text.encode()).hex() != event.message_sm3:
        return "its text has another SM3 摘要不符"
    certificate = certificates.find(connection, event.cert_serial)
    if certificate is None:
        return f"its certificate {event.cert_serial[:40]} is not on record 证书未登记"
    sender = event.from_ledger.partition("-")[0]
    known = {
        each.obj.subject
        for home in standing_ledgers_of(ledger_id)
        for each in folded_objects(connection, home, (INSTALLATION,))
        if sender.startswith(each.obj.division)
    }
    if certificate.subject not in known:
        return f"{certificate.subject} does not speak for {event.from_ledger} 签章人不符"
    try:
        certificates.require_valid(certificate, moment_of(recorded_us))
        parse_ledger(event.from_ledger)
        signed = SignedText.of(event.text, certificate.public_key, event.signature)
    except GuokuError as error:
        return error.detail
    if not provider.verify(signed.key, signed.text.encode(), signed.signature):
        return "its signature is over another text 签章无效"
    return ""
