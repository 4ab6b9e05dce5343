"""Events as a trace shows them, with their positions; where an indicator's money came from."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from budget.distribution_events import IndicatorAllotted, IndicatorDistributed
from budget.events import IndicatorIssued, IndicatorReallocatedIn, IndicatorReallocatedOut
from budget.indicator import BEGINNINGS, INDICATOR
from budget.indicators import number_of
from ledger.deciding.objects import AnyKind
from ledger.events import Event, base_name, decode, type_names
from ledger.reading.objects import EVENTS_MAX, StoredRow, read_events, stream_of

Placed = tuple[int, Event]
FactFields = dict[str, Any]

FACTS_MAX = (
    1_000  # of one step: an indicator may have been frozen and unfrozen a hundred thousand times
)
SOURCES_MAX = 200
_GETTING = (IndicatorReallocatedIn, IndicatorAllotted)
_GIVING = (IndicatorReallocatedOut, IndicatorDistributed)

_OF_TYPES = """
SELECT position, type, payload FROM events
WHERE ledger_id = %s AND stream_id = %s AND position <= %s AND type = ANY(%s)
ORDER BY stream_version LIMIT %s"""


class Source(msgspec.Struct):
    """A reallocation 调剂, or distribution 待分配分配, that an indicator got money by, and the
    budget it came from.

    Attributes:
        adj_no: of the reallocation or distribution.
        bgt_id, into_bgt_id: the giving and the receiving indicator.
        positions: of the giving and the receiving event.
        issued_position: of the giving indicator's own issue.
        amount: that it was issued with.
    """

    bgt_id: str
    into_bgt_id: str
    adj_no: str
    amt: str
    positions: list[int]
    issued_position: int
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    amount: str


def placed(rows: Iterable[StoredRow]) -> list[Placed]:
    return [(row.position, decode(row.type, row.payload)) for row in rows]


def facts_of(events: Iterable[Placed], *types: type[Event]) -> list[FactFields]:
    """The events of these types as they say it, each with its position."""
    return [
        {"position": position, "type": base_name(event.TYPE), **msgspec.to_builtins(event)}
        for position, event in events
        if isinstance(event, types)
    ]


def stream(connection: psycopg.Connection, key: int, kind: AnyKind, number: str) -> list[Placed]:
    """An object's events; none where there is no such object."""
    stream_id = stream_of(connection, key, kind, number) if number else None
    if stream_id is None:
        return []
    return placed(read_events(connection, key, 0, EVENTS_MAX, stream_id=stream_id))


def of_types(
    connection: psycopg.Connection,
    key: int,
    bgt_id: str,
    types: Sequence[type[Event]],
    upto: int,
    limit: int = FACTS_MAX,
) -> Iterator[Placed]:
    """An indicator's own events of some types, in order, up to a position; in a transaction, one
    reading at a time."""
    stream_id = stream_of(connection, key, INDICATOR, bgt_id)
    names = [name for kind in types for name in type_names(kind)]
    with connection.cursor(name="trace") as cursor:  # on the server: it may be all of a hot one's
        cursor.itersize = FACTS_MAX
        cursor.execute(_OF_TYPES, (key, stream_id, upto, names, limit))
        for position, type_name, payload in cursor:
            yield position, decode(type_name, payload)


def sources(connection: psycopg.Connection, key: int, bgt_id: str, upto: int) -> list[Source]:
    """Whom an indicator has got money from until a position, and from whom those had it.

    At most ``SOURCES_MAX``, the nearest first; an indicator that gave and got in turn is followed
    once.
    """
    found: list[Source] = []
    waiting, seen = [(bgt_id, upto)], {bgt_id}
    while waiting and len(found) < SOURCES_MAX:
        into, before = waiting.pop(0)
        for position, event in list(of_types(connection, key, into, _GETTING, before)):
            assert isinstance(event, _GETTING)
            found.append(_source(connection, key, position, event))
            giving = _giving(event)
            if giving not in seen:
                seen.add(giving)
                waiting.append((giving, position))
    return found[:SOURCES_MAX]


def _giving(got: IndicatorReallocatedIn | IndicatorAllotted) -> str:
    """The indicator that gave."""
    return got.ori_bgt_id if isinstance(got, IndicatorAllotted) else got.from_bgt_id


def _source(
    connection: psycopg.Connection,
    key: int,
    position: int,
    got: IndicatorReallocatedIn | IndicatorAllotted,
) -> Source:
    if isinstance(got, IndicatorAllotted):
        number, amt, gives = got.dist_no, got.amount, IndicatorDistributed.TYPE
    else:
        number, amt, gives = got.adj_no, got.amt, IndicatorReallocatedOut.TYPE
    giving = list(of_types(connection, key, _giving(got), (*BEGINNINGS, *_GIVING), position))
    issued_position, issued = giving[0]
    assert isinstance(issued, IndicatorIssued), "an indicator's stream begins with its issue"
    gave = [at for at, event in giving if gives == event.TYPE and number_of(event) == number]
    return Source(
        bgt_id=_giving(got),
        into_bgt_id=got.bgt_id,
        adj_no=number,
        amt=amt,
        positions=[*gave, position],
        issued_position=issued_position,
        agency_code=issued.agency_code,
        agency_name=issued.agency_name,
        pro_code=issued.pro_code,
        pro_name=issued.pro_name,
        amount=issued.amount,
    )
