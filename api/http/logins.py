"""Logins: how many are under way at once, and how they ended.

Whoever guesses has 256 bits before him, so nobody is locked out for what a stranger has tried in
his name: that would be a way to keep an official from working. What guessing could cost is work,
and of that there is a bound.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, Counter

from ledger.errors import Code, GuokuError, UnavailableError

AT_ONCE_MAX = 20

log = structlog.get_logger(__name__)


class Logins:
    """Used on the event loop only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._under_way = 0
        self._ended = Counter(
            "guoku_http_logins", "Logins, by how they ended", ("outcome",), registry=registry
        )

    @contextmanager
    def one(self, by: str) -> Iterator[None]:
        """While one login is judged; counted, and told to the log.

        Args:
            by: what it is tried with, ``token`` or ``own key``.

        Raises:
            UnavailableError: ``busy``.
        """
        if self._under_way >= AT_ONCE_MAX:
            raise UnavailableError(Code.BUSY, "too many are logging in")
        self._under_way += 1
        try:
            yield
        except GuokuError as error:
            self._ended.labels(error.code.text).inc()
            log.warning("a login was refused", by=by, code=error.code.text, reason=error.detail)
            raise
        finally:
            self._under_way -= 1
        self._ended.labels("begun").inc()
