"""Reading what a batch's decisions need: a few queries for the whole batch, none per command."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
import psycopg

from ledger.account_set import standing_ledgers_of
from ledger.deciding.command import CommandKey, Need
from ledger.deciding.dated import UNTOLD, DatedRow
from ledger.deciding.numbers import Number
from ledger.deciding.objects import AnyKind, Kind, ledger_stream_id
from ledger.deciding.registers import WHOLE, AnyRegister, Register, declared
from ledger.deciding.state import LedgerState
from ledger.events import Event, decode, names_that
from ledger.postgres.round_trip import (
    IoSteps,
    Query,
    Result,
    Statement,
    integer,
    integers,
    moment_us,
    round_trip,
    round_trip_steps,
    rows_of,
    texts,
    waited,
)
from ledger.reading.head_settings import settings_at
from ledger.reading.object_streams import read_streams

R = TypeVar("R", bound=msgspec.Struct)

TAIL_MAX = 10_000

_LOCK = Statement(
    "SELECT position, chain, recorded_at, stream_version, settings, clock_timestamp(),"
    " (SELECT coalesce(sum(s.position), 0)::bigint FROM ledgers s"
    " WHERE s.ledger_id = ANY($2::bigint[])) FROM ledgers WHERE ledger_id = $1::bigint FOR UPDATE"
)
# One index probe for each: a join would let the planner read all numbers of the ledger for a large
# batch, and the cost of a batch would grow with the history.
_USED = (
    "SELECT k.operation, k.number, k.fingerprint, k.stream_id, k.first_position, k.last_position"
    " FROM unnest($1::text[], $2::text[]) AS w (operation, number)"
    " CROSS JOIN LATERAL (SELECT * FROM command_keys c WHERE c.ledger_id = $3::bigint"
    " AND c.operation = w.operation AND c.number = w.number LIMIT 1) k"
)
_KEYS, _KEYS_AT_LOCK = Statement(_USED, prepared=False), Statement(_USED)


class LockedHead(msgspec.Struct, frozen=True, array_like=True):
    """Where a ledger stands, and will until the transaction that locked it ends; ``settings`` as
    the row has them, ``server_us`` the server's clock when it was asked. ``standing`` grows with
    every event of the standing ledgers that it rests on."""

    position: int
    chain: bytes
    recorded_us: int
    stream_version: int
    settings: bytes
    server_us: int
    standing: int = 0


def lock(connection: psycopg.Connection, ledger_id: int) -> LockedHead | None:
    """Locks the ledger's head for this transaction; None when there is no such ledger."""
    return waited(connection, lock_and_read_keys(connection, ledger_id, ()))[0]


def lock_and_read_keys(
    connection: psycopg.Connection, ledger_id: int, numbers: Collection[Number]
) -> IoSteps[tuple[LockedHead | None, dict[Number, CommandKey]]]:
    """Locks the head, and reads the used ones among (operation, number) as they are then."""
    asked: list[Query] = [(_LOCK, (integer(ledger_id), _rests_on(ledger_id)))]
    if numbers:
        asked.append((_KEYS_AT_LOCK, _named(numbers, ledger_id)))
    locked, *found = yield from round_trip_steps(connection, asked)
    keys = _keys(found[0]) if found else {}
    for position, chain, recorded_at, stream_version, settings, clock, standing in rows_of(locked):
        head = LockedHead(
            position=int.from_bytes(position, "big"),
            chain=chain,
            recorded_us=moment_us(recorded_at),
            stream_version=int.from_bytes(stream_version, "big"),
            settings=settings[1:],  # behind the version of the format
            server_us=moment_us(clock),
            standing=int.from_bytes(standing, "big"),
        )
        return head, keys
    return None, keys


@lru_cache(maxsize=1024)
def _rests_on(ledger_id: int) -> bytes:
    """The standing ledgers that a ledger rests on, as a parameter."""
    return integers(standing_ledgers_of(ledger_id))


def _named(numbers: Collection[Number], ledger_id: int) -> tuple[bytes, bytes, bytes]:
    """The parameters of ``_USED``."""
    operations, names = zip(*numbers, strict=True)
    return texts(operations), texts(names), integer(ledger_id)


def _keys(result: Result) -> dict[Number, CommandKey]:
    keys: dict[Number, CommandKey] = {}
    for operation, number, fingerprint, stream_id, first, last in rows_of(result):
        used = operation.decode(), number.decode()
        span = int.from_bytes(first, "big"), int.from_bytes(last, "big")
        keys[used] = CommandKey(*used, fingerprint, stream_id, *span)
    return keys


def lock_head(connection: psycopg.Connection, state: LedgerState) -> LockedHead | None:
    """Locks the head and brings the cache to it; None when there is no such ledger."""
    head = lock(connection, state.ledger_id)
    if head is not None:
        follow(connection, state, head)
    return head


def follow(connection: psycopg.Connection, state: LedgerState, head: LockedHead) -> bool:
    """Brings the cache to a head that is locked, by this transaction or another of ours; whether
    it had to forget anything for it. Raises RewrittenHeadError."""
    settings = settings_at(connection, state, head.stream_version, head.settings)
    if forgets := head.position != state.position:
        _follow_tail(connection, state, head.position)
    state.stand_at(head.position, head.chain, head.recorded_us, head.stream_version, settings)
    return forgets


def _follow_tail(connection: psycopg.Connection, state: LedgerState, head: int) -> None:
    """Another process wrote: forget what its events touched, or all when they are many."""
    if state.position < 0 or not 0 < head - state.position <= TAIL_MAX:
        state.forget()
        return
    rows = connection.execute(
        "SELECT stream_id, type, payload FROM events WHERE ledger_id = %s AND position > %s",
        (state.ledger_id, state.position),
    ).fetchall()
    state.forget_streams(row[0].bytes for row in rows)
    moved = [(name, decode(name, payload)) for _, name, payload in rows if name in _moving_types()]
    for register in declared():
        if not register.whole:
            keys = {key for _, event in moved for key in register.touched(event)}
            keys = {key for key in keys if state.has_row(register, key)}
            state.take_rows(register, read_dated_rows(connection, state.ledger_id, register, keys))


@cache
def _moving_types() -> frozenset[str]:
    """The names of the types that move a register."""
    return frozenset(names_that(lambda traits: bool(traits.moves)))


def read_keys(
    connection: psycopg.Connection, ledger_id: int, numbers: Collection[Number]
) -> dict[Number, CommandKey]:
    """The used ones among (operation, number)."""
    if not numbers:
        return {}
    [result] = round_trip(connection, [(_KEYS, _named(numbers, ledger_id))])
    return _keys(result)


def load_objects(
    connection: psycopg.Connection,
    state: LedgerState,
    wanted: Mapping[Number, AnyKind],
    keys: Mapping[Number, CommandKey],
    rows: Collection[tuple[AnyRegister, str]],
    settled: Callable[[], object],
) -> None:
    """Folds the wanted objects, none of them cached, that exist, and reads the rows that they move;
    beside them the wanted rows.

    ``settled`` is called before anything is read: until it returns, what the cache has let go may
    be newer than the database.
    """
    missing = defaultdict[bytes, list[tuple[AnyKind, str]]](list)
    for (opened_by, number), kind in wanted.items():
        if (key := keys.get((opened_by, number))) is not None:
            missing[key.stream_id].append((kind, number))
    if not missing and not rows:
        return
    settled()
    wanted_rows: defaultdict[AnyRegister, set[str]] = defaultdict(set)
    for register, row_key in rows:
        wanted_rows[register].add(row_key)
    for stream_id, events in read_streams(connection, state.ledger_id, list(missing)):
        for kind, number in missing[stream_id]:  # an object may be found by several numbers
            obj = kind.folded(event for _, _, event in events)
            if obj is None:  # a refused opening leaves a stream without an object
                continue
            position, version, _ = events[-1]
            state.take_object(kind, number, obj, stream_id, version, position)
            for register, row_key in kind.rows(obj):
                if not state.has_row(register, row_key):
                    wanted_rows[register].add(row_key)
    for register, row_keys in wanted_rows.items():
        whole = register.whole or WHOLE in row_keys
        asked = None if whole else row_keys
        found = read_dated_rows(connection, state.ledger_id, register, asked)
        unmoved = {key: DatedRow(register.row()) for key in asked or ()}
        state.take_rows(register, unmoved | found, whole=whole)


def load_needs(connection: psycopg.Connection, state: LedgerState, needs: Iterable[Need]) -> None:
    """Whole registers, and all that waits of a kind, for somebody who decides nothing."""
    for what, _ in needs:
        if isinstance(what, Register):
            rows = read_dated_rows(connection, state.ledger_id, what)
            state.take_rows(what, rows, whole=True)
        elif isinstance(what, Kind):
            load_waiting(connection, state, what)


_OPENED = (
    "SELECT k.number, k.stream_id FROM command_keys k"
    " WHERE k.ledger_id = %(ledger_id)s AND k.operation = %(opened_by)s"
)
_ENDED = (
    "EXISTS (SELECT FROM events e WHERE e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id"
    " AND e.type = ANY(%(ends)s))"
)


def load_waiting(connection: psycopg.Connection, state: LedgerState, kind: AnyKind) -> None:
    """Folds all objects of a kind that wait for something, but those that are cached. Reads all
    numbers of the kind: for what is done once a month."""
    rows = connection.execute(
        f"{_OPENED} AND NOT ({kind.over_sql or _ENDED})",
        {"ledger_id": state.ledger_id, "opened_by": kind.opened_by, "ends": list(kind.ends)},
    )
    cached = state.cached(kind)
    keys = {
        (kind.opened_by, number): CommandKey(kind.opened_by, number, b"", stream_id.bytes, 0, 0)
        for number, stream_id in rows
        if number not in cached
    }
    load_objects(connection, state, dict.fromkeys(keys, kind), keys, (), lambda: None)


def read_rows(
    connection: psycopg.Connection,
    ledger_id: int,
    register: Register[R],
    keys: Collection[str] | None = None,
) -> dict[str, R]:
    """The rows of a register that exist, all of them or those of ``keys``; amounts in fen."""
    dated = read_dated_rows(connection, ledger_id, register, keys)
    return {key: each.row for key, each in dated.items()}


def read_dated_rows(
    connection: psycopg.Connection,
    ledger_id: int,
    register: Register[R],
    keys: Collection[str] | None = None,
) -> dict[str, DatedRow[R]]:
    """The same with the last day that each has moved on, and without their earlier days."""
    if keys is not None and not keys:
        return {}
    every = "SELECT key, amounts::text, day FROM registers WHERE ledger_id = %s AND register = %s"
    if keys is None:
        rows = connection.execute(every, (ledger_id, register.name))
    else:
        rows = connection.execute(
            f"{every} AND key = ANY(%s)", (ledger_id, register.name, list(keys))
        )
    return {
        key: DatedRow(_row(register, amounts), UNTOLD if day is None else day, None)
        for key, amounts, day in rows
    }


def read_days(
    connection: psycopg.Connection, ledger_id: int, register: Register[R], keys: Collection[str]
) -> dict[str, list[tuple[date, R]]]:
    """The closings of earlier days of these rows, each of which is in the answer."""
    closings: dict[str, list[tuple[date, R]]] = {key: [] for key in keys}
    rows = connection.execute(
        "SELECT key, day, amounts::text FROM register_days WHERE ledger_id = %s AND register = %s"
        " AND key = ANY(%s) ORDER BY key, day",
        (ledger_id, register.name, list(keys)),
    )
    for key, day, amounts in rows:
        closings[key].append((day, _row(register, amounts)))
    return closings


def _row(register: Register[R], amounts: str) -> R:
    return register.row(*map(int, amounts[1:-1].split(",")))


class RangeRow(NamedTuple):
    """An event with its place."""

    position: int
    stream_id: bytes
    stream_version: int
    event: Event
    digest: bytes


def read_acts(
    connection: psycopg.Connection, ledger_id: int, stream_ids: Collection[bytes]
) -> dict[bytes, list[tuple[int, date, Event]]]:
    """(position, business day, event) of each stream's events that commands were asked for."""
    acts: dict[bytes, list[tuple[int, date, Event]]] = {each: [] for each in stream_ids}
    rows = connection.execute(
        "SELECT stream_id, position, effective_on, type, payload FROM events"
        " WHERE ledger_id = %s AND stream_id = ANY(%b::text[]::uuid[]) AND type = ANY(%s)"
        " ORDER BY stream_id, stream_version",
        (ledger_id, [each.hex() for each in stream_ids], list(_asked_types())),
    )
    for stream_id, position, day, type_name, payload in rows:
        acts[stream_id.bytes].append((position, day, decode(type_name, payload)))
    return acts


@cache
def _asked_types() -> frozenset[str]:
    """The names of the types that answer a command."""
    return frozenset(names_that(lambda traits: bool(traits.asked_by)))


def read_newest_act(
    connection: psycopg.Connection, ledger_id: int, operation: str
) -> tuple[int, Event] | None:
    """(position, event) of the last answer to an operation on the ledger itself."""
    row = connection.execute(
        "SELECT position, type, payload FROM events WHERE ledger_id = %s AND stream_id = %s"
        " AND type = ANY(%s) ORDER BY stream_version DESC LIMIT 1",
        (
            ledger_id,
            UUID(bytes=ledger_stream_id(ledger_id)),
            list(names_that(lambda traits: traits.asked_by == operation)),
        ),
    ).fetchone()
    return None if row is None else (row[0], decode(row[1], row[2]))


def read_ranges(
    connection: psycopg.Connection, ledger_id: int, spans: Sequence[tuple[int, int]]
) -> list[list[RangeRow]]:
    """The events of each span first..last."""
    found: list[list[RangeRow]] = [[] for _ in spans]
    rows = connection.execute(
        "SELECT s.number, e.position, e.stream_id, e.stream_version, e.type, e.payload, e.digest"
        " FROM unnest(%b::bigint[], %b::bigint[]) WITH ORDINALITY AS s (first, last, number)"
        " JOIN events e ON e.ledger_id = %s AND e.position BETWEEN s.first AND s.last"
        " ORDER BY s.number, e.position",
        ([first for first, _ in spans], [last for _, last in spans], ledger_id),
    )
    for number, position, stream_id, version, type_name, payload, digest in rows:
        event = decode(type_name, payload)
        found[number - 1].append(RangeRow(position, stream_id.bytes, version, event, digest))
    return found


def chains_at(
    connection: psycopg.Connection, ledger_id: int, positions: Sequence[int]
) -> dict[int, bytes]:
    """The chain after the commit that holds each position."""
    rows = connection.execute(
        "SELECT p.position, c.chain FROM unnest(%b::bigint[]) AS p (position)"
        " CROSS JOIN LATERAL (SELECT chain FROM commits WHERE ledger_id = %s"
        " AND position >= p.position ORDER BY position LIMIT 1) c",
        (list(set(positions)), ledger_id),
    )
    return dict(rows.fetchall())
