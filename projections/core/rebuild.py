"""Building read models anew beside the live ones: to mend them, and to prove them.

The new rows are brought to exactly the position of the live ones, both are read in key order as
canonical text, and their SM3 digests compared. The live rows are read in one snapshot, so nothing
waits while that happens. A rebuild's rows are a further generation, which then takes over in one
short transaction; a verification's lie in tables of its own session, which end with it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import msgspec
import psycopg
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_text
from ledger.errors import Code, UnavailableError
from projections.core.advance import RowsPosition, RowsTarget, advance, lock_live, start_live
from projections.core.comparison import Comparison, SnapshotHead, compare_rows
from projections.core.fold import Projection
from projections.core.registry import declared
from projections.core.tables import ASIDE
from projections.core.whole_history import Progress, fold_history

_LIVE = """
SELECT projection, generation, version, position FROM proj_positions
WHERE ledger_id = %s AND live AND projection = ANY(%s)"""
# canonical text does not depend on the session it is read in
_CANONICAL = b"SET LOCAL timezone TO 'UTC'; SET LOCAL datestyle TO 'ISO, YMD'"


class RebuildReport(msgspec.Struct, frozen=True):
    """What a rebuild or a verification of one ledger found."""

    ledger_id: int
    comparisons: tuple[Comparison, ...]

    @property
    def equal(self) -> bool:
        return all(comparison.equal for comparison in self.comparisons)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far a projection has followed a ledger; ``position`` 0 before it began."""

    ledger_id: int
    projection: str
    generation: int
    version: int
    position: int
    head: int
    updated_at: datetime | None


def status(connection: psycopg.Connection, ledger_id: int | None = None) -> list[Status]:
    """Every projection in every ledger, or in one."""
    rows = connection.execute(
        "SELECT l.ledger_id, n.name, coalesce(p.generation, 0), coalesce(p.version, 0),"
        " coalesce(p.position, 0), l.position, p.updated_at"
        " FROM division_ledgers l CROSS JOIN unnest(%(names)s::text[]) AS n (name)"
        " LEFT JOIN proj_positions p"
        " ON p.ledger_id = l.ledger_id AND p.projection = n.name AND p.live"
        " WHERE %(ledger_id)s::bigint IS NULL OR l.ledger_id = %(ledger_id)s"
        " ORDER BY l.ledger_id, n.name",
        {"names": [projection.name for projection in declared()], "ledger_id": ledger_id},
    )
    fields = Status.__struct_fields__
    return [Status(**dict(zip(fields, row, strict=True))) for row in rows]


def verify(
    pool: ConnectionPool,
    ledger_id: int,
    projections: Sequence[Projection] | None = None,
    *,
    progress: Progress | None = None,
) -> RebuildReport:
    """Builds the rows anew from the events as of the live position, and compares.

    Args:
        projections: which; all that are declared, unless told.

    Raises:
        UnavailableError: another rebuild or verification of one of them is under way.
        ProjectionError: the events cannot be taken in.
    """
    projections = declared() if projections is None else projections
    with _alone(pool, ledger_id, projections), pool.connection() as theirs:
        _remove_shadows(pool, ledger_id, projections)
        start_live(theirs, ledger_id, projections)
        theirs.commit()
        try:
            for table in (table for projection in projections for table in projection.tables):
                table.set_aside(theirs)
            shadows = [RowsTarget(projection, ASIDE) for projection in projections]
            reached = _fold(pool, theirs, ledger_id, shadows, progress)
            return _compare(pool, theirs, ledger_id, shadows, reached)
        finally:
            theirs.rollback()  # takes the tables away, too


def rebuild(
    pool: ConnectionPool,
    ledger_id: int,
    projections: Sequence[Projection] | None = None,
    *,
    progress: Progress | None = None,
) -> RebuildReport:
    """Builds the rows anew and puts them in the place of the live ones, whatever those hold.

    Returns:
        How the replaced rows compared.

    Raises:
        UnavailableError, ProjectionError: as :func:`verify`; the live rows stay as they are.
    """
    projections = declared() if projections is None else projections
    with _alone(pool, ledger_id, projections):
        _remove_shadows(pool, ledger_id, projections)
        with pool.connection() as theirs:
            start_live(theirs, ledger_id, projections)
            shadows = [_new_generation(theirs, ledger_id, p) for p in projections]
            theirs.commit()
            theirs.execute("SET LOCAL synchronous_commit TO off")  # a lost shadow is begun anew
            reached = _fold(pool, theirs, ledger_id, shadows, progress)
            theirs.commit()
            report = _compare(pool, theirs, ledger_id, shadows, reached)
        for shadow in shadows:
            _switch(pool, ledger_id, shadow)
        _remove_shadows(pool, ledger_id, projections)
        return report


@contextmanager
def _alone(
    pool: ConnectionPool, ledger_id: int, projections: Sequence[Projection]
) -> Iterator[None]:
    """One rebuild of a projection at a time: the locks end with their connection, however we do."""
    with pool.connection() as connection:
        held: list[int] = []
        try:
            for projection in projections:
                if not _try_lock(connection, key := _lock_key(ledger_id, projection.name)):
                    raise UnavailableError(
                        Code.BUSY,
                        f"{projection.name} of {ledger_text(ledger_id)} is being rebuilt already",
                    )
                held.append(key)
            yield
        finally:
            for key in held:
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def _try_lock(connection: psycopg.Connection, key: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    connection.commit()
    return row == (True,)


def _lock_key(ledger_id: int, projection: str) -> int:
    digest = hashlib.new("sm3", f"guoku.projection {ledger_id} {projection}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _fold(
    pool: ConnectionPool,
    writing: psycopg.Connection,
    ledger_id: int,
    shadows: Sequence[RowsTarget],
    progress: Progress | None,
) -> dict[str, int]:
    """Fills empty shadows with what the live rows say now; gives how far each has come."""
    live = _live(writing, ledger_id, [shadow.projection for shadow in shadows])
    reached = {name: place.position for name, place in live.items()}
    # those whose live rows stand together are built together, from one reading of the events
    for end in sorted(set(reached.values())):
        together = [shadow for shadow in shadows if reached[shadow.projection.name] == end]
        with pool.connection() as reading:
            fold_history(reading, writing, ledger_id, together, end, progress)
    return reached


def _new_generation(
    connection: psycopg.Connection, ledger_id: int, projection: Projection
) -> RowsTarget:
    row = connection.execute(
        "INSERT INTO proj_positions (ledger_id, projection, generation, version, live)"
        " SELECT %(ledger_id)s, %(name)s, max(generation) + 1, %(version)s, false"
        " FROM proj_positions WHERE ledger_id = %(ledger_id)s AND projection = %(name)s"
        " RETURNING generation",
        {"ledger_id": ledger_id, "name": projection.name, "version": projection.version},
    ).fetchone()
    assert row is not None
    return RowsTarget(projection, row[0])


def _live(
    connection: psycopg.Connection, ledger_id: int, projections: Sequence[Projection]
) -> dict[str, RowsPosition]:
    names = [projection.name for projection in projections]
    rows = connection.execute(_LIVE, (ledger_id, names)).fetchall()
    return {row[0]: RowsPosition(*row) for row in rows}


def _head(
    connection: psycopg.Connection, ledger_id: int, places: Iterable[RowsPosition]
) -> SnapshotHead:
    """The head, and for each of these places the first commit behind it."""
    row = connection.execute(
        "SELECT position FROM ledgers WHERE ledger_id = %s", (ledger_id,)
    ).fetchone()
    commits = connection.execute(
        "SELECT DISTINCT c.position, extract(epoch FROM clock_timestamp() - c.recorded_at)::float8"
        " FROM unnest(%s::bigint[]) AS p (position) CROSS JOIN LATERAL"
        " (SELECT position, recorded_at FROM commits WHERE ledger_id = %s"
        " AND position > p.position ORDER BY position LIMIT 1) c ORDER BY 1",
        ([place.position for place in places], ledger_id),
    ).fetchall()
    return SnapshotHead(row[0] if row else 0, commits)


def _position(connection: psycopg.Connection, ledger_id: int, target: RowsTarget) -> int:
    row = connection.execute(
        "SELECT position FROM proj_positions"
        " WHERE ledger_id = %s AND projection = %s AND generation = %s",
        (ledger_id, target.projection.name, target.generation),
    ).fetchone()
    assert row is not None, "a shadow keeps its position"
    position: int = row[0]
    return position


# ---- comparing


def _compare(
    pool: ConnectionPool,
    theirs: psycopg.Connection,
    ledger_id: int,
    shadows: Sequence[RowsTarget],
    reached: Mapping[str, int],
) -> RebuildReport:
    """Takes a snapshot of the live rows, brings the shadows to it and compares the two."""
    projections = [shadow.projection for shadow in shadows]
    comparisons = []
    with pool.connection() as ours, ours.transaction():
        ours.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ours.execute(_CANONICAL)
        theirs.execute(_CANONICAL)
        live = _live(ours, ledger_id, projections)
        head = _head(ours, ledger_id, live.values())
        for shadow in shadows:
            place = live[shadow.projection.name]
            position = reached[shadow.projection.name]
            while position < place.position:
                position = advance(theirs, ledger_id, [shadow], position, upto=place.position)
            comparisons.append(compare_rows(ours, theirs, ledger_id, place, shadow, head))
    return RebuildReport(ledger_id, tuple(comparisons))


# ---- taking over


def _switch(pool: ConnectionPool, ledger_id: int, shadow: RowsTarget) -> None:
    """Makes the shadow live, at a position not before the one readers have seen."""
    name = shadow.projection.name
    with pool.connection() as connection:
        connection.execute(
            "SELECT FROM proj_positions WHERE ledger_id = %s AND projection = %s AND live"
            " FOR UPDATE",
            (ledger_id, name),
        )
        [place] = lock_live(connection, ledger_id, [name]).values()
        position = _position(connection, ledger_id, shadow)
        while position < place.position:
            position = advance(connection, ledger_id, [shadow], position, upto=place.position)
        for generation, live in ((place.generation, False), (shadow.generation, True)):
            connection.execute(
                "UPDATE proj_positions SET live = %s"
                " WHERE ledger_id = %s AND projection = %s AND generation = %s",
                (live, ledger_id, name, generation),
            )


def _remove_shadows(
    pool: ConnectionPool, ledger_id: int, projections: Sequence[Projection]
) -> None:
    """Drops every generation that is not live, also those that a killed process left."""
    for projection in projections:
        with pool.connection() as connection:
            rows = connection.execute(
                "DELETE FROM proj_positions WHERE ledger_id = %s AND projection = %s"
                " AND NOT live RETURNING generation",
                (ledger_id, projection.name),
            ).fetchall()
            for (generation,) in rows:
                projection.truncate(connection, ledger_id, generation)


def remove_abandoned(pool: ConnectionPool, projections: Sequence[Projection] | None = None) -> int:
    """Drops the shadows that killed rebuilds left in any ledger; gives how many projections had
    some. Those that a living process is building are left alone."""
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT DISTINCT ledger_id, projection FROM proj_positions WHERE NOT live"
        ).fetchall()
    projections = declared() if projections is None else projections
    known = {projection.name: projection for projection in projections}
    removed = 0
    for ledger_id, name in rows:
        if (projection := known.get(name)) is None:
            continue
        try:
            with _alone(pool, ledger_id, [projection]):
                _remove_shadows(pool, ledger_id, [projection])
                removed += 1
        except UnavailableError:
            continue
    return removed
