"""As of when: what a read of the past counts, and what came in late for it.

Two times are asked for apart. A *position*, or the *recorded* time that leads to one, says what the
ledger knew; an *effective* date says which business days are counted. Either alone or both at once.
What was recorded after the moment and is effective before it is *late*: it parts what was known
then from what was true for then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from ledger.account_set import fiscal_year_of
from ledger.deciding.state import BEIJING
from ledger.errors import Code, RequestError

_DAY = timedelta(days=1)
_AT_TIME = """
SELECT position FROM commits WHERE ledger_id = %s AND recorded_at <= %s
ORDER BY recorded_at DESC, position DESC LIMIT 1"""
_RECORDED = """
SELECT recorded_at FROM commits WHERE ledger_id = %s AND position >= %s
ORDER BY position LIMIT 1"""


class Moment(NamedTuple):
    """The moment a read is asked for; all of it None for now."""

    position: int | None = None
    recorded: datetime | None = None
    effective: date | None = None

    @property
    def is_now(self) -> bool:
        return self == Moment()


class Late(NamedTuple):
    """Entries recorded after one position, up to another, and effective on a day or before it."""

    after: int
    upto: int
    through: date


class Reach(NamedTuple):
    """What counts: positions up to ``upto``, business days up to ``through`` (None: all)."""

    upto: int
    through: date | None
    late: Late | None


def reach(connection: psycopg.Connection, ledger_id: int, moment: Moment, now: int) -> Reach:
    """What a moment makes count, in a ledger or read model that stands at ``now``.

    Late are, with an effective date, what the answer holds and was recorded after that day;
    without, what it does not hold, having been recorded since for a day before the moment's own.

    Raises:
        RequestError: ``malformed`` for a position that the ledger has not reached, a time without
            an offset, or both at once.
    """
    upto = now if (known := _known(connection, ledger_id, moment)) is None else known
    if moment.effective is not None:
        through = moment.effective
        ended = _at_end_of(connection, ledger_id, through)
        after = upto if ended is None else min(ended, upto)
        return Reach(upto, through, Late(after, upto, through))
    if moment.is_now or upto == 0:
        return Reach(upto, None, None)
    recorded = moment.recorded
    if recorded is None:
        row = connection.execute(_RECORDED, (ledger_id, upto)).fetchone()
        assert row is not None, "a position that the ledger has reached lies in a commit"
        recorded = row[0]
    through = recorded.astimezone(BEIJING).date() - _DAY
    return Reach(upto, None, Late(upto, max(now, upto), through))


def recorded_time(
    connection: psycopg.Connection, ledger_id: int, moment: Moment, now: int
) -> datetime | None:
    """Until when what a moment counts was recorded, in a ledger that stands at ``now``; None where
    all there is counts.

    Raises:
        RequestError: as :func:`reach`.
    """
    upto = reach(connection, ledger_id, Moment(moment.position, moment.recorded), now).upto
    if moment.recorded is not None:
        return moment.recorded
    if moment.position is None:
        return None
    row = connection.execute(_RECORDED, (ledger_id, upto)).fetchone()
    return row[0] if upto and row else datetime.min.replace(tzinfo=UTC)


def day_of(text: str, name: str) -> date:
    """A date as YYYY-MM-DD; raises RequestError ``malformed``."""
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RequestError(Code.MALFORMED, f"{name} is a date such as 2026-01-31")


def time_of(text: str, name: str) -> datetime:
    """A time with its offset; raises RequestError ``malformed``."""
    try:  # a plus sign that was not escaped comes in as a space
        recorded = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        recorded = None
    if recorded is None or recorded.tzinfo is None:
        raise RequestError(Code.MALFORMED, f"{name} is an RFC 3339 time with its offset")
    return recorded


def within_books(ledger_id: int, through: date) -> date:
    """The day, or the last one of the ledger's year, after which nothing takes effect."""
    return min(through, date(fiscal_year_of(ledger_id), 12, 31))


def _known(connection: psycopg.Connection, ledger_id: int, moment: Moment) -> int | None:
    """The position whose knowledge is asked for; None for all there is."""
    if moment.position is not None and moment.recorded is not None:
        raise RequestError(Code.MALFORMED, "as_of_position and as_of_recorded exclude each other")
    if moment.recorded is not None:
        if moment.recorded.tzinfo is None:
            raise RequestError(
                Code.MALFORMED, "a recorded time has an offset", pointer="/as_of_recorded"
            )
        row = connection.execute(_AT_TIME, (ledger_id, moment.recorded)).fetchone()
        return row[0] if row else 0
    if moment.position is not None:
        row = connection.execute(
            "SELECT position FROM ledgers WHERE ledger_id = %s", (ledger_id,)
        ).fetchone()
        head = row[0] if row else 0
        if not 0 <= moment.position <= head:
            raise RequestError(
                Code.MALFORMED, f"the ledger stands at {head}", pointer="/as_of_position"
            )
    return moment.position


def _at_end_of(connection: psycopg.Connection, ledger_id: int, day: date) -> int | None:
    """The position when a day was over in Beijing; None for one too far off to be written."""
    if day.year >= date.max.year:
        return None
    end = datetime.combine(day + _DAY, time(), BEIJING) - timedelta(microseconds=1)
    row = connection.execute(_AT_TIME, (ledger_id, end)).fetchone()
    return row[0] if row else 0


@contextmanager
def one_moment(connection: psycopg.Connection) -> Iterator[None]:
    """All statements within see the database as of one instant, so that what is read in several
    belongs together: rows of a generation, its position, and the events behind it."""
    outermost = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction():
        if outermost:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
