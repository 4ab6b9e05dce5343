"""Sending one parcel: documents out of the store, messages to the receivers, ``MarkSent`` after.

What a receiver said of each voucher decides: taken in (now or before) is recorded, and so is a
refusal that names the voucher; anything else is tried again later under the same number, for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Submission
from ledger.errors import Code, GuokuError
from ledger.writing.sequencer import Sequencer
from payments.clearing.bank_claims import MarkReturnTold, split_return_number
from payments.delivery import leases
from payments.delivery.bank_client import Acknowledgement, BankClient
from payments.delivery.contents import Contents, Destinations, OutgoingItem, in_messages
from payments.delivery.outages import end_outage, hold_for, note_outage, read_outages
from payments.delivery.outbox import Parcel, ParcelKind, refusal_text, shortened
from payments.recalls import DeclineRecall
from payments.refunds.requests import DeclineRefund
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.service import SigningService
from payments.voucher import MarkSent, RefuseVoucher

log = structlog.get_logger(__name__)

PRINCIPAL = "dispatcher"
COMMIT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """How much at once, how long, how often.

    Attributes:
        items_max: vouchers taken at once; a message holds no more.
        message_bytes_max: documents of one message, before base64 (an envelope ends at 8 MiB).
        timeout_s: for each step of one HTTP exchange.
        first_retry_s: the wait after the first failure; it doubles with each, and never ends by
            itself.
        retry_cap_s: the longest wait of one voucher that alone has no answer.
        probe_cap_s: the longest wait between two questions to a bank that does not answer at all.
        put_off_s: until that is looked at again of which nothing could be sent.
        poll_s: how long commits of other processes may go unnoticed.
        senders: parcels under way at the same time.
    """

    items_max: int = 1_000
    message_bytes_max: int = 5 * 1024 * 1024
    timeout_s: float = 10.0
    first_retry_s: float = 0.2
    retry_cap_s: float = 300.0
    probe_cap_s: float = 30.0
    put_off_s: float = 5.0
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
        self._policy = policy
        self._contents = Contents(pool, sequencer, signing, destinations, fresh, self)
        self._client = BankClient(policy.timeout_s)
        self._silent: set[str] = set()  # addresses; replaced and changed, never awaited

    def close(self) -> None:
        self._client.close()

    def refresh(self, connection: psycopg.Connection) -> bool:
        """Learns which banks do not answer now; whether one of them is to be asked again."""
        outages = read_outages(connection)
        self._silent = set(outages)
        return any(outage.is_due for outage in outages.values())

    def send(self, parcel: Parcel, probed: str = "") -> None:
        """Sends all of a parcel, or gives back what there is no time for. Failures are recorded.

        Args:
            probed: the address that did not answer, and is asked by this parcel.

        Raises:
            Exception: the database failed; the lease brings the rows back.
        """
        items = self._contents.items(parcel)
        give_back_at = monotonic() + self._policy.hold_s
        unsent: list[str] = []
        was_asked = False
        for message in in_messages(items, self._policy.message_bytes_max):
            url = message[0].url
            if monotonic() >= give_back_at:
                unsent += [item.number for item in message]
            elif url in self._silent and (url != probed or was_asked):
                self._hold(parcel, message)
            else:
                was_asked |= url == probed
                self._send_message(parcel, message, was_probe=url == probed)
        if unsent:
            with self._pool.connection() as connection:
                leases.release(connection, parcel, unsent)
        if probed and not was_asked:  # its vouchers go elsewhere by now
            self._answers_again(probed)

    def postpone(self, parcel: Parcel, errors: Mapping[str, str]) -> None:
        """Records failed attempts, by number in the outbox."""
        if errors:
            first = [number for number in errors if parcel.attempts[number] <= 1]
            if first:
                log.warning("will be sent again", items=len(first), error=errors[first[0]])
            policy = self._policy
            with self._pool.connection() as connection:
                leases.postpone(
                    connection,
                    parcel,
                    errors,
                    first_s=policy.first_retry_s,
                    cap_s=policy.retry_cap_s,
                )

    def put_off(self, parcel: Parcel, errors: Mapping[str, str]) -> None:
        """What could not be sent at all, its bank not being appointed: it has not been tried."""
        if errors:
            with self._pool.connection() as connection:
                new = leases.put_off(connection, parcel, errors, self._policy.put_off_s)
            if new:
                log.warning("cannot be sent now", items=len(new), error=errors[new[0]])

    # ---- one message

    def _send_message(
        self, parcel: Parcel, message: Sequence[OutgoingItem], *, was_probe: bool = False
    ) -> None:
        url = message[0].url
        posted = self._client.post(url, [item.body for item in message])
        if not posted.answers:
            error = next(iter(posted.unanswered.values()))
            self._falls_silent(message[0], error, was_probe=was_probe)
            self._hold(parcel, message, error)
            return
        if url in self._silent:
            self._answers_again(url)
        answers = {
            item.number: answer
            for item in message
            if (answer := posted.answers.get(item.body.voucher_no)) is not None
        }
        refused = {n: answer for n, answer in answers.items() if answer.status == "refused"}
        self._record_taken_in(parcel, [number for number in answers if number not in refused])
        unanswered = posted.unanswered
        self.postpone(
            parcel,
            {
                item.number: unanswered[item.body.voucher_no]
                for item in message
                if item.body.voucher_no in unanswered
            },
        )
        self.postpone(parcel, {n: _told(a) for n, a in refused.items() if not a.definitive})
        definitive = {number: answer for number, answer in refused.items() if answer.definitive}
        if parcel.kind in ("claim", "order"):
            self.bury(parcel, {n: _told(a) for n, a in definitive.items()})
        elif definitive:
            about = {item.number: item.about for item in message}
            self._record_refused(parcel, definitive, about)

    # ---- banks that do not answer

    def _falls_silent(self, item: OutgoingItem, error: str, *, was_probe: bool) -> None:
        self._silent.add(item.url)
        policy = self._policy
        with self._pool.connection() as connection:
            note_outage(
                connection,
                item.url,
                item.bank,
                error,
                was_probe=was_probe,
                first_s=policy.first_retry_s,
                cap_s=policy.probe_cap_s,
            )

    def _hold(self, parcel: Parcel, message: Sequence[OutgoingItem], error: str = "") -> None:
        with self._pool.connection() as connection:
            numbers = [item.number for item in message]
            hold_for(connection, parcel, message[0].url, numbers, error)

    def _answers_again(self, url: str) -> None:
        self._silent.discard(url)
        with self._pool.connection() as connection:
            end_outage(connection, url)

    # ---- what a receiver has said

    def _record_taken_in(self, parcel: Parcel, numbers: Sequence[str]) -> None:
        returns = [n for n in numbers if split_return_number(n)] if parcel.kind == "order" else []
        if parcel.kind != "voucher":
            with self._pool.connection() as connection:
                leases.taken_in(connection, parcel, [n for n in numbers if n not in returns])
            numbers = returns
        submissions = [Submission(command=_sent(parcel.kind, n), by=PRINCIPAL) for n in numbers]
        if not submissions:
            return
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

    def _record_refused(
        self, parcel: Parcel, refused: Mapping[str, Acknowledgement], about: Mapping[str, str]
    ) -> None:
        """What the bank will not do is no longer asked of it; the event ends the row, or leaves it
        to an operator."""
        commands = [
            _refusal(parcel.kind, number, about[number], answer)
            for number, answer in refused.items()
        ]
        submissions = [Submission(command=command, by=PRINCIPAL) for command in commands]
        try:
            recorded = self._sequencer.submit(parcel.ledger_id, submissions)
            outcomes = recorded.result(COMMIT_TIMEOUT_S)
        except (GuokuError, TimeoutError) as error:
            self.postpone(parcel, dict.fromkeys(refused, f"refused, not recorded: {error}"))
            return
        if parcel.kind == "voucher":  # one that says the same again has left no new event
            told = zip(refused.items(), outcomes, strict=True)
            self.bury(parcel, {n: _told(a) for (n, a), o in told if o.problem is None})

    def bury(self, parcel: Parcel, errors: Mapping[str, str]) -> None:
        """What no trying helps is left to an operator."""
        if errors:
            log.error(
                "given up: a person must look at it",
                ledger=ledger_text(parcel.ledger_id),
                kind=parcel.kind,
                errors=dict(errors),
            )
            with self._pool.connection() as connection:
                leases.bury(connection, parcel, errors)


def _sent(kind: ParcelKind, number: str) -> Command:
    """What puts on record that a bank has taken something in."""
    if kind == "voucher":
        return MarkSent(pay_app_no=number)
    return MarkReturnTold(claim_no=split_return_number(number))


def _refusal(kind: ParcelKind, number: str, about: str, answer: Acknowledgement) -> Command:
    """What puts a bank's refusal on record."""
    assert answer.problem is not None, "a refusal comes with its reason"
    problem = answer.problem
    if kind == "voucher":
        code, reason = shortened(problem.code), shortened(problem.detail)
        return RefuseVoucher(pay_app_no=number, code=code, reason=reason)
    reason = shortened(_told(answer))
    if kind == "recall":
        return DeclineRecall(pay_app_no=number, recall_no=about, reason=reason)
    return DeclineRefund(pay_app_no=about, refund_no=number, reason=reason)


def _told(answer: Acknowledgement) -> str:
    assert answer.problem is not None, "a refusal comes with its reason"
    return refusal_text(answer.problem.code, answer.problem.detail)
