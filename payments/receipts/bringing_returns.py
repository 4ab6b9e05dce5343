"""以前年度退回 is brought from the ledger of the year that has paid to that of the year after.

Two ledgers change, and no transaction holds both. So the one says first what came back, once and
for all; then the other books it, under a number of its own. Whenever the program is stopped, what
is left to do is seen from what stands on record in both, and is done by whoever starts next. A
year's ledger that nobody has opened yet is waited for.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import fiscal_year_of, is_standing, is_system, ledger_text
from ledger.deciding.command import Submission
from ledger.deciding.principals import PROGRAM
from ledger.deciding.state import BEIJING
from ledger.reading.loading import chains_at
from ledger.reading.objects import list_heads, read_bodies, read_head
from ledger.reading.other_ledgers import unanswered
from ledger.writing.commit_follower import CommitFollower
from ledger.writing.submitting import Submit
from payments.refunds.notices import TakeNotice
from payments.refunds.prior_returns import BookReturn, handed_return
from payments.refunds.resolving import ResolveSuspense
from payments.refunds.returning import next_year_of
from payments.return_events import PaymentReturned

log = structlog.get_logger(__name__)

PART_MAX = 500  # returns in one batch
_TOLD_BY = (TakeNotice.OPERATION, ResolveSuspense.OPERATION)


class BringingReturns(CommitFollower):
    """Brings what came back: each return has its number, and is booked once."""

    def __init__(self, pool: ConnectionPool, submit: Submit, now: Callable[[], datetime]) -> None:
        super().__init__("bringing-returns", "returns could not be brought")
        self._pool, self._submit, self._now = pool, submit, now
        self._done: dict[int, int] = {}  # by ledger, up to where all is brought

    def _look_at(self, written: Collection[int] | None) -> int:
        return sum(self._bring(key) for key in self._over(written))

    def _over(self, asked: Collection[int] | None) -> list[int]:
        """The ledgers whose year is over and whose next one is opened: that one may have been the
        one that was written to."""
        year = self._now().astimezone(BEIJING).year
        if asked is None:
            with self._pool.connection() as connection:
                asked = {head.ledger_id for head in list_heads(connection)}
        years = {key for key in asked if not is_standing(key) and not is_system(key)}
        years |= {key - 1 for key in years}
        due = sorted(key for key in years if fiscal_year_of(key) < year)
        with self._pool.connection() as connection:
            there = {
                key for at in due for key in (at, next_year_of(at)) if read_head(connection, key)
            }
        return [key for key in due if {key, next_year_of(key)} <= there]

    def _bring(self, key: int) -> int:
        to, count = next_year_of(key), 0
        while commands := self._left(key, to):
            asked = [Submission(command=each, by=PROGRAM, at_machine=True) for each in commands]
            for outcome in self._submit(to, asked):
                if outcome.problem is not None:
                    raise outcome.problem
            self._done[key] = commands[-1].from_position
            count += len(commands)
            log.info("returns of a year are brought to the next", ledger=ledger_text(key))
        return count

    def _left(self, key: int, to: int) -> list[BookReturn]:
        with self._pool.connection() as connection:
            return list(_read(connection, key, to, self._done.get(key, 0)))


def _read(connection: psycopg.Connection, key: int, to: int, after: int) -> Iterator[BookReturn]:
    """What a year has told and the next one has not booked, with the notices."""
    found = unanswered(
        connection,
        key,
        _TOLD_BY,
        PaymentReturned,
        by=to,
        answer=BookReturn.OPERATION,
        after=after,
        most=PART_MAX,
    )
    told = [(number, at, event) for number, at, event in found]
    chains = chains_at(connection, key, [at for _, at, _ in told])
    handed = {at: handed_return(event) for _, at, event in told}
    digests = {bytes.fromhex(each.notice_sm3) for each in handed.values()}
    documents = read_bodies(connection, key, digests)
    for number, at, _ in told:
        yield BookReturn(
            return_no=number,
            from_ledger=ledger_text(key),
            from_position=at,
            from_chain=chains[at].hex(),
            handed=handed[at],
            document=documents[bytes.fromhex(handed[at].notice_sm3)],
        )
