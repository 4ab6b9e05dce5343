"""What a ledger says of transfers, as the commands that the other side's ledger takes of it.

It is the same whether that ledger is here or kept elsewhere.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from budget.received import RECEIVED_TRANSFER
from budget.transfer_events import (
    EventPlace,
    TransferAccepted,
    TransferGivenBack,
    TransferReductionAsked,
    TransferReductionTaken,
)
from ledger.account_set import ledger_text
from ledger.events import Event, names_that
from ledger.reading.loading import chains_at
from ledger.reading.tails import PlacedEvent, read_answers
from transfers.answering import NoteAcceptance
from transfers.giving_back import TakeReduction
from transfers.issuing import IssueTransfer
from transfers.receiving import ReceiveTransfer
from transfers.reducing import DropReduction, NoteReduction, ReduceTransfer
from transfers.transfer import ASKED, Transfer, terms_of

Word = NoteAcceptance | NoteReduction | DropReduction

# what a receiver says that is its sender's to know
WORDS = names_that(
    lambda traits: (
        traits.subject == RECEIVED_TRANSFER.name and traits.asked_by != ReceiveTransfer.OPERATION
    )
)


def steps_to_enter(
    connection: psycopg.Connection, sender: int, transfers: Sequence[Transfer]
) -> list[ReceiveTransfer]:
    """For a receiver, what these transfers have sent."""
    numbers = [transfer.transfer_no for transfer in transfers]
    places = places_of(connection, sender, IssueTransfer.OPERATION, numbers)
    return [
        ReceiveTransfer(
            sup_bgt_doc_no=transfer.issued.bgt_doc_no,
            transfer_no=transfer.transfer_no,
            terms=terms_of(transfer.issued),
            issued=places[transfer.transfer_no],
        )
        for transfer in transfers
    ]


def steps_to_reduce(
    connection: psycopg.Connection,
    sender: int,
    waiting: Sequence[tuple[Transfer, TransferReductionAsked]],
) -> list[TakeReduction]:
    """For a receiver, what it is asked to give up."""
    numbers = [asked.reduce_no for _, asked in waiting]
    places = places_of(connection, sender, ReduceTransfer.OPERATION, numbers)
    return [
        TakeReduction(
            sup_bgt_doc_no=transfer.issued.bgt_doc_no,
            transfer_no=transfer.transfer_no,
            reduce_no=asked.reduce_no,
            amt=asked.amt,
            asked=places[asked.reduce_no],
        )
        for transfer, asked in waiting
    ]


def word_of(event: Any, place: EventPlace) -> Word:
    """What a receiver's event tells the sender."""
    if isinstance(event, TransferAccepted):
        return NoteAcceptance(
            transfer_no=event.transfer_no, rec_no=event.rec_no, amt=event.amt, accepted=place
        )
    if isinstance(event, TransferGivenBack):
        return NoteReduction(
            transfer_no=event.transfer_no, return_no=event.return_no, amt=event.amt, told=place
        )
    note = NoteReduction if isinstance(event, TransferReductionTaken) else DropReduction
    return note(transfer_no=event.transfer_no, reduce_no=event.reduce_no, amt=event.amt, told=place)


def is_news(transfer: Transfer | None, word: Word) -> bool:
    """Whether the sender has not noted it yet; of a transfer that it has not sent nothing is."""
    if transfer is None:
        return False
    if isinstance(word, NoteAcceptance):
        return transfer.noted is None and not transfer.return_no
    if isinstance(word, NoteReduction) and word.return_no:
        return not transfer.return_no
    reduction = transfer.reductions.get(word.reduce_no)
    return reduction is not None and reduction.state == ASKED


def placed_answers(
    connection: psycopg.Connection, key: int, operation: str, numbers: Sequence[str]
) -> dict[str, tuple[Event, EventPlace]]:
    """By their numbers, the events that answer these commands, and where they stand."""
    found = read_answers(connection, key, operation, numbers)
    places = places_in(connection, key, list(found.values()))
    return {number: (each.event, places[each.position]) for number, each in found.items()}


def places_of(
    connection: psycopg.Connection, key: int, operation: str, numbers: Sequence[str]
) -> dict[str, EventPlace]:
    placed = placed_answers(connection, key, operation, numbers)
    return {number: place for number, (_, place) in placed.items()}


def places_in(
    connection: psycopg.Connection, key: int, events: Sequence[PlacedEvent]
) -> dict[int, EventPlace]:
    """By their positions, how another ledger names these events of this one."""
    chains = chains_at(connection, key, [each.position for each in events])
    return {
        each.position: EventPlace(
            ledger=ledger_text(key),
            position=each.position,
            digest=each.digest.hex(),
            chain=chains[each.position].hex(),
        )
        for each in events
    }
