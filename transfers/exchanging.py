"""异地转移支付: what ledgers here send to ledgers kept elsewhere is brought there, and the words of
those are taken.

As within one installation nothing is remembered of what was brought: a program that starts brings
all that is under way, asks for all that was said, and goes on from there. A message that meets no
answer, or another one than it asked for, is brought again; whatever arrives twice is there already.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple, Protocol

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from budget.transfer_events import EventPlace
from division.installations import installation_of
from ledger.account_set import ledger_text
from ledger.deciding.command import Submission
from ledger.deciding.principals import PROGRAM
from ledger.errors import Code, GuokuError, IntegrityError, Refusal
from ledger.gm import Provider
from ledger.money import parse_yuan
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from ledger.reading.tails import read_positions
from ledger.writing.commit_follower import CommitFollower
from ledger.writing.submitting import Submit
from transfers.answering import NoteAcceptance
from transfers.arriving import NoteArrival
from transfers.fund_messages import (
    FundsWord,
    funds_news,
    settlements_to_take,
    tiers_waited_for,
)
from transfers.message_intake import require_word_of
from transfers.messages import (
    FORMAT,
    FUNDS_FORMAT,
    MESSAGE_BYTES_MAX,
    PARTS_MAX,
    InstallationSigner,
    TransferAnswer,
    TransferMessage,
    TransferStep,
    read_answer,
    read_signed,
    require_fresh,
    step_said,
    steps_of,
)
from transfers.settling import NoteSettlement
from transfers.taking_messages import TakeTransferMessage
from transfers.transfer import (
    ASKED,
    SENT,
    TRANSFER,
    TRANSFERS,
    Transfer,
    receiving_ledger,
)
from transfers.words import Word, is_news, steps_to_enter, steps_to_reduce

ASK_EVERY_S = 5.0  # what the others have said meanwhile
ANSWERS_MAX = 1_000  # of one message, at once: whoever always says that there is more waits, too

log = structlog.get_logger(__name__)


class MessageLink(Protocol):
    """Brings a message to an installation's address."""

    def post(self, url: str, body: bytes) -> bytes:
        """The answer; raises UnavailableError where there is none, or none of this."""


class _Way(NamedTuple):
    """From a ledger here to one that is kept elsewhere, and what is spoken of there: transfers, or
    settlements and cash (``FUNDS_FORMAT``)."""

    sender: int
    to: int
    format: str = FORMAT


class Exchanging(CommitFollower):
    """Exchanges messages, from :meth:`start` to :meth:`stop`; several programs may.

    Args:
        halted: why nothing may be told to others now, or "".
    """

    def __init__(
        self,
        pool: ConnectionPool,
        submit: Submit,
        provider: Provider,
        signer: Callable[[], InstallationSigner],
        link: MessageLink,
        now: Callable[[], datetime],
        *,
        halted: Callable[[], str] = lambda: "",
        ask_every_s: float = ASK_EVERY_S,
    ) -> None:
        super().__init__("exchange", "transfers could not be exchanged with other installations")
        self._pool, self._submit, self._provider = pool, submit, provider
        self._signer, self._link, self._now, self._halted = signer, link, now, halted
        self._ask_every_s = ask_every_s
        self._asked_at = float("-inf")
        self._seen: dict[int, int] = {}
        self._seen_by_round: dict[int, int] = {}
        self._ways: defaultdict[int, set[int]] = defaultdict(set)  # by sender, the receivers
        self._of_funds: dict[int, set[int]] = {}  # likewise, while something is on its way
        self._heard: dict[_Way, int] = {}  # up to which position of the receiver
        self._early: dict[_Way, int] = {}  # where the first of its words stands that came early
        self._taken: defaultdict[_Way, set[str]] = defaultdict(set)

    def look(self) -> int:
        """As the others, and now and then whatever was written here."""
        if monotonic() - self._asked_at >= self._ask_every_s:
            with self._lock:
                self._written = None
        return super().look()

    def _look_at(self, written: Collection[int] | None) -> int:
        if self._halted():
            return 0
        self._find_ways()
        if written is None:
            self._asked_at = monotonic()
            self._find_ways_of_funds()
        done = 0
        for sender, receivers in list(self._ways.items()):
            if written is None or sender in written:
                done += sum(self._exchange(_Way(sender, to)) for to in sorted(receivers))
        for sender, receivers in list(self._of_funds.items()) if written is None else ():
            done += sum(self._exchange(_Way(sender, to, FUNDS_FORMAT)) for to in sorted(receivers))
        return done

    def _find_ways(self) -> None:
        """Who sends to ledgers that are not here; looked for where something was written."""
        with self._pool.connection() as connection:
            positions = read_positions(connection)
            for sender, position in positions.items():
                if self._seen.get(sender) == position:
                    continue
                for key in read_rows(connection, sender, SENT):
                    self._ways[sender].add(receiving_ledger(sender, key.partition("/")[0]))
        for receivers in self._ways.values():
            receivers.difference_update(positions)
        self._seen = positions

    def _find_ways_of_funds(self) -> None:
        """Who waits for another installation's word on cash or a settlement; by the round alone,
        so that no commit waits for it."""
        for sender, position in self._seen.items():
            if self._seen_by_round.get(sender) == position:
                continue
            with self._pool.connection() as connection:
                tiers = set(tiers_waited_for(connection, sender))
            receivers = {receiving_ledger(sender, tier) for tier in tiers} - self._seen.keys()
            if receivers:
                self._of_funds[sender] = receivers
            else:
                self._of_funds.pop(sender, None)
        self._seen_by_round = dict(self._seen)

    def _exchange(self, way: _Way) -> int:
        """Messages until everything was brought, and everything heard; gives the words taken."""
        done = 0
        try:
            with self._pool.connection() as connection:
                installation = installation_of(connection, way.sender, way.to)
            if installation is None:
                return 0
            for steps in self._messages(way):
                for _ in range(ANSWERS_MAX):
                    heard = self._heard.get(way, 0)
                    answer = self._asked(way, installation.url, steps)
                    done += self._take(way, answer)
                    steps = []
                    upto = self._heard.get(way, 0)
                    if upto in (heard, answer[1].head):
                        break
        except GuokuError as error:
            log.warning(
                "transfers were not exchanged; again later",
                ledger=ledger_text(way.sender),
                to=ledger_text(way.to),
                reason=str(error),
            )
        finally:
            if (early := self._early.pop(way, 0)) and early <= self._heard.get(way, 0):
                self._heard[way] = early - 1  # it is heard again
        return done

    # ---- what is said

    def _messages(self, way: _Way) -> Iterator[list[TransferStep]]:
        """What the receiver is not known to have, in messages; one without anything else."""
        with self._pool.connection() as connection:
            steps = self._steps(connection, way)
        part: list[TransferStep] = []
        size = 0
        for step in steps:
            step_bytes = len(step_said(step).asked) + 100
            if part and (len(part) == PARTS_MAX or size + step_bytes > MESSAGE_BYTES_MAX - 1024):
                yield part
                part, size = [], 0
            part.append(step)
            size += step_bytes
        yield part

    def _steps(self, connection: psycopg.Connection, way: _Way) -> list[TransferStep]:
        if way.format == FUNDS_FORMAT:
            return [*settlements_to_take(connection, way.sender, way.to)]
        rows = read_rows(connection, way.sender, TRANSFERS)
        numbers = [number for number, row in rows.items() if row.in_transit or row.asked]
        known = self._taken[way]
        transfers: list[Transfer] = [
            each
            for each in read_objects(connection, way.sender, TRANSFER, numbers).values()
            if receiving_ledger(way.sender, each.issued.rec_div_code) == way.to
        ]
        to_enter = [each for each in transfers if each.issued.bgt_doc_no not in known]
        asked = [
            (each, reduction.asked)
            for each in transfers
            for reduction in each.reductions.values()
            if reduction.state == ASKED
        ]
        entering = steps_to_enter(connection, way.sender, to_enter)
        reducing = steps_to_reduce(connection, way.sender, asked)
        return [*entering, *(each for each in reducing if each.number not in known)]

    def _asked(
        self, way: _Way, url: str, steps: Sequence[TransferStep]
    ) -> tuple[TakeTransferMessage, TransferAnswer]:
        """One message and its answer, which is verified.

        Raises:
            GuokuError: there was no answer, or none that is believed.
        """
        message = TransferMessage(
            format=way.format,
            from_ledger=ledger_text(way.sender),
            to_ledger=ledger_text(way.to),
            made_at=self._now(),
            after=self._heard.get(way, 0),
            said=tuple(step_said(step) for step in steps),
        )
        body = self._signer().signed(message)
        signed = read_signed(self._link.post(url, body))
        answer = read_answer(signed.text)
        now = self._now()
        with self._pool.connection() as connection:
            serial = require_word_of(connection, self._provider, signed, way.sender, way.to, now)
        require_fresh(answer.made_at, now)
        told = (answer.from_ledger, answer.to_ledger, answer.asked_sm3, answer.format)
        asked_sm3 = read_signed(body).message_sm3
        if told != (message.to_ledger, message.from_ledger, asked_sm3, message.format):
            raise Refusal(Code.SIGNATURE_INVALID, "it answers another message")
        taking = TakeTransferMessage(
            from_ledger=answer.from_ledger,
            text=signed.text,
            cert_serial=serial,
            signature=signed.encoded_signature,
        )
        return taking, answer

    # ---- what is heard

    def _take(self, way: _Way, heard: tuple[TakeTransferMessage, TransferAnswer]) -> int:
        """Takes the words of an answer; gives how many there were."""
        taking, answer = heard
        if way.format == FORMAT:  # a settlement is brought until its word is in
            self._taken[way].update(answer.taken)
        for refused in answer.refused:
            log.warning(
                "what was sent was not taken",
                ledger=answer.from_ledger,
                number=refused.number,
                reason=refused.detail,
            )
        with self._pool.connection() as connection:
            news = self._news(connection, way, steps_of(answer))
        for word in news:
            require_of(word, answer.from_ledger)
        if news:
            asked = [
                Submission(command=each, by=PROGRAM, at_machine=True) for each in (taking, *news)
            ]
            for outcome in self._submit(way.sender, asked):
                if outcome.problem is not None:
                    raise outcome.problem  # it is heard again
        if answer.head < self._heard.get(way, 0):  # it has lost a part: all is brought again
            self._taken[way].clear()
            self._heard[way] = 0
        else:
            self._heard[way] = max(self._heard.get(way, 0), answer.upto)
        return len(news)

    def _news(
        self, connection: psycopg.Connection, way: _Way, words: Sequence[Any]
    ) -> list[Word | FundsWord]:
        """Of an answer's words those that the sender has not noted, and can."""
        if way.format == FUNDS_FORMAT:
            news, early = funds_news(connection, way.sender, words)
            if early:
                first = min(place_in(word).position for word in early)
                self._early[way] = min(self._early.get(way, first), first)
            return [*news]
        numbers = list({word.transfer_no for word in words})
        transfers = read_objects(connection, way.sender, TRANSFER, numbers)
        return [word for word in words if is_news(transfers.get(word.transfer_no), word)]


def place_in(word: Word | FundsWord) -> EventPlace:
    """Where the event of the other ledger stands that a word tells of."""
    match word:
        case NoteAcceptance():
            return word.accepted
        case NoteArrival():
            return word.arrived
        case NoteSettlement():
            return word.taken
    return word.told


def require_of(word: Word | FundsWord, from_ledger: str) -> None:
    """Raises IntegrityError for a word about a place of another ledger, RequestError for an amount
    that is none."""
    parse_yuan(word.amt, pointer="/amt")
    if place_in(word).ledger != from_ledger:
        raise IntegrityError(f"{word.number[:60]} is no word of {from_ledger}")
