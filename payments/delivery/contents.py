"""What a parcel holds: vouchers, claims and requests as they go to their receivers.

What cannot be made into an item is told to whoever keeps the outbox: it is looked at again, untried
as it is, or, where no trying helps, it is for a person.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import NamedTuple, Protocol

import msgspec
import psycopg
from psycopg_pool import ConnectionPool

from ledger.deciding.objects import Kind
from ledger.deciding.state import BEIJING
from ledger.errors import GuokuError, IntegrityError
from ledger.reading.documents import decompress, open_document
from ledger.reading.objects import read_bodies, read_objects
from ledger.writing.sequencer import Sequencer
from payments.clearing.claims import CLEARING, Clearing, split_claim_number
from payments.delivery.channels import Channels
from payments.delivery.handing_over import read_voided
from payments.delivery.leases import hold
from payments.delivery.orders import order_bodies, read_open_orders
from payments.delivery.outbox import Parcel
from payments.delivery.outgoing import voucher_body
from payments.delivery.proofs import ProofReader
from payments.messages.envelope import VoucherBody
from payments.payment import PAYMENT, SIGNED, Payment
from payments.refunds.booking import is_asked_next
from payments.refunds.requests import PAYMENT_OF_REFUND
from payments.signing.bank_requests import recall_request, refund_request
from payments.signing.claims import ClaimSigner
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.service import SigningService

PAYMENTS_AT_FIRST, DETAILS_AT_ONCE = 20, 5_000  # read together
ANOTHER_LOOK_S = 1.0  # at what waits for the answer to another
VOUCHERS_PATH, CLAIMS_PATH = "/vouchers", "/claims"
PBOC = "pboc"  # in the place of a bank's code


@dataclass(frozen=True, slots=True)
class Destinations:
    """Base addresses: of the central bank, and of agent banks where nobody has appointed any."""

    banks: Mapping[str, str]
    pboc: str


class OutgoingItem(NamedTuple):
    """One voucher, claim or request: its number in the outbox, where it goes, what goes.

    ``bank`` is the receiver's code, or ``pboc``; ``about`` the payment of which a request wants
    money back, or the ``recall_no`` of one that wants it stopped.
    """

    number: str
    url: str
    body: VoucherBody
    bank: str
    about: str = ""


class Trouble(Protocol):
    """Whoever is told what cannot be sent, by number in the outbox."""

    def put_off(self, parcel: Parcel, errors: Mapping[str, str]) -> None: ...

    def bury(self, parcel: Parcel, errors: Mapping[str, str]) -> None: ...


class Contents:
    """Reads parcels; safe between threads."""

    def __init__(
        self,
        pool: ConnectionPool,
        sequencer: Sequencer,
        signing: SigningService,
        destinations: Destinations,
        fresh: FreshDocuments,
        trouble: Trouble,
    ) -> None:
        self._pool = pool
        self._sequencer = sequencer
        self._signing = signing
        self._destinations = destinations
        self._channels = Channels(destinations.banks)
        self._fresh = fresh
        self._proofs = ProofReader()
        self._trouble = trouble

    def items(self, parcel: Parcel) -> Iterable[OutgoingItem]:
        """Its items, those of one receiver one behind the other.

        Raises:
            psycopg.Error: the database failed.
        """
        match parcel.kind:
            case "voucher":
                return self._vouchers(parcel)
            case "claim":
                return self._claims_of(parcel)
            case "refund":
                return self._requests_of(parcel, PAYMENT_OF_REFUND, _refund_asked)
            case "recall":
                return self._requests_of(parcel, PAYMENT, _recall_asked)
            case "order":
                return self._orders_of(parcel)

    def _vouchers(self, parcel: Parcel) -> Iterator[OutgoingItem]:
        with self._pool.connection() as connection:
            payments = self._signed_in_view(parcel)
            payments |= _read_payments(connection, parcel, parcel.attempts.keys() - payments.keys())
            voided = read_voided(connection, parcel.ledger_id, parcel.attempts)
            # What the events call sent, answered or void is not sent, whatever the outbox says.
            open_payments = {
                number: payment
                for number, payment in payments.items()
                if not payment.sent and payment.receipt is None and number not in voided
            }
            ahead = {n: day for n, p in open_payments.items() if (day := _dated_ahead(p))}
            if ahead:  # an earlier release took payments that are dated ahead
                hold(connection, parcel, ahead)
                open_payments = {n: p for n, p in open_payments.items() if n not in ahead}
            digests = {number: _digest(payment) for number, payment in open_payments.items()}
            fresh = self._fresh.take(digests.values())
            stored = read_bodies(connection, parcel.ledger_id, digests.values() - fresh.keys())
            manifest_nos = {s.manifest_no for p in open_payments.values() for s in p.signatures}
            proofs = self._proofs.read(connection, parcel.ledger_id, manifest_nos)
            channels = self._channels.read(connection, parcel.ledger_id)
        missing = [number for number in parcel.attempts if number not in payments]
        self._trouble.bury(parcel, dict.fromkeys(missing, "the books have no such payment"))
        for number in sorted(open_payments, key=lambda n: _bank_code(open_payments[n])):
            payment, digest = open_payments[number], digests[number]
            bank = _bank_code(payment)
            try:
                url = channels(bank)
                held = fresh.pop(digest, None)
                document = decompress(held) if held is not None else _opened(digest, stored)
            except IntegrityError as error:
                self._trouble.bury(parcel, {number: str(error)})
            except GuokuError as error:
                self._trouble.put_off(parcel, {number: str(error)})
            else:
                body = voucher_body(parcel.ledger_id, payment, document, proofs)
                yield OutgoingItem(number, url + VOUCHERS_PATH, body, bank)

    def _signed_in_view(self, parcel: Parcel) -> dict[str, Payment]:
        """What the write path has just decided. That these are signed is committed, for the outbox
        has them from their events; what looks sent or answered may be a dry run, and is read."""
        seen = self._sequencer.peek(parcel.ledger_id, PAYMENT, parcel.attempts)
        return {number: payment for number, payment in seen.items() if payment.status == SIGNED}

    def _claims_of(self, parcel: Parcel) -> Iterator[OutgoingItem]:
        url = self._destinations.pboc + CLAIMS_PATH
        clear_nos = {name[1] for n in parcel.attempts if (name := split_claim_number(n))}
        items: list[OutgoingItem] = []
        problems: dict[str, str] = {}
        with self._pool.connection() as connection:
            clearings: dict[str, Clearing] = read_objects(
                connection, parcel.ledger_id, CLEARING, clear_nos
            )
        try:
            signer = self._signing.claim_signer(parcel.ledger_id)
        except GuokuError as error:
            self._trouble.put_off(parcel, dict.fromkeys(parcel.attempts, str(error)))
            return
        for clearing in clearings.values():
            for claim in clearing.open_claims:
                if (number := claim.voucher_no) in parcel.attempts:
                    try:
                        body = signer.body(clearing.requested, claim)
                        items.append(OutgoingItem(number, url, body, PBOC))
                    except GuokuError as error:
                        problems[number] = str(error)
        self._trouble.put_off(parcel, problems)
        yield from items

    def _orders_of(self, parcel: Parcel) -> Iterator[OutgoingItem]:
        pboc = self._destinations.pboc + CLAIMS_PATH
        with self._pool.connection() as connection:
            orders = read_open_orders(connection, parcel.ledger_id, parcel.attempts)
            channels = self._channels.read(connection, parcel.ledger_id)
        try:
            signer = self._signing.claim_signer(parcel.ledger_id)
        except GuokuError as error:
            self._trouble.put_off(parcel, dict.fromkeys(parcel.attempts, str(error)))
            return
        problems: dict[str, str] = {}
        bodies = order_bodies(signer, orders, problems)
        for number, body, bank in sorted(bodies, key=itemgetter(2)):
            try:
                url = channels(bank) + VOUCHERS_PATH if bank else pboc
                yield OutgoingItem(number, url, body, bank or PBOC)
            except GuokuError as error:
                problems[number] = str(error)
        self._trouble.put_off(parcel, problems)

    def _requests_of(
        self, parcel: Parcel, kind: Kind[Payment], asked: "_Asked"
    ) -> Iterator[OutgoingItem]:
        """Requests about payments, each to its bank; ``kind`` is the payment by their numbers."""
        with self._pool.connection() as connection:
            wanted = (parcel.ledger_id, kind, parcel.attempts)
            payments: dict[str, Payment] = read_objects(connection, *wanted)
            channels = self._channels.read(connection, parcel.ledger_id)
            if parcel.kind == "refund" and (later := _behind_others(payments)):
                until = datetime.now(UTC) + timedelta(seconds=ANOTHER_LOOK_S)
                hold(connection, parcel, dict.fromkeys(later, until))
                payments = {n: p for n, p in payments.items() if n not in later}
        try:
            signer = self._signing.claim_signer(parcel.ledger_id)
        except GuokuError as error:
            self._trouble.put_off(parcel, dict.fromkeys(parcel.attempts, str(error)))
            return
        for number, payment in sorted(payments.items(), key=lambda each: _bank_code(each[1])):
            bank = _bank_code(payment)
            try:
                body, about = asked(signer, payment, number)
                if body is not None:
                    yield OutgoingItem(number, channels(bank) + VOUCHERS_PATH, body, bank, about)
            except GuokuError as error:
                self._trouble.put_off(parcel, {number: str(error)})


def _behind_others(payments: Mapping[str, Payment]) -> set[str]:
    """The refunds, by number, that wait for the answer to another of their payment."""
    return {
        number
        for number, payment in payments.items()
        if any(request.refund_no == number for request in payment.open_requests)
        and not is_asked_next(payment, number)
    }


# gives the request of that number, if the payment still has it open, and what it is about
_Asked = Callable[[ClaimSigner, Payment, str], tuple[VoucherBody | None, str]]


def _refund_asked(
    signer: ClaimSigner, payment: Payment, number: str
) -> tuple[VoucherBody | None, str]:
    request = next((r for r in payment.open_requests if r.refund_no == number), None)
    body = refund_request(signer, payment, request) if request else None
    return body, payment.pay_app_no


def _recall_asked(
    signer: ClaimSigner, payment: Payment, _number: str
) -> tuple[VoucherBody | None, str]:
    request = payment.open_recall
    return (recall_request(signer, payment, request), request.recall_no) if request else (None, "")


def _read_payments(
    connection: psycopg.Connection, parcel: Parcel, pay_app_nos: Iterable[str]
) -> dict[str, Payment]:
    """The payments of a parcel without their details, which are in the document.

    Some at a time: 200 payments of 499 details would fill 50 MB before they are dropped.
    """
    payments: dict[str, Payment] = {}
    numbers = list(pay_app_nos)
    at_once = PAYMENTS_AT_FIRST
    while numbers:
        some, numbers = numbers[:at_once], numbers[at_once:]
        found: dict[str, Payment] = read_objects(connection, parcel.ledger_id, PAYMENT, some)
        details = sum(len(payment.applied.details) for payment in found.values())
        at_once = max(1, at_once * DETAILS_AT_ONCE // max(1, details))
        for number, payment in found.items():
            applied = msgspec.structs.replace(payment.applied, details=())
            payments[number] = msgspec.structs.replace(payment, applied=applied)
    return payments


def in_messages(items: Iterable[OutgoingItem], bytes_max: int) -> Iterator[list[OutgoingItem]]:
    """Items in messages: each to one receiver, within ``bytes_max``, never empty."""
    message: list[OutgoingItem] = []
    size = 0
    for item in items:
        item_size = len(item.body.voucher)
        if message and (item.url != message[0].url or size + item_size > bytes_max):
            yield message
            message, size = [], 0
        message.append(item)
        size += item_size
    if message:
        yield message


def _opened(digest: bytes, stored: Mapping[bytes, bytes]) -> bytes:
    """The document from the store; raises ``IntegrityError``."""
    if digest not in stored:
        raise IntegrityError(f"document {digest.hex()} is not in the store")
    return open_document(digest, stored[digest])


def _digest(payment: Payment) -> bytes:
    return bytes.fromhex(payment.signatures[-1].voucher_sm3)


def _bank_code(payment: Payment) -> str:
    assert payment.approved is not None, "a signed voucher was approved"
    return payment.approved.pay_bank_code


def _dated_ahead(payment: Payment) -> datetime | None:
    """When the day of its voucher begins, where it has not begun yet."""
    assert payment.approved is not None, "a signed voucher was approved"
    begins = datetime.combine(date.fromisoformat(payment.approved.vou_date), time(), BEIJING)
    return begins if begins > datetime.now(UTC) else None
