"""业务号: the command keys against the commands that the events show.

A command's events stand one behind the other. Some types never begin a command; any other one does,
and the command ends before the next that does. So where a key points, how far it reaches and which
number it holds all follow from the events, and for most commands what was asked as well.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ledger.deciding.fingerprints import is_fingerprint_of, version_of
from ledger.deciding.numbers import OWN_KEY, REFUSED, split
from ledger.errors import IntegrityError
from ledger.events import TYPES, CommandRefused, Event, decode, decoder
from ledger.reading.streaming import Chunk, StoredKey
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings

_NEVER = 1 << 63


def _untold(_event: Event, _day: int) -> Iterable[object]:
    return ()


class Numbered(NamedTuple):
    """How a command is kept, by the event that it begins with.

    Attributes:
        operation: of the command.
        number: its business number; None where it has none.
        bodies: every one that could have brought about this event, effective on this day (since
            1970); none where the event does not tell.
        formerly: a field, and how the command is kept of an event that lacks it.
    """

    operation: str
    number: Callable[[Any], str] | None
    bodies: Callable[[Any, int], Iterable[object]] = _untold
    formerly: "tuple[str, Numbered] | None" = None

    def of(self, event: Event) -> "Numbered":
        """The rule for this event."""
        if self.formerly is not None and not getattr(event, self.formerly[0]):
            return self.formerly[1]
        return self


class Grammar(NamedTuple):
    """Which events make up one command.

    Attributes:
        begins: by type, how the command is kept that begins with it.
        follows: types that never begin one.
        opens: by type that only follows, under which operation and number the object is kept
            that it is the first event of.
        led: the types among the other ones of which an event may follow the one before it.
        follows_closely: whether it does, by (type, payload) of both.
    """

    begins: Mapping[bytes, Numbered]
    follows: frozenset[bytes]
    opens: Mapping[bytes, tuple[str, Callable[[Any], str]]]
    led: frozenset[bytes]
    follows_closely: Callable[[bytes, bytes, bytes, bytes], bool]

    @property
    def numbered(self) -> frozenset[bytes]:
        """The types whose commands have a business number."""
        return frozenset(t for t, rule in self.begins.items() if rule.number is not None)


class _Begun(NamedTuple):
    position: int
    stream_id: bytes
    type: bytes
    payload: bytes
    day: int


class KeyCheck:
    """Every key points at one whole command and says what it was; no numbered command lacks one."""

    NAME = name_check("key", "业务号 numbers and what they point at", "numbers", "command_keys")

    def __init__(self, findings: Findings, keys: Iterator[StoredKey], grammar: Grammar) -> None:
        self._findings, self._keys, self._grammar = findings, keys, grammar
        self._decoders = {
            name: decoder(name.decode(), TYPES[name.decode()]) for name in grammar.begins
        }
        self._advance()
        self._begun: _Begun | None = None
        self._opened: list[_Begun] = []  # the events of the command that open objects
        self._seen = 0  # the last position, behind which something may be missing
        self._before = (b"", b"")

    def _advance(self) -> None:
        self._due = next(self._keys, None)
        self._due_at = self._due.first_position if self._due else _NEVER

    def take(self, chunk: Chunk) -> None:
        follows, closely = self._grammar.follows, self._grammar.follows_closely
        numbered, opens, led = self._grammar.numbered, self._grammar.opens, self._grammar.led
        begun, before, seen = self._begun, self._before, self._seen
        for position, stream_id, day, type_, payload in zip(
            chunk.positions,
            chunk.stream_ids,
            chunk.days,
            chunk.types,
            chunk.payloads,
            strict=True,
        ):
            if type_ in follows or (type_ in led and closely(*before, type_, payload)):
                before, seen = (type_, payload), position
                if type_ in opens:
                    self._opened.append(_Begun(position, stream_id, type_, payload, day))
                continue
            if begun is not None:
                self._close(begun, seen, position - 1)
                begun = None
            elif self._opened:  # by a command without a number
                self._close_opened()
            if type_ in numbered or position >= self._due_at:
                begun = _Begun(position, stream_id, type_, payload, day)
            before, seen = (type_, payload), position
        self._begun, self._before, self._seen = begun, before, seen

    def conclude(self) -> None:
        if self._begun is not None:
            self._close(self._begun, self._seen, self._seen)
        self._close_opened()
        while (due := self._due) is not None:
            self._misplaced(due)

    def _close(self, begun: _Begun, last: int, end: int) -> None:
        """The command is complete: its keys are the next ones in order of position.

        Its last event seen is ``last``; events between that and ``end`` are missing.
        """
        try:
            self._close_own(begun, last, end)
        finally:
            if self._opened:
                self._close_opened()

    def _close_opened(self) -> None:
        """The objects that the command has opened each have their key, at their first event."""
        for opened in self._opened:
            while (due := self._due) is not None and due.first_position < opened.position:
                self._misplaced(due)
            operation, number_in = self._grammar.opens[opened.type]
            try:
                number = number_in(self._decode(opened.type, opened.payload))
            except BROKEN as error:
                self._findings.add(self.NAME, opened.position, f"its bytes cannot be read: {error}")
                if due is not None and due.first_position == opened.position:
                    self._advance()  # what it points at is bad; it is not misplaced
                continue
            if due is None or due.first_position != opened.position:
                detail = f"the number {number!r} of {operation} is not kept 业务号缺失"
                self._findings.add(self.NAME, opened.position, detail)
                continue
            self._findings.count(self.NAME, 1)
            if wrong := _fault_of_opened(due, opened, operation, number):
                self._findings.add(self.NAME, opened.position, f"{_named(due)}: {wrong}")
            self._advance()
        self._opened = []

    def _close_own(self, begun: _Begun, last: int, end: int) -> None:
        """The keys of the command itself."""
        while (due := self._due) is not None and due.first_position < begun.position:
            self._misplaced(due)
        rule = self._grammar.begins.get(begun.type)
        if rule is None and (due is None or due.first_position != begun.position):
            return
        try:
            event = self._decode(begun.type, begun.payload)
            rule = rule and rule.of(event)
            number = rule.number(event) if rule and rule.number else ""
        except BROKEN as error:
            self._findings.add(self.NAME, begun.position, f"its bytes cannot be read: {error}")
            while (due := self._due) is not None and due.first_position == begun.position:
                self._advance()  # what it points at is bad; it is not misplaced
            return
        found = not number
        while (due := self._due) is not None and due.first_position == begun.position:
            self._findings.count(self.NAME, 1)
            if not last <= due.last_position <= end:
                detail = f"{_named(due)}: its events end at {last}, it says {due.last_position}"
                upto = max(last, due.last_position)
                self._findings.add(self.NAME, begun.position, detail, upto)
            elif wrong := self._fault_or_why_not(due, begun, event, rule, number):
                self._findings.add(self.NAME, begun.position, f"{_named(due)}: {wrong}")
            found = found or (
                rule is not None and due.number == number and due.operation == rule.operation
            )
            self._advance()
        if not found and rule is not None:
            detail = f"the number {number!r} of {rule.operation} is not kept 业务号缺失"
            self._findings.add(self.NAME, begun.position, detail)

    def _decode(self, type_: bytes, payload: bytes) -> Event:
        if (decode_it := self._decoders.get(type_)) is None:
            return decode(type_.decode(), payload)
        event: Event = decode_it(payload)
        return event

    def _misplaced(self, due: StoredKey) -> None:
        self._findings.count(self.NAME, 1)
        self._findings.add(
            self.NAME,
            due.first_position,
            f"{_named(due)}: no command begins where it points 指向有误",
        )
        self._advance()

    def _fault_or_why_not(
        self, key: StoredKey, begun: _Begun, event: Event, rule: Numbered | None, number: str
    ) -> str:
        """What is wrong with a key, or what kept it from being told."""
        try:
            return self._fault(key, begun, event, rule, number)
        except BROKEN as error:
            return f"what was asked cannot be told from the event: {error}"

    def _fault(
        self,
        key: StoredKey,
        begun: _Begun,
        event: Event,
        rule: Numbered | None,
        number: str,
    ) -> str:
        """What is wrong with a key, "" if nothing is."""
        try:
            version_of(key.fingerprint)
        except IntegrityError as error:
            return error.detail
        if key.stream_id != begun.stream_id:
            return "it points at another stream than its event's"
        prefix, operation, caller, kept = split((key.operation, key.number))
        own, by = prefix == OWN_KEY, getattr(event, "by", "")
        if prefix and by and caller != by:
            return f"it is of another caller than the event's, {by}"
        if type(event) is CommandRefused:  # isinstance() is slow where a struct is no such one
            same = event.operation == operation and (own or event.number == kept)
            return "" if same else f"it was {event.operation} {event.number!r} that was refused"
        if prefix == REFUSED:
            return f"the event there is {begun.type.decode()}, no refusal"
        if rule is None:
            return "" if own else f"{begun.type.decode()} is kept under no number"
        if operation != rule.operation or not (own or number == key.number):
            return f"the event there is {begun.type.decode()} {number}"
        return _other_content(key.fingerprint, operation, rule.bodies(event, begun.day))


def _fault_of_opened(key: StoredKey, opened: _Begun, operation: str, number: str) -> str:
    """What is wrong with the key of an object that another's command has opened."""
    if (key.operation, key.number) != (operation, number):
        return f"the event there opens {operation} {number!r}"
    if key.stream_id != opened.stream_id or key.last_position != opened.position:
        return "it points at another stream or span than its event's"
    same = is_fingerprint_of(key.fingerprint, operation, number)
    return "" if same else "its fingerprint is of another number 请求摘要不符"


def _other_content(fingerprint: bytes, operation: str, possible: Iterable[object]) -> str:
    told = False
    for body in possible:
        if is_fingerprint_of(fingerprint, operation, body):
            return ""
        told = True
    return "its fingerprint is of another content 请求摘要不符" if told else ""


def _named(key: StoredKey) -> str:
    return f"{key.operation} {key.number!r}"
