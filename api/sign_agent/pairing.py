"""Who may ask: a page that its user has given the code which stands in the terminal."""

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from threading import Lock

from ledger.errors import AccessError, Code, UnavailableError

__all__ = ["Pairing", "RateBound"]

CODE_DIGITS = 8
WRONG_CODES_MAX = 5
PAIRED_MAX = 16
MINUTE_S = 60.0


class RateBound:
    """At most so many in a minute; safe between threads."""

    def __init__(self, a_minute: int, clock: Callable[[], float]) -> None:
        self._a_minute, self._clock = a_minute, clock
        self._taken: deque[float] = deque()
        self._lock = Lock()

    def take(self) -> None:
        """Raises UnavailableError ``busy`` where there were as many in the last minute."""
        now = self._clock()
        with self._lock:
            while self._taken and self._taken[0] <= now - MINUTE_S:
                self._taken.popleft()
            if len(self._taken) >= self._a_minute:
                raise UnavailableError(Code.BUSY, "too many requests: wait a minute")
            self._taken.append(now)


class Pairing:
    """The code of the day, and what was given for it.

    A token is good for the origin that it was given to, and for as long as the agent runs. After
    five wrong codes there is another one, which only the terminal shows.

    Args:
        announce: shows a code to the person.
    """

    def __init__(self, announce: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._announce = announce
        self._tries = RateBound(WRONG_CODES_MAX, clock)
        self._lock = Lock()
        self._wrong = 0
        self._origins: dict[str, str] = {}
        self._renew()

    def pair(self, code: str, origin: str) -> str:
        """A token for who has the code.

        Raises:
            UnavailableError: ``busy``: it was tried five times in this minute.
            AccessError: ``unauthenticated``: it is another code.
        """
        self._tries.take()
        with self._lock:
            if not hmac.compare_digest(code.encode(), self._code.encode()):
                self._wrong += 1
                if self._wrong >= WRONG_CODES_MAX:
                    self._renew()
                raise AccessError(Code.UNAUTHENTICATED, "that is not the code in the terminal")
            self._wrong = 0
            token = secrets.token_urlsafe(32)
            while len(self._origins) >= PAIRED_MAX:
                del self._origins[next(iter(self._origins))]
            self._origins[token] = origin
            return token

    def require(self, token: str, origin: str) -> None:
        """Raises AccessError ``unauthenticated``: not paired, or another origin is."""
        with self._lock:
            if not token or self._origins.get(token) != origin:
                raise AccessError(Code.UNAUTHENTICATED, "pair first, with the code in the terminal")

    def _renew(self) -> None:
        self._code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self._wrong = 0
        self._announce(self._code)
