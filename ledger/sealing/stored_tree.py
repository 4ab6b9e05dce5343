"""The Merkle tree of a stored ledger, read for proofs: a bounded number of rows whatever its size.

Every perfect subtree lies in a block of 256 at one of the kept levels (0, the events themselves; 8;
16; …). A proof touches, on each of them, the block of its leaf and the block at the right edge.
"""

import psycopg

from ledger.errors import IntegrityError
from ledger.integrity.growth import BLOCK, KEPT_EVERY, SubtreePlace, perfect_parts
from ledger.integrity.merkle import (
    HASH_BYTES,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
)

_DIGESTS = """
SELECT string_agg(digest, ''::bytea ORDER BY position) FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s"""
_NODES = """
SELECT string_agg(root, ''::bytea ORDER BY index) FROM merkle_nodes
WHERE ledger_id = %s AND level = %s AND index >= %s AND index < %s"""


def read_digests(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> list[bytes]:
    """The digests of the events ``after < position <= upto``.

    Raises:
        IntegrityError: one is missing, or is no digest.
    """
    row = connection.execute(_DIGESTS, (ledger_id, after, upto)).fetchone()
    return _parts(row, upto - after, f"events after position {after}")


class StoredTree:
    """The tree over a ledger's first ``size`` events, which must be sealed.

    Raises IntegrityError, from every method, where rows are missing. What is there is not verified
    here: whoever is given a proof checks it against a root that was signed.
    """

    def __init__(self, connection: psycopg.Connection, ledger_id: int, size: int) -> None:
        self._connection = connection
        self._ledger_id = ledger_id
        self.size = size
        self._blocks: dict[SubtreePlace, list[bytes]] = {}

    @property
    def root(self) -> bytes:
        return self.subtree(0, self.size) if self.size else root_of(())

    def edge(self) -> list[bytes]:
        """The roots of the perfect subtrees that it is made of, left to right."""
        return [self._perfect(place) for place in perfect_parts(0, self.size)]

    def inclusion(self, position: int) -> list[bytes]:
        """The proof that the event at ``position`` is in the tree."""
        return inclusion_path(position - 1, self.size, self.subtree)

    def consistency(self, old_size: int) -> list[bytes]:
        """The proof that the tree of ``old_size`` events is the beginning of this one."""
        return consistency_path(old_size, self.size, self.subtree)

    def subtree(self, start: int, end: int) -> bytes:
        """The root of the leaves ``start <= i < end``, a node of the tree."""
        *lefts, root = (self._perfect(place) for place in perfect_parts(start, end))
        for left in reversed(lefts):
            root = node_hash(left, root)
        return root

    def _perfect(self, place: SubtreePlace) -> bytes:
        above = place.level % KEPT_EVERY
        first = place.number << above
        block = self._block(SubtreePlace(place.level - above, first // BLOCK))
        at = first % BLOCK
        return root_of(block[at : at + (1 << above)])

    def _block(self, place: SubtreePlace) -> list[bytes]:
        """The 256 nodes of a kept level from ``place.number * 256`` on; fewer at the right edge."""
        if (block := self._blocks.get(place)) is None:
            first = place.number * BLOCK
            end = min(first + BLOCK, self.size >> place.level)
            if place.level == 0:
                digests = read_digests(self._connection, self._ledger_id, first, end)
                block = [leaf_hash(digest) for digest in digests]
            else:
                asked = (self._ledger_id, place.level, first, end)
                row = self._connection.execute(_NODES, asked).fetchone()
                block = _parts(row, end - first, f"nodes of level {place.level}")
            self._blocks[place] = block
        return block


def _parts(row: tuple[bytes | None] | None, count: int, what: str) -> list[bytes]:
    packed = (row and row[0]) or b""
    if len(packed) != count * HASH_BYTES:
        raise IntegrityError(
            f"{count} {what} are asked for, and {len(packed) / HASH_BYTES:g} are there"
        )
    return [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)]
