"""Growing the stored trees: digests in, the chain verified on the way, nodes and progress out.

The right edge of each tree is kept in memory between rounds, and with it the chain: a commit that
does not follow from what was sealed before stops the ledger's sealing. After a restart both are
read back and compared with what was recorded.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg

from ledger.errors import IntegrityError
from ledger.integrity.chain import extend, genesis
from ledger.integrity.growth import GrowingTree, Kept
from ledger.sealing.stored_tree import StoredTree, read_digests

COMMITS_MAX = 5_000

_SEALED = "SELECT ledger_id, size, root, chain, recorded_at FROM sealed"
_HAS_CHECKPOINT = (
    "EXISTS (SELECT FROM checkpoints c WHERE c.ledger_id = s.ledger_id AND c.size = s.size)"
)
_DUE = f"""
SELECT l.ledger_id, l.position - coalesce(s.size, 0)
FROM sealed_ledgers l LEFT JOIN sealed s USING (ledger_id) WHERE l.position > coalesce(s.size, 0)
  AND (s.size IS NULL OR {_HAS_CHECKPOINT}) ORDER BY l.ledger_id"""  # noqa: S608
# asked under the lock, since another process may have grown the tree after it was found due
_LOCKED = (
    f"{_SEALED} s WHERE ledger_id = %s AND (size = 0 OR {_HAS_CHECKPOINT}) FOR UPDATE SKIP LOCKED"
)
_COMMITS = """
SELECT position, chain, recorded_at FROM commits
WHERE ledger_id = %s AND position > %s ORDER BY position LIMIT %s"""


class Sealed(NamedTuple):
    """How far a ledger's tree goes, and the commit at which it ends."""

    ledger_id: int
    size: int
    root: bytes
    chain: bytes
    recorded_at: datetime


class CommitEnd(NamedTuple):
    """Where a commit ends."""

    position: int
    chain: bytes
    recorded_at: datetime


OnLoad = Callable[[psycopg.Connection, Sealed], None]


def due_ledgers(connection: psycopg.Connection) -> dict[int, int]:
    """How many events wait to be sealed, of divisions' ledgers; not while a checkpoint is owed."""
    return dict(connection.execute(_DUE.encode()).fetchall())


def owed_checkpoints(connection: psycopg.Connection) -> list[Sealed]:
    """Ledgers whose tree has grown and whose checkpoint is not on record yet."""
    rows = connection.execute(f"{_SEALED} s WHERE NOT {_HAS_CHECKPOINT}".encode())
    return [Sealed(*row) for row in rows]


def read_sealed(connection: psycopg.Connection, ledger_id: int) -> Sealed | None:
    """How far the ledger's tree goes; None before its first sealing."""
    row = connection.execute(f"{_SEALED} WHERE ledger_id = %s".encode(), (ledger_id,)).fetchone()
    return Sealed(*row) if row else None


def sealed_ledgers(connection: psycopg.Connection) -> list[int]:
    """All ledgers that have a tree."""
    return [row[0] for row in connection.execute("SELECT ledger_id FROM sealed ORDER BY 1")]


class Trees:
    """The right edges of all trees that this process has grown.

    Args:
        on_load: called with the connection and what is recorded, before a tree is believed that
            this process has not grown itself; raises IntegrityError to stop it.
    """

    def __init__(self, on_load: OnLoad = lambda _connection, _sealed: None) -> None:
        self._on_load = on_load
        self._edges: dict[int, tuple[GrowingTree, bytes]] = {}

    def grow(self, connection: psycopg.Connection, ledger_id: int, events_max: int) -> int:
        """Seals the ledger's next commits in the caller's transaction.

        Args:
            events_max: at most so many events, but one commit at least.

        Returns:
            How many events; 0 when another process is at it, or nothing is left.

        Raises:
            IntegrityError: history does not follow from what was sealed; nothing was written.
        """
        sealed = _locked(connection, ledger_id)
        if sealed is None:
            return 0
        tree, chain = self._edge(connection, sealed)
        commits = _next_commits(connection, ledger_id, sealed.size, events_max)
        if not commits:
            return 0
        upto = commits[-1].position
        digests = read_digests(connection, ledger_id, sealed.size, upto)
        _verify_chain(sealed.size, chain, commits, digests)
        self._edges.pop(ledger_id)  # the caller may roll back: then it is read anew
        kept = tree.append(digests)
        _write(connection, ledger_id, tree, kept, commits[-1])
        self._edges[ledger_id] = tree, commits[-1].chain
        return len(digests)

    def _edge(self, connection: psycopg.Connection, sealed: Sealed) -> tuple[GrowingTree, bytes]:
        edge = self._edges.get(sealed.ledger_id)
        if edge is None or edge[0].size != sealed.size:
            edge = self._load(connection, sealed)
            self._edges[sealed.ledger_id] = edge
        tree, chain = edge
        if (tree.root, chain) != (sealed.root, sealed.chain):
            raise IntegrityError(f"the events up to {sealed.size} are not those that were sealed")
        return edge

    def _load(self, connection: psycopg.Connection, sealed: Sealed) -> tuple[GrowingTree, bytes]:
        """The edge as it is stored, from a tree of another process or an earlier life."""
        ledger_id, size = sealed.ledger_id, sealed.size
        self._on_load(connection, sealed)
        if not size:
            return GrowingTree(), genesis(ledger_id)
        row = connection.execute(
            "SELECT chain FROM commits WHERE ledger_id = %s AND position = %s", (ledger_id, size)
        ).fetchone()
        if row is None:
            raise IntegrityError(f"no commit ends at {size} any more")
        return GrowingTree(size, StoredTree(connection, ledger_id, size).edge()), row[0]


def _locked(connection: psycopg.Connection, ledger_id: int) -> Sealed | None:
    """The ledger's row, locked; None while another process has it, or owes its checkpoint."""
    row = connection.execute(_LOCKED.encode(), (ledger_id,)).fetchone()
    if row is None and _begin(connection, ledger_id):
        row = connection.execute(_LOCKED.encode(), (ledger_id,)).fetchone()
    return Sealed(*row) if row else None


def _begin(connection: psycopg.Connection, ledger_id: int) -> bool:
    """Makes the row of a ledger that was never sealed; False where there is one."""
    if read_sealed(connection, ledger_id) is not None:
        return False
    connection.execute(
        "INSERT INTO sealed (ledger_id, size, root, chain, recorded_at)"
        " SELECT ledger_id, 0, %s, %s, recorded_at FROM ledgers WHERE ledger_id = %s"
        " ON CONFLICT DO NOTHING",
        (GrowingTree().root, genesis(ledger_id), ledger_id),
    )
    return True


def _next_commits(
    connection: psycopg.Connection, ledger_id: int, size: int, events_max: int
) -> list[CommitEnd]:
    rows = connection.execute(_COMMITS, (ledger_id, size, COMMITS_MAX))
    commits = [CommitEnd(*row) for row in rows]
    within = [commit for commit in commits if commit.position - size <= events_max]
    return within or commits[:1]


def _verify_chain(
    size: int, chain: bytes, commits: Iterable[CommitEnd], digests: Sequence[bytes]
) -> None:
    at = size
    for commit in commits:
        chain = extend(chain, digests[at - size : commit.position - size])
        if chain != commit.chain:
            raise IntegrityError(
                f"the chain breaks in the commit of the events {at + 1} to {commit.position}"
            )
        at = commit.position


def _write(
    connection: psycopg.Connection,
    ledger_id: int,
    tree: GrowingTree,
    kept: Sequence[Kept],
    end: CommitEnd,
) -> None:
    if kept:
        connection.execute(
            "INSERT INTO merkle_nodes (ledger_id, level, index, root)"
            " SELECT %s, n.* FROM unnest(%b::smallint[], %b::bigint[], %b::bytea[]) AS n",
            (
                ledger_id,
                [node.place.level for node in kept],
                [node.place.number for node in kept],
                [node.root for node in kept],
            ),
        )
    connection.execute(
        "UPDATE sealed SET size = %s, root = %s, chain = %s, recorded_at = %s WHERE ledger_id = %s",
        (tree.size, tree.root, end.chain, end.recorded_at, ledger_id),
    )
