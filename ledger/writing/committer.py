"""A worker's work at one ledger: what waits is decided and committed, batch after batch.

A small batch is written on a connection of this process. A large one is written by a writer
process, and while it commits, the next is decided on what it leaves. Nobody is answered before the
commit; where a batch fails, what was decided after it is dropped and decided anew.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from ledger.deciding.command import Outcome
from ledger.deciding.opening import OpenLedger
from ledger.deciding.state import LedgerState
from ledger.elements.code_sets import CodeSets
from ledger.errors import AccessError, Code, GuokuError, UnavailableError
from ledger.integrity.chain import genesis, moment_of
from ledger.postgres.round_trip import COMMIT, Awaits, IoSteps, round_trip_steps, waited
from ledger.reading import loading
from ledger.reading.head_settings import RewrittenHeadError
from ledger.reading.loading import LockedHead
from ledger.writing.batch import Batch, Before, Group
from ledger.writing.clocks import ClockReading
from ledger.writing.conditions import Conditions
from ledger.writing.local_writer import Closed, LocalWriter
from ledger.writing.standing import StandingReader, knows_less, learn
from ledger.writing.writer_process import HeadMovedError, WriterProcess, WriterProcesses

log = structlog.get_logger(__name__)

WRITER_PROCESS_SUBMISSIONS_MIN = 1_000  # below, telling another process costs more than it saves


class PendingRequest(NamedTuple):
    """A group, and the future its caller waits for."""

    group: Group
    answer: Future[list[Outcome]]


Requests = Sequence[PendingRequest]


class Resources(NamedTuple):
    """What every turn works with.

    Attributes:
        writer_processes: who writes large batches; None where this process writes all.
        codes_due: whether ``codes`` may have to ask the database.
        conditions: on which anything is committed, and the clock.
        committed: is told (ledger_id, position) after each commit.
        standing: reads what decisions know of standing ledgers; None where they know nothing.
    """

    pool: ConnectionPool
    writer_processes: WriterProcesses | None
    codes: Callable[[], CodeSets]
    codes_due: Callable[[], bool]
    conditions: Conditions
    committed: Callable[[int, int], None]
    standing: StandingReader | None = None


class _UnderWay(NamedTuple):
    """A batch that is decided, and that a writer process is writing."""

    requests: Requests
    before: Before
    closed: Future[Closed | None]


class _Admitted(NamedTuple):
    """Requests that are decided; ``corrects_clock``: to make good that the last event lies ahead
    of the clocks."""

    requests: Requests
    corrects_clock: bool = False


class Committer:
    """See the module. Used by one thread."""

    def __init__(self, resources: Resources, state: LedgerState) -> None:
        self._resources = resources
        self._state = state
        self._writer_process: WriterProcess | None = None
        self._head: LockedHead | None = None  # that the writer process has locked for this batch
        self._under_way: _UnderWay | None = None

    @property
    def under_way(self) -> Future[Closed | None] | None:
        """The last batch, where it may not be committed yet."""
        return self._under_way.closed if self._under_way else None

    def commit(self, requests: Requests) -> None:
        """Decides a batch and commits it, or leaves it under way."""
        before = self._under_way
        mine: _UnderWay | None = None
        error: BaseException | None = None
        try:
            mine = self._hand_over(requests, before) if _is_large(requests) else None
        except BaseException as reason:  # noqa: BLE001 - dealt with when the one before is settled
            error = reason
        if not self.settle():
            if mine is not None:
                mine.closed.exception()  # it did not follow: nothing of it was written
            self._alone(requests)
        elif error is not None:
            self.recover(requests, error)
        elif mine is None:
            self._alone(requests)
        else:
            self._under_way = mine

    def settle(self) -> bool:
        """Waits for the batch that is under way and deals with its failure; False if it failed."""
        under_way, self._under_way = self._under_way, None
        if under_way is None or (error := under_way.closed.exception()) is None:
            return True
        self.recover(under_way.requests, error)
        return False

    def close(self) -> None:
        """Gives back what the turn has used; nothing is under way any more."""
        if self._writer_process is not None and self._resources.writer_processes is not None:
            self._resources.writer_processes.give_back(self._writer_process)
        self._writer_process = None

    def _alone(self, requests: Requests) -> None:
        """Decides and commits a batch with nothing else under way."""
        try:
            mine = self._hand_over(requests, None) if _is_large(requests) else None
            if mine is not None:
                mine.closed.result()
            else:
                with self._resources.pool.connection() as connection:
                    waited(connection, self.write(requests, connection))
        except BaseException as error:  # noqa: BLE001 - dealt with there
            self.recover(requests, error)

    def recover(self, requests: Requests, error: BaseException) -> None:
        """Nothing of the batch is in the books, or that is not known."""
        self._state.forget()
        if isinstance(error, HeadMovedError):
            self._alone(requests)
        elif isinstance(error, UnavailableError):  # nothing was decided
            if isinstance(error, RewrittenHeadError):
                self._resources.conditions.head_is_rewritten(self._state.ledger_id, error)
            for waiting in requests:
                waiting.answer.set_exception(error)
        elif isinstance(error, psycopg.DataError | psycopg.IntegrityError) and len(requests) > 1:
            # nothing was written; one group that the database will not have must not take the
            # others down with it
            log.warning("a batch is retried singly", error=repr(error))
            for waiting in requests:
                self._alone([waiting])
        else:
            log.error("a batch failed", ledger_id=self._state.ledger_id, exc_info=error)
            for waiting in requests:
                waiting.answer.set_exception(_unknown_outcome(error))

    def _begin(self, now_us: int, *, corrects_clock: bool = False) -> None:
        self._resources.conditions.head_agrees(self._state.ledger_id)
        self._state.begin(now_us, self._resources.codes(), corrects_clock=corrects_clock)

    def _admitted(
        self, requests: Requests, head: loading.LockedHead, reading: ClockReading
    ) -> "_Admitted":
        """The requests that may be decided; the others are answered.

        While something keeps all else from being committed, only what mends that is decided.
        """
        conditions, ledger_id = self._resources.conditions, self._state.ledger_id
        if (fault := conditions.fault(ledger_id, head, reading)) is None:
            return _Admitted(requests)
        mending = [waiting for waiting in requests if _mends(waiting.group, fault.code)]
        if mending and conditions.fault(ledger_id, head, reading, mended=fault.code):
            mending = []
        for waiting in requests:
            if waiting not in mending:
                waiting.answer.set_exception(fault)
        return _Admitted(mending, corrects_clock=fault.code is Code.CLOCK_SKEWED)

    # ---- by a writer process

    def _hand_over(self, requests: Requests, before: _UnderWay | None) -> _UnderWay | None:
        """Decides here what a writer process writes; None where there is none, or no such ledger.

        The answers are given as soon as the batch is committed, whatever this thread does then.
        """
        writer_process, now_us = self._writer_process_for(before)
        if writer_process is None:
            return None
        try:
            with self._resources.pool.connection() as connection:
                self._begin(now_us)
                groups: Sequence[Group] = [waiting.group for waiting in requests]
                read, head = self._resources.standing, self._head
                groups = learn(read, connection, self._state, head, groups, looks=True)
                batch = Batch(self._state, groups)
                batch.decide(connection, writer_process, before=before.before if before else None)
                written = batch.close(connection, writer_process)
                closed: Future[Any] = written or writer_process.release()
                if batch.locks_facts:  # here, so that they outlast what another process commits
                    wait_for([closed])
        except BaseException:
            self._state.forget()
            writer_process.release()
            raise
        closed.add_done_callback(partial(self._answer, requests, batch))
        self._state.trim()
        return _UnderWay(requests, Before(batch.numbers, closed.result), closed)

    def _writer_process_for(self, before: _UnderWay | None) -> tuple[WriterProcess | None, int]:
        """A writer process that has begun, and the time of its batch; what it has locked is what
        the state shows.

        Raises:
            UnavailableError: nothing may be committed now.
        """
        conditions, ledger_id = self._resources.conditions, self._state.ledger_id
        asked_us = conditions.now_us()
        if self._resources.writer_processes is None:
            return None, asked_us
        tolerance_us = conditions.tolerance_us
        self._head = None
        if before is not None and self._writer_process is not None:
            if (stepped := conditions.step_fault(asked_us)) is not None:
                raise stepped
            self._writer_process.begin(ledger_id, follows=True, tolerance_us=tolerance_us)
            return self._writer_process, asked_us
        self.close()
        self._writer_process, head = self._resources.writer_processes.begin(ledger_id)
        if head is None:
            self._writer_process.release()
            return None, asked_us
        try:
            reading = conditions.reading(asked_us, head)
            if (fault := conditions.fault(ledger_id, head, reading)) is not None:
                raise fault
            with self._resources.pool.connection() as connection:
                loading.follow(connection, self._state, head)
                self._head = head
        except BaseException:
            self._writer_process.release()
            raise
        return self._writer_process, reading.after_us

    def _answer(self, requests: Requests, batch: Batch, closed: Future[Closed | None]) -> None:
        """Answers a batch that is committed; what failed is dealt with where it is settled."""
        if closed.exception() is not None:
            return
        if (done := closed.result()) is not None:
            batch.complete(done)
        self._tell(requests, batch.position)

    # ---- by a local writer

    def write(self, requests: Requests, connection: psycopg.Connection) -> IoSteps[None]:
        """Decides and commits a batch on a connection of this process, as steps of I/O.

        What comes after the step ``Awaits.MORE`` may wait for the database in other ways.
        """
        groups, state = [waiting.group for waiting in requests], self._state
        batch = Batch(state, groups)
        numbers = batch.look_up()
        conditions = self._resources.conditions
        asked_us = conditions.now_us()
        head, keys = yield from loading.lock_and_read_keys(connection, state.ledger_id, numbers)
        if head is not None:
            reading = conditions.reading(asked_us, head)
            admitted = self._admitted(requests, head, reading)
            if not admitted.requests:
                yield from round_trip_steps(connection, [COMMIT])  # of nothing
                return
        if (
            self._resources.codes_due()
            or head is None
            or batch.reads(keys)
            or head.position != state.position
            or knows_less(self._resources.standing, state, head)
        ):
            yield Awaits.MORE
        if head is None:
            self._write_opening(connection, groups)
            connection.commit()
        else:
            anew = loading.follow(connection, state, head)
            if admitted.requests is not requests:
                requests, anew = admitted.requests, True
                groups = [waiting.group for waiting in requests]
                batch = Batch(state, groups)
            self._begin(reading.after_us, corrects_clock=admitted.corrects_clock)
            read, looks = self._resources.standing, batch.asks_division
            told = learn(read, connection, state, head, groups, looks=looks)
            if len(told) > len(groups):
                batch = Batch(state, told)
                batch.look_up()  # by the same numbers
            writer = LocalWriter(connection, state.chain)
            batch.decide(connection, writer, keys=None if anew else keys)
            if batch.tells_again:
                yield Awaits.MORE
            closed = batch.close(connection, writer)
            if closed is None:
                yield from round_trip_steps(connection, [COMMIT])
            else:
                yield from writer.send(commits=True)
                batch.complete(closed.result())
        state.trim()
        self._tell(requests, state.position)

    def _write_opening(self, connection: psycopg.Connection, groups: list[Group]) -> None:
        """What is asked of a ledger that is not there: one of the groups may open it."""
        conditions = self._resources.conditions
        asked_us = conditions.now_us()
        if (head := self._open(connection, groups, moment_of(asked_us))) is None:
            return
        reading = conditions.reading(asked_us, head)
        if (fault := conditions.fault(self._state.ledger_id, head, reading)) is not None:
            raise fault
        self._begin(reading.after_us)
        batch = Batch(self._state, groups)
        writer = LocalWriter(connection, self._state.chain)
        batch.decide(connection, writer)
        closed = batch.close(connection, writer)
        if closed is not None and _opened(groups[0]):
            waited(connection, writer.send(commits=False))
            batch.complete(closed.result())
        else:
            self._state.forget()
            connection.rollback()  # nothing opened the ledger after all

    def _open(
        self, connection: psycopg.Connection, groups: list[Group], at: datetime
    ) -> loading.LockedHead | None:
        """Makes the head of a new ledger if one of the commands opens it; that one goes first."""
        groups.sort(key=lambda group: not _opens(group))
        if not _opens(groups[0]):
            for group in groups:
                problem = AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
                group.outcomes = [Outcome(problem=problem) for _ in group.submissions]
            return None
        connection.execute(
            "INSERT INTO ledgers (ledger_id, chain, recorded_at, settings)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                self._state.ledger_id,
                genesis(self._state.ledger_id),
                at,
                Jsonb({}),
            ),
        )
        return loading.lock_head(connection, self._state)

    def _tell(self, requests: Requests, position: int) -> None:
        for waiting in requests:
            waiting.answer.set_result(waiting.group.outcomes)
        self._resources.committed(self._state.ledger_id, position)


def _is_large(requests: Requests) -> bool:
    submissions = sum(len(waiting.group.submissions) for waiting in requests)
    return submissions >= WRITER_PROCESS_SUBMISSIONS_MIN


def _mends(group: Group, code: Code) -> bool:
    return all(s.command.MENDS is code for s in group.submissions)


def _opens(group: Group) -> bool:
    return any(isinstance(s.command, OpenLedger) and not s.dry_run for s in group.submissions)


def _opened(group: Group) -> bool:
    """Whether the group's opening became the ledger's first event."""
    return any(
        isinstance(s.command, OpenLedger) and outcome.first_position == 1 and not outcome.problem
        for s, outcome in zip(group.submissions, group.outcomes, strict=True)
    )


def _unknown_outcome(error: BaseException) -> GuokuError:
    if isinstance(error, GuokuError):
        return error
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return GuokuError(Code.INTERNAL, "the books did not take the command")
    return UnavailableError(
        Code.UNAVAILABLE,
        "the books could not be reached; whether the command was accepted is not known: "
        "repeat it with the same number",
    )
