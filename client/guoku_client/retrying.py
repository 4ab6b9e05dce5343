"""When a request is repeated, and how long it waits. Pure: the clock and the die are handed in.

Every act of the server has a number of its caller's, or is known by what it has left, so a request
can be repeated as it is: if the first one was done, the answer is that of the first time. That is
why a lost answer is repeated here, and why a client never makes a number: a second one would be a
second payment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from guoku_client.errors import Problem, ServerError

REPEATED = frozenset({429, 500, 502, 503, 504})
# of these it is told that nothing was done; yet a request before them may have been
NOTHING_DECIDED = frozenset({401, 403, *REPEATED})
_SURELY_NOT_DONE = frozenset({429})


@dataclass(frozen=True, slots=True)
class Retries:
    """How long a client goes on, in seconds.

    Attributes:
        give_up_after_s: from the first attempt of a call; no attempt begins later. A server that is
            restarted is away for some seconds, after a crash with much to recover for a minute.
        first_wait_s: before the second attempt; doubled at each further one, and made shorter by up
            to a half at random, so that many clients do not come back together.
        wait_max_s: no wait is longer, unless the server asks for it by Retry-After.
    """

    give_up_after_s: float = 120.0
    first_wait_s: float = 0.2
    wait_max_s: float = 10.0


class Attempts:
    """The attempts of one call.

    Args:
        changes: whether it asks for an act.
        draw: a number in 0..1 at random.
    """

    def __init__(
        self, retries: Retries, now: Callable[[], float], draw: Callable[[], float], changes: bool
    ) -> None:
        self._retries, self._now, self._draw, self._changes = retries, now, draw, changes
        self._until = now() + retries.give_up_after_s
        self._failed = 0
        self._may_have_arrived = False

    def wait_after(
        self, error: ServerError, *, status: int = 0, arrived: bool = True, retry_after: str = ""
    ) -> float:
        """Seconds to wait before the same is asked once more.

        Args:
            status: of the answer, 0 where none came.
            arrived: whether the request may have arrived, where no answer came.
            retry_after: the header of the answer, seconds or a date.

        Raises:
            ServerError: ``error``, where it is the answer, or the time is over. It says whether an
                attempt may have been done.
        """
        lost = arrived if not status else status in REPEATED - _SURELY_NOT_DONE
        self._may_have_arrived |= lost and self._changes and not _was_not_done(error)
        decided = bool(status) and status not in NOTHING_DECIDED
        wait_s = max(self._backoff_s(), _seconds_of(retry_after))
        self._failed += 1
        over = self._now() + wait_s > self._until
        if over or (status and status not in REPEATED):
            error.outcome_unknown = self._may_have_arrived and not decided
            raise error
        return wait_s

    def _backoff_s(self) -> float:
        longest = self._retries.first_wait_s * (1 << min(self._failed, 30))
        return min(longest, self._retries.wait_max_s) * (0.5 + self._draw() / 2)


def _was_not_done(error: ServerError) -> bool:
    """503 of these codes comes before anything is decided."""
    return isinstance(error, Problem) and error.code in ("busy", "clock_skewed", "history_cut")


def _seconds_of(retry_after: str) -> float:
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
