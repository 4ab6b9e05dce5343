"""Calls without a token: how often whoever is unknown has something done for him.

Some calls are believed for their signature and not for their caller: a message of another
installation, a login. Until it is checked, whoever asks is unknown, and the check costs
milliseconds. So of each such operation there is a number a second that is done for one address,
and one for all addresses together; what goes beyond is refused before it costs anything, and
counted, and stands on no ledger's record. An address whose signature has held, or from which
somebody has logged in, is known for a while: it has its own number, and no crowd of strangers takes
its place.

Every public operation is bounded so, unless it is said here why not.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter

from ledger.errors import Code, UnavailableError

KNOWN_S, KNOWN_MAX = 600.0, 10_000
NETWORK_BITS = 64  # of an IPv6 address, within which its holder chooses freely
UNBOUNDED = {
    "health.live": "it says a word",
    "health.ready": "what it asks is asked once for all who ask meanwhile",
}


class StrangerBounds(NamedTuple):
    """How many calls of an operation a second are done.

    Attributes:
        of_address: for an address of which nobody is known.
        of_all: for all these addresses together.
        of_known_address: for one from which somebody is known.
    """

    of_address: int
    of_all: int
    of_known_address: int


class Strangers:
    """Used on the event loop only; see the module."""

    def __init__(
        self,
        registry: CollectorRegistry,
        bounds: StrangerBounds,
        window: Callable[[int], RateLimitItem] = RateLimitItemPerSecond,
    ) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._of_address = window(bounds.of_address)
        self._of_known = window(bounds.of_known_address)
        self._of_all = window(bounds.of_all)
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._refused = Counter(
            "guoku_http_strangers_refused",
            "Calls without a token that were refused unread, by operation and bound",
            ("operation", "bound"),
            registry=registry,
        )

    def admit(self, operation: str, address: str) -> None:
        """Before anything is done for a call; raises UnavailableError ``busy``."""
        if operation in UNBOUNDED:
            return
        network = network_of(address)
        known = self._is_known(operation, network)
        of_one = self._of_known if known else self._of_address
        if not self._limiter.hit(of_one, operation, network):
            raise self._busy(operation, "address")
        if not known and not self._limiter.hit(self._of_all, operation):
            raise self._busy(operation, "all")

    def note_known(self, operation: str, address: str) -> None:
        """A signature from this address has held."""
        key = operation, network_of(address)
        self._known.pop(key, None)
        self._known[key] = monotonic()
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _is_known(self, operation: str, network: str) -> bool:
        return monotonic() - self._known.get((operation, network), -KNOWN_S) < KNOWN_S

    def _busy(self, operation: str, bound: str) -> UnavailableError:
        self._refused.labels(operation, bound).inc()
        return UnavailableError(Code.BUSY, "too many ask for this without a token")


def network_of(address: str) -> str:
    """What one holder of addresses has: an IPv4 address, an IPv6 network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return format(int(parsed) >> (128 - NETWORK_BITS), "x")
