"""A Merkle tree that grows at its right edge and remembers no more than that edge.

The tree of n leaves is made of perfect subtrees, one for each bit of n; with their roots a leaf can
be added and the root of all be told. What is to be kept for proofs (the roots of perfect subtrees
of 256, 65,536, … leaves) is handed out when it is complete.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.integrity.merkle import leaf_hashes, node_hash, root_of

KEPT_EVERY = 8  # of the levels, leaves being level 0, every eighth is kept: 8, 16, 24, …
BLOCK = 1 << KEPT_EVERY


class SubtreePlace(NamedTuple):
    """The ``number``-th perfect subtree of ``1 << level`` leaves, counted from 0."""

    level: int
    number: int


class Kept(NamedTuple):
    """A perfect subtree that is complete, and its root."""

    place: SubtreePlace
    root: bytes


class GrowingTree:
    """The right edge of a tree; ``edge`` are the roots of its perfect subtrees, left to right."""

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        assert size.bit_count() == len(edge), "one perfect subtree for each bit of the size"
        self.size = size
        self._edge = list(edge)

    @property
    def edge(self) -> list[bytes]:
        """What it takes to go on from here."""
        return list(self._edge)

    @property
    def root(self) -> bytes:
        if not self._edge:
            return root_of(())
        *lefts, root = self._edge
        for left in reversed(lefts):
            root = node_hash(left, root)
        return root

    def append(self, digests: Sequence[bytes]) -> list[Kept]:
        """Adds leaves over these digests; gives the kept subtrees that they have completed."""
        kept: list[Kept] = []
        leaves = leaf_hashes(digests)
        at = 0
        while at < len(leaves):
            if self.size % BLOCK == 0 and at + BLOCK <= len(leaves):
                self._add(KEPT_EVERY, root_of(leaves[at : at + BLOCK]), kept)
                at += BLOCK
            else:
                self._add(0, leaves[at], kept)
                at += 1
        return kept

    def _add(self, level: int, root: bytes, kept: list[Kept]) -> None:
        """Adds a perfect subtree, and joins it with its equals to the left."""
        before = self.size
        self.size += 1 << level
        while True:
            if level and level % KEPT_EVERY == 0:
                kept.append(Kept(SubtreePlace(level, (self.size >> level) - 1), root))
            if not before >> level & 1:
                break
            root = node_hash(self._edge.pop(), root)
            level += 1
        self._edge.append(root)


def perfect_parts(start: int, end: int) -> Iterator[SubtreePlace]:
    """The perfect subtrees, left to right, that make up a node of a tree (RFC 9162: ``start`` is a
    multiple of the power of two that is not below the node's length)."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield SubtreePlace(level, start >> level)
        start += 1 << level
