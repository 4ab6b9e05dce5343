"""Vouchers that were signed a moment ago, at hand until they are sent.

Who sends them would fetch them from the store and hash them to see that they are what was signed.
Here a document stands under the hash that was taken of it for its signature, so there is nothing to
see. It is kept compressed, as it is stored: vouchers wait for their sender by the ten thousand.
What is not at hand any more is read from the store.
"""

import threading
from collections.abc import Iterable

BYTES_MAX = 32 * 1024 * 1024  # some 100,000 vouchers of one line


class FreshDocuments:
    """Documents by their SM3; the oldest go first beyond ``bytes_max``. Safe between threads.

    Nothing is kept before a sender of this process has said that it will come for it.
    """

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._wanted = False
        self._bodies: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bodies)

    def want(self) -> None:
        """From now on somebody takes what is kept."""
        self._wanted = True

    def keep(self, digest: bytes, body: bytes) -> None:
        """Keeps a document as it is stored; ``digest`` is what was hashed of it."""
        if not self._wanted:
            return
        with self._lock:
            self._bytes += len(body) - len(self._bodies.pop(digest, b""))
            self._bodies[digest] = body
            while self._bytes > self._bytes_max:
                self._bytes -= len(self._bodies.pop(next(iter(self._bodies))))

    def take(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Gives those of these documents that are at hand, and keeps them no longer."""
        taken: dict[bytes, bytes] = {}
        with self._lock:
            for digest in digests:
                body = self._bodies.pop(digest, None)
                if body is not None:
                    taken[digest] = body
                    self._bytes -= len(body)
        return taken
