"""A ledger as a recorder of the ``eventsourcing`` library (9.5), so that what is written with that
library can be attached to it: projections that follow a ledger, applications that keep their own
aggregates in one.

Notification ids are positions. Events are appended as the sequencer appends them: under the lock of
the ledger's head, hashed into its chain, one commit each. So ids are gapless, in commit order, and
a subscriber that asks for "greater than n" can miss none. What the ledger's own events say is
decided by the sequencer alone: the recorder reads them, and refuses to write them.

The library's own test cases are run against it unchanged (tests/ledger/test_recorder_upstream.py).
"""

import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any, LiteralString
from uuid import UUID
from weakref import WeakSet

import psycopg
from eventsourcing import persistence
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Mapper,
    Notification,
    StoredEvent,
    Subscription,
)
from psycopg.sql import SQL, Composable
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.account_set import ledger_text
from ledger.books import shipped_charts
from ledger.deciding.state import LedgerState
from ledger.events import OWN_TYPE_PATTERN, Event, decode, is_own_type
from ledger.integrity.chain import genesis
from ledger.postgres.round_trip import waited
from ledger.reading.loading import lock_head
from ledger.writing.conditions import Conditions
from ledger.writing.local_writer import BatchPage, LocalWriter, closing_of

POLL_MS = 100
SUBSCRIPTION_PAGE = 500
CLOCK_TOLERANCE = timedelta(seconds=5)


_STORED = SQL("SELECT stream_id, stream_version, type, payload{} FROM events WHERE ledger_id = %s")
_NOTIFIED = _STORED.format(SQL(", position, recorded_at, effective_on, digest"))


@dataclass(frozen=True)
class LedgerNotification(Notification):
    """A notification with what a ledger knows of an event beyond what the library does."""

    recorded_at: datetime
    effective_on: date
    digest: bytes


class LedgerAggregateRecorder(AggregateRecorder):
    """Aggregates kept in one ledger.

    Args:
        pool: connections as the application role.
        ledger_id: the ledger; :meth:`create` makes one that has no books yet.
        clock: the time at which an event is recorded (aware datetime).
        clock_tolerance: by how much it may differ from the database server's clock before nothing
            is recorded; None for a clock that is not the host's.

    Raises:
        eventsourcing.persistence.PersistenceError: every method, in the library's own tree;
            ``IntegrityError`` for a version that a stream already has.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        ledger_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock_tolerance: timedelta | None = CLOCK_TOLERANCE,
    ) -> None:
        self.ledger_id = ledger_id
        self._pool = pool
        self._clock = clock
        self._conditions = Conditions(clock, clock_tolerance)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {ledger_text(self.ledger_id)}>"

    def create(self) -> None:
        """Makes the ledger's head if there is none: an empty ledger for an application's events."""
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO ledgers (ledger_id, chain, recorded_at, settings)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (self.ledger_id, genesis(self.ledger_id), self._clock(), Jsonb({})),
            )

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Appends the events, all or none."""
        self._append(stored_events, kwargs)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream by version."""
        query: Composable = _STORED.format(SQL("")) + SQL(" AND stream_id = %s")
        values: list[Any] = [self.ledger_id, _uuid(originator_id)]
        bounds: tuple[tuple[LiteralString, int | None], ...] = (
            (" AND stream_version > %s", gt),
            (" AND stream_version <= %s", lte),
        )
        for condition, bound in bounds:
            if bound is not None:
                query += SQL(condition)
                values.append(bound)
        query += SQL(" ORDER BY stream_version DESC") if desc else SQL(" ORDER BY stream_version")
        if limit is not None:
            query += SQL(" LIMIT %s")
            values.append(limit)
        with self._connection() as connection:
            return [StoredEvent(*row) for row in connection.execute(query, values)]

    def _append(self, stored_events: Sequence[StoredEvent], options: dict[str, Any]) -> list[int]:
        """The positions of the events once they are committed."""
        if given := [name for name, value in options.items() if value is not None]:
            raise persistence.NotSupportedError(f"insert_events takes no {', '.join(given)}")
        if not stored_events:
            return []
        _check_foreign(stored_events)
        state = LedgerState(self.ledger_id, shipped_charts())
        with self._connection() as connection:
            asked_us = self._conditions.now_us()
            if (head := lock_head(connection, state)) is None:
                raise persistence.ProgrammingError(f"{self!r} was not created")
            reading = self._conditions.reading(asked_us, head)
            if (fault := self._conditions.fault(self.ledger_id, head, reading)) is not None:
                raise persistence.OperationalError(fault)
            self._check_streams(connection, stored_events)
            first = state.next_position
            state.begin(reading.after_us)
            rows = [
                (
                    position,
                    _uuid(event.originator_id).bytes,
                    event.originator_version,
                    state.today,
                    event.topic,
                    event.state,
                )
                for position, event in enumerate(stored_events, first)
            ]
            state.pass_over(len(rows))
            writer = LocalWriter(connection, state.chain)
            writer.write(BatchPage(self.ledger_id, state.recorded_us, rows, [], {}))
            writer.close(closing_of(state, first))
            waited(connection, writer.send(commits=False))
        return [row[0] for row in rows]

    def _check_streams(
        self, connection: psycopg.Connection, stored_events: Sequence[StoredEvent]
    ) -> None:
        """An indicator's or a payment's stream is continued by the sequencer alone."""
        stream_ids = {_uuid(event.originator_id) for event in stored_events}
        taken = connection.execute(
            "SELECT stream_id FROM events WHERE ledger_id = %s AND stream_id = ANY(%s)"
            " AND type ~ %s LIMIT 1",
            (self.ledger_id, list(stream_ids), OWN_TYPE_PATTERN),
        ).fetchone()
        if taken is not None:
            raise persistence.ProgrammingError(f"stream {taken[0]} belongs to the ledger itself")

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A transaction whose errors are those of the library."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.IntegrityError as error:
            raise persistence.IntegrityError(error) from error
        except (psycopg.DataError, struct.error) as error:
            raise persistence.DataError(error) from error
        except psycopg.ProgrammingError as error:
            raise persistence.ProgrammingError(error) from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise persistence.OperationalError(error) from error
        except psycopg.Error as error:
            raise persistence.DatabaseError(error) from error


class LedgerRecorder(LedgerAggregateRecorder, ApplicationRecorder):
    """One ledger as an application sequence.

    Args:
        poll_ms: how long a subscription may not notice what another process has written. What this
            recorder writes, and what is passed to :meth:`wake`, is noticed at once.
        pause_ms: how long a subscription leaves between two questions, so that many small commits
            are asked for together.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        ledger_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock_tolerance: timedelta | None = CLOCK_TOLERANCE,
        poll_ms: int = POLL_MS,
        pause_ms: int = 0,
    ) -> None:
        super().__init__(pool, ledger_id, clock=clock, clock_tolerance=clock_tolerance)
        self._poll_s = poll_ms / 1000
        self._pause_s = pause_ms / 1000
        self._subscriptions: WeakSet[LedgerSubscription] = WeakSet()
        self._subscriptions_lock = threading.Lock()

    def insert_events(  # type: ignore[override]  # the library's recorders differ in the same way
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int]:
        """Appends the events, all or none; gives their notification ids."""
        positions = self._append(stored_events, kwargs)
        if positions:
            self.wake(self.ledger_id, positions[-1])
        return positions

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[LedgerNotification]:
        """Events in order of position, from ``start`` to ``stop``, of some ``topics`` or all."""
        first = start or 0
        query: Composable = _NOTIFIED + SQL(" AND position >= %s")
        values: list[Any] = [self.ledger_id, first if inclusive_of_start else first + 1]
        if stop is not None:
            query += SQL(" AND position <= %s")
            values.append(stop)
        if topics:
            query += SQL(" AND type = ANY(%s)")
            values.append(list(topics))
        query += SQL(" ORDER BY position LIMIT %s")
        values.append(limit)
        with self._connection() as connection:
            return [LedgerNotification(*row) for row in connection.execute(query, values)]

    def max_notification_id(self) -> int | None:
        """The ledger's position, or None while it is empty."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT position FROM ledgers WHERE ledger_id = %s", (self.ledger_id,)
            ).fetchone()
        return row[0] or None if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LedgerSubscription":
        """The events after ``gt``: those there are, then those to come, until it is stopped."""
        subscription = LedgerSubscription(self, gt, topics, self._poll_s, self._pause_s)
        with self._subscriptions_lock:
            self._subscriptions.add(subscription)
        return subscription

    def wake(self, ledger_id: int, position: int) -> None:
        """Tells the subscriptions that the ledger has grown; for ``Sequencer.on_commit``."""
        if ledger_id == self.ledger_id:
            with self._subscriptions_lock:
                for subscription in self._subscriptions:
                    subscription.wake()


class LedgerSubscription(Subscription[LedgerRecorder]):
    """Asks for what comes after the last event it gave, whenever it is woken or a poll is due."""

    def __init__(
        self,
        recorder: LedgerRecorder,
        gt: int | None,
        topics: Sequence[str],
        poll_s: float,
        pause_s: float,
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._poll_s = poll_s
        self._pause_s = pause_s
        self._next_ask = 0.0
        self._page: Iterator[Notification] = iter(())
        self._stirred = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        self._stirred.set()

    def stop(self) -> None:
        """Ends the iteration, also one that waits in another thread."""
        super().stop()
        self._stopped.set()
        self._stirred.set()

    def __next__(self) -> Notification:
        while True:
            if self._has_been_stopped:
                raise StopIteration
            if (notification := next(self._page, None)) is not None:
                self._last_notification_id = notification.id
                return notification
            page = self._ask()
            self._page = iter(page)
            if not page:
                self._stirred.wait(self._poll_s)

    def _ask(self) -> Sequence[Notification]:
        """What has come since the last event that was given; one page."""
        if (early_s := self._next_ask - monotonic()) > 0:
            self._stopped.wait(early_s)
        self._stirred.clear()  # before asking: what comes after the answer stirs again
        page = self._recorder.select_notifications(
            start=self._last_notification_id,
            limit=SUBSCRIPTION_PAGE,
            topics=self._topics,
            inclusive_of_start=False,
        )
        is_full = len(page) == SUBSCRIPTION_PAGE
        self._next_ask = monotonic() + (0 if is_full else self._pause_s)
        return page


class LedgerMapper(Mapper[UUID]):
    """Gives the ledger's own events as they are: structs of ``ledger.events``.

    So a projection of the library registers its methods for ``PaymentApplied`` and the like, and
    names their types in its ``topics``. Events of other programs are mapped as the library does.
    """

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """A struct of ``ledger.events``, or the library's own kind of event."""
        if is_own_type(stored_event.topic):
            event: Event = decode(stored_event.topic, stored_event.state)
            return event
        return super().to_domain_event(stored_event)


def _check_foreign(stored_events: Sequence[StoredEvent]) -> None:
    for event in stored_events:
        if is_own_type(event.topic):
            raise persistence.ProgrammingError(
                f"{event.topic} is a type of the ledger itself; submit a command to the sequencer"
            )


def _uuid(originator_id: UUID | str) -> UUID:
    if not isinstance(originator_id, UUID):
        raise persistence.ProgrammingError("the streams of a ledger are named by UUIDs")
    return originator_id
