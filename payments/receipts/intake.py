"""A bank's message, from its bytes to what became of each receipt in it: the one way in.

Whatever brings it (HTTP, a file, a queue) hands over the bytes and says who delivers them. The
message is read and every receipt of it judged; each ledger gets its receipts in one group, those
that are refused before the books are asked as refusals for its record.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import psycopg
from psycopg_pool import ConnectionPool

from ledger.deciding.command import Command, Outcome, RecordRefusal, Submission
from ledger.errors import AccessError, Code, GuokuError, Refusal, RequestError
from ledger.gm import Provider
from ledger.reading.objects import read_head
from ledger.writing.submitting import Submit
from payments.manifest import SignManifest
from payments.receipts.judging import ReceivedReceipt, parse_receipts
from payments.refunds.notices import TakeNotice
from payments.voucher import ApplyReceipt
from payments.voucher_number import ledger_of_voucher

OPERATION = "receipt.take"
RECORDED_MAX = 100  # refusals of one message that cannot be read

_VOUCHER_NUMBER = re.compile(rb'<VoucherBody [^<>]{0,200}VoucherNo="([0-9]{23}|[0-9]{35})"')


class Deliverer(NamedTuple):
    """Who brings a message; the receipts in it are believed for their signatures, not for him.

    Attributes:
        principal: under whose name the books have what he brings.
        require_reach: raises AccessError ``forbidden`` for a ledger that he may not bring to.
    """

    principal: str
    require_reach: Callable[[int], None]


class TakenReceipt(NamedTuple):
    """One receipt of a message, and what became of it."""

    vt_code: str
    voucher_no: str
    outcome: Outcome


class ReceiptIntake:
    """Takes messages in; safe between threads."""

    def __init__(
        self, pool: ConnectionPool, provider: Provider, now: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._now = now

    def take_in(
        self, message: bytes, deliverer: Deliverer, submit: Submit, *, dry_run: bool = False
    ) -> list[TakenReceipt]:
        """Every receipt of the message with its outcome, in the order of the message.

        A receipt stands for itself: what is wrong with one touches no other. Its problem is that
        of :func:`parse_receipts`, ``forbidden``, ``ledger_not_found``, or what the books say.

        Args:
            message: a MOF envelope, as it came.
            submit: brings commands to the books.
            dry_run: the same answers, and nothing is stored.

        Raises:
            RequestError: ``malformed``: it cannot be read as a whole. That is put on record in the
                ledgers whose vouchers it names.
        """
        try:
            with self._pool.connection() as connection:
                receipts = parse_receipts(connection, self._provider, message, self._now())
                opened = _opened(connection, (receipt.ledger_id for receipt in receipts))
        except RequestError as error:
            if not dry_run:
                self._record_unreadable(message, error, deliverer, submit)
            raise
        delivery = _Delivery(deliverer, submit, dry_run)
        outcomes = delivery.submit_all(receipts, opened)
        return [
            TakenReceipt(receipt.vt_code, receipt.voucher_no, outcome)
            for receipt, outcome in zip(receipts, outcomes, strict=True)
        ]

    def _record_unreadable(
        self, message: bytes, error: GuokuError, deliverer: Deliverer, submit: Submit
    ) -> None:
        """A flipped bit may break a message's form as well as a signature: both are on record."""
        numbers = sorted({match.decode() for match in _VOUCHER_NUMBER.findall(message)})
        named: dict[int, list[str]] = {}
        for number in numbers[:RECORDED_MAX]:
            ledger_id = ledger_of_voucher(number)
            if ledger_id is not None and _out_of_reach(deliverer, ledger_id) is None:
                named.setdefault(ledger_id, []).append(number)
        with self._pool.connection() as connection:
            opened = _opened(connection, named)
        for ledger_id in sorted(opened):
            refusals = [RecordRefusal.of(OPERATION, number, error) for number in named[ledger_id]]
            submit(ledger_id, [Submission(command=r, by=deliverer.principal) for r in refusals])


class _Delivery(NamedTuple):
    """One message on its way to the books."""

    deliverer: Deliverer
    submit: Submit
    dry_run: bool

    def submit_all(self, receipts: Sequence[ReceivedReceipt], opened: set[int]) -> list[Outcome]:
        """Outcomes in the order of the receipts; each ledger gets its own in one group."""
        outcomes = [Outcome(problem=self._problem(receipt, opened)) for receipt in receipts]
        by_ledger: dict[int, list[int]] = {}
        for place, (receipt, outcome) in enumerate(zip(receipts, outcomes, strict=True)):
            ledger_id = receipt.ledger_id
            if ledger_id in opened and _for_the_books(outcome.problem):
                by_ledger.setdefault(ledger_id, []).append(place)
        for ledger_id, places in by_ledger.items():
            problems = [outcomes[place].problem for place in places]
            decided = self._submit(ledger_id, [receipts[place] for place in places], problems)
            for place, outcome in zip(places, decided, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _problem(self, receipt: ReceivedReceipt, opened: set[int]) -> GuokuError | None:
        """What is wrong with a receipt before the books are asked."""
        if receipt.problem is not None:
            return receipt.problem
        if (out_of_reach := _out_of_reach(self.deliverer, receipt.ledger_id)) is not None:
            return out_of_reach
        if receipt.ledger_id not in opened:
            return AccessError(Code.LEDGER_NOT_FOUND, "no such ledger was opened")
        return None

    def _submit(
        self,
        ledger_id: int,
        receipts: Sequence[ReceivedReceipt],
        problems: Sequence[GuokuError | None],
    ) -> list[Outcome]:
        commands = [
            _command(receipt, problem) for receipt, problem in zip(receipts, problems, strict=True)
        ]
        manifests = _manifests(receipts)
        if self.dry_run:  # it leaves no manifest behind that a receipt could name
            manifests, commands = [], [_without_manifest(command) for command in commands]
        submissions = [
            Submission(command=command, by=self.deliverer.principal, dry_run=self.dry_run)
            for command in (*manifests, *commands)
        ]
        return self.submit(ledger_id, submissions)[len(manifests) :]


def _opened(connection: psycopg.Connection, ledger_ids: Iterable[int | None]) -> set[int]:
    """Those of these ledgers that there are."""
    asked = {ledger_id for ledger_id in ledger_ids if ledger_id is not None}
    return {ledger_id for ledger_id in asked if read_head(connection, ledger_id) is not None}


def _out_of_reach(deliverer: Deliverer, ledger_id: int | None) -> AccessError | None:
    try:
        if ledger_id is not None:
            deliverer.require_reach(ledger_id)
    except AccessError as error:
        return error
    return None


def _for_the_books(problem: GuokuError | None) -> bool:
    """Whether the books are told: of a receipt that is sound, and of a refusal, for the record.
    What is not a receipt at all leaves no trace."""
    return problem is None or isinstance(problem, Refusal | AccessError)


def _command(receipt: ReceivedReceipt, problem: GuokuError | None) -> Command:
    """The receipt for the books to judge, or, for the record, why it did not get that far."""
    if problem is not None:
        return RecordRefusal.of(OPERATION, receipt.voucher_no, problem)
    assert receipt.command is not None, "a receipt is a command or a problem"
    return receipt.command


def _without_manifest(command: Command) -> Command:
    if isinstance(command, ApplyReceipt | TakeNotice):
        return msgspec.structs.replace(command, manifest_no="", leaf=0)
    return command


def _manifests(receipts: Sequence[ReceivedReceipt]) -> list[SignManifest]:
    """What goes into the books before the receipts that name it."""
    found = {r.manifest.number: r.manifest for r in receipts if r.manifest is not None}
    return list(found.values())
