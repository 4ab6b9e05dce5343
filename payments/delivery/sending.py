"""Sending one parcel: documents out of the store, messages to the receivers, ``MarkSent`` after.

What a receiver said of each voucher decides: taken in (now or before) is recorded; a refusal of the
voucher itself is final; anything else is tried again later under the same number.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from time import monotonic
from typing import NamedTuple

import msgspec
import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_text
from ledger.deciding.command import Submission
from ledger.deciding.state import BEIJING
from ledger.errors import Code, GuokuError, IntegrityError
from ledger.reading.documents import decompress, open_document
from ledger.reading.objects import read_bodies, read_objects
from ledger.writing.sequencer import Sequencer
from payments.clearing.claims import CLEARING, Clearing, split_claim_number
from payments.delivery import outbox
from payments.delivery.bank_client import Acknowledgement, BankClient
from payments.delivery.channels import Channels
from payments.delivery.outbox import Parcel
from payments.delivery.outgoing import voucher_body
from payments.delivery.proofs import ProofReader
from payments.messages.envelope import VoucherBody
from payments.payment import PAYMENT, SIGNED, Payment
from payments.refunds.requests import PAYMENT_OF_REFUND, DeclineRefund
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.refund_requests import refund_request
from payments.signing.service import SigningService
from payments.voucher import MarkSent

log = structlog.get_logger(__name__)

PRINCIPAL = "dispatcher"
COMMIT_TIMEOUT_S = 60.0
PAYMENTS_AT_FIRST, DETAILS_AT_ONCE = 20, 5_000  # read together
VOUCHERS_PATH, CLAIMS_PATH = "/vouchers", "/claims"


@dataclass(frozen=True, slots=True)
class Destinations:
    """Base addresses: of the central bank, and of agent banks where nobody has appointed any."""

    banks: Mapping[str, str]
    pboc: str


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """How much at once, how long, how often.

    Attributes:
        items_max: vouchers taken at once; a message holds no more.
        message_bytes_max: documents of one message, before base64 (an envelope ends at 8 MiB).
        timeout_s: for each step of one HTTP exchange.
        attempts_max: after so many failed ones a row is dead.
        first_retry_s: the wait after the first failure; it doubles up to ``retry_cap_s``.
        poll_s: how long commits of other processes may go unnoticed.
        senders: parcels under way at the same time.
    """

    items_max: int = 1_000
    message_bytes_max: int = 5 * 1024 * 1024
    timeout_s: float = 10.0
    attempts_max: int = 200
    first_retry_s: float = 0.2
    retry_cap_s: float = 300.0
    poll_s: float = 0.1
    senders: int = 4

    @property
    def hold_s(self) -> float:
        """How long a sender begins new messages of one parcel."""
        return 3 * self.timeout_s

    @property
    def lease_s(self) -> float:
        """Long enough for the last message begun; after it another may take what is left."""
        return self.hold_s + 3 * self.timeout_s


class OutgoingItem(NamedTuple):
    """One voucher, claim or request: its number in the outbox, where it goes, what goes.

    ``about`` is the payment of which a request wants money back.
    """

    number: str
    url: str
    body: VoucherBody
    about: str = ""


class Sender:
    """Sends parcels; safe between threads."""

    def __init__(
        self,
        pool: ConnectionPool,
        sequencer: Sequencer,
        signing: SigningService,
        destinations: Destinations,
        policy: SendingPolicy,
        fresh: FreshDocuments,
    ) -> None:
        self._pool = pool
        self._sequencer = sequencer
        self._signing = signing
        self._destinations = destinations
        self._channels = Channels(destinations.banks)
        self._policy = policy
        self._fresh = fresh
        self._client = BankClient(policy.timeout_s)
        self._proofs = ProofReader()

    def close(self) -> None:
        self._client.close()

    def send(self, parcel: Parcel) -> None:
        """Sends all of a parcel, or gives back what there is no time for. Failures are recorded.

        Raises:
            Exception: the database failed; the lease brings the rows back.
        """
        match parcel.kind:
            case "voucher":
                items = self._vouchers(parcel)
            case "claim":
                items = self._claims_of(parcel)
            case "refund":
                items = self._refunds_of(parcel)
        give_back_at = monotonic() + self._policy.hold_s
        unsent: list[str] = []
        for message in in_messages(items, self._policy.message_bytes_max):
            if monotonic() < give_back_at:
                self._send_message(parcel, message)
            else:
                unsent += [item.number for item in message]
        if unsent:
            with self._pool.connection() as connection:
                outbox.release(connection, parcel, unsent)

    def postpone(self, parcel: Parcel, errors: Mapping[str, str]) -> None:
        """Records failed attempts, by number in the outbox."""
        if errors:
            first = [number for number in errors if parcel.attempts[number] <= 1]
            if first:
                log.warning("will be sent again", items=len(first), error=errors[first[0]])
            policy = self._policy
            with self._pool.connection() as connection:
                outbox.postpone(
                    connection,
                    parcel,
                    errors,
                    first_s=policy.first_retry_s,
                    cap_s=policy.retry_cap_s,
                    attempts_max=policy.attempts_max,
                )

    # ---- what is sent

    def _vouchers(self, parcel: Parcel) -> Iterator[OutgoingItem]:
        with self._pool.connection() as connection:
            payments = self._signed_in_view(parcel)
            payments |= _read_payments(connection, parcel, parcel.attempts.keys() - payments.keys())
            # What the events call sent or answered is not sent again, whatever the outbox says.
            open_payments = {
                number: payment
                for number, payment in payments.items()
                if not payment.sent and payment.receipt is None
            }
            ahead = {n: day for n, p in open_payments.items() if (day := _dated_ahead(p))}
            if ahead:  # an earlier release took payments that are dated ahead
                outbox.hold(connection, parcel, ahead)
                open_payments = {n: p for n, p in open_payments.items() if n not in ahead}
            digests = {number: _digest(payment) for number, payment in open_payments.items()}
            fresh = self._fresh.take(digests.values())
            stored = read_bodies(connection, parcel.ledger_id, digests.values() - fresh.keys())
            manifest_nos = {s.manifest_no for p in open_payments.values() for s in p.signatures}
            proofs = self._proofs.read(connection, parcel.ledger_id, manifest_nos)
            channels = self._channels.read(connection, parcel.ledger_id)
        missing = [number for number in parcel.attempts if number not in payments]
        self._bury(parcel, dict.fromkeys(missing, "the books have no such payment"))
        for number in sorted(open_payments, key=lambda n: _bank_code(open_payments[n])):
            payment, digest = open_payments[number], digests[number]
            bank = _bank_code(payment)
            try:
                url = channels(bank)
                held = fresh.pop(digest, None)
                document = decompress(held) if held is not None else _opened(digest, stored)
            except IntegrityError as error:
                self._bury(parcel, {number: str(error)})
            except GuokuError as error:
                self.postpone(parcel, {number: str(error)})
            else:
                body = voucher_body(parcel.ledger_id, payment, document, proofs)
                yield OutgoingItem(number, url + VOUCHERS_PATH, body)

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
            self.postpone(parcel, dict.fromkeys(parcel.attempts, str(error)))
            return
        for clearing in clearings.values():
            for claim in clearing.open_claims:
                if (number := claim.voucher_no) in parcel.attempts:
                    try:
                        items.append(
                            OutgoingItem(number, url, signer.body(clearing.requested, claim))
                        )
                    except GuokuError as error:
                        problems[number] = str(error)
        self.postpone(parcel, problems)
        yield from items

    def _refunds_of(self, parcel: Parcel) -> Iterator[OutgoingItem]:
        """Requests to return money, each to the bank that paid it."""
        with self._pool.connection() as connection:
            wanted = (parcel.ledger_id, PAYMENT_OF_REFUND, parcel.attempts)
            payments: dict[str, Payment] = read_objects(connection, *wanted)
            channels = self._channels.read(connection, parcel.ledger_id)
        try:
            signer = self._signing.claim_signer(parcel.ledger_id)
        except GuokuError as error:
            self.postpone(parcel, dict.fromkeys(parcel.attempts, str(error)))
            return
        for number, payment in sorted(payments.items(), key=lambda each: _bank_code(each[1])):
            for request in (r for r in payment.open_requests if r.refund_no == number):
                try:
                    body = refund_request(signer, payment, request)
                    url = channels(_bank_code(payment)) + VOUCHERS_PATH
                except GuokuError as error:
                    self.postpone(parcel, {number: str(error)})
                else:
                    yield OutgoingItem(number, url, body, payment.pay_app_no)

    # ---- one message

    def _send_message(self, parcel: Parcel, message: Sequence[OutgoingItem]) -> None:
        try:
            answers = self._client.post(message[0].url, [item.body for item in message])
        except GuokuError as error:
            log.warning("a message was not acknowledged", vouchers=len(message), error=str(error))
            self.postpone(parcel, {item.number: str(error) for item in message})
            return
        refused = {
            item.number: answer
            for item in message
            if (answer := answers[item.body.voucher_no]).status == "refused"
        }
        self._record_taken_in(parcel, [i.number for i in message if i.number not in refused])
        definitive = {number: _told(a) for number, a in refused.items() if a.definitive}
        self.postpone(parcel, {n: _told(a) for n, a in refused.items() if not a.definitive})
        if parcel.kind == "refund":
            self._record_declined(parcel, message, definitive)
        else:
            self._bury(parcel, definitive)

    def _record_taken_in(self, parcel: Parcel, numbers: Sequence[str]) -> None:
        if parcel.kind != "voucher":
            with self._pool.connection() as connection:
                outbox.taken_in(connection, parcel, numbers)
            return
        submissions = [Submission(command=MarkSent(pay_app_no=n), by=PRINCIPAL) for n in numbers]
        try:
            marked = self._sequencer.submit(parcel.ledger_id, submissions)
            outcomes = marked.result(COMMIT_TIMEOUT_S)
        except (GuokuError, TimeoutError) as error:
            # The bank has them and the books do not know: once more, and the bank will say so.
            self.postpone(parcel, dict.fromkeys(numbers, f"sent, not recorded: {error}"))
            return
        problems = {
            number: outcome.problem
            for number, outcome in zip(numbers, outcomes, strict=True)
            if outcome.problem is not None
        }
        # Recorded by somebody else meanwhile is as good; the event brings the row to its state.
        self.postpone(
            parcel, {n: str(p) for n, p in problems.items() if p.code != Code.INVALID_STATE}
        )

    def _record_declined(
        self, parcel: Parcel, message: Sequence[OutgoingItem], declined: Mapping[str, str]
    ) -> None:
        """What the bank will not return is no longer asked of it; the event ends the row."""
        submissions = [
            Submission(
                command=DeclineRefund(
                    pay_app_no=item.about, refund_no=item.number, reason=declined[item.number]
                ),
                by=PRINCIPAL,
            )
            for item in message
            if item.number in declined
        ]
        if not submissions:
            return
        try:
            self._sequencer.submit(parcel.ledger_id, submissions).result(COMMIT_TIMEOUT_S)
        except (GuokuError, TimeoutError) as error:
            self.postpone(parcel, dict.fromkeys(declined, f"refused, not recorded: {error}"))

    def _bury(self, parcel: Parcel, errors: Mapping[str, str]) -> None:
        if errors:
            log.error(
                "given up: a person must look at it",
                ledger=ledger_text(parcel.ledger_id),
                kind=parcel.kind,
                errors=dict(errors),
            )
            with self._pool.connection() as connection:
                outbox.bury(connection, parcel, errors)


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


def _told(answer: Acknowledgement) -> str:
    assert answer.problem is not None, "a refusal comes with its reason"
    return f"{answer.problem.code} ({answer.problem.status}): {answer.problem.detail}"
