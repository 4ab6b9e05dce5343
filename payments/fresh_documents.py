"""Vouchers that were signed a moment ago, at hand until they are sent.

Who sends them would fetch them from the store, open them and hash them to see that they are what
was signed. Here a document stands under the hash that was taken of these very bytes for its
signature, so there is nothing to see. What is not at hand any more is read from the store.
"""

import threading
from collections.abc import Iterable

BYTES_MAX = 64 * 1024 * 1024


class FreshDocuments:
    """Documents by their SM3; the oldest go first beyond ``bytes_max``. Safe between threads.

    Nothing is kept before a sender of this process has said that it will come for it.
    """

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._wanted = False
        self._documents: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._documents)

    def want(self) -> None:
        """From now on somebody takes what is kept."""
        self._wanted = True

    def keep(self, digest: bytes, document: bytes) -> None:
        """Keeps a document; ``digest`` is what was hashed of it."""
        if not self._wanted:
            return
        with self._lock:
            self._bytes += len(document) - len(self._documents.pop(digest, b""))
            self._documents[digest] = document
            while self._bytes > self._bytes_max:
                self._bytes -= len(self._documents.pop(next(iter(self._documents))))

    def take(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Gives those of these documents that are at hand, and keeps them no longer."""
        taken: dict[bytes, bytes] = {}
        with self._lock:
            for digest in digests:
                document = self._documents.pop(digest, None)
                if document is not None:
                    taken[digest] = document
                    self._bytes -= len(document)
        return taken
