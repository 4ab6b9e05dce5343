"""The dispatcher 发送: brings what is due to the banks and records that they have it.

It reads committed events into the outbox, takes due rows on a lease, sends them in bulk and, on the
bank's acknowledgement, submits ``MarkSent`` for all of them through the one write path. Between
acknowledgement and record it may die: then the voucher goes again under the same number, and the
bank, which pays a number once, answers that it has it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

import msgspec
import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_text
from ledger.postgres.presence import Presence
from ledger.writing.sequencer import Sequencer
from payments.delivery import leases, outbox
from payments.delivery.contents import Destinations
from payments.delivery.outages import let_go_of_the_forgotten, take_probe
from payments.delivery.outbox import Parcel
from payments.delivery.sending import Sender, SendingPolicy
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.service import SigningService

log = structlog.get_logger(__name__)

ERROR_PAUSE_S = 1.0
PACE_S = 0.02


class DispatcherHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What readiness and metrics show.

    Attributes:
        running: whether the loop is alive.
        last_loop_at: when it last came round without an error, None before the first time.
        last_error: of the loop itself, "" when it has come round since.
        lag_events: events that the outbox has not read yet.
        due, sent, dead: rows: waiting or under way, without receipt, given up.
    """

    running: bool
    last_loop_at: datetime | None
    last_error: str
    lag_events: int
    due: int
    sent: int
    dead: int


class Dispatcher:
    """Runs in threads of its own from :meth:`start` to :meth:`stop`; several may run side by side.

    Args:
        pool: connections as the application role; uses up to ``policy.senders`` + 2 of them.
        sequencer: records what was sent, and wakes the dispatcher after commits.
        signing: signs claims.
        fresh: what this process has just signed, for it need not be read.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        sequencer: Sequencer,
        signing: SigningService,
        destinations: Destinations,
        policy: SendingPolicy | None = None,
        *,
        fresh: FreshDocuments | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._conditions = sequencer.conditions
        self._policy = policy or SendingPolicy()
        self._clock = clock
        self._fresh = FreshDocuments() if fresh is None else fresh
        self._sender = Sender(pool, sequencer, signing, destinations, self._policy, self._fresh)
        self._senders = ThreadPoolExecutor(self._policy.senders, thread_name_prefix="sender")
        self._slots = threading.Semaphore(self._policy.senders)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._touched: set[int] = set()
        self._scanned_at = float("-inf")
        self._last_loop_at: datetime | None = None
        self._last_error = ""
        self._presence = Presence(pool, b"dispatch", _forget_the_dead)
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        sequencer.on_commit(self._on_commit)

    def start(self) -> None:
        self._fresh.want()
        self._thread.start()

    def stop(self) -> None:
        """Takes nothing new, waits for the messages under way, and returns."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._senders.shutdown(wait=True)
        self._sender.close()
        self._presence.leave()

    def health(self) -> DispatcherHealth:
        """Raises what the database raises when it cannot be asked."""
        with self._pool.connection() as connection:
            standing = outbox.standing(connection)
        return DispatcherHealth(
            running=self._thread.is_alive(),
            last_loop_at=self._last_loop_at,
            last_error=self._last_error,
            lag_events=standing.lag_events,
            due=standing.due,
            sent=standing.sent,
            dead=standing.dead,
        )

    def _on_commit(self, ledger_id: int, _position: int) -> None:
        self._touched.add(ledger_id)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._presence.enter()
                if halted := self._conditions.halted():  # what would be sent may be another's
                    self._last_error = halted
                    self._stopping.wait(ERROR_PAUSE_S)
                    continue
                self._read_events()
                self._start_senders()
            except Exception as error:
                log.exception("the dispatcher's loop failed and goes on")
                self._last_error = str(error) or type(error).__name__
                self._stopping.wait(ERROR_PAUSE_S)
                continue
            self._last_loop_at, self._last_error = self._clock(), ""
            self._wake.wait(self._policy.poll_s)
            self._stopping.wait(PACE_S)  # what commits meanwhile is taken in with it

    def _read_events(self) -> None:
        """One bounded helping from each ledger that moved; what is left keeps the loop awake."""
        behind: set[int] = set()
        while self._touched:
            behind.add(self._touched.pop())
        with self._pool.connection() as connection:
            if monotonic() - self._scanned_at >= self._policy.poll_s:
                behind.update(outbox.ledgers_behind(connection))
                connection.commit()  # each ledger is read in a transaction of its own
                self._scanned_at = monotonic()
            for ledger_id in sorted(behind):
                if outbox.consume(connection, ledger_id) == outbox.CONSUMED_EVENTS_MAX:
                    self._on_commit(ledger_id, 0)

    def _start_senders(self) -> None:
        with self._pool.connection() as connection:
            may_probe = self._sender.refresh(connection)
        while not self._stopping.is_set() and self._slots.acquire(blocking=False):
            taken: tuple[Parcel, str] | None = None
            try:
                with self._pool.connection() as connection:
                    if may_probe:
                        taken = self._take_probe(connection)
                        may_probe = taken is not None
                    taken = taken or self._take(connection)
            finally:
                if taken is None:
                    self._slots.release()
            if taken is None:
                return
            self._senders.submit(self._send, *taken)

    def _take_probe(self, connection: psycopg.Connection) -> tuple[Parcel, str] | None:
        probe = take_probe(connection, self._policy.lease_s)
        return (probe.parcel, probe.url) if probe else None

    def _take(self, connection: psycopg.Connection) -> tuple[Parcel, str] | None:
        parcel = leases.take(connection, self._policy.items_max, self._policy.lease_s)
        return (parcel, "") if parcel else None

    def _send(self, parcel: Parcel, probed: str) -> None:
        try:
            self._sender.send(parcel, probed)
        except Exception as error:
            log.exception("a parcel failed", ledger=ledger_text(parcel.ledger_id), kind=parcel.kind)
            with suppress(Exception):  # if this fails too, the lease brings the rows back
                self._sender.postpone(parcel, dict.fromkeys(parcel.attempts, str(error)))
        finally:
            self._slots.release()
            self._wake.set()


def _forget_the_dead(connection: psycopg.Connection) -> None:
    """Nobody else is sending: what was left in somebody's hands may go at once."""
    leases.end_leases(connection)
    let_go_of_the_forgotten(connection)
