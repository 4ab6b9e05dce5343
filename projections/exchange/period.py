"""What part of a history is exported: whole commits, from one position to another."""

from datetime import date, datetime, timedelta

import msgspec
import psycopg

from ledger.account_set import ledger_text
from ledger.deciding.state import BEIJING
from ledger.errors import AccessError, Code, RequestError
from ledger.integrity.chain import genesis

Bound = int | date | None


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Whole commits of one ledger: first and last position, and the chain before and after."""

    ledger_id: int
    first: int
    last: int
    opening_chain: bytes
    chain: bytes
    at_head: bool

    @property
    def is_whole(self) -> bool:
        return self.first == 1 and self.at_head

    @property
    def events(self) -> int:
        return self.last - self.first + 1


def parse_bound(text: str, name: str) -> Bound:
    """A position (digits) or a day (2026-03-01); "" is no bound.

    Raises:
        RequestError: ``malformed`` for anything else.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:
        return int(text)
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RequestError(
        Code.MALFORMED, f"{name} is a position such as 1200 or a day such as 2026-03-01"
    )


def period_of(connection: psycopg.Connection, ledger_id: int, begin: Bound, end: Bound) -> Period:
    """The commits that hold the bounds and all between them, in the connection's snapshot.

    A day counts by when the ledger learned a thing (``recorded_at``, in Beijing): the history of
    that time, whatever business date its entries have.

    Raises:
        AccessError: ``ledger_not_found``.
        RequestError: ``malformed`` where nothing lies between the bounds.
    """
    head = connection.execute(
        "SELECT position, chain FROM ledgers WHERE ledger_id = %s", (ledger_id,)
    ).fetchone()
    if head is None:
        raise AccessError(
            Code.LEDGER_NOT_FOUND, f"no ledger {ledger_text(ledger_id)} has been opened"
        )
    first, opening = _opening(connection, ledger_id, begin)
    last, chain = _closing(connection, ledger_id, end, *head)
    if first > last or first > head[0]:
        raise RequestError(Code.MALFORMED, "the ledger learned nothing in this period")
    return Period(
        ledger_id=ledger_id,
        first=first,
        last=last,
        opening_chain=opening,
        chain=chain,
        at_head=last == head[0],
    )


def _opening(connection: psycopg.Connection, ledger_id: int, begin: Bound) -> tuple[int, bytes]:
    """First position, and the chain behind the commit before it."""
    if begin is None:
        return 1, genesis(ledger_id)
    value: int | datetime
    if isinstance(begin, date):
        condition, value = "recorded_at < %s", _midnight(begin)
    else:
        condition, value = "position < %s", begin
    before = connection.execute(
        f"SELECT position, chain FROM commits WHERE ledger_id = %s AND {condition}"  # noqa: S608
        " ORDER BY position DESC LIMIT 1",
        (ledger_id, value),
    ).fetchone()
    return (before[0] + 1, before[1]) if before else (1, genesis(ledger_id))


def _closing(
    connection: psycopg.Connection, ledger_id: int, end: Bound, head: int, head_chain: bytes
) -> tuple[int, bytes]:
    """Last position and the chain there; the head itself where the bound lies beyond it."""
    if end is None or (not isinstance(end, date) and end >= head):
        return head, head_chain
    value: int | datetime
    if isinstance(end, date):
        query = "recorded_at < %s ORDER BY position DESC"
        value = _midnight(end + timedelta(days=1))
    else:
        query, value = "position >= %s ORDER BY position", end
    found = connection.execute(
        f"SELECT position, chain FROM commits WHERE ledger_id = %s AND {query} LIMIT 1",  # noqa: S608
        (ledger_id, value),
    ).fetchone()
    return found or (0, b"")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)
