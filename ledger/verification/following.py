"""Checks that follow some types of events, and the frame that feeds all checks of a history.

A check that is added is a class: it says which types it follows, takes their rows one by one, and
concludes with a look at the tables that have to agree with them. Nothing that a row raises ends a
run: it becomes a finding at that row's position.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec
import psycopg

from ledger.books import Charts
from ledger.errors import IntegrityError
from ledger.gm import Provider
from ledger.reading.streaming import Chunk
from ledger.verification.checks import BROKEN, UNREADABLE, name_check
from ledger.verification.findings import Findings

T = TypeVar("T")

UNFINISHED = name_check("unfinished", "核验中断 checks that could not go on", "checks")


class Place(NamedTuple):
    """Where a ledger says it stands: its head's row, of which nothing is believed yet."""

    ledger_id: int
    position: int
    chain: bytes
    recorded_us: int
    stream_version: int
    settings: bytes


class FollowedEvent(NamedTuple):
    """An event as it is stored; times as in ``Chunk``."""

    position: int
    stream_id: bytes
    version: int
    recorded_us: int
    day: int
    type: str
    payload: bytes


class Context(NamedTuple):
    """What a check works with.

    Attributes:
        asking: a connection in the run's snapshot, for queries that end before the next.
        folder: for files of its own while it runs.
        memory: what it remembered of the history up to where this run begins; b"" at genesis.
    """

    findings: Findings
    asking: psycopg.Connection
    place: Place
    charts: Charts
    provider: Provider
    folder: Path
    memory: bytes = b""


class EventCheck:
    """One check of a ledger's history; see the module.

    Attributes:
        NAME: of the check, as it was entered.
    """

    NAME: ClassVar[str] = ""

    def __init__(self, context: Context) -> None:
        self.findings, self.context = context.findings, context

    def follows(self) -> Iterable[str]:
        """The stored types that it takes."""
        return ()

    def streams(self) -> Iterable[bytes]:
        """The streams of which it takes every event."""
        return ()

    def take(self, row: FollowedEvent) -> None:
        """The next event of those; what it raises of ``BROKEN`` is told at its position."""

    def conclude(self) -> None:
        """Behind the last event: what is stored against what was taken."""

    def remembered(self) -> bytes:
        """What a later run needs to go on behind this one."""
        return b""


_joined: list[type[EventCheck]] = []

C = TypeVar("C", bound=type[EventCheck])


def join(cls: C) -> C:
    """Enters a class into every verification."""
    _joined.append(cls)
    return cls


def joined() -> tuple[type[EventCheck], ...]:
    """The classes that were entered, in the order of their names."""
    return tuple(sorted(_joined, key=lambda cls: cls.NAME))


class EventChecks:
    """All joined checks of one run, fed from one loop over each chunk."""

    NAME = UNFINISHED

    def __init__(self, contexts: Callable[[str], Context]) -> None:
        """``contexts`` gives a check, by its name, what it works with."""
        self.checks = [cls(contexts(cls.NAME)) for cls in joined()]
        self._routes: dict[bytes, list[EventCheck]] = {}
        self._streams = [(stream, check) for check in self.checks for stream in check.streams()]
        for check in self.checks:
            for name in check.follows():
                self._routes.setdefault(name.encode(), []).append(check)

    def take(self, chunk: Chunk) -> None:
        routes = self._routes
        for at, type_ in enumerate(chunk.types):
            if type_ in routes:
                row = _row(chunk, at)
                for check in routes[type_]:
                    _take(check, row)
        for stream, check in self._streams:
            if stream in chunk.stream_ids:
                for at, stream_id in enumerate(chunk.stream_ids):
                    if stream_id == stream:
                        _take(check, _row(chunk, at))

    def conclude(self, guard: "Guard") -> None:
        for check in self.checks:
            guard.run(check.NAME, check.conclude)

    def remembered(self) -> dict[str, bytes]:
        return {check.NAME: memory for check in self.checks if (memory := check.remembered())}


def _row(chunk: Chunk, at: int) -> FollowedEvent:
    return FollowedEvent(
        chunk.positions[at],
        chunk.stream_ids[at],
        chunk.versions[at],
        chunk.recorded_us[at],
        chunk.days[at],
        chunk.types[at].decode(),
        chunk.payloads[at],
    )


def _take(check: EventCheck, row: FollowedEvent) -> None:
    try:
        check.take(row)
    except BROKEN as error:
        detail = f"{row.type}: it cannot be read: {told(error)}"
        check.findings.add(check.NAME, row.position, detail)


class Taking(Protocol):
    """A check that takes the whole stream."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - as every check has it

    def take(self, chunk: Chunk) -> Any: ...


class Guard:
    """Has a check that fails as a whole end alone, and say so: the others go on."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._ended: set[object] = set()

    def take(self, check: Taking, chunk: Chunk) -> Any:
        """What the check gives; None once it has failed."""
        if check in self._ended:
            return None
        try:
            return check.take(chunk)
        except UNREADABLE as error:
            self._ended.add(check)
            first, last = chunk.positions[0], chunk.positions[-1]
            self._tell(check.NAME, error, first, last)
            return None

    def run(self, name: str, work: Callable[[], object]) -> None:
        """Something that is about no single event."""
        try:
            work()
        except UNREADABLE as error:
            self._tell(name, error, 0, 0)

    def _tell(self, name: str, error: Exception, first: int, last: int) -> None:
        detail = f"the check {name!r} could not go on, and what it covers is open: {told(error)}"
        self._findings.add(UNFINISHED, first, detail, last)


def told(error: Exception) -> str:
    """An error in one line."""
    text = error.detail if isinstance(error, IntegrityError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())[:300]}"


def memory_of(memory: bytes, type_: type[T], empty: T) -> T:
    """What a check remembered, or ``empty`` at genesis."""
    return msgspec.msgpack.decode(memory, type=type_) if memory else empty
