"""One batch of submissions decided against one locked ledger: numbers, replays, decisions.

No I/O but through ``ledger.reading``; the sequencer owns the transaction around it.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import msgspec
import psycopg
import structlog

from ledger.deciding.command import Command, CommandKey, Commit, Outcome, RecordRefusal, Submission
from ledger.deciding.fingerprints import asked_for, is_fingerprint_of
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import AnyRegister, Register
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import BY_TEXT, Code, GuokuError, Refusal
from ledger.events import CommandRefused
from ledger.reading import loading
from ledger.reading.loading import Number
from ledger.writing.frames import UsedNumber
from ledger.writing.local_writer import Closed, Writer, closing_of, page_of

log = structlog.get_logger(__name__)

REFUSAL: Kind[None] = Kind(
    name="refusal",
    opened_by="",
    fold=lambda _obj, _event: None,
)

PAGE_EVENTS = 2_000  # decided while as many are being written


class Group(msgspec.Struct, kw_only=True):
    """Submissions of one caller that are answered together; ``atomic``: all of them or none."""

    submissions: Sequence[Submission]
    atomic: bool = False
    outcomes: list[Outcome] = []


class _Item(msgspec.Struct, gc=False):
    """A submission with the numbers its outcome is kept under, and what it asks for."""

    submission: Submission
    command: Command
    numbers: tuple[Number, ...]
    asked: bytes


def _item(submission: Submission) -> _Item:
    command = submission.command
    number, key = command.number, submission.idempotency_key
    if not number and not key:
        return _Item(submission, command, (), b"")
    numbers: tuple[Number, ...] = ((command.OPERATION, number),) if number else ()
    if key:
        # a key is the caller's own, so nobody meets another's answer through it
        numbers += ((f"key:{command.OPERATION}", f"{submission.by}\n{key}"),)
    return _Item(submission, command, numbers, asked_for(command.OPERATION, command.body))


class Before(NamedTuple):
    """A batch that is decided and on its way.

    Attributes:
        numbers: those it has used.
        settled: waits for its commit; raises what has kept it from being committed.
    """

    numbers: Collection[Number]
    settled: Callable[[], object]


def _nothing_is_under_way() -> None:
    """All that was decided is committed."""


class Batch:
    """Decides groups in order and has what comes of it written, page by page."""

    def __init__(self, state: LedgerState, groups: Sequence[Group]) -> None:
        self._state = state
        self._groups = groups
        self._items = [[_item(s) for s in group.submissions] for group in groups]
        self._first_position = 0
        self.position = 0  # where the ledger stands after it, once it is decided
        self._missing: dict[Number, AnyKind] = {}  # objects to load, by what opened them
        self._rows: set[tuple[AnyRegister, str]] = set()  # rows of registers to load
        self._stored: dict[Number, CommandKey] = {}
        self._fresh: dict[Number, tuple[_Item, Outcome]] = {}
        self._kept: list[tuple[Number, _Item, Outcome]] = []  # numbers not yet written
        self._replays: list[tuple[Outcome, CommandKey, AnyKind | None]] = []

    def look_up(self) -> set[Number]:
        """The numbers it will ask for, by what the state has cached now."""
        self._missing, self._rows = {}, set()
        missing, cached, numbers = self._missing, self._state.cached, set[Number]()
        for items in self._items:
            for item in items:
                if item.numbers:
                    numbers.update(item.numbers)
                for what, number in item.command.needs():
                    # number by number: a difference of sets would walk all that is cached
                    if isinstance(what, Register):
                        if not self._state.has_row(what, number):
                            self._rows.add((what, number))
                    elif number not in cached(what):
                        missing[what.opened_by, number] = what
        numbers.update(missing)
        return numbers

    def reads(self, keys: Collection[Number]) -> bool:
        """Whether more has to be read when these of its numbers are used: an object that is not
        cached, an earlier answer, or rows of registers."""
        return bool(keys) or bool(self._rows)

    @property
    def numbers(self) -> Collection[Number]:
        """Those that this batch has used."""
        return self._fresh.keys()

    def run(
        self,
        connection: psycopg.Connection,
        writer: Writer,
        *,
        keys: dict[Number, CommandKey] | None = None,
        before: Before | None = None,
    ) -> Future[Closed] | None:
        """Decides all and has it written; gives what closes it, or None when nothing is written.

        The outcomes are true once that is committed and :meth:`complete` has told them.

        Args:
            connection: for reading what the decisions look at.
            writer: holds the lock of the head.
            keys: what the numbers of :meth:`look_up` were used for, where it is read already.
            before: the batch that this one follows, where its commit is still under way.
        """
        self._first_position = self._state.next_position
        self._load(connection, keys, before)
        for group, items in zip(self._groups, self._items, strict=True):
            if group.atomic:
                group.outcomes = self._decide_atomic(items)
                if len(self._state.rows) >= PAGE_EVENTS:
                    self._turn_page(writer)
            else:
                group.outcomes = outcomes = []
                for item in items:
                    outcomes.append(self._decide(item))
                    if len(self._state.rows) >= PAGE_EVENTS:
                        self._turn_page(writer)
        self._resolve_replays(connection)
        self.position = self._state.position
        if self.position < self._first_position:
            return None
        self._turn_page(writer)
        return writer.close(closing_of(self._state, self._first_position))

    def complete(self, closed: Closed) -> None:
        """Tells every new outcome where it stands."""
        ledger_id, (chain, digests) = self._state.ledger_id, closed
        for group in self._groups:
            for outcome in group.outcomes:
                if (position := outcome.last_position) >= self._first_position:
                    digest = digests[position - self._first_position]
                    outcome.commit = Commit(ledger_id, position, digest, chain)

    def _load(
        self,
        connection: psycopg.Connection,
        keys: dict[Number, CommandKey] | None,
        before: Before | None,
    ) -> None:
        """Everything the decisions will look at, in a few queries for the whole batch.

        What the batch before has changed is in the state already, or else read after its commit.
        """
        state = self._state
        settled = before.settled if before else _nothing_is_under_way
        if keys is None:
            numbers = self.look_up()
            if before is not None and not numbers.isdisjoint(before.numbers):
                settled()
            keys = loading.read_keys(connection, state.ledger_id, numbers)
        self._stored = keys
        loading.load_objects(connection, state, self._missing, keys, self._rows, settled)

    # ---- writing

    def _turn_page(self, writer: Writer) -> None:
        """Has all that is decided by now written."""
        writer.write(page_of(self._state, self._keys()))

    def _keys(self) -> list[UsedNumber]:
        """The numbers used since the last page, with the events that answer them."""
        rows, kept = self._state.rows, self._kept
        self._kept = []
        if not kept:
            return []
        first = rows[0][0]
        return [
            UsedNumber(
                operation,
                number,
                item.asked,
                rows[outcome.first_position - first][1],
                outcome.first_position,
                outcome.last_position,
            )
            for (operation, number), item, outcome in kept
        ]

    # ---- deciding

    def _decide_atomic(self, items: Sequence[_Item]) -> list[Outcome]:
        """All or none; a dry run of all is decided together too, and then taken back."""
        savepoint, fresh = self._state.savepoint(), dict(self._fresh)
        replays, kept = len(self._replays), len(self._kept)
        dry_run = any(item.submission.dry_run for item in items)
        outcomes: list[Outcome] = []
        for index, item in enumerate(items):
            outcome = self._decide(item, within_atomic=True)
            outcomes.append(outcome)
            if outcome.problem is not None:
                self._state.rollback(savepoint)
                self._fresh = fresh
                del self._replays[replays:], self._kept[kept:]
                if not dry_run:
                    self._refuse(item, outcome.problem, keep=False)
                return _aborted(len(items), index, outcome.problem)
        if dry_run:
            self._state.rollback(savepoint)
            self._fresh = fresh
            del self._kept[kept:]
            return [o if o.replayed else Outcome(subjects=o.subjects) for o in outcomes]
        self._state.release()
        return outcomes

    def _decide(self, item: _Item, *, within_atomic: bool = False) -> Outcome:
        dry_run = item.submission.dry_run
        try:
            if item.numbers and (known := self._known(item)) is not None:
                return known
            if dry_run and not within_atomic:
                return self._dry_run(item)
            decision = item.command.decide(self._state, item.submission.by)
        except Refusal as refusal:
            if dry_run or within_atomic:
                return Outcome(problem=refusal)
            keep = item.command.KEEPS_REFUSAL and refusal.code is not _CONFLICT
            return self._refuse(item, refusal, keep=keep)
        except GuokuError as error:
            return Outcome(problem=error)
        except Exception:
            log.exception("a decision failed", operation=item.command.OPERATION)
            problem = GuokuError(Code.INTERNAL, "the command could not be decided")
            return Outcome(problem=problem)
        outcome = self._accept(decision)
        self._keep(item, outcome)
        return outcome

    def _accept(self, decision: Decision) -> Outcome:
        first, last = self._state.apply(decision)
        return Outcome(
            subjects=_subjects(self._state, decision), first_position=first, last_position=last
        )

    def _dry_run(self, item: _Item) -> Outcome:
        decision = item.command.decide(self._state, item.submission.by)
        savepoint = self._state.savepoint()
        try:
            outcome = self._accept(decision)
        finally:  # whatever happens, the batch goes on with the other items
            self._state.rollback(savepoint)
        return Outcome(subjects=outcome.subjects)

    def _known(self, item: _Item) -> Outcome | None:
        """The earlier answer to the same number, or None.

        Raises:
            Refusal: ``idempotency_conflict`` when its body was another.
            IntegrityError: what is kept of its body cannot be read.
        """
        command = item.command
        for number in item.numbers:
            if (fresh := self._fresh.get(number)) is not None:
                earlier, outcome = fresh
                _require_same_body(item.asked == earlier.asked, number)
                return msgspec.structs.replace(outcome, replayed=True)
            if (stored := self._stored.get(number)) is not None:
                same = is_fingerprint_of(stored.fingerprint, command.OPERATION, command.body)
                _require_same_body(same, number)
                outcome = Outcome(
                    replayed=True,
                    first_position=stored.first_position,
                    last_position=stored.last_position,
                )
                self._replays.append((outcome, stored, command.KIND))
                return outcome
        return None

    def _keep(self, item: _Item, outcome: Outcome) -> None:
        for number in item.numbers:
            self._fresh[number] = (item, outcome)
            self._kept.append((number, item, outcome))

    def _refuse(self, item: _Item, refusal: GuokuError, *, keep: bool) -> Outcome:
        """Puts the refusal on record, under the command's numbers if it is to be ``keep``-t."""
        command = item.command
        operation, number = command.OPERATION, command.number
        if isinstance(command, RecordRefusal):
            operation, number = command.refused_operation, command.refused_number
        event = CommandRefused(
            operation=operation,
            number=number,
            code=refusal.code.text,
            detail=refusal.detail,
            extra=refusal.extra,
            by=item.submission.by,
        )
        first, last = self._state.apply(
            Decision(events=[(REFUSAL, "", event)], effective_on=self._state.today)
        )
        outcome = Outcome(problem=refusal, first_position=first, last_position=last)
        if keep:
            self._keep(item, outcome)
        return outcome

    # ---- answers

    def _resolve_replays(self, connection: psycopg.Connection) -> None:
        """Rebuilds stored answers from their events: the object as it was after the command."""
        if not self._replays:
            return
        ledger_id = self._state.ledger_id
        spans = [(key.first_position, key.last_position) for _, key, _ in self._replays]
        ranges = loading.read_ranges(connection, ledger_id, spans)
        streams = loading.read_streams(
            connection, ledger_id, list({row[1] for rows in ranges for row in rows})
        )
        chains = loading.chains_at(connection, ledger_id, [last for _, last in spans])
        for (outcome, key, kind), rows in zip(self._replays, ranges, strict=True):
            if isinstance(rows[0][3], CommandRefused):
                refused = rows[0][3]
                outcome.problem = Refusal(BY_TEXT[refused.code], refused.detail, **refused.extra)
                continue
            versions = {stream_id: version for _, stream_id, version, _, _ in rows}
            outcome.subjects = tuple(
                kind.folded(event for _, at, event in streams[stream_id] if at <= version)
                for stream_id, version in versions.items()
                if kind is not None
            )
            digest = rows[-1][4]
            outcome.commit = Commit(ledger_id, key.last_position, digest, chains[key.last_position])


_CONFLICT = Code.IDEMPOTENCY_CONFLICT


def _require_same_body(same: bool, number: Number) -> None:
    if not same:
        raise Refusal(
            Code.IDEMPOTENCY_CONFLICT,
            f"{number[1]!r} was used before for another content".replace("\n", " "),
        )


def _subjects(state: LedgerState, decision: Decision) -> tuple[object, ...]:
    """The objects a decision changed, each once, in the order of its events."""
    decided = decision.events
    kind, number, _ = decided[0]
    if kind is not None and decided[-1][:2] == (kind, number) and len(decided) <= 2:
        return (state.get(kind, number),)  # as most do: an event and its journal
    subjects: dict[tuple[str, str], object] = {}
    for kind, number, _ in decided:
        if kind is not None and (cached := state.cached(kind).get(number)) is not None:
            subjects[kind.name, number] = cached.obj
    return tuple(subjects.values())


def _aborted(size: int, failed: int, problem: GuokuError) -> list[Outcome]:
    others = Refusal(
        Code.BATCH_ABORTED,
        f"item {failed} was refused and the batch is atomic: nothing was done",
        failed_index=failed,
    )
    return [Outcome(problem=problem if index == failed else others) for index in range(size)]
