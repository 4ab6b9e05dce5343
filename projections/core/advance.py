"""Moving read models forward: whole commits at a time, rows and position in one transaction.

A batch ends where a commit ends, so a read model never shows half of what was decided together.
The rows of ``proj_positions`` are the locks: whoever holds a ledger's row moves that projection,
and anybody else leaves it alone, so any number of processes may run a runner.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from projections.core.facts import ProjectionError, read_pages
from projections.core.fold import Fact, Fold, Projection, Writes

BATCH_EVENTS = 25_000  # a bulk of payments applied for, approved and signed is one batch
BATCH_BYTES = 16 * 1024 * 1024  # of payloads: those of a disbursement run have 100 KB each
# of a batch held at once: a commit is one batch, and the approval of a province's budget is 90,000
PART_EVENTS = 8_192

# Which commits are looked at is said by number, so that no plan hangs on how many there seem to be;
# the sizes of single events are asked for only where all of them are too many bytes together.
_BATCH_END = b"""
SELECT coalesce(
    (SELECT max(position) FROM commits WHERE ledger_id = %(ledger_id)s
        AND position > %(after)s AND position <= %(most)s),
    (SELECT min(position) FROM commits WHERE ledger_id = %(ledger_id)s
        AND position > %(after)s AND position <= %(upto)s))"""
_BYTES = b"""
SELECT coalesce(sum(octet_length(payload)), 0) FROM events
WHERE ledger_id = %(ledger_id)s AND position > %(after)s AND position <= %(last)s"""
_BEFORE_LARGE = b"""
SELECT min(position) - 1 FROM (
    SELECT position, sum(octet_length(payload)) OVER (ORDER BY position) AS bytes FROM events
    WHERE ledger_id = %(ledger_id)s AND position > %(after)s AND position <= %(last)s) AS sized
WHERE bytes > %(bytes)s"""


class RowsPosition(NamedTuple):
    """How far one generation of a projection's rows has come."""

    projection: str
    generation: int
    version: int
    position: int


class RowsTarget(NamedTuple):
    """Rows that are being moved forward."""

    projection: Projection
    generation: int


def lock_live(
    connection: psycopg.Connection, ledger_id: int, names: Collection[str]
) -> dict[str, RowsPosition]:
    """Locks the live positions that nobody else holds; makes those that are missing.

    Only for the length of the transaction. Names that another process holds are left out.
    """
    statement = (
        "SELECT projection, generation, version, position FROM proj_positions"
        " WHERE ledger_id = %s AND live AND projection = ANY(%s) FOR UPDATE SKIP LOCKED"
    )
    rows = connection.execute(statement, (ledger_id, list(names))).fetchall()
    return {row[0]: RowsPosition(*row) for row in rows}


def start_live(
    connection: psycopg.Connection, ledger_id: int, projections: Iterable[Projection]
) -> None:
    """Makes the live positions of projections that never saw the ledger."""
    for projection in projections:
        connection.execute(
            "INSERT INTO proj_positions (ledger_id, projection, generation, version, live)"
            " VALUES (%s, %s, 1, %s, true) ON CONFLICT DO NOTHING",
            (ledger_id, projection.name, projection.version),
        )


def advance(
    connection: psycopg.Connection,
    ledger_id: int,
    targets: Sequence[RowsTarget],
    after: int,
    *,
    upto: int,
    events: int = BATCH_EVENTS,
) -> int:
    """Takes the targets, which all stand at ``after``, one batch forward; the caller commits.

    Args:
        upto: the end of a commit that is not gone beyond.
        events: size of a batch, which ``BATCH_BYTES`` may end before; a commit that is larger is
            one batch.

    Returns:
        Their new position; ``after`` when there is nothing to do.

    Raises:
        ProjectionError: one of them cannot take an event in; the caller rolls back.
    """
    last = _batch_end(connection, ledger_id, after, upto, events)
    if last == after:
        return after
    folds = [target.projection.fold(after) for target in targets]
    for begin in range(after, last, PART_EVENTS):
        end = min(begin + PART_EVENTS, last)
        _take_part(connection, ledger_id, targets, folds, begin, end)
        for target, fold in zip(targets, folds, strict=True):
            with _of_projection(target, begin):
                writes = fold.settled(end) if end < last else fold.rest(last)
                write(connection, ledger_id, target.generation, writes)
    move(connection, ledger_id, targets, last)
    return last


def _take_part(
    connection: psycopg.Connection,
    ledger_id: int,
    targets: Sequence[RowsTarget],
    folds: Sequence[Fold],
    after: int,
    upto: int,
) -> None:
    """Has the folds take a part of a batch in; what is read of it is let go behind it."""
    projections = [target.projection for target in targets]
    [page] = read_pages(connection, ledger_id, projections, after, upto)
    for target, fold, facts in zip(targets, folds, page.facts, strict=True):
        with _of_projection(target, after):
            load(connection, ledger_id, target.generation, fold, facts)
            fold.take(facts)


@contextmanager
def _of_projection(target: RowsTarget, after: int) -> Iterator[None]:
    """What goes wrong within is the projection's, but for the database's own troubles, which may
    be tried again."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except Exception as error:
        raise ProjectionError([target.projection.name], after, error) from error


def _batch_end(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int, events: int
) -> int:
    """Where the next batch ends; ``after`` when nothing is left."""

    def asked(question: bytes, **values: int) -> int | None:
        span = {"ledger_id": ledger_id, "after": after, **values}
        row = connection.execute(question, span).fetchone()
        assert row is not None
        answer: int | None = row[0]
        return answer

    last = asked(_BATCH_END, most=min(after + events, upto), upto=upto)
    if last is None:
        return after
    if (asked(_BYTES, last=last) or 0) > BATCH_BYTES:
        before = asked(_BEFORE_LARGE, last=last, bytes=BATCH_BYTES) or after
        last = asked(_BATCH_END, most=before, upto=last) or last
    return last


def move(
    connection: psycopg.Connection, ledger_id: int, targets: Sequence[RowsTarget], position: int
) -> None:
    """Notes that the targets' rows say what the events up to a position do."""
    connection.execute(
        "UPDATE proj_positions SET position = %s, updated_at = now() FROM unnest(%s::text[],"
        " %s::integer[]) AS t (name, number)"
        " WHERE ledger_id = %s AND projection = t.name AND generation = t.number",
        (
            position,
            [target.projection.name for target in targets],
            [target.generation for target in targets],
            ledger_id,
        ),
    )


def write(connection: psycopg.Connection, ledger_id: int, generation: int, writes: Writes) -> None:
    """Writes what a fold has given out, in one statement a table and way of writing."""
    for table, rows in writes.new.items():
        table.append(connection, ledger_id, generation, rows)
    for table, rows in writes.changed.items():
        table.update(connection, ledger_id, generation, rows)
    for table, rows in writes.added.items():
        table.upsert(connection, ledger_id, generation, rows)
    scope = {"ledger_id": ledger_id, "generation": generation}
    for statement in writes.statements:
        connection.execute(statement.sql.encode(), {**statement.parameters, **scope})


def load(
    connection: psycopg.Connection,
    ledger_id: int,
    generation: int,
    fold: Fold,
    facts: Sequence[Fact],
) -> None:
    """Gives a fold the rows that it needs for some facts, in a query a table."""
    for needs in (fold.needs, fold.needs_further):
        for table, first in needs(facts).items():
            fold.hold(table, table.load(connection, ledger_id, generation, first))
