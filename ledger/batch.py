"""One batch of submissions decided against one locked ledger: numbers, replays, decisions.

No I/O but through ``ledger.store``; the sequencer owns the transaction around it.
"""

from collections.abc import Sequence

import msgspec
import psycopg
import structlog

from ledger.commands import Command, Commit, Outcome, RecordRefusal, Submission
from ledger.errors import BY_TEXT, Code, GuokuError, Refusal
from ledger.events import CommandRefused
from ledger.gm import sm3
from ledger.state import Decision, LedgerState
from ledger.store import loading
from ledger.store.append import CommandKey, write_batch
from ledger.streams import AnyKind, Kind

log = structlog.get_logger(__name__)

Number = tuple[str, str]

REFUSAL: Kind[None] = Kind(
    name="refusal",
    opened_by="",
    fold=lambda _obj, _event: None,
    indicator_of=lambda _obj: "",
)

_encode = msgspec.json.Encoder().encode


class Group(msgspec.Struct, kw_only=True):
    """Submissions of one caller that are answered together; ``atomic``: all of them or none."""

    submissions: Sequence[Submission]
    atomic: bool = False
    outcomes: list[Outcome] = []


def fingerprint(command: Command) -> bytes:
    """SM3 of what a command asks for, however its JSON was written."""
    return sm3(command.OPERATION.encode() + b"\0" + _encode(command))


def numbers_of(submission: Submission) -> list[Number]:
    """The numbers under which a submission's outcome is kept."""
    command = submission.command
    numbers = []
    if number := command.number:
        numbers.append((command.OPERATION, number))
    if submission.idempotency_key:
        # a key is the caller's own, so nobody meets another's answer through it
        name = f"{submission.by}\n{submission.idempotency_key}"
        numbers.append((f"key:{command.OPERATION}", name))
    return numbers


class Batch:
    """Decides groups in order and collects what is to be written."""

    def __init__(
        self, connection: psycopg.Connection, state: LedgerState, groups: Sequence[Group]
    ) -> None:
        self._connection = connection
        self._state = state
        self._groups = groups
        self._stored: dict[Number, CommandKey] = {}
        self._fresh: dict[Number, tuple[bytes, Outcome]] = {}
        self._new_keys: list[tuple[Number, bytes, Outcome]] = []
        self._replays: list[tuple[Outcome, CommandKey, AnyKind | None]] = []

    def run(self) -> None:
        """Decides all, writes, and completes the outcomes; the caller commits."""
        self._load()
        for group in self._groups:
            group.outcomes = self._decide_group(group)
        self._resolve_replays()
        if self._state.rows:
            self._write()

    def _load(self) -> None:
        state = self._state
        wanted: dict[Number, AnyKind] = {}
        numbers: list[Number] = []
        needs_uncleared = False
        for group in self._groups:
            for submission in group.submissions:
                numbers += numbers_of(submission)
                command = submission.command
                needs_uncleared = needs_uncleared or command.NEEDS_UNCLEARED
                for kind, number in command.needs():
                    wanted[kind.name, number] = kind
        lookups = [
            (kind.opened_by, number)
            for (name, number), kind in wanted.items()
            if (name, number) not in state.objects
        ]
        self._stored = loading.read_keys(self._connection, state.ledger_id, {*numbers, *lookups})
        loading.load_objects(self._connection, state, wanted, self._stored)
        if needs_uncleared:
            loading.load_uncleared(self._connection, state)

    # ---- deciding

    def _decide_group(self, group: Group) -> list[Outcome]:
        if not group.atomic:
            return [self._decide(submission) for submission in group.submissions]
        savepoint, settings = self._state.savepoint(), self._state.settings
        keys_before, replays_before = len(self._new_keys), len(self._replays)
        outcomes = []
        for index, submission in enumerate(group.submissions):
            outcome = self._decide(submission, within_atomic=True)
            outcomes.append(outcome)
            if outcome.problem is not None:
                self._state.rollback(savepoint, settings)
                for number, _, _ in self._new_keys[keys_before:]:
                    del self._fresh[number]
                del self._new_keys[keys_before:]
                del self._replays[replays_before:]
                self._refuse(submission, outcome.problem, keep=False)
                return _aborted(group, index, outcome.problem)
        return outcomes

    def _decide(self, submission: Submission, *, within_atomic: bool = False) -> Outcome:
        command, state = submission.command, self._state
        try:
            if (known := self._known(submission)) is not None:
                return known
            if submission.dry_run:
                return self._dry_run(submission)
            decision = command.decide(state, submission.by)
        except Refusal as refusal:
            if submission.dry_run or within_atomic:
                return Outcome(problem=refusal)
            return self._refuse(submission, refusal, keep=refusal.code != _CONFLICT)
        except GuokuError as error:
            return Outcome(problem=error)
        except Exception:
            log.exception("a decision failed", operation=command.OPERATION)
            problem = GuokuError(Code.INTERNAL, "the command could not be decided")
            return Outcome(problem=problem)
        outcome = self._accept(decision)
        self._keep(submission, outcome)
        return outcome

    def _accept(self, decision: Decision) -> Outcome:
        first, last = self._state.apply(decision)
        return Outcome(
            subjects=_subjects(self._state, decision), first_position=first, last_position=last
        )

    def _dry_run(self, submission: Submission) -> Outcome:
        savepoint, settings = self._state.savepoint(), self._state.settings
        try:
            outcome = self._accept(submission.command.decide(self._state, submission.by))
        finally:
            self._state.rollback(savepoint, settings)
        return outcome

    def _known(self, submission: Submission) -> Outcome | None:
        """The earlier answer to the same number, or None.

        Raises:
            Refusal: ``idempotency_conflict`` when its body was another.
        """
        for number in numbers_of(submission):
            mine = fingerprint(submission.command)
            if (fresh := self._fresh.get(number)) is not None:
                theirs, outcome = fresh
                _same_body(mine, theirs, number)
                return msgspec.structs.replace(outcome, replayed=True)
            if (stored := self._stored.get(number)) is not None:
                _same_body(mine, stored.fingerprint, number)
                outcome = Outcome(
                    replayed=True,
                    first_position=stored.first_position,
                    last_position=stored.last_position,
                )
                self._replays.append((outcome, stored, submission.command.KIND))
                return outcome
        return None

    def _keep(self, submission: Submission, outcome: Outcome) -> None:
        for number in numbers_of(submission):
            mine = fingerprint(submission.command)
            self._fresh[number] = (mine, outcome)
            self._new_keys.append((number, mine, outcome))

    def _refuse(self, submission: Submission, refusal: GuokuError, *, keep: bool) -> Outcome:
        command = submission.command
        operation, number = command.OPERATION, command.number
        if isinstance(command, RecordRefusal):
            operation, number = command.refused_operation, command.refused_number
        event = CommandRefused(
            operation=operation,
            number=number,
            code=refusal.code.text,
            detail=refusal.detail,
            extra=refusal.extra,
            by=submission.by,
        )
        first, last = self._state.apply(
            Decision(events=[(REFUSAL, "", event)], effective_on=self._state.today)
        )
        outcome = Outcome(problem=refusal, first_position=first, last_position=last)
        if keep:
            self._keep(submission, outcome)
        return outcome

    # ---- answers

    def _resolve_replays(self) -> None:
        """Rebuilds stored answers from their events: the object as it was after the command."""
        for outcome, key, kind in self._replays:
            rows = loading.read_range(
                self._connection, self._state.ledger_id, key.first_position, key.last_position
            )
            if isinstance(rows[0][3], CommandRefused):
                refused = rows[0][3]
                outcome.problem = Refusal(BY_TEXT[refused.code], refused.detail, **refused.extra)
                continue
            versions = {stream_id: version for _, stream_id, version, _, _ in rows}
            streams = loading.read_streams(self._connection, self._state.ledger_id, list(versions))
            outcome.subjects = tuple(
                _fold_until(kind, streams[stream_id], version)
                for stream_id, version in versions.items()
                if kind is not None
            )
            outcome.commit = Commit(
                self._state.ledger_id,
                rows[-1][0],
                rows[-1][4],
                loading.chain_at(self._connection, self._state.ledger_id, rows[-1][0]),
            )

    def _write(self) -> None:
        state = self._state
        first_position = state.rows[0].position
        keys = []
        for (operation, number), mine, outcome in self._new_keys:
            stream_id = state.rows[outcome.first_position - first_position].stream_id
            keys.append(
                CommandKey(
                    operation,
                    number,
                    mine,
                    stream_id,
                    outcome.first_position,
                    outcome.last_position,
                )
            )
        digests = write_batch(self._connection, state, keys)
        for group in self._groups:
            for submission, outcome in zip(group.submissions, group.outcomes, strict=True):
                if outcome.last_position >= first_position and not submission.dry_run:
                    digest = digests[outcome.last_position - first_position]
                    outcome.commit = Commit(
                        state.ledger_id, outcome.last_position, digest, state.chain
                    )


_CONFLICT = Code.IDEMPOTENCY_CONFLICT


def _same_body(mine: bytes, theirs: bytes, number: Number) -> None:
    if mine != theirs:
        raise Refusal(
            Code.IDEMPOTENCY_CONFLICT,
            f"{number[1]!r} was used before for another content".replace("\\n", " "),
        )


def _subjects(state: LedgerState, decision: Decision) -> tuple[object, ...]:
    """The objects a decision changed, each once, in the order of its events."""
    keys = dict.fromkeys((kind.name, number) for kind, number, _ in decision.events if kind)
    return tuple(state.objects[key] for key in keys if key in state.objects)


def _fold_until(kind: AnyKind, rows: list[tuple[int, int, object]], version: int) -> object:
    obj = None
    for _, stream_version, event in rows:
        if stream_version > version:
            break
        obj = kind.fold(obj, event)  # type: ignore[arg-type]
    return obj


def _aborted(group: Group, failed: int, problem: GuokuError) -> list[Outcome]:
    others = Refusal(
        Code.BATCH_ABORTED,
        f"item {failed} was refused and the batch is atomic: nothing was done",
        failed_index=failed,
    )
    return [
        Outcome(problem=problem if index == failed else others)
        for index in range(len(group.submissions))
    ]
