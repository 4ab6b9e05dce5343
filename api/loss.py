"""认可丢失: what was lost of the history, what the banks know of it, and its place on record."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from api.treasury import Treasury
from ledger.account_set import fiscal_year_of, is_system, ledger_text, system_ledger
from ledger.deciding.command import Command, Submission
from ledger.deciding.losses import LOSSES, AcceptLoss, Losses
from ledger.deciding.opening import OpenSystemLedger
from ledger.deciding.state import BEIJING
from ledger.errors import Code
from ledger.integrity.note import encode_hash
from ledger.reading.objects import read_head
from ledger.sealing.epoch_mark import cluster_of, write_mark
from ledger.sealing.memory import LostTail
from ledger.sealing.register import system_ledgers
from payments.delivery.bank_client import BankClient
from payments.delivery.contents import Destinations
from payments.delivery.in_doubt import Inquired, banks_of, inquire, numbers_in_doubt
from payments.found_at_bank import RecordFoundAtBank

ANSWER_TIMEOUT_S = 120.0
EPOCH_NAME_BYTES = 4


class FoundLoss(NamedTuple):
    """What is missing, in words and by ledger, and what the banks know of the numbers in doubt."""

    reasons: list[str]
    lost: list[LostTail]
    asked: int
    inquired: Inquired


class AcceptedLoss(NamedTuple):
    """The epoch that has begun, and where it stands: ledger and position."""

    epoch: int
    epoch_name: str
    recorded: list[tuple[str, int]]


def destinations_of(treasury: Treasury) -> Destinations:
    """Where banks are asked that nobody has appointed."""
    settings = treasury.settings
    return Destinations(
        banks={settings.pay_bank_code: settings.bank_address}, pboc=settings.pboc_address
    )


def find_loss(treasury: Treasury, told: Sequence[tuple[int, str]]) -> FoundLoss:
    """Looks again at what is missing, and asks the banks for every number that is in doubt.

    Args:
        told: ledger and ``pay_app_no`` of payments that were told, as their system knows.
    """
    history = treasury.history
    history.look()
    reasons, lost = history.reasons(), one_each(history.lost)
    if not reasons:
        return FoundLoss([], [], 0, Inquired([], {}))
    with treasury.pool.connection() as connection:
        rows = connection.execute("SELECT ledger_id FROM ledgers ORDER BY ledger_id")
        numbers = numbers_in_doubt(connection, [row[0] for row in rows], told)
        destinations = destinations_of(treasury)
        banks = banks_of(connection, [each.ledger_id for each in numbers], destinations)
    client = BankClient(treasury.settings.send_timeout_s)
    try:
        inquired = inquire(client, banks, destinations.pboc, numbers)
    finally:
        client.close()
    return FoundLoss(reasons, lost, len(numbers), inquired)


def one_each(lost: Sequence[LostTail]) -> list[LostTail]:
    """The longest memory of each ledger, from the first position that any says is lost."""
    by_ledger: dict[int, LostTail] = {}
    for tail in lost:
        key = tail.remembered.ledger_id
        known = by_ledger.setdefault(key, tail)
        longer = max(known, tail, key=lambda each: each.remembered.size)
        by_ledger[key] = longer._replace(first=min(known.first, tail.first))
    return [by_ledger[key] for key in sorted(by_ledger)]


def accept_loss(treasury: Treasury, found: FoundLoss, reason: str, by: str) -> AcceptedLoss:
    """Puts on record what was lost, and what the banks know; from then on the history goes on.

    The treasury is one that was opened with ``accepts_loss``.

    Raises:
        UnavailableError: the books do not take it.
    """
    key, before = _epoch(treasury)
    epoch, name = before.epoch + 1, secrets.token_hex(EPOCH_NAME_BYTES)
    commands: dict[int, list[Command]] = {}
    for tail in found.lost:
        ledger_id = tail.remembered.ledger_id
        accept = AcceptLoss(
            ledger=ledger_text(ledger_id),
            epoch=epoch,
            epoch_name=name,
            first_position=tail.first,
            last_position=tail.remembered.size,
            root=encode_hash(tail.remembered.root) if tail.remembered.root else "",
            source=tail.remembered.source,
            reason=reason,
        )
        commands.setdefault(ledger_id if tail.head else key, []).append(accept)
    own = commands.setdefault(key, [])
    if not any(isinstance(c, AcceptLoss) and c.ledger == ledger_text(key) for c in own):
        own.insert(
            0, AcceptLoss(ledger=ledger_text(key), epoch=epoch, epoch_name=name, reason=reason)
        )
    with treasury.pool.connection() as connection:
        there = {row[0] for row in connection.execute("SELECT ledger_id FROM ledgers")}
    places: Counter[str] = Counter()
    for known in found.inquired.known:
        places[known.asked.number] += 1
        ledger_id = known.asked.ledger_id if known.asked.ledger_id in there else key
        record = RecordFoundAtBank(
            voucher_no=known.asked.number,
            pay_app_no=known.answer.bill_no or known.asked.pay_app_no,
            paid_amt=known.answer.paid_amt,
            bank=known.bank,
            in_books=bool(known.asked.bank),
            epoch_name=name,
            place=places[known.asked.number],
        )
        commands.setdefault(ledger_id, []).append(record)
    # the system ledger last: its epoch is what lets the history go on
    order = sorted(commands, key=lambda ledger_id: (ledger_id == key, ledger_id))
    recorded = [(ledger_text(k), _record(treasury, k, commands[k], by)) for k in order]
    with treasury.pool.connection() as connection:
        _, losses = _newest(connection)
        write_mark(treasury.settings.mark_path, cluster_of(connection, losses))
    treasury.history.look()
    return AcceptedLoss(epoch, name, recorded)


def _record(treasury: Treasury, key: int, commands: Sequence[Command], by: str) -> int:
    submissions = [Submission(command=command, by=by) for command in commands]
    if is_system(key):
        with treasury.pool.connection() as connection:
            if read_head(connection, key) is None:
                opening = OpenSystemLedger(fiscal_year=fiscal_year_of(key))
                submissions.insert(0, Submission(command=opening, by=by))
    outcomes = treasury.sequencer.submit(key, submissions, atomic=True).result(ANSWER_TIMEOUT_S)
    for outcome in outcomes:
        if outcome.problem is not None and outcome.problem.code is not Code.BATCH_ABORTED:
            raise outcome.problem
    return outcomes[-1].last_position


def _epoch(treasury: Treasury) -> tuple[int, Losses]:
    """The system ledger that the next epoch is put on record in, and the last epoch."""
    with treasury.pool.connection() as connection:
        newest, losses = _newest(connection)
    return newest or system_ledger(treasury.now().astimezone(BEIJING).year), losses


def _newest(connection: psycopg.Connection) -> tuple[int, Losses]:
    """The newest system ledger, 0 where there is none; the last epoch of any of them."""
    known = [
        (key, head.settings.get(LOSSES))
        for key in system_ledgers(connection)
        if (head := read_head(connection, key)) is not None
    ]
    newest = max((key for key, _ in known), default=0)
    return newest, max(
        (losses for _, losses in known), key=lambda each: each.epoch, default=Losses()
    )
