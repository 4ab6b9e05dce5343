"""As of when: a position, a recorded time, an effective date; and how long a read waits."""

import asyncio
from datetime import date, datetime
from time import monotonic
from typing import NamedTuple

from psycopg import Connection

from api.http.door import Call
from ledger.errors import Code, RequestError, UnavailableError
from ledger.store.reading import read_head
from projections.catalogue import PROJECTIONS

AS_OF_QUERY = ("as_of_position", "as_of_recorded", "as_of_effective")
MIN_POSITION = "X-Min-Position"

_POLL_FIRST_S, _POLL_MAX_S = 0.002, 0.05
_NAMES = [projection.name for projection in PROJECTIONS]
_SEEN = """
SELECT count(*), min(position) FROM proj_positions
WHERE ledger_id = %s AND live AND projection = ANY(%s)"""


class AsOf(NamedTuple):
    """The moment a read is asked for; at most one of them is given."""

    position: int | None = None
    recorded: datetime | None = None
    effective: date | None = None

    @property
    def is_now(self) -> bool:
        return self == AsOf()

    def upto(self, connection: Connection, key: int) -> int:
        """The last position that counts.

        Raises:
            RequestError: ``malformed`` for a position that the ledger has not reached.
        """
        head = read_head(connection, key)
        position = head.position if head else 0
        if self.position is not None:
            if self.position > position:
                raise RequestError(
                    Code.MALFORMED, f"the ledger stands at {position}", pointer="/as_of_position"
                )
            return self.position
        if self.recorded is not None:
            row = connection.execute(
                "SELECT position FROM commits WHERE ledger_id = %s AND recorded_at <= %s"
                " ORDER BY position DESC LIMIT 1",
                (key, self.recorded),
            ).fetchone()
            return int(row[0]) if row else 0
        return position


def as_of(call: Call) -> AsOf:
    """The moment in the query.

    Raises:
        RequestError: ``malformed`` for one that cannot be read, and for more than one.
    """
    query = call.request.query_params
    given = [name for name in AS_OF_QUERY if name in query]
    if len(given) > 1:
        raise RequestError(Code.MALFORMED, f"{' and '.join(given)} exclude each other")
    if not given:
        return AsOf()
    text = query[given[0]]
    match given[0]:
        case "as_of_position":
            return AsOf(position=call.integer("as_of_position", 0))
        case "as_of_effective":
            return AsOf(effective=day_of(text, "as_of_effective"))
    try:  # a plus sign that was not escaped comes in as a space
        recorded = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        recorded = None
    if recorded is None or recorded.tzinfo is None:
        raise RequestError(Code.MALFORMED, "as_of_recorded is an RFC 3339 time with its offset")
    return AsOf(recorded=recorded)


def no_as_of(call: Call) -> None:
    """Refuses a moment where the answer would not be of it."""
    if given := [name for name in AS_OF_QUERY if name in call.request.query_params]:
        raise RequestError(Code.MALFORMED, f"{given[0]} cannot be asked of this list")


def day_of(text: str, name: str) -> date:
    """A date as YYYY-MM-DD; raises RequestError ``malformed``."""
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RequestError(Code.MALFORMED, f"{name} is a date such as 2026-01-31")


async def wait_for_head(call: Call, key: int) -> None:
    """Waits, where the caller asks for it, until the ledger itself stands at ``X-Min-Position``."""
    least = call.integer(MIN_POSITION, 0)
    if least:
        await _wait(call, key, least, of_projections=False)


async def wait_for_projections(call: Call, key: int) -> None:
    """Waits until the read models have seen what the caller may expect to see.

    Without ``X-Min-Position`` that is all that was committed when it asked: whoever has written
    reads what he wrote. If that takes too long he gets what there is, and the header says how far
    it goes.

    Raises:
        UnavailableError: an explicit position was not reached in time.
    """
    explicit = MIN_POSITION in call.request.headers
    least = call.integer(MIN_POSITION, 0) if explicit else (await call.head(key)).position
    try:
        await _wait(call, key, least, of_projections=True)
    except UnavailableError:
        if explicit:
            raise


async def _wait(call: Call, key: int, least: int, *, of_projections: bool) -> None:
    deadline = monotonic() + call.treasury.settings.read_wait_s
    pause_s = _POLL_FIRST_S
    seen = _projected if of_projections else _committed
    while (position := await call.read(lambda connection: seen(connection, key))) < least:
        if of_projections:
            call.services.wake_projector(key, least)
        if monotonic() + pause_s > deadline:
            raise UnavailableError(
                Code.UNAVAILABLE, f"position {least} is not reached yet, only {position}"
            )
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _POLL_MAX_S)


def _committed(connection: Connection, key: int) -> int:
    head = read_head(connection, key)
    return head.position if head else 0


def _projected(connection: Connection, key: int) -> int:
    row = connection.execute(_SEEN, (key, _NAMES)).fetchone()
    assert row is not None
    return row[1] if row[0] == len(_NAMES) else 0
