"""One batch of submissions decided against one locked ledger: numbers, replays, decisions.

No I/O but through ``ledger.reading``; the sequencer owns the transaction around it.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from itertools import chain
from operator import methodcaller
from typing import NamedTuple

import msgspec
import psycopg
import structlog

from ledger.deciding.approvals import awaited
from ledger.deciding.command import (
    CommandKey,
    Commit,
    Outcome,
    RecordRefusal,
    Submission,
)
from ledger.deciding.documents import DOCUMENT, SUBMIT, Document, decided
from ledger.deciding.numbers import Number
from ledger.deciding.objects import Kind
from ledger.deciding.registers import DaysNotAtHandError
from ledger.deciding.repeating import act_before
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import CommandRefused, DocumentSubmitted
from ledger.reading import loading
from ledger.writing.dating_back import DatingBack
from ledger.writing.items import BatchItem, item_of, submitted_item
from ledger.writing.local_writer import Closed, Writer, closing_of, page_of
from ledger.writing.numbers import Numbers
from ledger.writing.outcomes import aborted
from ledger.writing.wants import Wants

log = structlog.get_logger(__name__)

REFUSAL: Kind[None] = Kind(
    name="refusal",
    opened_by="",
    fold=lambda _obj, _event: None,
)

PAGE_EVENTS = 2_000  # decided while as many are being written
FURTHER_STEPS = 2

_needs = methodcaller("needs")


class Group(msgspec.Struct, kw_only=True):
    """Submissions of one caller that are answered together; ``atomic``: all of them or none."""

    submissions: Sequence[Submission]
    atomic: bool = False
    outcomes: list[Outcome] = []


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
        self._items = [[item_of(s) for s in group.submissions] for group in groups]
        self._first_position = 0
        self.position = 0  # where the ledger stands after it, once it is decided
        self._wants = Wants(state)
        self._numbers = Numbers(state)
        self._of_ledger: set[str] = set()  # operations on the ledger itself, without a number
        self._settled: Callable[[], object] = _nothing_is_under_way
        self._every = every = [item for items in self._items for item in items]
        self._commands = [item.command for item in every]
        self._of_documents = [item for item in every if item.document]
        self._look_further = [command for command in self._commands if command.LOOKS_FURTHER]

    def look_up(self) -> set[Number]:
        """The numbers it will ask for, by what the state has cached now."""
        self._wants.anew()
        numbers = set[Number]()
        for item in self._every:
            if item.numbers:
                numbers.update(item.numbers, item.refused)
            if item.of_ledger:
                self._of_ledger.add(item.command.OPERATION)
        self._wants.add(chain.from_iterable(map(_needs, self._commands)))
        for item in self._of_documents:
            numbers.update(item.also)
            self._wants.add([(DOCUMENT, item.document)])
        numbers.update(self._wants.missing)
        return numbers

    def reads(self, keys: Collection[Number]) -> bool:
        """Whether more has to be read when these of its numbers are used: an object that is not
        cached, an earlier answer, what else decisions look at, what a document asks for, or who
        has last set what."""
        asks = self._wants.beside_objects or self._of_documents or self._of_ledger
        return bool(keys or asks or self._look_further)

    @property
    def locks_facts(self) -> bool:
        """Whether the transaction that it has read in has to outlast its commit."""
        return bool(self._wants.facts)

    @property
    def asks_division(self) -> bool:
        """Whether it asks for objects of its division, or may when it has looked further."""
        return bool(self._wants.ask_division or self._look_further)

    @property
    def tells_again(self) -> bool:
        """Whether, now that it is decided, earlier answers have to be read."""
        return self._numbers.tells_again

    @property
    def numbers(self) -> Collection[Number]:
        """Those that this batch has used."""
        return self._numbers.used

    def decide(
        self,
        connection: psycopg.Connection,
        writer: Writer,
        *,
        keys: dict[Number, CommandKey] | None = None,
        before: Before | None = None,
    ) -> None:
        """Decides all and has it written page by page, but for what :meth:`close` does.

        Args:
            connection: for reading what the decisions look at.
            writer: holds the lock of the head.
            keys: what the numbers of :meth:`look_up` were used for, where it is read already.
            before: the batch that this one follows, where its commit is still under way.
        """
        state = self._state
        self._first_position = state.next_position
        self._load(connection, keys, before)
        self._dating = DatingBack(connection, state, self._settled, self._commands)
        for group, items in zip(self._groups, self._items, strict=True):
            if group.atomic:
                group.outcomes = self._decide_atomic(items)
                if len(state.rows) >= PAGE_EVENTS:
                    self._turn_page(writer)
            else:
                group.outcomes = outcomes = []
                for item in items:
                    outcomes.append(self._decide(item))
                    if len(state.rows) >= PAGE_EVENTS:
                        self._turn_page(writer)

    def close(self, connection: psycopg.Connection, writer: Writer) -> Future[Closed] | None:
        """Tells earlier answers again, and has the rest written; gives what closes the batch, or
        None when nothing is written.

        The outcomes are true once that is committed and :meth:`complete` has told them.
        """
        self._numbers.resolve(connection, self._settled, lambda s, r: self._refuse(item_of(s), r))
        self.position = self._state.position
        if self.position < self._first_position:
            return None
        self._turn_page(writer)
        return writer.close(closing_of(self._state, self._first_position))

    def complete(self, closed: Closed) -> None:
        """Tells every new outcome where it stands."""
        ledger_id, (chain, digests) = self._state.ledger_id, closed
        first = self._first_position
        for group in self._groups:
            for outcome in group.outcomes:
                if (position := outcome.last_position) >= first:
                    outcome.commit = Commit(ledger_id, position, digests[position - first], chain)

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
        self._settled = settled = before.settled if before else _nothing_is_under_way
        if keys is None:
            numbers = self.look_up()
            if before is not None and not numbers.isdisjoint(before.numbers):
                settled()
            keys = loading.read_keys(connection, state.ledger_id, numbers)
        self._numbers.stored = keys
        self._wants.load_objects(connection, keys, settled)
        if self._of_ledger:
            settled()
            self._numbers.repetitions.read_newest(connection, self._of_ledger)
        if self._look_further:
            self._load_further(connection, before)
        self._wants.load_the_rest(connection, settled)

    def _load_further(self, connection: psycopg.Connection, before: Before | None) -> None:
        """What commands look at that is known only now; and what that tells of, once more: the
        agreement to a document brings its command, which may look further itself."""
        state, wants = self._state, self._wants
        settled = before.settled if before else _nothing_is_under_way
        for _ in range(FURTHER_STEPS):
            wants.anew()
            for command in self._look_further:
                wants.add(command.needs_further(state))
            if not wants.are_of_ledger:
                return
            if before is not None and not wants.missing.keys().isdisjoint(before.numbers):
                settled()
            keys = loading.read_keys(connection, state.ledger_id, wants.missing)
            if not wants.load_objects(connection, keys, settled):
                return

    # ---- writing

    def _turn_page(self, writer: Writer) -> None:
        """Has all that is decided by now written."""
        writer.write(page_of(self._state, self._numbers.take(self._state.rows)))

    # ---- deciding

    def _decide_atomic(self, items: Sequence[BatchItem]) -> list[Outcome]:
        """All or none; a dry run of all is decided together too, and then taken back."""
        savepoint, mark = self._state.savepoint(), self._numbers.mark()
        dry_run = any(item.submission.dry_run for item in items)
        outcomes: list[Outcome] = []
        for index, item in enumerate(items):
            outcome = self._decide(item, within_atomic=True)
            outcomes.append(outcome)
            if outcome.problem is not None:
                self._state.rollback(savepoint)
                self._numbers.back_to(mark)
                if not dry_run:
                    self._refuse(item, outcome.problem, keep=False)
                return aborted(len(items), index, outcome.problem)
        if dry_run:
            self._state.rollback(savepoint)
            self._numbers.back_to(mark, forgets_asked=False)
            return [o if o.replayed else Outcome(subjects=o.subjects) for o in outcomes]
        self._state.release()
        return outcomes

    def _decide(self, item: BatchItem, *, within_atomic: bool = False) -> Outcome:
        dry_run = item.submission.dry_run
        try:
            is_kept = item.numbers or item.document  # else no answer is kept under a number
            if is_kept and (known := self._numbers.known(item)) is not None:
                return known
            if item.of_ledger and (last := self._asked_last(item)) is not None:
                return last
            if item.document:
                decision = self._decided_document(item)
            else:
                try:
                    decision = item.command.decide(self._state, item.submission.by)
                except DaysNotAtHandError as missing:
                    decide, by = item.command.decide, item.submission.by
                    decision = self._dating.decided(missing, decide, self._state, by)
            if dry_run and not within_atomic:
                return self._dry_run(decision)
        except Refusal as refusal:
            act = act_before(self._state, item.command, item.submission.by)
            if act is not None:
                return self._numbers.repetitions.add(item.submission, act, refusal)
            if dry_run or within_atomic:
                return Outcome(problem=refusal)
            return self._refuse(item, refusal, keep=self._keeps(item, refusal))
        except GuokuError as error:
            return Outcome(problem=error)
        except Exception:
            log.exception("a decision failed", operation=item.command.OPERATION)
            problem = GuokuError(Code.INTERNAL, "the command could not be decided")
            return Outcome(problem=problem)
        outcome = self._accept(decision)
        self._keep(item, decision, outcome)
        return outcome

    def _asked_last(self, item: BatchItem) -> Outcome | None:
        """As :meth:`Repetitions.last_of_ledger`; what awaits others is a document of its own."""
        if item.document and awaited(self._state, item.command):
            return None
        return self._numbers.repetitions.last_of_ledger(item.submission)

    def _decided_document(self, item: BatchItem) -> Decision:
        state, submission = self._state, item.submission
        try:
            decision = decided(state, submission)
        except DaysNotAtHandError as missing:
            decision = self._dating.decided(missing, decided, state, submission)
        if decision.then is not None:
            self._numbers.require_unused(item.also[1:])
        return decision

    def _accept(self, decision: Decision) -> Outcome:
        state = self._state
        first = state.position + 1
        subjects = state.apply(decision)
        return Outcome(subjects=subjects, first_position=first, last_position=state.position)

    def _keeps(self, item: BatchItem, refusal: Refusal) -> bool:
        """Whether the refusal answers its number for ever: not what never was a document."""
        command = item.command
        if refusal.code is Code.IDEMPOTENCY_CONFLICT or not command.KEEPS_REFUSAL:
            return False
        return not (item.document and awaited(self._state, command))

    def _dry_run(self, decision: Decision) -> Outcome:
        savepoint = self._state.savepoint()
        try:
            outcome = self._accept(decision)
        finally:  # whatever happens, the batch goes on with the other items
            self._state.rollback(savepoint)
        return Outcome(subjects=outcome.subjects)

    def _keep(self, item: BatchItem, decision: Decision, outcome: Outcome) -> None:
        """Keeps the numbers under which the decision is found again."""
        if decision.opens or (decision.then is not None and decision.then.opens):
            self._numbers.open(decision, outcome.first_position)
        if item.unnumbered:
            self._numbers.repetitions.note(item.submission, outcome)
        if item.document:
            self._keep_document(item, decision, outcome)
        elif item.numbers:
            self._numbers.keep(item, outcome)

    def _keep_document(self, item: BatchItem, decision: Decision, outcome: Outcome) -> None:
        """Keeps the numbers of a document that was submitted, and of an act that it brought."""
        document = self._state.get(DOCUMENT, item.document)
        [(_, _, event), *_] = decision.events
        if document is None or decision.events[0][0] is not DOCUMENT:
            self._numbers.keep(item, outcome)  # nobody else had to agree
            return
        self._numbers.documents.keep(document, event, outcome)
        if isinstance(event, DocumentSubmitted):
            item = submitted_item(item, event.submission)
        self._numbers.keep(item, outcome, first_only=True)
        # a batch decided on this one is to see all of the document's events
        self._numbers.note((SUBMIT, document.key), item, outcome)
        if decision.then is not None:
            self._keep_brought(document, outcome)

    def _keep_brought(self, document: Document, outcome: Outcome) -> None:
        """The act that a document has brought is kept as if it had been asked for without one."""
        outcome.brought = document.command
        asked = Submission(
            command=document.command,
            by=document.by,
            idempotency_key=document.submitted.idempotency_key,
        )
        own = msgspec.structs.replace(outcome, first_position=outcome.first_position + 1)
        self._numbers.keep(item_of(asked), own)

    def _refuse(self, item: BatchItem, refusal: GuokuError, *, keep: bool = False) -> Outcome:
        """Puts the refusal on record, under the command's numbers if it is to be ``keep``-t."""
        command = item.command
        operation, number = command.OPERATION, command.number or item.document
        if isinstance(command, RecordRefusal):
            operation, number = command.refused_operation, command.refused_number
        event = CommandRefused(
            operation=operation,
            number=number,
            code=refusal.code.text,
            detail=refusal.detail,
            extra=refusal.recorded,
            by=item.submission.by,
        )
        outcome = self._accept(
            Decision(events=[(REFUSAL, "", event)], effective_on=self._state.today)
        )
        outcome.problem = refusal
        if keep:
            self._numbers.keep(item, outcome)
        return outcome
