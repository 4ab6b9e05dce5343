"""Denied rights: which of them a ledger keeps on its record.

A ledger keeps what its own people were denied, so that an auditor sees who tried. Whoever has no
business in it must not be able to write into it at all: what strangers ask is counted. And a
person's denials are kept up to a number a minute, because nothing that is kept can be deleted.
"""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter

from api.access import Caller
from ledger.account_set import ledger_text

KEPT_PER_MINUTE = 30  # of one caller in one ledger


class Denials:
    """Says which are kept, counts the others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._kept = RateLimitItemPerMinute(KEPT_PER_MINUTE)
        self._not_kept = Counter(
            "guoku_http_denials_not_kept",
            "Denied rights that were not put on a ledger's record, by reason",
            ("reason",),
            registry=registry,
        )

    def keeps(self, caller: Caller, key: int) -> bool:
        """Whether the ledger's record is to have this one."""
        if not caller.reaches(key):
            self._not_kept.labels("stranger").inc()
            return False
        if not self._limiter.hit(self._kept, caller.principal.casefold(), ledger_text(key)):
            self._not_kept.labels("too many").inc()
            return False
        return True
