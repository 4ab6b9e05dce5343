"""A stretch of a ledger's events as the facts that projections follow, decoded as each needs them.

Types that no projection follows stay in the database. Several projections that see a type alike
share its facts. A type of our own shape that nobody here knows is of a newer program and stops
them all; other applications' events are passed over.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.errors import IntegrityError
from ledger.events import TYPES, decoder, is_own_type, type_names
from ledger.reading.streaming import stream_contents
from projections.core.fold import Fact, Projection

PAGE_BYTES = 16 * 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()

Decode = Callable[[bytes], Any]
Take = Callable[[Fact], None]


class ProjectionError(Exception):
    """Projections cannot take an event in. They stop there; skipping would make them wrong."""

    def __init__(self, names: Sequence[str], position: int, cause: Exception) -> None:
        super().__init__(f"{', '.join(names)} stopped after position {position}: {cause!r}")
        self.names = tuple(names)
        self.position = position


class FactsPage(NamedTuple):
    """Facts of a stretch that ends at ``position``, for each projection, in order."""

    position: int
    facts: list[list[Fact]]


def read_pages(
    connection: psycopg.Connection,
    ledger_id: int,
    projections: Sequence[Projection],
    after: int,
    upto: int,
    facts_max: int | None = None,
) -> Generator[FactsPage]:
    """The events ``after < position <= upto`` in pages, the last of which ends at ``upto``.

    Args:
        facts_max: of a page, unless ``PAGE_BYTES`` of payloads end it before; None for one page.

    Raises:
        ProjectionError: bytes that are no such event, or an event of a newer program.
    """
    page: list[list[Fact]] = [[] for _ in projections]
    routes = _routes(projections, page)
    count = size = 0
    recorded_us, recorded_at, day, effective_on = -1, _EPOCH, -1, date.min
    contents = stream_contents(connection, ledger_id, after, upto, _passed_over(projections))
    with closing(contents):
        for position, us, days, type_name, payload in contents:
            if us != recorded_us:  # a commit's events have one time
                recorded_us, recorded_at = us, _EPOCH + timedelta(microseconds=us)
            if days != day:
                day, effective_on = days, date.fromordinal(_EPOCH_DAY + days)
            try:
                for decode, takers in routes.get(type_name) or _not_ours(type_name.decode()):
                    fact = Fact(position, recorded_at, effective_on, decode(payload))
                    for take in takers:
                        take(fact)
            except (IntegrityError, msgspec.MsgspecError) as error:
                names = [projection.name for projection in projections]
                raise ProjectionError(names, after, error) from error
            count += 1
            size += len(payload)
            if facts_max is not None and (count == facts_max or size > PAGE_BYTES):
                yield FactsPage(position, page)
                for facts in page:
                    facts.clear()
                count = size = 0
    yield FactsPage(upto, page)


def _routes(
    projections: Sequence[Projection], page: Sequence[list[Fact]]
) -> dict[bytes, list[tuple[Decode, list[Take]]]]:
    """Type as it is stored -> how its events are decoded, and who takes in what that gives."""
    routes: dict[bytes, dict[Decode, list[Take]]] = {}
    for projection, facts in zip(projections, page, strict=True):
        for cls in projection.follows:
            view = projection.views.get(cls, cls)
            for name in type_names(cls):
                route = routes.setdefault(name.encode(), {})
                route.setdefault(decoder(name, view), []).append(facts.append)
    return {name: list(route.items()) for name, route in routes.items()}


def _passed_over(projections: Sequence[Projection]) -> list[str]:
    followed = frozenset[type]().union(*(projection.follows for projection in projections))
    return [name for cls in set(TYPES.values()) - followed for name in type_names(cls)]


def _not_ours(type_name: str) -> tuple[()]:
    if is_own_type(type_name):
        raise IntegrityError(f"unknown event type {type_name!r}")
    return ()
