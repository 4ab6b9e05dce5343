"""How much is taken on at once: bytes of bodies, and commands that wait for their commit.

What goes beyond is refused at once with 429 and a time to come back at, before it costs anything.
So a queue never grows longer than its callers will wait, and memory stays bounded, whatever comes.
Used on the event loop only.
"""

from collections import Counter
from math import ceil
from time import monotonic

from ledger.errors import Code, UnavailableError

RETRY_AFTER_S_MAX = 30
_RATE_OVER_S = 1.0


class Capacity:
    """Counts what is under way; see the module.

    Args:
        body_bytes_max: of all bodies that are being received, decided or answered.
        commands_max: commands of all ledgers that wait for their commit.
        ledger_commands_max: of one ledger.
        caller_requests_max: requests of one caller that are under way.

    A single request is never refused for being greater than a bound while nothing else is there.
    """

    def __init__(
        self,
        *,
        body_bytes_max: int,
        commands_max: int,
        ledger_commands_max: int,
        caller_requests_max: int,
    ) -> None:
        self._body_bytes_max = body_bytes_max
        self._commands_max = commands_max
        self._ledger_commands_max = ledger_commands_max
        self._caller_requests_max = caller_requests_max
        self._by_ledger: Counter[int] = Counter()
        self._by_caller: dict[str, int] = {}
        self._rate = _Rate()
        self.body_bytes = 0
        self.commands = 0
        self.refused = 0

    def require_room(self) -> None:
        """Before a body is read: raises ``busy`` where its commands would be refused anyway."""
        if self.commands >= self._commands_max:
            raise self._busy("too many commands wait for their commit")

    def hold_request(self, principal: str) -> None:
        """A caller's request begins; raises UnavailableError ``busy`` where he has too many."""
        under_way = self._by_caller.get(principal, 0)
        if under_way >= self._caller_requests_max:
            raise self._busy("too many requests of this caller are under way")
        self._by_caller[principal] = under_way + 1

    def release_request(self, principal: str, size: int) -> None:
        """A request that was held has been answered, with ``size`` bytes of body; "" where its
        caller is not known."""
        self.body_bytes -= size
        if not principal:
            return
        if self._by_caller[principal] == 1:
            del self._by_caller[principal]  # or it would remember whoever came once
        else:
            self._by_caller[principal] -= 1

    def hold_bytes(self, size: int) -> None:
        """Takes ``size`` more bytes of a body on; raises UnavailableError ``busy``."""
        if self.body_bytes and self.body_bytes + size > self._body_bytes_max:
            raise self._busy("too many bytes of requests are under way")
        self.body_bytes += size

    def hold_commands(self, ledger_id: int, count: int) -> None:
        """Takes ``count`` more commands on; raises UnavailableError ``busy``."""
        of_ledger = self._by_ledger[ledger_id]
        if of_ledger and of_ledger + count > self._ledger_commands_max:
            raise self._busy("too many commands wait for this ledger")
        if self.commands and self.commands + count > self._commands_max:
            raise self._busy("too many commands wait for their commit")
        self._by_ledger[ledger_id] = of_ledger + count
        self.commands += count

    def release_commands(self, ledger_id: int, count: int) -> None:
        """Commands were answered, or were not taken in after all."""
        self.commands -= count
        self._by_ledger[ledger_id] -= count
        self._rate.note(count)

    def _busy(self, reason: str) -> UnavailableError:
        self.refused += 1
        wait_s = ceil(self.commands / self._rate.per_s) if self._rate.per_s else 1
        return UnavailableError(
            Code.BUSY, reason, retry_after_s=min(max(1, wait_s), RETRY_AFTER_S_MAX)
        )


class _Rate:
    """How many a second, over the last second in which there were any."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self._since = monotonic()
        self._count = 0

    def note(self, count: int) -> None:
        self._count += count
        elapsed_s = monotonic() - self._since
        if elapsed_s >= _RATE_OVER_S:
            self.per_s = self._count / elapsed_s
            self._since, self._count = monotonic(), 0
