"""Live event streams: one follower for each ledger that somebody listens to, however many listen.

A follower keeps the last messages of its ledger, each written once. A stream takes from there what
it has not sent yet; one that begins before them, or whose caller reads more slowly than the ledger
grows, reads pages from the database until it has caught up. So a slow caller holds back nobody and
costs no memory, and nothing is missed: where a stream goes on is a position.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import NamedTuple

import anyio
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.projection import Projection
from psycopg import Connection
from psycopg_pool import ConnectionPool

from api.event_text import event_message
from api.http.transport.read_threads import ReadThreads
from ledger.errors import Code, UnavailableError
from ledger.library.following import Follower, StoredRows, application_of
from ledger.library.recorder import LedgerRecorder
from ledger.reading.objects import StoredRow, read_events

STREAMS_MAX = 200
TAIL_BYTES_MAX = 4 * 1024 * 1024  # of a ledger's last messages
PIECE_BYTES = 256 * 1024  # sent at once, or one message if it is larger
PAGE_EVENTS = 200  # read at once from the database
POLL_MS = 200  # until what another process has written is noticed
PAUSE_MS = 20  # between two questions: many small commits are asked for together
HEARTBEAT_S = 5.0
ASKED_AGAIN_S = 5.0  # whether whoever listens may still
STOP_TIMEOUT_S = 5.0


class Piece(NamedTuple):
    """Messages in order, and the position of the last one."""

    messages: bytes
    upto: int


class Tail(TrackingRecorder):
    """The last messages of one ledger: the view that :class:`TailProjection` fills.

    It begins where the ledger stands when its position is first asked for.

    Args:
        head: the ledger's position, None while it is empty.
        tell: called whenever there is more; must not wait.
    """

    def __init__(self, head: Callable[[], int | None], tell: Callable[[], None]) -> None:
        self._head = head
        self._tell = tell
        self._lock = threading.Lock()
        self._messages: dict[int, bytes] = {}
        self._size = 0
        self._position: int | None = None

    def max_tracking_id(self, application_name: str) -> int | None:
        """The position of the last message, or of the ledger before there is one."""
        if self._position is None:
            self._position = self._head() or 0
            self._tell()
        return self._position

    def insert_tracking(self, tracking: Tracking) -> None:
        raise NotImplementedError("a position comes with its message")

    def take(self, message: bytes, tracking: Tracking) -> None:
        """Adds the next message; the oldest ones go when all are larger than they may be."""
        with self._lock:
            self._position = tracking.notification_id
            self._messages[self._position] = message
            self._size += len(message)
            while self._size > TAIL_BYTES_MAX and len(self._messages) > 1:
                oldest = self._position - len(self._messages) + 1
                self._size -= len(self._messages.pop(oldest))
        self._tell()

    def since(self, after: int) -> Piece | None:
        """What comes after a position, empty if nothing has; None if it is not held (any more)."""
        with self._lock:
            if self._position is None or after < self._position - len(self._messages):
                return None
            messages, size = [], 0
            while after < self._position and size < PIECE_BYTES:
                after += 1
                messages.append(self._messages[after])
                size += len(messages[-1])
        return Piece(b"".join(messages), after)


class TailProjection(Projection[Tail]):
    """Writes each event as a message."""

    name = "live events"

    @singledispatchmethod
    def process_event(self, domain_event: StoredRow, tracking: Tracking) -> None:
        self.view.take(event_message(domain_event), tracking)


class _Followed:
    """A ledger that somebody listens to. All but ``wake`` belongs to the event loop.

    Attributes:
        readers: how many listen.
        changed: set, and another one put in its place, when there is more or it has failed.
        failed: it follows no longer; whoever listens is to come again.
    """

    def __init__(self, pool: ConnectionPool, key: int) -> None:
        self.readers = 0
        self.changed = asyncio.Event()
        self.failed = False
        self._loop = asyncio.get_running_loop()
        self._told = False
        self._recorder = LedgerRecorder(pool, key, poll_ms=POLL_MS, pause_ms=PAUSE_MS)
        self.tail = Tail(self._recorder.max_notification_id, self._tell)
        application = application_of(self._recorder, StoredRows)()
        self.follower = Follower(application, TailProjection(self.tail), self._fail)
        self.follower.start()

    def wake(self, position: int) -> None:
        """The ledger has grown, as this process knows because it has written it."""
        self._recorder.wake(self._recorder.ledger_id, position)

    def stir(self) -> None:
        """Wakes those who listen."""
        self._told = False
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _tell(self) -> None:
        """In the follower's thread: has the loop stir, once for all that came until it does."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                self._loop.call_soon_threadsafe(self.stir)

    def _fail(self, _error: Exception) -> None:
        self.failed = True
        self._tell()


async def _always() -> bool:
    return True


class LiveEvents:
    """The live streams of this process.

    ``wake`` is for ``Sequencer.on_commit``; the rest is called on the event loop.
    """

    def __init__(self, pool: ConnectionPool, reads: ReadThreads) -> None:
        self._pool = pool
        self._reads = reads
        self._followed: dict[int, _Followed] = {}
        self._ended = False

    @property
    def streams(self) -> int:
        """How many are open."""
        return sum(followed.readers for followed in self._followed.values())

    def stream(
        self, key: int, after: int, may_listen: Callable[[], Awaitable[bool]] = _always
    ) -> AsyncIterator[bytes]:
        """The events of a ledger after a position as server-sent events, without end.

        Args:
            may_listen: asked every few seconds; the stream ends once it says no.

        Raises:
            UnavailableError: ``busy``: too many streams are open.
        """
        if self._ended or self.streams >= STREAMS_MAX:
            raise UnavailableError(Code.BUSY, "too many live streams", retry_after_s=10)
        return self._messages(key, after, may_listen)

    def wake(self, key: int, position: int) -> None:
        """A ledger has been written to. Never waits."""
        if (followed := self._followed.get(key)) is not None:
            followed.wake(position)

    def end(self) -> None:
        """Ends all streams: their callers come again, elsewhere or later."""
        self._ended = True
        for followed in self._followed.values():
            followed.stir()

    async def close(self) -> None:
        """Ends the streams and stops following."""
        self.end()
        for followed in list(self._followed.values()):
            followed.follower.stop()
            await anyio.to_thread.run_sync(followed.follower.join, STOP_TIMEOUT_S)

    async def _messages(
        self, key: int, after: int, may_listen: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        followed = self._enter(key)
        asked_s = monotonic()
        try:
            yield b": the events of this ledger, as they are committed\n\n"
            while not (self._ended or followed.failed):
                if monotonic() - asked_s >= ASKED_AGAIN_S:
                    if not await may_listen():
                        yield b"event: ended\ndata: the right to listen has ended\n\n"
                        return
                    asked_s = monotonic()
                changed = followed.changed  # before looking: what comes after the look sets it
                piece = followed.tail.since(after)
                if piece is None:
                    piece = await self._reads.read(partial(_page, key=key, after=after))
                if piece.messages:
                    yield piece.messages
                    after = piece.upto
                    continue
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await changed.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._leave(key, followed)

    def _enter(self, key: int) -> _Followed:
        if (followed := self._followed.get(key)) is None:
            followed = self._followed[key] = _Followed(self._pool, key)
        followed.readers += 1
        return followed

    def _leave(self, key: int, followed: _Followed) -> None:
        """The last one to leave stops the follower."""
        followed.readers -= 1
        if followed.readers == 0:
            del self._followed[key]
            followed.follower.stop()


def _page(connection: Connection, *, key: int, after: int) -> Piece:
    rows = read_events(connection, key, after, PAGE_EVENTS)
    upto = rows[-1].position if rows else after
    return Piece(b"".join(map(event_message, rows)), upto)
