"""Where checkpoints, province heads, cosignatures and keys stand: a reading of the system ledgers.

What is sealed is recorded as events, by the one write path; these tables only find them again. They
are brought up by whoever has written, and after a kill by whoever comes next.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from ledger.account_set import DIVISIONS_BEGIN, STANDING_YEAR, parse_ledger
from ledger.events import Event, decode, names_that
from ledger.gm import PublicKey
from ledger.sealing.events import (
    SEAL,
    CheckpointCosigned,
    CheckpointSealed,
    LogKeyRegistered,
    ProvinceSealed,
)

READ_EVENTS_MAX = 5_000

PROVINCE = -1  # in the place of a ledger's key, in the queries too: the head over all ledgers
_FOUND: LiteralString = """
SELECT c.ledger_id, c.size, c.system_ledger_id, c.position, e.payload FROM checkpoints c
JOIN events e ON e.ledger_id = c.system_ledger_id AND e.position = c.position"""
_LATEST: LiteralString = (
    "SELECT f.* FROM sealed s CROSS JOIN LATERAL"  # noqa: S608 - constants only
    f" ({_FOUND} WHERE c.ledger_id = s.ledger_id ORDER BY c.size DESC LIMIT 1) f"
    " ORDER BY f.ledger_id"
)


class RecordedNote(NamedTuple):
    """A note on record: the ledger and size it speaks of, and the event that holds it.

    For a province head ``ledger_id`` is ``PROVINCE``, ``size`` the number of ledgers.
    """

    ledger_id: int
    size: int
    system_ledger_id: int
    position: int
    note: str


class NoteKey(msgspec.Struct, frozen=True):
    """A public key that has signed notes under a name."""

    name: str
    public_key: PublicKey


def _sealed_types() -> tuple[str, ...]:
    """The names of the types that these tables are read from."""
    return names_that(lambda traits: traits.subject == SEAL)


def system_ledgers(connection: psycopg.Connection) -> list[int]:
    """The system ledgers that have been opened, by year."""
    rows = connection.execute(
        "SELECT ledger_id FROM ledgers WHERE ledger_id > %s AND ledger_id < %s ORDER BY ledger_id",
        (STANDING_YEAR, DIVISIONS_BEGIN),
    )
    return [row[0] for row in rows]


def follow(connection: psycopg.Connection, system_ledger_id: int) -> None:
    """Takes in what the system ledger has on record since the last time, in one transaction."""
    if not _is_behind(connection, system_ledger_id):
        return
    with connection.transaction():
        connection.execute(
            "INSERT INTO system_positions (system_ledger_id, position) VALUES (%s, 0)"
            " ON CONFLICT DO NOTHING",
            (system_ledger_id,),
        )
        row = connection.execute(
            "SELECT position FROM system_positions WHERE system_ledger_id = %s FOR UPDATE",
            (system_ledger_id,),
        ).fetchone()
        assert row is not None
        while (after := _take_in(connection, system_ledger_id, row[0])) > row[0]:
            row = (after,)


def _is_behind(connection: psycopg.Connection, system_ledger_id: int) -> bool:
    """Looked at first, because a lock makes a commit even where there is nothing to write."""
    row = connection.execute(
        "SELECT l.position > coalesce(p.position, 0) FROM ledgers l LEFT JOIN system_positions p"
        " ON p.system_ledger_id = l.ledger_id WHERE l.ledger_id = %s",
        (system_ledger_id,),
    ).fetchone()
    return bool(row and row[0])


def latest_checkpoint(
    connection: psycopg.Connection, ledger_id: int, size: int | None = None
) -> RecordedNote | None:
    """The ledger's last checkpoint, or the one of ``size``; None when there is none."""
    if size is None:
        return _first(connection, "WHERE c.ledger_id = %s ORDER BY c.size DESC LIMIT 1", ledger_id)
    return _first(connection, "WHERE c.ledger_id = %s AND c.size = %s", ledger_id, size)


def latest_checkpoints(connection: psycopg.Connection) -> list[RecordedNote]:
    """The last checkpoint of every ledger that has one, in the order of the ledgers."""
    rows = connection.execute(_LATEST)
    return [_recorded(row) for row in rows]


def checkpoints_after(
    connection: psycopg.Connection, ledger_id: int, size: int, limit: int
) -> list[RecordedNote]:
    """The ledger's next checkpoints beyond a size, in order."""
    where = " WHERE c.ledger_id = %s AND c.size > %s ORDER BY c.size LIMIT %s"
    rows = connection.execute(f"{_FOUND}{where}".encode(), (ledger_id, size, limit))
    return [_recorded(row) for row in rows]


def province_heads_after(
    connection: psycopg.Connection, place: tuple[int, int], limit: int
) -> list[RecordedNote]:
    """The province heads beyond a place (system ledger, position), in order."""
    rows = connection.execute(
        "SELECT -1, 0, h.system_ledger_id, h.position, e.payload FROM province_heads h"
        " JOIN events e ON e.ledger_id = h.system_ledger_id AND e.position = h.position"
        " WHERE (h.system_ledger_id, h.position) > (%s, %s)"
        " ORDER BY h.system_ledger_id, h.position LIMIT %s",
        (*place, limit),
    )
    return [_recorded(row) for row in rows]


def latest_province_head(connection: psycopg.Connection) -> RecordedNote | None:
    """The last province head; None before the first."""
    row = connection.execute(
        "SELECT -1, 0, h.system_ledger_id, h.position, e.payload FROM province_heads h"
        " JOIN events e ON e.ledger_id = h.system_ledger_id AND e.position = h.position"
        " ORDER BY h.system_ledger_id DESC, h.position DESC LIMIT 1"
    ).fetchone()
    return _recorded(row) if row else None


def cosigned(connection: psycopg.Connection, recorded: RecordedNote) -> str:
    """The note with all signature lines that witnesses have added to it."""
    rows = connection.execute(
        "SELECT e.payload FROM cosignatures k"
        " JOIN events e ON e.ledger_id = k.system_ledger_id AND e.position = k.position"
        " WHERE k.system_ledger_id = %s AND k.sealed_position = %s ORDER BY k.witness",
        (recorded.system_ledger_id, recorded.position),
    )
    lines = []
    for (payload,) in rows:
        event = decode(CheckpointCosigned.TYPE, payload)
        assert isinstance(event, CheckpointCosigned)
        lines.append(f"{event.line}\n")
    return recorded.note + "".join(lines)


def signed_by(
    connection: psycopg.Connection, witness: str, recorded: Sequence[RecordedNote]
) -> set[RecordedNote]:
    """Those of the notes that a witness has cosigned."""
    rows = connection.execute(
        "SELECT k.system_ledger_id, k.sealed_position"
        " FROM unnest(%b::bigint[], %b::bigint[]) AS n (system_ledger_id, position)"
        " JOIN cosignatures k ON k.system_ledger_id = n.system_ledger_id"
        " AND k.sealed_position = n.position AND k.witness = %s",
        ([r.system_ledger_id for r in recorded], [r.position for r in recorded], witness),
    ).fetchall()
    return {r for r in recorded if (r.system_ledger_id, r.position) in rows}


def note_keys(connection: psycopg.Connection) -> list[NoteKey]:
    """Every key that was ever registered, each once, in the order of registration."""
    rows = connection.execute(
        "SELECT name, public_key FROM note_keys ORDER BY system_ledger_id, position"
    )
    return list(dict.fromkeys(NoteKey(name, PublicKey(point)) for name, point in rows))


def _first(connection: psycopg.Connection, where: str, *values: int) -> RecordedNote | None:
    row = connection.execute(f"{_FOUND} {where}".encode(), values).fetchone()
    return _recorded(row) if row else None


def _recorded(row: tuple[int, int, int, int, bytes]) -> RecordedNote:
    ledger_id, size, system_ledger_id, position, payload = row
    event = decode((ProvinceSealed if ledger_id == PROVINCE else CheckpointSealed).TYPE, payload)
    assert isinstance(event, CheckpointSealed | ProvinceSealed)
    return RecordedNote(ledger_id, size or event.size, system_ledger_id, position, event.note)


def _take_in(connection: psycopg.Connection, system_ledger_id: int, after: int) -> int:
    """One helping; gives the position read up to."""
    rows = connection.execute(
        "SELECT position, type, payload FROM events WHERE ledger_id = %s AND position > %s"
        " ORDER BY position LIMIT %s",
        (system_ledger_id, after, READ_EVENTS_MAX),
    ).fetchall()
    if not rows:
        return after
    placed = [
        (place, decode(kind, payload)) for place, kind, payload in rows if kind in _sealed_types()
    ]
    _insert(connection, system_ledger_id, placed)
    connection.execute(
        "UPDATE system_positions SET position = %s WHERE system_ledger_id = %s",
        (rows[-1][0], system_ledger_id),
    )
    return int(rows[-1][0])


def _insert(
    connection: psycopg.Connection, system_ledger_id: int, placed: Iterable[tuple[int, Event]]
) -> None:
    with connection.cursor() as cursor, connection.pipeline():
        for position, event in placed:
            table, values = reading_of(event)
            cursor.execute(_insert_statement(table), (system_ledger_id, position, *values))


# What each table has beside the place of the event that its row finds again.
READINGS: dict[str, tuple[LiteralString, ...]] = {
    "checkpoints": ("ledger_id", "size"),
    "cosignatures": ("sealed_position", "witness"),
    "note_keys": ("name", "public_key"),
    "province_heads": (),
}


def reading_of(event: Event) -> tuple[str, tuple[object, ...]]:
    """The table that finds an event again, and what the row has beside the event's place."""
    match event:
        case CheckpointSealed():
            return "checkpoints", (parse_ledger(event.origin.removeprefix("guoku/")), event.size)
        case CheckpointCosigned():
            return "cosignatures", (event.position, event.witness)
        case LogKeyRegistered():
            return "note_keys", (event.name, bytes.fromhex(event.public_key))
        case _:
            return "province_heads", ()


def stored_readings(
    connection: psycopg.Connection, table: str, system_ledger_id: int, after: int
) -> Iterator[tuple[int, tuple[object, ...]]]:
    """(position, what stands beside it) of a table's rows, by position, streamed within the
    caller's transaction."""
    columns = sql.SQL(", ").join(map(sql.Identifier, READINGS[table]))
    statement = sql.SQL(
        "SELECT position, {} FROM {} WHERE system_ledger_id = {} AND position > {}"
        " ORDER BY position"
        if READINGS[table]
        else "SELECT position {} FROM {} WHERE system_ledger_id = {} AND position > {}"
        " ORDER BY position"
    ).format(columns, sql.Identifier(table), sql.Literal(system_ledger_id), sql.Literal(after))
    with connection.cursor(f"readings_{table}") as cursor:
        cursor.execute(statement)
        for position, *values in cursor:
            yield position, tuple(values)


def _insert_statement(table: str) -> sql.Composed:
    columns = ("system_ledger_id", "position", *READINGS[table])
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
