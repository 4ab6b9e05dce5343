"""转移支付: what the ledgers of an installation say of a transfer, the one held against the other.

Each is verified by itself; here what a receiver has entered is held against the event of its
sender, and what a sender says was accepted against the receiver's. So nobody has received what
nobody has sent, nor twice, nor more; and what is sent is accepted or under way. Of a ledger that is
kept elsewhere its signed messages speak, which are on record.
"""

from collections.abc import Iterable
from typing import Any

from budget.received import RECEIVED_TRANSFER, ReceivedTransfer
from budget.transfer_events import (
    EventPlace,
    TransferAcceptanceNoted,
    TransferAccepted,
    TransferGivenBack,
    TransferIssued,
    TransferReceived,
    TransferReduced,
    TransferReductionAsked,
    TransferReductionDeclined,
    TransferReductionDropped,
    TransferReductionTaken,
)
from ledger.account_set import ledger_text, parse_ledger
from ledger.events import Event, decode, names_that
from ledger.reading.loading import chains_at
from ledger.reading.objects import read_events, read_head, read_objects
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join
from transfers.message_event import TransferMessageTaken
from transfers.other_installations import SignedWords, message_fault
from transfers.taking_messages import TRANSFER_MESSAGE
from transfers.transfer import TRANSFER, Transfer, receiving_ledger, terms_of

_AT_ONCE = 500
_ENDS = (TRANSFER.name, RECEIVED_TRANSFER.name, TRANSFER_MESSAGE.name)


@join
class TransferCheck(EventCheck):
    """See the module."""

    NAME = name_check("transfer", "转移支付 transfers at both ends", "transfers")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sent: list[tuple[int, TransferIssued]] = []
        self._noted: list[tuple[int, TransferAcceptanceNoted]] = []
        self._answered: list[tuple[int, TransferReduced | TransferReductionDropped]] = []
        self._taken: list[tuple[int, TransferReductionTaken]] = []
        self._received: list[tuple[int, TransferReceived]] = []
        self._declined: list[tuple[int, TransferReductionDeclined]] = []
        place = context.place
        self._signed = SignedWords(context.asking, place.ledger_id, place.position)
        self._here: dict[int, bool] = {}

    def follows(self) -> Iterable[str]:
        yield from names_that(lambda traits: traits.subject in _ENDS)

    def take(self, row: FollowedEvent) -> None:
        event: Any = decode(row.type, row.payload)
        match event:
            case TransferIssued():
                self._sent.append((row.position, event))
            case TransferAcceptanceNoted():
                self._noted.append((row.position, event))
            case TransferReceived():
                self._received.append((row.position, event))
            case TransferReductionTaken():
                self._taken.append((row.position, event))
            case TransferReduced() | TransferReductionDropped():
                self._answered.append((row.position, event))
            case TransferReductionDeclined():
                self._declined.append((row.position, event))
            case TransferMessageTaken():
                self._hold_message(row, event)

    def _hold_message(self, row: FollowedEvent, event: TransferMessageTaken) -> None:
        self.findings.count(self.NAME, 1)
        context = self.context
        fault = message_fault(
            context.asking, context.provider, context.place.ledger_id, event, row.recorded_us
        )
        if fault:
            self._wrong(row.position, f"the message of {event.from_ledger}: {fault}")

    def conclude(self) -> None:
        for position, received in self._received:
            self.findings.count(self.NAME, 1)
            self._hold_to_sender(position, received)
        for position, noted in self._noted:
            self._hold_to_acceptance(position, noted)
        for position, taken in self._taken:
            self._hold_to_asked(position, taken)
        for position, answered in self._answered:
            self._hold_to_word(position, answered)
        for position, declined in self._declined:
            if not self._is_here(declined.asked):
                self._hold_to_message(position, declined)
        for start in range(0, len(self._sent), _AT_ONCE):
            self._hold_receivers(self._sent[start : start + _AT_ONCE])

    def _hold_to_sender(self, position: int, received: TransferReceived) -> None:
        """It names the one event by which just that was sent here."""
        issued = self._found(position, received.issued, received)
        own = self.context.place.ledger_id
        if issued is None:
            return
        if not isinstance(issued, TransferIssued):
            self._wrong(position, f"{received.issued.ledger} has sent nothing there 无此下达")
            return
        said = (issued.bgt_doc_no, issued.transfer_no, terms_of(issued))
        to = receiving_ledger(parse_ledger(received.issued.ledger), issued.rec_div_code)
        if said != (received.sup_bgt_doc_no, received.transfer_no, received.terms) or to != own:
            self._wrong(position, f"{issued.transfer_no} was sent otherwise 与下达不符")

    def _hold_to_acceptance(self, position: int, noted: TransferAcceptanceNoted) -> None:
        accepted = self._found(position, noted.accepted, noted)
        said = (ledger_text(self.context.place.ledger_id), noted.transfer_no, noted.rec_no)
        if accepted is None:
            return
        if (
            not isinstance(accepted, TransferAccepted)
            or (accepted.from_ledger, accepted.transfer_no, accepted.rec_no) != said
            or accepted.amt != noted.amt
        ):
            to = noted.accepted.ledger
            self._wrong(position, f"{to} has not accepted {noted.transfer_no} so 与接收不符")

    def _hold_to_asked(self, position: int, taken: TransferReductionTaken) -> None:
        """What the receiver has given up, the sender has asked for."""
        asked = self._found(position, taken.asked, taken)
        if asked is None:
            return
        said = (taken.transfer_no, taken.reduce_no, taken.amt)
        if (
            not isinstance(asked, TransferReductionAsked)
            or (asked.transfer_no, asked.reduce_no, asked.amt) != said
        ):
            self._wrong(position, f"{taken.from_ledger} has not asked for it so 与调减不符")

    def _hold_to_word(
        self, position: int, answered: TransferReduced | TransferReductionDropped
    ) -> None:
        """What the sender has again, the receiver has given up; what it has dropped, that keeps."""
        told = self._found(position, answered.told, answered)
        if told is None:
            return
        own = ledger_text(self.context.place.ledger_id)
        is_reduced = isinstance(answered, TransferReduced)
        of_kind = isinstance(told, TransferReductionTaken | TransferGivenBack) == is_reduced
        numbers = ("from_ledger", "transfer_no", "amt")
        said = tuple(getattr(told, name, "") for name in numbers)
        name = "return_no" if getattr(answered, "return_no", "") else "reduce_no"
        is_same = getattr(told, name, "") == getattr(answered, name)
        if not of_kind or not is_same or said != (own, answered.transfer_no, answered.amt):
            self._wrong(position, f"{answered.told.ledger} has not said so 与调减答复不符")

    def _is_here(self, place: EventPlace) -> bool:
        key = parse_ledger(place.ledger)
        if key not in self._here:
            self._here[key] = read_head(self.context.asking, key) is not None
        return self._here[key]

    def _hold_to_message(self, position: int, event: Event) -> None:
        """A ledger that is kept elsewhere has said so, and signed it."""
        if not self._signed.has(position, event):
            self._wrong(position, "no message on record says so 无签名消息")

    def _found(self, position: int, place: EventPlace, event: Event) -> Event | None:
        """The event at a place of another ledger that ``event`` names; None, and told, where that
        is another; None of a ledger that is kept elsewhere, whose message speaks."""
        if not self._is_here(place):
            self._hold_to_message(position, event)
            return None
        key, asking = parse_ledger(place.ledger), self.context.asking
        rows = read_events(asking, key, place.position - 1, 1, upto=place.position)
        chains = chains_at(asking, key, [place.position])
        if not rows or rows[0].digest.hex() != place.digest:
            self._wrong(position, f"{place.ledger} has not that event at {place.position} 摘要不符")
            return None
        if (chain := chains.get(place.position)) is None or chain.hex() != place.chain:
            self._wrong(position, f"{place.ledger} has not that chain at {place.position} 链不符")
        return decode(rows[0].type, rows[0].payload)

    def _hold_receivers(self, sent: list[tuple[int, TransferIssued]]) -> None:
        """What was entered by a document is what was sent by it; what was not is under way."""
        own, asking = self.context.place.ledger_id, self.context.asking
        transfers: dict[str, Transfer] = read_objects(
            asking, own, TRANSFER, [issued.transfer_no for _, issued in sent]
        )
        by_receiver: dict[int, list[tuple[int, TransferIssued]]] = {}
        for position, issued in sent:
            self.findings.count(self.NAME, 1)
            to = receiving_ledger(own, issued.rec_div_code)
            by_receiver.setdefault(to, []).append((position, issued))
        for to, there in by_receiver.items():
            if read_head(asking, to) is None:
                continue  # not opened yet, or kept elsewhere: its words are held to its messages
            documents = [issued.bgt_doc_no for _, issued in there]
            entered: dict[str, ReceivedTransfer] = read_objects(
                asking, to, RECEIVED_TRANSFER, documents
            )
            for position, issued in there:
                received = entered.get(issued.bgt_doc_no)
                if received is not None:
                    self._hold_entered(position, issued, received)
                elif (known := transfers.get(issued.transfer_no)) and known.noted is not None:
                    self._wrong(position, f"{ledger_text(to)} has nothing of it 接收方无登记")

    def _hold_entered(
        self, position: int, issued: TransferIssued, received: ReceivedTransfer
    ) -> None:
        own = ledger_text(self.context.place.ledger_id)
        if (received.issued.ledger, received.issued.position) != (own, position):
            what = f"{issued.bgt_doc_no} was entered as another's 文号被占用"
            self._wrong(position, what)

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, what)
