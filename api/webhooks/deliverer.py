"""The deliverer 推送: brings events to receivers, of each ledger in their order, at least once.

It takes a webhook's ledger on a lease, posts the events behind the position that was reached, one
after the other, and writes down how far it came. An event that a receiver refuses again and again
becomes a dead letter, and the next one goes on; one that meets no answer waits, and what is behind
it with it: nothing is kept here meanwhile, for the events stand in their ledger.
"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

import structlog
from psycopg_pool import ConnectionPool

from api.webhooks.messages import MessageWriter
from api.webhooks.positions import (
    DeliveryOutcome,
    PendingDelivery,
    any_webhook,
    begin_new,
    bury,
    end_leases,
    give_back,
    take,
)
from api.webhooks.receivers import GONE, ReceiverAnswer, Receivers
from api.webhooks.secrets import SIGNING_KEY, WebhookKeys
from division.webhook import wanted
from ledger.account_set import ledger_text
from ledger.errors import GuokuError
from ledger.postgres.presence import Presence
from ledger.reading.objects import StoredRow, read_events

log = structlog.get_logger(__name__)

PACE_S = 0.05
ERROR_PAUSE_S = 1.0


class DeliveryPolicy(NamedTuple):
    """How events are brought.

    Attributes:
        attempts_max: answers that refuse an event before it is a dead letter.
        first_pause_s: after the second failure; the first is tried again at once. It doubles with
            each further one, up to ``pause_s_max``.
        senders: receivers that are posted to at once, each with one ledger.
        events_max: read, and brought in one go.
        lease_s: how long nobody else takes what somebody has in hand.
        poll_s: longest sleep, while another process may have written something.
    """

    attempts_max: int = 12
    first_pause_s: float = 0.1
    pause_s_max: float = 60.0
    senders: int = 4
    events_max: int = 100
    lease_s: float = 90.0
    poll_s: float = 0.5

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after so many failures, about."""
        doubled = self.first_pause_s * 2 ** min(max(attempts - 2, 0), 30)
        spread = 0.5 + random.random() / 2  # noqa: S311 - so that many do not come at once
        return timedelta(seconds=min(self.pause_s_max, doubled) * spread)


class WebhookDeliverer:
    """Runs in threads of its own from :meth:`start` to :meth:`stop`; several may side by side.

    Args:
        pool: connections as the application role; each sender uses one while it reads or writes
            down, none while it posts.
        halted: why nothing may be told to others now, or "": then a part of the history is lost,
            and what would be brought may be another's.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        keys: WebhookKeys,
        receivers: Receivers,
        policy: DeliveryPolicy | None = None,
        *,
        halted: Callable[[], str] = lambda: "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._receivers = receivers
        self._policy = policy or DeliveryPolicy()
        self._halted = halted
        self._clock = clock
        self._senders = ThreadPoolExecutor(self._policy.senders, thread_name_prefix="webhook")
        self._slots = threading.Semaphore(self._policy.senders)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._presence = Presence(pool, b"webhooks", end_leases)
        self._looked_at = float("-inf")
        self._has_webhooks = False
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Takes nothing new, waits for the events under way, and returns."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._senders.shutdown(wait=True)
        self._receivers.close()
        self._presence.leave()

    def committed(self, _ledger_id: int, _position: int) -> None:
        """Something was written; called in the thread that has committed. Never blocks."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if self._halted():
                    self._stopping.wait(ERROR_PAUSE_S)
                    continue
                self._look()
                if self._has_webhooks:  # else no connection is held for nothing
                    self._presence.enter()
                while self._has_webhooks and self._slots.acquire(blocking=False):
                    if not self._take():
                        break
            except Exception:
                log.exception("the deliverer's loop failed and goes on")
                self._stopping.wait(ERROR_PAUSE_S)
                continue
            if self._has_webhooks:
                self._wake.wait(self._policy.poll_s)
            else:
                self._stopping.wait(self._policy.poll_s)  # a commit is nobody's matter yet
            self._stopping.wait(PACE_S)

    def _look(self) -> None:
        """Now and then: whether there are webhooks, and what they have not been told of yet."""
        if monotonic() - self._looked_at < self._policy.poll_s:
            return
        with self._pool.connection() as connection:
            self._has_webhooks = any_webhook(connection)
            if self._has_webhooks:
                begin_new(connection)
        self._looked_at = monotonic()

    def _take(self) -> bool:
        """Begins to bring what has waited longest; False where nothing waits."""
        taken = None
        try:
            with self._pool.connection() as connection:
                taken = take(connection, self._policy.lease_s)
        finally:
            if taken is None:
                self._slots.release()
        if taken is None:
            return False
        self._senders.submit(self._bring, taken)
        return True

    def _bring(self, taken: PendingDelivery) -> None:
        try:
            reached = self._brought(taken)
            with self._pool.connection() as connection:
                give_back(connection, taken, reached)
        except Exception as error:  # if this fails too, the lease brings it back
            log.exception("webhook failed", webhook_no=taken.webhook.webhook_no)
            self._put_off(taken, error)
        finally:
            self._slots.release()
            self._wake.set()

    def _put_off(self, taken: PendingDelivery, error: Exception) -> None:
        """It failed here, and not at the receiver."""
        told = error.detail if isinstance(error, GuokuError) else type(error).__name__
        attempts = taken.attempts + 1
        pause = self._policy.pause(attempts)
        reached = DeliveryOutcome(taken.position, attempts, taken.answered, told, pause=pause)
        with suppress(Exception), self._pool.connection() as connection:
            give_back(connection, taken, reached)

    def _brought(self, taken: PendingDelivery) -> DeliveryOutcome:
        """Brings the next events, and says how far that came."""
        until = monotonic() + self._policy.lease_s / 4  # the last event may take its time
        with self._pool.connection() as connection:
            rows = read_events(
                connection,
                taken.ledger_id,
                taken.position,
                self._policy.events_max,
                upto=taken.head,
            )
            secret = self._keys.secret(connection, taken.webhook)
        writer = MessageWriter(secret, self._keys.sign, SIGNING_KEY)
        at = DeliveryOutcome(taken.position, taken.attempts, taken.answered)
        for row in rows:
            if self._stopping.is_set() or monotonic() > until:
                break
            if wanted(taken.types, row.type):
                at = self._bring_one(taken, writer, row, at)
                if at.position < row.position:
                    return at
            else:
                at = DeliveryOutcome(row.position)
        return at

    def _bring_one(
        self, taken: PendingDelivery, writer: MessageWriter, row: StoredRow, before: DeliveryOutcome
    ) -> DeliveryOutcome:
        """What has come of one event: taken, or given up, or to be tried again later."""
        attempts, answered = before.attempts, before.answered
        while True:
            answer = self._post(taken, writer, row)
            if answer.is_taken:
                return DeliveryOutcome(row.position)
            attempts, answered = attempts + 1, answered + bool(answer.status)
            if answer.status == GONE:
                return DeliveryOutcome(before.position, attempts, answered, answer.error, "gone")
            if answered >= self._policy.attempts_max:
                self._give_up(taken, row, attempts, answer)
                return DeliveryOutcome(row.position)
            if attempts > 1:
                pause = self._policy.pause(attempts)
                return DeliveryOutcome(
                    before.position, attempts, answered, answer.error, pause=pause
                )

    def _post(
        self, taken: PendingDelivery, writer: MessageWriter, row: StoredRow
    ) -> ReceiverAnswer:
        delivery = writer.delivery(taken.ledger_id, row, self._clock())
        return self._receivers.post(taken.url, delivery)

    def _give_up(
        self, taken: PendingDelivery, row: StoredRow, attempts: int, answer: ReceiverAnswer
    ) -> None:
        with self._pool.connection() as connection:
            bury(connection, taken, row.position, attempts, answer.error)
        log.error(
            "a webhook's event is a dead letter",
            webhook_no=taken.webhook.webhook_no,
            ledger=ledger_text(taken.ledger_id),
            position=row.position,
            attempts=attempts,
            reason=answer.error,
        )
