"""As of when: a position, a recorded time, an effective date; and how long a read waits."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends
from psycopg import Connection

from api.http.call import Call
from api.http.parameters import Day, Position, Time
from division.folded import folded_setting
from ledger.deciding.settings import Setting
from ledger.errors import Code, RequestError, UnavailableError
from ledger.reading.objects import read_head
from projections.catalogue import PROJECTIONS
from projections.core.moments import Moment, day_of, one_moment, reach, time_of

P = TypeVar("P", bound=msgspec.Struct)

_POLL_FIRST_S, _POLL_MAX_S = 0.002, 0.05
_NAMES = [projection.name for projection in PROJECTIONS]
_SEEN = """
SELECT count(*), min(position) FROM proj_positions
WHERE ledger_id = %s AND live AND projection = ANY(%s)"""


async def as_of(
    as_of_position: Position | None = None,
    as_of_recorded: Time | None = None,
    as_of_effective: Day | None = None,
) -> Moment:
    """The moment in the query: an effective date, a position or a recorded time, or the date with
    one of the two.

    Raises:
        RequestError: ``malformed`` for one that cannot be read, and for position and time at once.
    """
    if as_of_position is not None and as_of_recorded is not None:
        raise RequestError(Code.MALFORMED, "as_of_position and as_of_recorded exclude each other")
    return Moment(
        position=as_of_position,
        recorded=None if as_of_recorded is None else time_of(as_of_recorded, "as_of_recorded"),
        effective=None if as_of_effective is None else day_of(as_of_effective, "as_of_effective"),
    )


AsOf = Annotated[Moment, Depends(as_of)]


def upto_in(connection: Connection, key: int, moment: Moment) -> int:
    """The last position of a ledger that counts as of a moment; within :func:`one_moment`, where
    more is read of the same."""
    head = read_head(connection, key)
    return reach(connection, key, moment, head.position if head else 0).upto


def setting_as_of(connection: Connection, key: int, setting: Setting[P], moment: Moment) -> P:
    """What holds for a ledger as a whole as of a moment."""
    with one_moment(connection):
        return folded_setting(connection, key, setting, upto_in(connection, key, moment))


async def wait_for_head(call: Call, key: int) -> None:
    """Waits, where the caller asks for it, until the ledger itself stands at ``X-Min-Position``."""
    if call.min_position:
        await _wait(call, key, call.min_position, of_projections=False)


async def wait_for_projections(call: Call, key: int) -> None:
    """Waits until the read models have seen what the caller may expect to see.

    Without ``X-Min-Position`` that is all that was committed when it asked: whoever has written
    reads what he wrote. If that takes too long he gets what there is, and the header says how far
    it goes.

    Raises:
        UnavailableError: an explicit position was not reached in time.
    """
    if call.min_position is not None:
        await _wait(call, key, call.min_position, of_projections=True)
        return
    committed = (await call.head(key)).position
    with suppress(UnavailableError):
        await _wait(call, key, committed, of_projections=True)


async def _wait(call: Call, key: int, least: int, *, of_projections: bool) -> None:
    deadline = monotonic() + call.treasury.settings.read_wait_s
    pause_s = _POLL_FIRST_S
    seen = _projected if of_projections else _committed
    while (position := await call.read(lambda connection: seen(connection, key))) < least:
        if of_projections:
            call.services.hasten_projector(key)
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
