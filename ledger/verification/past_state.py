"""A ledger's state as it was before a decision, while its history is read.

The same state that decisions are made on, by the same folds; but its registers are what the events
come to, and nothing of it is written. Objects that wait for nothing are let go, the oldest first,
and read again from their streams, up to the event that is looked at.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import psycopg

from ledger.books import Charts
from ledger.deciding.cached_objects import CachedObject
from ledger.deciding.command import Command, Need
from ledger.deciding.documents import DOCUMENT, SUBMIT, ApproveDocument, key_of
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.numbers import Number
from ledger.deciding.objects import AnyKind, ledger_stream_id, new_stream_id
from ledger.deciding.of_division import OfDivision
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import WHOLE, AnyRegister, Register
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.code_sets import CodeSets
from ledger.events import DocumentSubmitted, Event, decode, encode
from ledger.reading.loading import read_keys
from ledger.reading.object_streams import read_streams
from ledger.reading.of_division import read_of_division
from ledger.verification.folded_rows import FoldedRows

_EPOCH = date(1970, 1, 1).toordinal()
COST_KEPT_MAX = 40_000  # of objects that wait for nothing; a payment costs its lines

# position, stream, version, recorded (µs since 1970), day (since 1970), type, payload, as in Chunk
HistoryRow = tuple[int, bytes, int, int, int, bytes, bytes]


class PastState(LedgerState):
    """See the module."""

    __slots__ = (
        "_asking",
        "_cost",
        "_ended",
        "_left",
        "_own_stream",
        "_places",
        "_waiting",
    )

    def __init__(
        self, ledger_id: int, charts: Charts, asking: psycopg.Connection, refold: Refold
    ) -> None:
        super().__init__(ledger_id, charts)
        self.registers: FoldedRows = FoldedRows(refold)
        self._asking = asking
        self._own_stream = ledger_stream_id(ledger_id)
        self._places: list[tuple[AnyKind, str]] = []  # that the command looks at, or opens
        self._left: Callable[[], Iterable[Event]] = tuple  # the events of that command
        # by kind, what may be let go with its cost, the oldest first; kinds that may wait
        self._ended: dict[str, dict[str, int]] = {}
        self._waiting: set[str] = set()
        self._cost = 0
        self.position = 0
        self.begin(0)

    # ---- where it stands

    def begin_at(self, position: int, recorded_us: int, *, clock: bool) -> None:
        """It stands before the event at ``position``; ``clock``: which corrects the clock."""
        if recorded_us != self.recorded_us:
            codes = self._codes
            self.begin(recorded_us, codes, corrects_clock=clock and recorded_us < self.recorded_us)
        else:
            self.registers.want_nothing()
        self.position = position - 1

    def by_codes(self, codes: CodeSets) -> None:
        """Decides by these code sets from here on."""
        self._codes = codes

    def want(self, register: AnyRegister, key: str) -> None:
        """Has the days of a row at hand for the decision."""
        self.registers.want(register, key)

    # ---- what has happened

    def follows(self, decision: Decision, rows: Sequence[HistoryRow]) -> bool:
        """Whether a decision makes these rows and no others, byte for byte; if so it has happened,
        else nothing has. So nothing has to be taken back, as nearly every decision stands."""
        changed: list[tuple[AnyKind, str, Event]] = []
        after: dict[tuple[str, str], CachedObject] = {}
        settings, own_version, at = self.settings, self.stream_version, 0
        each: Decision | None = decision
        while each is not None:
            day = each.effective_on.toordinal() - _EPOCH
            for kind, number, event in each.events:
                if at == len(rows):
                    return False
                _, stream_id, version, _, on, type_, payload = rows[at]
                at += 1
                if encode(event) != payload or on != day or event.TYPE.encode() != type_:
                    return False
                if kind is None:
                    own_version += 1
                    if stream_id != self._own_stream or version != own_version:
                        return False
                    settings = settings.after(event)
                    continue
                place = kind.name, number
                before = after.get(place) or self._cached[kind.name].get(number)
                if before is None:
                    obj = kind.fold(None, event)
                    due_id, due = new_stream_id(self._stream_ids_begin, self.position + at), 1
                else:
                    obj = kind.fold(before.obj, event)
                    due_id, due = before.stream_id, before.stream_version + 1
                if stream_id != due_id or version != due:
                    return False
                if obj is not None:  # a refusal's stream is no object's
                    after[place] = CachedObject(obj, stream_id, version, self.position + at)
                changed.append((kind, number, event))
            each = each.then
        if at < len(rows):
            return False
        self.settings, self.stream_version = settings, own_version
        for (name, number), cached in after.items():
            self._cached[name][number] = cached
        self._note_places(changed)
        return True

    def made(self, decision: Decision) -> None:
        """What was decided is what stands on record."""
        self.release()
        self.rows.clear()
        self.documents.clear()
        self.shared_documents.clear()
        each: Decision | None = decision
        while each is not None:
            self._note_places((k, number, event) for k, number, event in each.events if k)
            each = each.then

    def _note_places(self, changed: Iterable[tuple[AnyKind, str, Event]]) -> None:
        for kind, number, event in changed:
            if event.TRAITS.ends or kind.name not in self._waiting:
                self._note_place(kind, number, event)

    def take_over(self, rows: Sequence[HistoryRow]) -> None:
        """Takes over what stands on record where no decision has made it: by the objects that the
        command looks at."""
        for position, stream_id, version, _, _, type_, payload in rows:
            event = decode(type_.decode(), payload)
            if stream_id == self._own_stream:
                self.settings, self.stream_version = self.settings.after(event), version
            elif (place := self._place_of(stream_id, version)) is not None:
                kind, number = place
                before = self._cached[kind.name].get(number)
                after = kind.fold(before.obj if before else None, event)
                if after is not None:
                    obj = CachedObject(after, stream_id, version, position)
                    self._cached[kind.name][number] = obj
                    self._note_place(kind, number, event)

    def _place_of(self, stream_id: bytes, version: int) -> tuple[AnyKind, str] | None:
        """The object, among those of the command, whose stream it is."""
        for kind, number in self._places:
            cached = self._cached[kind.name].get(number)
            if cached.stream_id == stream_id if cached else version == 1:
                return kind, number
        return None

    def _note_place(self, kind: AnyKind, number: str, event: Event) -> None:
        """Remembers what may be let go: what waits for nothing."""
        ended = self._ended.get(kind.name)
        if ended is None:
            ended = self._ended[kind.name] = {}
            if kind.ends:
                self._waiting.add(kind.name)
        if event.TRAITS.ends or (kind.name not in self._waiting and number not in ended):
            cached = self._cached[kind.name].get(number)
            cost = kind.cost(cached.obj) if cached is not None else 0
            self._cost += cost - ended.get(number, 0)
            ended[number] = cost

    def let_go(self) -> None:
        """Keeps memory bounded; what is let go is read again when it is needed."""
        self.division_objects.trim()
        if self._cost <= COST_KEPT_MAX:
            return
        for name, ended in self._ended.items():
            for number in list(ended)[: len(ended) // 2]:
                self._cost -= ended.pop(number)
                self._cached[name].pop(number, None)

    # ---- objects

    def load(self, command: Command, event: Any, behind: Callable[[], Iterable[Event]]) -> None:
        """Has at hand what a command looks at.

        Args:
            event, behind: what it has left.
        """
        self._places, self._left = [], lambda: (event, *behind())
        opened = command.OPERATION, command.number
        self._look_at(command.needs(), opened)
        self._look_at(command.needs_further(self), opened)
        if isinstance(event, DocumentSubmitted):
            key = key_of(event.kind, event.number)
            self._look_at([(DOCUMENT, key)], (SUBMIT, key if event.submission == 1 else ""))
        elif isinstance(command, ApproveDocument):
            document = self.get(DOCUMENT, command.key)
            if document is not None:
                asked = document.command
                self._look_at(asked.needs(), (asked.OPERATION, asked.number))
                self._look_at(asked.needs_further(self), (asked.OPERATION, asked.number))
                command = asked
        self._places += [
            (kind, command.number)
            for kind in command.changes()
            if kind.opened_by == command.OPERATION
        ]

    def _look_at(self, needs: Iterable[Need], opened: Number) -> None:
        missing: list[tuple[AnyKind, str]] = []
        of_division: dict[OfDivision[Any], list[str]] = {}
        for what, key in needs:
            if isinstance(what, LockedFact):
                self.take_facts({(what.name, key): what.seen_by(self._left())})
                continue
            if isinstance(what, OfDivision):
                if not self.division_objects.has(what, key):
                    of_division.setdefault(what, []).append(key)
                continue
            if key == WHOLE or isinstance(what, Register):
                continue
            self._places.append((what, key))
            if key not in self._cached[what.name] and (what.opened_by, key) != opened:
                missing.append((what, key))
        if missing:
            self._load(missing)
        if of_division:
            found = read_of_division(
                self._asking, self.ledger_id, of_division, self.standing_positions
            )
            self.division_objects.take(found)

    def _load(self, wanted: Iterable[tuple[AnyKind, str]]) -> None:
        """Folds objects from the events of their streams up to where the state stands."""
        asked = {(kind.opened_by, number): (kind, number) for kind, number in wanted}
        keys = read_keys(self._asking, self.ledger_id, asked.keys())
        places = {key.stream_id: asked[number] for number, key in keys.items()}
        for stream_id, events in read_streams(self._asking, self.ledger_id, list(places)):
            kind, number = places[stream_id]
            past = [each for each in events if each[0] <= self.position]
            obj = kind.folded(event for _, _, event in past)
            if obj is not None:
                position, version, _ = past[-1]
                self._cached[kind.name][number] = CachedObject(obj, stream_id, version, position)
                for _, _, event in past:
                    self._note_place(kind, number, event)
