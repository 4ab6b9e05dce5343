"""Who is calling: a token, or a session, looked up by its SM3 and remembered for a few seconds."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from time import monotonic
from typing import Any

import structlog
from psycopg import Connection

from api.access import Caller
from api.http.transport.read_threads import ReadThreads
from api.tokens import caller_of, find_caller
from division.credentials import token_sm3
from division.sessions import Sessions, session_sm3
from ledger.errors import AccessError, Code, UnavailableError

REMEMBERED_S = 5.0  # how long a revoked token may still work in another process
LOOKED_UP_AGAIN_S = 2.5  # a token in use is looked up beside its requests, so that none waits
REMEMBERED_MAX = 10_000
LOOK_UPS_MAX = 200  # at once: guessing tokens must not take the threads that others read in
TOKEN_CHARACTERS_MAX = 200
USES_NOTED = 30  # of a session, in the time that it may idle

log = structlog.get_logger(__name__)


class Callers(ABC):
    """Looks up callers; a known one costs no query, and many at once with one token cost one.

    No answer is older than ``REMEMBERED_S``. Used on the event loop only.
    """

    def __init__(self, reads: ReadThreads) -> None:
        self._reads = reads
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._looking_up: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._keys: dict[bytes, bytes] = {}  # by the credential that a known caller has sent

    @abstractmethod
    def _key_of(self, credential: bytes) -> bytes:
        """The key that a credential is looked up by; raises ``unauthenticated`` for none."""

    @abstractmethod
    def _find_caller(self, connection: Connection, key: bytes) -> Caller | None:
        """Whose it is, as the database has it."""

    @abstractmethod
    def _unknown(self) -> AccessError:
        """What is said of one that nobody has, or has any more."""

    def known(self, credential: bytes) -> Caller | None:
        """As :meth:`of`, where there is nothing to wait for; None where there is."""
        key = self._keys.get(credential)
        if key is None:
            return None
        caller, age_s = self._remembered(key)
        if caller is not None and age_s > LOOKED_UP_AGAIN_S:
            self._look_up(key)
        return caller

    async def of(self, credential: bytes, *, again: bool = False) -> Caller:
        """Whose credential this is (b"" without one).

        Args:
            again: what is remembered is not enough: the database is asked.

        Raises:
            AccessError: ``unauthenticated`` without one, or with one nobody knows.
            UnavailableError: ``busy``: too many unknown ones are being looked up.
        """
        key = self._key_of(credential)
        caller, _ = self._remembered(key)
        if again and (under_way := self._looking_up.get(key)) is not None:
            await asyncio.shield(under_way)  # it may have asked before what is asked about
        if caller is None or again:
            caller = await asyncio.shield(self._look_up(key))
        if caller is None:
            raise self._unknown()
        if len(self._keys) >= REMEMBERED_MAX:
            self._keys.clear()
        self._keys[credential] = key
        return caller

    def forget(self, key: bytes) -> None:
        """What is remembered of one that has just ended; in other processes it ages."""
        self._known.pop(key, None)

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
        return self._reads.read(lambda connection: self._find_caller(connection, key))

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


class TokenCallers(Callers):
    """By the Authorization header, which bears a token."""

    def _key_of(self, credential: bytes) -> bytes:
        scheme, _, token = credential.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise AccessError(Code.UNAUTHENTICATED, "this needs `Authorization: Bearer <token>`")
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise self._unknown()
        return token_sm3(token.decode("latin-1"))

    def _find_caller(self, connection: Connection, key: bytes) -> Caller | None:
        return find_caller(connection, key)

    def _unknown(self) -> AccessError:
        return AccessError(Code.UNAUTHENTICATED, "the token is unknown or was revoked")


class SessionCallers(Callers):
    """By the secret of a session, which a cookie bears."""

    def __init__(self, reads: ReadThreads, sessions: Sessions) -> None:
        super().__init__(reads)
        self._sessions = sessions
        self._use_noted_at: dict[bytes, float] = {}
        self._noting: set[asyncio.Task[None]] = set()

    def note_use(self, secret: bytes) -> None:
        """Has the database know that a session is in use, now and then, and beside its calls.

        Once in a thirtieth of the time that it may idle: by so much it may end too early.
        """
        key, now = self._key_of(secret), monotonic()
        every_s = self._sessions.bounds.idle.total_seconds() / USES_NOTED
        if now - self._use_noted_at.get(key, -every_s) < every_s:
            return
        if len(self._use_noted_at) >= REMEMBERED_MAX:
            self._use_noted_at.clear()
        self._use_noted_at[key] = now
        noting = self._reads.read(lambda connection: self._sessions.use(connection, key))
        task = asyncio.get_running_loop().create_task(noting)
        self._noting.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Task[None]) -> None:
        self._noting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("the use of a session could not be noted", reason=str(error))

    def _key_of(self, credential: bytes) -> bytes:
        if not credential or len(credential) > TOKEN_CHARACTERS_MAX:
            raise self._unknown()
        return session_sm3(credential.decode("latin-1"))

    def _find_caller(self, connection: Connection, key: bytes) -> Caller | None:
        session = self._sessions.find(connection, key)
        return None if session is None else caller_of(session.holder)

    def _unknown(self) -> AccessError:
        return AccessError(Code.UNAUTHENTICATED, "the session is over: log in again")
