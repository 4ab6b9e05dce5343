"""转移支付送达: what ledgers send is brought to those that receive it, and their answers back.

Two ledgers change, and no transaction holds both. So what is sent stands first, in the one, and is
brought to the other as a command with a number of its own, which that takes once; the other way
round, what a receiver has accepted is brought to the sender. Nothing is remembered of what was
brought: a program that starts looks at all that the senders' ledgers say is under way, and then
follows every ledger from where it stood. Whatever stops it, the next one brings what is left.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from budget.received import RECEIVED_TRANSFER, ReceivedTransfer, reduction_number
from budget.transfer_events import (
    TransferIssued,
    TransferReductionAsked,
)
from ledger.account_set import ledger_text, parse_ledger
from ledger.deciding.command import Submission
from ledger.deciding.principals import PROGRAM
from ledger.errors import GuokuError
from ledger.events import type_names
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, read_objects
from ledger.reading.tails import PlacedEvent, read_operation, read_positions, read_tail
from ledger.writing.submitting import Submit
from transfers.giving_back import GiveBackTransfer, TakeReduction
from transfers.receiving import ReceiveTransfer
from transfers.transfer import ASKED, TRANSFER, TRANSFERS, Transfer, receiving_ledger
from transfers.words import (
    WORDS,
    Word,
    is_news,
    placed_answers,
    steps_to_enter,
    steps_to_reduce,
    word_of,
)

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.2
OTHERS_EVERY_S = 1.0  # what other programs have written is looked for
AGAIN_EVERY_S = 10.0  # after what could not be done at all
AGAIN_EVERY_LOOKS = 20  # what nobody has taken is brought again
PART_MAX = 1_000  # transfers in one batch
READ_MAX = 10_000  # of a sender at a time, whatever receivers they are for

T = TypeVar("T")
_Step = ReceiveTransfer | TakeReduction | Word

# what one ledger says that is another's to know
_TELLING = (
    *(name for cls in (TransferIssued, TransferReductionAsked) for name in type_names(cls)),
    *WORDS,
)


class Delivering:
    """Brings transfers over, from :meth:`start` to :meth:`stop`.

    Several programs may: every step has its number, and is done once.
    """

    def __init__(self, pool: ConnectionPool, submit: Submit) -> None:
        self._pool, self._submit = pool, submit
        self._seen: dict[int, int] = {}  # by ledger, up to where it was looked at
        # by sender, what nobody has taken
        self._left: defaultdict[int, set[str]] = defaultdict(set)
        self._looks = 0
        self._stopping, self._written = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._written.set()
        if self._thread.is_alive():
            self._thread.join()

    def committed(self, _written: int, _position: int) -> None:
        """Something was written to a ledger; called in the thread that has committed."""
        self._written.set()

    def _run(self) -> None:
        pause_s = LOOK_EVERY_S
        while not self._stopping.wait(pause_s):
            self._written.wait(OTHERS_EVERY_S)
            self._written.clear()
            try:
                self.look()
                pause_s = LOOK_EVERY_S
            except (GuokuError, psycopg.Error, PoolTimeout, TimeoutError) as error:
                log.warning("transfers could not be brought over; again later", reason=str(error))
                self._seen.clear()
                self._written.set()
                pause_s = AGAIN_EVERY_S

    def look(self) -> int:
        """Brings over what is under way by now; gives how many steps that took.

        Raises:
            TimeoutError: a commit takes too long.
        """
        done = 0
        while due := self._due():
            steps = sum(self._bring(sender, sorted(numbers)) for sender, numbers in due.items())
            done += steps
            if not steps:
                break
        return done

    # ---- what is due

    def _due(self) -> dict[int, set[str]]:
        """By sender the transfers of which something may have happened since the last look."""
        due: defaultdict[int, set[str]] = defaultdict(set)
        with self._pool.connection() as connection:
            positions = read_positions(connection)
            for key, position in positions.items():
                seen = self._seen.get(key)
                if seen is None:
                    due[key].update(under_way(connection, key))
                    returned = read_operation(connection, key, GiveBackTransfer.OPERATION)
                    for told in returned.values():
                        sender, number = _told_of(key, told)
                        due[sender].add(number)
                elif position > seen:
                    for told in read_tail(connection, key, seen, position, _TELLING):
                        sender, number = _told_of(key, told)
                        due[sender].add(number)
            self._looks += 1
            if positions.keys() - self._seen.keys() or self._looks % AGAIN_EVERY_LOOKS == 0:
                for sender, numbers in self._left.items():
                    due[sender].update(numbers)
                self._left.clear()
        self._seen = positions
        return {sender: numbers for sender, numbers in due.items() if numbers}

    # ---- bringing

    def _bring(self, sender: int, numbers: Sequence[str]) -> int:
        """What these transfers of one sender wait for; gives how many steps were done."""
        done = 0
        for some in _parts(numbers, READ_MAX):
            with self._pool.connection() as connection:
                transfers: dict[str, Transfer] = read_objects(connection, sender, TRANSFER, some)
            by_receiver: defaultdict[int, list[Transfer]] = defaultdict(list)
            for transfer in transfers.values():
                to = receiving_ledger(sender, transfer.issued.rec_div_code)
                by_receiver[to].append(transfer)
            for to, there in by_receiver.items():
                with self._pool.connection() as connection:
                    is_open = read_head(connection, to) is not None
                if not is_open:  # it has what is sent when it opens a ledger
                    self._left[sender].update(_numbers(there))
                    continue
                done += sum(self._bring_to(sender, to, part) for part in _parts(there))
        return done

    def _bring_to(self, sender: int, to: int, transfers: Sequence[Transfer]) -> int:
        """The same of some of one sender to one receiver: what is sent, what is asked back, and
        then what the receiver has said."""
        with self._pool.connection() as connection:
            entered = _entered(connection, to, transfers)
            left = [each for each in transfers if each.issued.bgt_doc_no not in entered]
            commands: list[_Step] = [*steps_to_enter(connection, sender, left)]
        done = self._do(sender, to, commands)
        reduced = [each for each in transfers if _is_asked(each)]
        if reduced:
            with self._pool.connection() as connection:
                entered |= _entered(connection, to, reduced)
                commands = _asked(connection, sender, reduced, entered)
            done += self._do(sender, to, commands)
            with self._pool.connection() as connection:
                entered |= _entered(connection, to, reduced)
        with self._pool.connection() as connection:
            words = _words(connection, sender, to, transfers, entered)
        return done + self._do(sender, sender, words)

    def _do(self, sender: int, key: int, commands: Sequence[_Step]) -> int:
        """Gives how many took effect; what is refused is told, and brought again later."""
        done = 0
        for part in _parts(commands):
            asked = [Submission(command=each, by=PROGRAM, at_machine=True) for each in part]
            for command, outcome in zip(part, self._submit(key, asked), strict=True):
                if outcome.problem is None:
                    done += not outcome.replayed
                    continue
                self._left[sender].add(command.transfer_no)
                log.warning(
                    "a transfer was not taken",
                    ledger=ledger_text(key),
                    number=command.number,
                    reason=str(outcome.problem),
                )
        return done


def under_way(connection: psycopg.Connection, sender: int) -> Iterator[str]:
    rows = read_rows(connection, sender, TRANSFERS)
    return (number for number, row in rows.items() if row.in_transit or row.asked)


def _told_of(key: int, told: PlacedEvent) -> tuple[int, str]:
    """The sender, and its transfer, that an event of a ledger is about."""
    event: Any = told.event
    if isinstance(event, TransferIssued | TransferReductionAsked):
        return key, event.transfer_no
    return parse_ledger(event.from_ledger), event.transfer_no


def _entered(
    connection: psycopg.Connection, to: int, transfers: Iterable[Transfer]
) -> dict[str, ReceivedTransfer]:
    """What a receiver has of these, by document."""
    documents = [transfer.issued.bgt_doc_no for transfer in transfers]
    return read_objects(connection, to, RECEIVED_TRANSFER, documents)


def _is_asked(transfer: Transfer) -> bool:
    return any(each.state == ASKED for each in transfer.reductions.values())


def _asked(
    connection: psycopg.Connection,
    sender: int,
    transfers: Sequence[Transfer],
    entered: Mapping[str, ReceivedTransfer],
) -> list[_Step]:
    """For a receiver, the reductions that it has not answered yet."""
    own = ledger_text(sender)
    waiting = [
        (transfer, reduction.asked)
        for transfer in transfers
        if (received := entered.get(transfer.issued.bgt_doc_no)) is not None
        for number, reduction in transfer.reductions.items()
        if reduction.state == ASKED
        and (TakeReduction.OPERATION, reduction_number(own, number)) not in received.answers
    ]
    return [*steps_to_reduce(connection, sender, waiting)]


def _words(
    connection: psycopg.Connection,
    sender: int,
    to: int,
    transfers: Sequence[Transfer],
    entered: Mapping[str, ReceivedTransfer],
) -> list[_Step]:
    """For the sender, what a receiver has said of these and it has not noted, in the order in which
    that was said."""
    own = ledger_text(sender)
    said: defaultdict[str, list[str]] = defaultdict(list)
    for received in entered.values():
        if received.issued.ledger == own:
            for operation, number in received.answers:
                said[operation].append(number)
    placed = [
        (event, place)
        for operation, numbers in said.items()
        for event, place in placed_answers(connection, to, operation, numbers).values()
    ]
    by_number = {transfer.transfer_no: transfer for transfer in transfers}
    ordered = sorted(placed, key=lambda each: each[1].position)
    words = (word_of(event, place) for event, place in ordered)
    return [word for word in words if is_news(by_number.get(word.transfer_no), word)]


def _numbers(transfers: Iterable[Transfer]) -> list[str]:
    return [transfer.transfer_no for transfer in transfers]


def _parts(items: Iterable[T], most: int = PART_MAX) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, most)):
        yield part
