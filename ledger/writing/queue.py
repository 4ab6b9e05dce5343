"""What waits for one ledger, until a worker or the loop committer takes it."""

import threading
from collections import deque
from concurrent.futures import Future
from typing import Any

from ledger.deciding.state import LedgerState
from ledger.writing.committer import PendingRequest

BATCH_SUBMISSIONS_MAX = 5_000


class Queue:
    """What waits for one ledger, and the ledger's state between batches."""

    def __init__(self, state: LedgerState) -> None:
        self.state = state
        self.changed = threading.Condition()
        self.waiting: deque[PendingRequest] = deque()
        self.waiting_submissions = 0
        self.running = False

    def take(self, under_way: Future[Any] | None) -> list[PendingRequest]:
        """All that waits, up to a batch; nothing when what is under way has ended before.

        Where nothing waits and nothing is under way, the worker's turn is over.
        """
        with self.changed:
            while not self.waiting and under_way is not None and not under_way.done():
                self.changed.wait()
            requests: list[PendingRequest] = []
            size = 0
            while self.waiting and (size < BATCH_SUBMISSIONS_MAX or not requests):
                waiting = self.waiting.popleft()
                size += len(waiting.group.submissions)
                if waiting.answer.set_running_or_notify_cancel():  # now nobody can cancel it
                    requests.append(waiting)
            self.waiting_submissions -= size
            self.running = bool(requests) or under_way is not None
            return requests

    def wake(self, _: object) -> None:
        """What was under way has ended."""
        with self.changed:
            self.changed.notify_all()
