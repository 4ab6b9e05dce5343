"""往来送达: settlements are brought to the tiers below, and what has come there back to the sender.

As transfers are (``transfers.delivering``): nothing is remembered of what was brought. A ledger's
register says that something of it is under way; whoever starts looks at all of them, and then at
those that were written to and at the senders that wait.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import fiscal_year_of, ledger_id, ledger_text
from ledger.deciding.command import Command, Submission
from ledger.deciding.objects import AnyKind
from ledger.deciding.principals import PROGRAM
from ledger.reading.loading import read_rows
from ledger.reading.objects import numbers_of, read_head, read_objects
from ledger.reading.tails import read_positions
from ledger.writing.commit_follower import CommitFollower
from ledger.writing.submitting import Submit
from payments.orders.ordering import PAID
from transfers.arriving import NoteArrival, TakeFunds
from transfers.settling import NoteSettlement, SettleFunds, TakeSettlement
from transfers.tier_funds import (
    FUND_ARRIVAL,
    FUND_DISPATCH,
    FUND_SETTLEMENT,
    TAKEN_SETTLEMENT,
    TIER_FUNDS,
    FundDispatch,
    FundSettlement,
    taken_number,
)
from transfers.words import placed_answers, places_of

log = structlog.get_logger(__name__)

PART_MAX = 500


class BringingFunds(CommitFollower):
    """Brings them, from :meth:`start` to :meth:`stop`; several programs may."""

    def __init__(self, pool: ConnectionPool, submit: Submit) -> None:
        super().__init__("funds", "what goes between tiers could not be brought over")
        self._pool, self._submit = pool, submit
        self._waiting: set[int] = set()  # senders of which something is under way

    def _look_at(self, written: Collection[int] | None) -> int:
        with self._pool.connection() as connection:
            keys = set(read_positions(connection)) if written is None else set(written)
            for key in keys:
                if is_under_way(connection, key):
                    self._waiting.add(key)
                else:
                    self._waiting.discard(key)
        return sum(self._bring(sender) for sender in sorted(self._waiting))

    def _bring(self, sender: int) -> int:
        with self._pool.connection() as connection:
            steps = [*_settlements(connection, sender)]
        done = 0
        for to, commands in _by_ledger(steps).items():
            done += self._do(to, commands)
        with self._pool.connection() as connection:
            words = [*_settled_words(connection, sender), *_arrival_words(connection, sender)]
        return done + self._do(sender, words)

    def _do(self, key: int, commands: Sequence[Command]) -> int:
        done = 0
        for start in range(0, len(commands), PART_MAX):
            part = commands[start : start + PART_MAX]
            asked = [Submission(command=each, by=PROGRAM, at_machine=True) for each in part]
            for command, outcome in zip(part, self._submit(key, asked), strict=True):
                if outcome.problem is None:
                    done += not outcome.replayed
                else:
                    log.warning(
                        "what goes between tiers was not taken",
                        ledger=ledger_text(key),
                        number=command.number,
                        reason=str(outcome.problem),
                    )
        return done


def is_under_way(connection: psycopg.Connection, key: int) -> bool:
    rows = read_rows(connection, key, TIER_FUNDS).values()
    return any(row.in_transit or row.unsettled for row in rows)


def _by_ledger(steps: Iterable[tuple[int, Command]]) -> dict[int, list[Command]]:
    found: dict[int, list[Command]] = {}
    for to, command in steps:
        found.setdefault(to, []).append(command)
    return found


def _objects(connection: psycopg.Connection, key: int, kind: AnyKind) -> Iterable[Any]:
    after = ""
    while numbers := numbers_of(connection, key, kind, after, PART_MAX):
        yield from read_objects(connection, key, kind, numbers).values()
        after = numbers[-1]


def unnoted_settlements(
    connection: psycopg.Connection, sender: int
) -> dict[int, list[FundSettlement]]:
    """By the tier's ledger, settlements that it is not known to have."""
    found: dict[int, list[FundSettlement]] = {}
    for each in _objects(connection, sender, FUND_SETTLEMENT):
        if each.noted is None:
            found.setdefault(_ledger_of(sender, each.settled.rec_div_code), []).append(each)
    return found


def unnoted_dispatches(
    connection: psycopg.Connection, sender: int
) -> dict[int, list[FundDispatch]]:
    """By the tier's ledger, what has left and is not known to be there."""
    found: dict[int, list[FundDispatch]] = {}
    for each in _objects(connection, sender, FUND_DISPATCH):
        if each.status == PAID:
            found.setdefault(_ledger_of(sender, each.ordered.rec_div_code), []).append(each)
    return found


def steps_to_settle(
    connection: psycopg.Connection, sender: int, settlements: Sequence[FundSettlement]
) -> list[TakeSettlement]:
    """For a tier below, what was settled of it."""
    numbers = [each.settled.settle_no for each in settlements]
    places = places_of(connection, sender, SettleFunds.OPERATION, numbers)
    return [
        TakeSettlement(
            settle_no=settled.settle_no,
            settle_kind=settled.settle_kind,
            fund_type_code=settled.fund_type_code,
            is_dir_code=settled.is_dir_code,
            amt=settled.amt,
            settled=places[settled.settle_no],
        )
        for settled in (each.settled for each in settlements)
    ]


def _settlements(
    connection: psycopg.Connection, sender: int
) -> Iterable[tuple[int, TakeSettlement]]:
    own = ledger_text(sender)
    for to, settlements in unnoted_settlements(connection, sender).items():
        if read_head(connection, to) is None:
            continue  # it has them when it opens a ledger, or another installation keeps it
        numbers = [taken_number(own, each.settled.settle_no) for each in settlements]
        there = read_objects(connection, to, TAKEN_SETTLEMENT, numbers)
        left = [e for e, number in zip(settlements, numbers, strict=True) if number not in there]
        yield from ((to, step) for step in steps_to_settle(connection, sender, left))


def _settled_words(connection: psycopg.Connection, sender: int) -> Iterable[NoteSettlement]:
    own = ledger_text(sender)
    for to, settlements in unnoted_settlements(connection, sender).items():
        if read_head(connection, to) is None:
            continue
        numbers = [taken_number(own, each.settled.settle_no) for each in settlements]
        said = placed_answers(connection, to, TakeSettlement.OPERATION, numbers)
        for event, place in said.values():
            yield word_of_settlement(event, place)


def word_of_settlement(event: Any, place: Any) -> NoteSettlement:
    return NoteSettlement(settle_no=event.settle_no, amt=event.amt, taken=place)


def _arrival_words(connection: psycopg.Connection, sender: int) -> Iterable[NoteArrival]:
    for to, dispatches in unnoted_dispatches(connection, sender).items():
        if read_head(connection, to) is None:
            continue
        numbers = [each.ordered.voucher_no for each in dispatches]
        there = read_objects(connection, to, FUND_ARRIVAL, numbers)
        said = placed_answers(connection, to, TakeFunds.OPERATION, sorted(there))
        for event, place in said.values():
            yield word_of_arrival(event, place)


def word_of_arrival(event: Any, place: Any) -> NoteArrival:
    return NoteArrival(dispatch_no=event.dispatch_no, amt=event.amt, arrived=place)


def _ledger_of(sender: int, div_code: str) -> int:
    """The other tier's, of the same year."""
    return ledger_id(div_code, fiscal_year_of(sender))
