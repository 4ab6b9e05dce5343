"""What decisions look at: the state of one ledger inside one transaction.

Truth lies in the database. This is a cache of it, valid exactly when its position equals the locked
head's, and the working copy to which a batch's decisions are applied before they are written.
Every change goes through :meth:`_put`, so that a dry run or an atomic batch can be taken back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from operator import setitem
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.account_set import fiscal_year_of, within_year
from ledger.books import Books, Charts
from ledger.deciding.cached_objects import CachedObject, CachedObjects
from ledger.deciding.chart_edition import CHART_EDITION
from ledger.deciding.dated import DatedRow
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.objects import AnyKind, Kind, ledger_stream_id, new_stream_id, stream_ids_begin
from ledger.deciding.of_division import DivisionObjects, OfDivision
from ledger.deciding.registers import AnyRegister, MovedRow, Register
from ledger.deciding.rows import Put, RegisterRows
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.tables import AnyTable, ShownRows, shown
from ledger.elements.code_sets import CodeSets
from ledger.events import Event, encode
from ledger.integrity.chain import moment_of

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)

BEIJING = timezone(timedelta(hours=8))  # the treasury's days begin in Beijing, without summer time
_NO_POSITION = 2**63  # behind every other
_PUT: Put = setitem

# An event with its place, as it is hashed and written:
# (position, stream_id, stream_version, effective_on, type, payload)
EventRow = tuple[int, bytes, int, date, str, bytes]


class Savepoint(NamedTuple):
    """Where a state stood, so that it can be taken back there."""

    position: int
    rows: int
    stream_version: int
    settings: LedgerSettings


class Decision(msgspec.Struct, kw_only=True, gc=False):
    """What an accepted command does, beyond the point of no return.

    Attributes:
        events: (kind, number, event) in order; kind None for the ledger's own stream.
        moved: the rows of registers that it moves, as they are after it.
        opens: the objects, by kind and number, that are found from here on by their own numbers
            though no command of theirs has opened them: the rows of a budget.
        also_found: kinds, opened by the command, and numbers by which the object of its first event
            is found from here on, too: a voucher by the number of its red one.
        documents: (SM3, bytes) of signed vouchers and receipts, each of them new.
        shared_documents: likewise, of documents that an earlier event may have brought already.
        settles: objects that nothing waits for any more: they are not kept at hand.
        then: what takes effect directly behind it, on its own day: the act of a last agreement.
    """

    events: list[tuple[AnyKind | None, str, Event]]
    effective_on: date
    moved: Sequence[MovedRow] = ()
    opens: Sequence[tuple[AnyKind, str]] = ()
    also_found: Sequence[tuple[AnyKind, str]] = ()
    documents: Sequence[tuple[bytes, bytes]] = ()
    shared_documents: Sequence[tuple[bytes, bytes]] = ()
    settles: Sequence[tuple[AnyKind, str]] = ()
    then: "Decision | None" = None


class LedgerState:
    """Head, settings, objects and register rows of one ledger; see the module.

    Methods of deciding change nothing, those of a batch change what is written, those of the cache
    follow the database.
    """

    # a dict of more than 29 attributes is no longer looked up by place (CPython 3.11)
    __slots__ = (
        "_booked_by",
        "_cached",
        "_codes",
        "_facts",
        "_objects",
        "_shown",
        "_stream_ids_begin",
        "_undo",
        "ahead_us",
        "calendar_day",
        "chain",
        "charts",
        "corrects_clock",
        "division_objects",
        "documents",
        "fiscal_year",
        "ledger_id",
        "now",
        "position",
        "recorded_us",
        "registers",
        "rows",
        "settings",
        "shared_documents",
        "standing",
        "standing_at",
        "standing_positions",
        "stream_version",
        "today",
    )

    def __init__(self, ledger_id: int, charts: Charts) -> None:
        self.ledger_id = ledger_id
        self.fiscal_year = fiscal_year_of(ledger_id)
        self.charts = charts
        self.position, self.chain = -1, b""
        self.recorded_us = 0
        self.stream_version = 0
        self.settings = LedgerSettings()
        self._booked_by: tuple[LedgerSettings | None, date, Any] = None, date.min, None  # books
        self._objects = CachedObjects()
        self._cached = self._objects.by_kind
        self.registers = RegisterRows()
        self.standing: Any = None  # what its domains have read of the standing ledgers
        self.standing_at = -1  # ``LockedHead.standing`` when that was read
        self.standing_positions: Mapping[int, int] = {}  # up to where each was read
        self.division_objects = DivisionObjects()
        self.begin(0)

    # ---- what decisions read

    def books(self, day: date) -> Books:
        """The charts and rules that the ledger books by on a day."""
        books: Books
        settings, on, books = self._booked_by  # one day and one edition, but for what is dated back
        if settings is not self.settings or on != day:
            books = self.charts.on(day, self.settings.get(CHART_EDITION).edition)
            self._booked_by = self.settings, day, books
        return books

    @property
    def codes(self) -> CodeSets:
        """The code sets in force for the batch."""
        assert self._codes is not None, "a batch that decides begins with code sets"
        return self._codes

    @property
    def next_position(self) -> int:
        return self.position + 1

    def get(self, kind: Kind[T], number: str) -> T | None:
        cached = self._cached[kind.name].get(number)
        return None if cached is None else cached.obj

    def of_division(self, asked: OfDivision[T], number: str) -> T | None:
        """An object of the division's standing ledger, as of what is noted of that; its command
        ``needs`` it."""
        return self.division_objects.get(asked, number)

    def cached(self, kind: AnyKind) -> dict[str, CachedObject]:
        """The cached objects of one kind, by number."""
        return self._cached[kind.name]

    def peek(self, kind: Kind[T], numbers: Iterable[str], position: int) -> dict[str, T]:
        """What the cache has of these objects, for threads that neither decide nor wait.

        None where it does not reach to ``position``. It may be ahead of what is committed, by
        batches that can still fail and by dry runs: what has changed behind ``position`` is left
        out; with 0 nothing is, and whoever looks judges what he sees by itself.
        """
        cached = self._cached.get(kind.name)
        if cached is None or self.position < position:
            return {}
        last = position or _NO_POSITION
        found = ((number, cached.get(number)) for number in numbers)
        return {
            number: each.obj for number, each in found if each is not None and each.position <= last
        }

    def row(self, register: Register[R], key: str) -> R:
        """A register's row, as it is after all that has moved it."""
        return self.registers.dated(register, key).row

    def row_on(self, register: Register[R], key: str, day: date) -> DatedRow[R]:
        """A row that tells what it is at the end of a day and of every later one."""
        return self.registers.on(register, key, day)

    def first_day(self, register: Register[R], key: str, day: date) -> date:
        """The first day on which a row has moved, or this one, where it has moved by then."""
        if day >= self.registers.dated(register, key).day:
            return day
        return self.row_on(register, key, day).first_day

    def rows_of(self, register: Register[R]) -> Mapping[str, R]:
        """All rows of a register that is kept as a whole."""
        return self.registers.all(register)

    def moved(
        self, register: Register[R], key: str, day: date, changes_fen: Mapping[str, int]
    ) -> MovedRow:
        """A row after its fields have changed on a day, or :meth:`Register.moved` refuses."""
        return register.moved(key, self.registers.dated(register, key), day, changes_fen)

    def has_row(self, register: AnyRegister, key: str) -> bool:
        """Whether it is cached; ``WHOLE``: whether all are."""
        return self.registers.has(register, key)

    def fact(self, fact: LockedFact[T], key: str) -> T:
        """What stands beside the events, locked for this batch; its command ``needs`` it."""
        seen: T = self._facts[fact.name, key]
        return seen

    # ---- one batch

    def know(self, standing: Any, positions: Mapping[int, int]) -> None:
        """What the standing ledgers say as of these positions."""
        self.standing, self.standing_positions = standing, positions
        self.division_objects.forget()

    def take_facts(self, facts: Mapping[tuple[str, str], Any]) -> None:
        """What was locked for this batch, by name and key."""
        self._facts.update(facts)

    def begin(
        self, now_us: int, codes: CodeSets | None = None, *, corrects_clock: bool = False
    ) -> None:
        """Starts a batch with nothing to write; time never runs backwards, but where the batch
        ``corrects_clock``: then the last event was recorded ahead of its time.

        ``now`` is the moment at which the ledger learns all of the batch, ``calendar_day`` its day
        in Beijing, ``today`` its business day, in the ledger's year. Without code sets nothing may
        be decided that asks for them."""
        self._codes = codes
        self.corrects_clock, self.ahead_us = corrects_clock, self.recorded_us
        self.recorded_us = now_us if corrects_clock else max(self.recorded_us, now_us)
        self._stream_ids_begin = stream_ids_begin(self.ledger_id, self.recorded_us)
        self.now: datetime = moment_of(self.recorded_us)
        self.calendar_day: date = self.now.astimezone(BEIJING).date()
        self.today: date = within_year(self.ledger_id, self.calendar_day)
        self.rows: list[EventRow] = []
        self.documents: dict[bytes, bytes] = {}
        self.shared_documents: dict[bytes, bytes] = {}
        self.registers.begin()
        self._shown: dict[tuple[str, str], AnyKind] = {}
        self._facts: dict[tuple[str, str], Any] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] | None = None

    def savepoint(self) -> Savepoint:
        """From here on changes are remembered, until :meth:`rollback` or :meth:`release`."""
        self._undo = []
        return Savepoint(self.position, len(self.rows), self.stream_version, self.settings)

    def rollback(self, savepoint: Savepoint) -> None:
        """Takes back all since ``savepoint``."""
        for mapping, key, old in reversed(self._undo or ()):
            if old is None:
                mapping.pop(key, None)
            else:
                mapping[key] = old
        self._undo = None
        self.position, rows, self.stream_version, self.settings = savepoint
        del self.rows[rows:]

    def release(self) -> None:
        """Keeps what was done since the savepoint."""
        self._undo = None

    def take(self) -> tuple[list[EventRow], dict[bytes, bytes]]:
        """Rows and documents that were not taken before, to be written. Not within a savepoint."""
        assert self._undo is None, "what is on its way to the server cannot be taken back"
        rows, documents = self.rows, self.documents
        self.rows, self.documents = [], {}
        return rows, documents

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        if self._undo is not None:
            self._undo.append((mapping, key, mapping.get(key)))
        mapping[key] = value

    def apply(self, decision: Decision) -> tuple[object, ...]:
        """Makes the decision's effects the state; gives the objects that it changed, or that what
        took effect behind it did: each once, in the order of their events."""
        put: Put = _PUT if self._undo is None else self._put  # within a savepoint: with what was
        subjects = self._append(decision, put)
        if decision.moved:
            self.registers.keep(decision.moved, put)
        if decision.documents or decision.shared_documents or decision.also_found:
            self._take_along(decision, put)
        for kind, number in decision.settles:
            put(self._objects.settled, (kind.name, number), True)
        return subjects if decision.then is None else self.apply(decision.then)

    def _append(self, decision: Decision, put: Put) -> tuple[object, ...]:
        add, day, position = self.rows.append, decision.effective_on, self.position
        subjects: dict[bytes, object] = {}  # by their streams
        for kind, number, event in decision.events:
            position += 1
            if kind is None:
                self.stream_version = version = self.stream_version + 1
                stream_id = ledger_stream_id(self.ledger_id)
                self.settings = self.settings.after(event)
            else:
                cached = self._cached[kind.name]
                if (before := cached.get(number)) is not None:
                    stream_id, version = before.stream_id, before.stream_version + 1
                    after = kind.fold(before.obj, event)
                else:
                    stream_id, version = new_stream_id(self._stream_ids_begin, position), 1
                    if (after := kind.fold(None, event)) is not None:
                        self._objects.note_cost(kind, number, after)
                if after is not None:  # a refusal's stream is no object's
                    put(cached, number, CachedObject(after, stream_id, version, position))
                    subjects[stream_id] = after
                    if kind.tables:
                        put(self._shown, (kind.name, number), kind)
            add((position, stream_id, version, day, event.TYPE, encode(event)))
        self.position = position
        return tuple(subjects.values())

    def _take_along(self, decision: Decision, put: Put) -> None:
        """What comes with events: their documents, and other numbers of the first one's object."""
        for sm3, body in decision.documents:
            put(self.documents, sm3, body)
        for sm3, body in decision.shared_documents:
            put(self.shared_documents, sm3, body)
        for kind, number in decision.also_found:
            of: Any = decision.events[0]
            put(self._cached[kind.name], number, self._cached[of[0].name][of[1]])

    def pass_over(self, events: int) -> None:
        """The position behind events that another program writes itself."""
        self.position += events

    def shown_rows(self) -> list[ShownRows]:
        """What tables of objects have to say of those that the batch has changed. Not within a
        savepoint."""
        by_table: dict[AnyTable, list[Any]] = {}
        for (name, number), kind in self._shown.items():
            for table in kind.tables:
                by_table.setdefault(table, []).append(self._cached[name][number].obj)
        return [shown(table, self.ledger_id, objects) for table, objects in by_table.items()]

    # ---- the cache

    def stand_at(
        self,
        position: int,
        chain: bytes,
        recorded_us: int,
        stream_version: int,
        settings: LedgerSettings,
    ) -> None:
        """The head, as it is locked now."""
        self.position, self.chain, self.recorded_us = position, chain, recorded_us
        self.stream_version, self.settings = stream_version, settings

    def take_object(
        self, kind: AnyKind, number: str, obj: Any, stream_id: bytes, version: int, position: int
    ) -> None:
        """An object as the database has it."""
        self._cached[kind.name][number] = CachedObject(obj, stream_id, version, position)
        self._objects.note_cost(kind, number, obj)

    def take_rows(
        self, register: AnyRegister, rows: Mapping[str, DatedRow[Any]], *, whole: bool = False
    ) -> None:
        """Rows of a register as the database has them; ``whole``: all there are."""
        self.registers.take(register, rows, whole=whole)

    def forget(self) -> None:
        """Drops all that was cached: the next batch reads the database."""
        self.position = self.standing_at = -1
        self.division_objects.forget()
        self._let_go()

    def _let_go(self) -> None:
        """Objects and the rows that they move, always together."""
        self._objects.forget()
        self.registers.forget()

    def forget_streams(self, stream_ids: Iterable[bytes]) -> None:
        """Drops the objects that another process has written to, and whole registers; single
        rows that it moved are to be read anew."""
        self._objects.forget_streams(stream_ids)
        self.registers.forget_whole()

    def trim(self) -> None:
        """Keeps the cache bounded. Only after a commit: what is let go is read again."""
        self._objects.trim()
        self.division_objects.trim()
        self.registers.end()
        if self.registers.is_full:
            self._let_go()
