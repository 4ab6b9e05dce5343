"""Who is calling: a bearer token looked up by its SM3, remembered for a few seconds."""

import threading
from time import monotonic

from psycopg import Connection
from starlette.requests import Request

from api.access import Caller
from api.http.reading import Reads
from api.tokens import find_caller, token_sm3
from ledger.errors import AccessError, Code

REMEMBERED_S = 5.0  # how long a revoked token may still work in another process
REMEMBERED_MAX = 10_000
TOKEN_CHARACTERS_MAX = 200


class Callers:
    """Looks up callers; a known one costs no query for ``REMEMBERED_S``."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[Caller, float]] = {}

    async def of(self, request: Request) -> Caller:
        """Whoever makes this request.

        Raises:
            AccessError: ``unauthenticated`` without a token, or with one nobody knows.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise AccessError(Code.UNAUTHENTICATED, "this needs `Authorization: Bearer <token>`")
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise _unknown()
        key = token_sm3(token)
        known = self._known.get(key)
        if known is not None and known[1] > monotonic():
            return known[0]
        caller = await self._reads.read(lambda connection: self._find(connection, key))
        if caller is None:
            raise _unknown()
        return caller

    def _find(self, connection: Connection, key: bytes) -> Caller | None:
        caller = find_caller(connection, key)
        with self._lock:
            if caller is None:
                self._known.pop(key, None)
            else:
                if len(self._known) >= REMEMBERED_MAX:
                    self._known.clear()
                self._known[key] = (caller, monotonic() + REMEMBERED_S)
        return caller


def _unknown() -> AccessError:
    return AccessError(Code.UNAUTHENTICATED, "the token is unknown or was revoked")
