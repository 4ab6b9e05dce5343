"""再次裁定: every decision taken again from the events before it, and it gives the same (inv. 15).

A history is read in order. What each command asked is told by the event that it left; the state is
what the events before it come to; the standing ledgers are known as of the positions that were
noted; the clock is the recorded time. From these the command's own ``decide`` has to make the same
rows once more: the same streams and versions, the same days, the same bytes, journals and all.

Refusals are not taken again: what was asked is not on record. What was recorded before a ledger
says that its floors hold on every day was decided by the rules of earlier releases: where today's
come to something else, that is noted and is no finding.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.account_set import is_standing, is_system
from ledger.books import Charts
from ledger.deciding.command import Command, Submission, Told, commands
from ledger.deciding.documents import decided
from ledger.deciding.noted import noted_positions
from ledger.deciding.opening import DATED_FLOORS
from ledger.deciding.principals import AT_MACHINE
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import DaysNotAtHandError
from ledger.deciding.state import Decision, EventRow
from ledger.errors import Code, GuokuError
from ledger.events import (
    TYPES,
    ClockCorrected,
    DocumentApproved,
    DocumentSubmitted,
    Event,
    LedgerOpened,
    StandingNoted,
    decode,
    decoder,
    type_names,
)
from ledger.reading.streaming import Chunk
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings
from ledger.verification.following import told as told_error
from ledger.verification.grammar import grammar
from ledger.verification.known_codes import HOME, KnownCodes
from ledger.verification.past_state import HistoryRow, PastState
from ledger.writing.standing import StandingReader

_EPOCH = date(1970, 1, 1).toordinal()


class Difference(NamedTuple):
    """What a decision taken again makes otherwise, and of which event."""

    position: int
    what: str


class DecisionCheck:
    """See the module.

    Args:
        asking: a connection in the run's snapshot, for objects that were let go.
        standing: what decisions know of standing ledgers.
    """

    NAME = name_check("decision", "裁定 every decision taken again", "decisions", "events")

    def __init__(
        self,
        findings: Findings,
        asking: psycopg.Connection,
        ledger_id: int,
        charts: Charts,
        codes: KnownCodes,
        standing: StandingReader,
    ) -> None:
        self._findings, self._asking, self._ledger_id = findings, asking, ledger_id
        self._codes, self._standing = codes, standing
        self._refold = Refold(charts)
        self._routes = {name.encode(): each for name, each in self._refold.routes.items()}
        self._state = PastState(ledger_id, charts, asking, self._refold)
        known = grammar()
        self._follows, self._led, self._closely = known.follows, known.led, known.follows_closely
        self._group: list[HistoryRow] = []
        self._brought = 0  # how many more events a last agreement says that it brings
        self._answers, self._commands = _answers(), commands()
        self._decoders = {name: decoder(name.decode(), cls) for name, cls in self._answers.items()}

    def take(self, chunk: Chunk) -> None:
        group, follows, led, closely = self._group, self._follows, self._led, self._closely
        counted = 0
        for row in zip(
            chunk.positions,
            chunk.stream_ids,
            chunk.versions,
            chunk.recorded_us,
            chunk.days,
            chunk.types,
            chunk.payloads,
            strict=True,
        ):
            if group:
                belongs = (
                    self._brought
                    or row[5] in follows
                    or (row[5] in led and closely(*group[-1][5:], *row[5:]))
                )
                if belongs and row[3] == group[0][3]:  # a command is in one commit
                    self._brought = max(0, self._brought - 1)
                    group.append(row)
                    continue
                self._close(group)
                counted += 1
            group = [row]
            self._brought = _brings(row)
        self._group = group
        self._state.let_go()
        self._findings.count(self.NAME, counted)

    def conclude(self) -> None:
        if self._group:
            self._close(self._group)
            self._findings.count(self.NAME, 1)
            self._group = []

    # ---- one command

    def _close(self, rows: Sequence[HistoryRow]) -> None:
        """A command is complete: it is decided again, and what stands on record is followed."""
        position, _, _, recorded_us, _, type_, _ = rows[0]
        state = self._state
        try:
            if (asked := self._answers.get(type_)) is not None:
                state.begin_at(position, recorded_us, clock=type_ == _CLOCK)
                if (wrong := self._wrong(asked, rows)) is not None:
                    self._tell(rows[0], wrong)
                    state.take_over(rows)
        except BROKEN as error:
            what = f"it cannot be taken again: {told_error(error)}"
            self._tell(rows[0], Difference(position, what))
            with suppress(*BROKEN):  # as far as they can be read
                state.take_over(rows)
        state.position = rows[-1][0]
        self._fold(rows)
        if type_ == _NOTED:
            positions = noted_positions(state)
            state.know(self._standing(self._asking, positions), positions)

    def _tell(self, row: HistoryRow, wrong: Difference) -> None:
        """Before a ledger says that it is decided by today's rules, they are not held against
        it."""
        since = is_standing(self._ledger_id) or is_system(self._ledger_id)
        said = since or self._state.settings.get(DATED_FLOORS).said
        if not said and row[5] in _OPENING:
            said = b'"dated_floors":true' in row[6]
        tell = self._findings.add if said else self._findings.note
        tell(self.NAME, wrong.position, f"{row[5].decode()}: {wrong.what} 裁定不符")

    def _fold(self, rows: Iterable[HistoryRow]) -> None:
        """The registers, by what stands on record; what falls below a floor, or cannot be read, is
        told by their own check."""
        routes, follow = self._routes, self._refold.follow
        for position, _, _, _, day, type_, payload in rows:
            for route in routes.get(type_, ()):
                if route.mark and payload.find(route.mark) < 0:  # ``in`` takes twice as long
                    continue
                try:
                    follow(route, route.decode(payload), position, date.fromordinal(day + _EPOCH))
                except BROKEN:
                    continue

    def _wrong(self, asked: type[Event], rows: Sequence[HistoryRow]) -> Difference | None:
        """What a decision taken again makes otherwise, by the way of asking that comes nearest."""
        state, first = self._state, rows[0]
        event = self._decoders[first[5]](first[6])
        command_type = self._commands[_operation_of(asked, event)]
        told = Told(event, date.fromordinal(first[4] + _EPOCH), state, lambda: _behind(rows))
        wrong = Difference(0, "the code sets that it names are not on record")
        for command in command_type.asked_in(told):
            for codes in self._codes.candidates(event, state.settings, self._loads_before(first)):
                state.by_codes(codes)
                found = self._attempt(command, event, rows)
                if found is None:
                    self._codes.held(codes)
                    return None
                wrong = max(wrong, found, key=_place)
        return wrong if wrong.position else Difference(first[0], wrong.what)

    def _loads_before(self, row: HistoryRow) -> int:
        """Up to where this ledger has its own loads of code sets, which are all in one."""
        return row[0] - 1 if self._ledger_id == HOME else 0

    def _attempt(
        self, command: Command, event: Any, rows: Sequence[HistoryRow]
    ) -> Difference | None:
        """As :meth:`_wrong`, for one way in which it may have been asked."""
        state, by = self._state, getattr(event, "by", "")
        state.load(command, event, lambda: _behind(rows))
        try:
            decision = self._decided(command, by, event)
            if state.follows(decision, rows):
                return None
        except GuokuError as refusal:
            return Difference(rows[0][0], f"taken again it is refused, {_refused(refusal)}")
        return self._difference(decision, rows)

    def _difference(self, decision: Decision, rows: Sequence[HistoryRow]) -> Difference | None:
        """Where a decision goes another way than the record."""
        state = self._state
        savepoint = state.savepoint()
        try:
            state.apply(decision)
            if (wrong := _differing(state.rows, rows)) is None:
                state.made(decision)
                return None
        except BaseException:
            state.rollback(savepoint)
            raise
        state.rollback(savepoint)
        return wrong

    def _decided(self, command: Command, by: str, event: Any) -> Decision:
        state = self._state
        while True:
            try:
                if not command.APPROVABLE:
                    return command.decide(state, by)
                key = getattr(event, "idempotency_key", "")
                alone = by in AT_MACHINE and not isinstance(event, DocumentSubmitted)
                asked = Submission(command=command, by=by, idempotency_key=key, at_machine=alone)
                return decided(state, asked)
            except DaysNotAtHandError as missing:
                state.want(missing.register, missing.key)


# ---- what stands on record


_CLOCK = ClockCorrected.TYPE.encode()
_NOTED = StandingNoted.TYPE.encode()
_OPENING = frozenset(name.encode() for name in type_names(LedgerOpened))
_AGREED = frozenset(name.encode() for name in type_names(DocumentApproved))


def _answers() -> dict[bytes, type[Event]]:
    """By stored name, former versions included, the types that answer a command."""
    return {
        name.encode(): cls
        for cls in TYPES.values()
        if cls.TRAITS.asked_by
        for name in type_names(cls)
    }


def _operation_of(asked: type[Event], event: Event) -> str:
    formerly = asked.TRAITS.formerly
    if formerly is not None and not getattr(event, formerly[0]):
        return formerly[1]
    return asked.TRAITS.asked_by


def _brings(row: HistoryRow) -> int:
    """How many events behind an agreement are those of the act that it brings."""
    if row[5] not in _AGREED:
        return 0
    try:
        agreed: Any = decode(row[5].decode(), row[6])
    except BROKEN:
        return 0  # told where it is decided again
    return int(agreed.brings)


def _behind(rows: Sequence[HistoryRow]) -> list[Event]:
    return [decode(row[5].decode(), row[6]) for row in rows[1:]]


def _differing(made: Sequence[EventRow], rows: Sequence[HistoryRow]) -> Difference | None:
    """The first thing that a decision makes otherwise than the record has it."""
    for (position, stream_id, version, day, type_name, payload), row in zip(
        made, rows, strict=False
    ):
        if (
            payload == row[6]
            and stream_id == row[1]
            and version == row[2]
            and day.toordinal() - _EPOCH == row[4]
            and type_name == row[5].decode()
        ):
            continue
        stored = decode(row[5].decode(), row[6])
        again = decode(type_name, payload)
        if stored != again:
            return Difference(position, _otherwise(stored, again))
        if (stream_id, version) != (row[1], row[2]):
            place = f"{stream_id.hex()} {version}"
            return Difference(position, f"taken again its stream and version are {place}")
        if day.toordinal() - _EPOCH != row[4]:
            return Difference(position, f"taken again it takes effect on {day}")
    if len(made) != len(rows):
        what = f"taken again it leaves {len(made)} events, here stand {len(rows)}"
        return Difference(rows[min(len(made), len(rows) - 1)][0], what)
    return None


def _place(difference: Difference) -> int:
    return difference.position


def _otherwise(stored: Event, again: Event) -> str:
    if type(stored) is not type(again):
        return f"stands {stored.TYPE}, taken again it is {again.TYPE}"
    return _first_difference("", stored, again)


def _first_difference(within: str, stored: msgspec.Struct, again: msgspec.Struct) -> str:
    for name in stored.__struct_fields__:
        theirs, ours = getattr(stored, name), getattr(again, name)
        if theirs == ours:
            continue
        if isinstance(theirs, msgspec.Struct) and type(theirs) is type(ours):
            return _first_difference(f"{within}{name}.", theirs, ours)
        return f"{within}{name} is {_short(theirs)}, taken again it is {_short(ours)}"
    return "it is written otherwise"


def _short(value: object) -> str:
    return f"{value!r}"[:120]


def _refused(refusal: GuokuError) -> str:
    code = refusal.code
    return f"{code.text}: {refusal.detail}" if isinstance(code, Code) else str(refusal)
