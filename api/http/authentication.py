"""Who is calling: a bearer token looked up by its SM3, remembered for a few seconds."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from api.access import Caller
from api.http.transport.read_threads import ReadThreads
from api.tokens import find_caller
from division.credentials import token_sm3
from ledger.errors import AccessError, Code, UnavailableError

REMEMBERED_S = 5.0  # how long a revoked token may still work in another process
LOOKED_UP_AGAIN_S = 2.5  # a token in use is looked up beside its requests, so that none waits
REMEMBERED_MAX = 10_000
LOOK_UPS_MAX = 200  # at once: guessing tokens must not take the threads that others read in
TOKEN_CHARACTERS_MAX = 200


class Callers:
    """Looks up callers; a known one costs no query, and many at once with one token cost one.

    No answer is older than ``REMEMBERED_S``. Used on the event loop only.
    """

    def __init__(self, reads: ReadThreads) -> None:
        self._reads = reads
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._looking_up: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._keys: dict[bytes, bytes] = {}  # by the header that a known caller has sent

    def known(self, authorization: bytes) -> Caller | None:
        """As :meth:`of`, where there is nothing to wait for; None where there is."""
        key = self._keys.get(authorization)
        if key is None:
            return None
        caller, age_s = self._remembered(key)
        if caller is not None and age_s > LOOKED_UP_AGAIN_S:
            self._look_up(key)
        return caller

    async def of(self, authorization: bytes, *, again: bool = False) -> Caller:
        """Whoever sends this Authorization header (b"" without one).

        Args:
            again: what is remembered is not enough: the database is asked.

        Raises:
            AccessError: ``unauthenticated`` without a token, or with one nobody knows.
            UnavailableError: ``busy``: too many unknown tokens are being looked up.
        """
        scheme, _, token = authorization.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise AccessError(Code.UNAUTHENTICATED, "this needs `Authorization: Bearer <token>`")
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise _unknown()
        key = token_sm3(token.decode("latin-1"))
        caller, _ = self._remembered(key)
        if again and (under_way := self._looking_up.get(key)) is not None:
            await asyncio.shield(under_way)  # it may have asked before what is asked about
        if caller is None or again:
            caller = await asyncio.shield(self._look_up(key))
        if caller is None:
            raise _unknown()
        if len(self._keys) >= REMEMBERED_MAX:
            self._keys.clear()
        self._keys[authorization] = key
        return caller

    def _remembered(self, key: bytes) -> tuple[Caller | None, float]:
        """The caller with the age of what is known of it; None for an unknown or too old one."""
        known = self._known.get(key)
        if known is None:
            return None, 0.0
        age_s = monotonic() - known[1]
        return (known[0], age_s) if age_s <= REMEMBERED_S else (None, age_s)

    def _look_up(self, key: bytes) -> "asyncio.Task[Caller | None]":
        """The look-up under way, or a new one."""
        task = self._looking_up.get(key)
        if task is None:
            if len(self._looking_up) >= LOOK_UPS_MAX:
                raise UnavailableError(Code.BUSY, "too many tokens are being looked up")
            asked_at = monotonic()
            task = asyncio.get_running_loop().create_task(self._find(key))
            self._looking_up[key] = task
            task.add_done_callback(lambda done: self._looked_up(key, asked_at, done))
        return task

    def _find(self, key: bytes) -> Coroutine[Any, Any, Caller | None]:
        return self._reads.read(lambda connection: find_caller(connection, key))

    def _looked_up(self, key: bytes, asked_at: float, task: "asyncio.Task[Caller | None]") -> None:
        del self._looking_up[key]
        if task.cancelled() or task.exception() is not None:
            return  # what is known stays known until it is too old
        caller = task.result()
        if caller is None:
            self._known.pop(key, None)
            return
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[key] = (caller, asked_at)


def _unknown() -> AccessError:
    return AccessError(Code.UNAUTHENTICATED, "the token is unknown or was revoked")
