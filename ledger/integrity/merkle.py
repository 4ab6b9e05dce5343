"""Merkle trees of SM3: the shape and the proofs of RFC 9162 §2.1.

::

    leaf = SM3( 00 | data )     node = SM3( 01 | left | right )     root of no leaves = SM3( "" )

A tree of n > 1 leaves is split at the largest power of two below n. Built from below, that is:
neighbours are paired level by level, and one that is left over goes up as it is. Indices count
from 0, every hash is 32 bytes, a path is a list of hashes.

The paths ask for roots of ranges of leaves, so that a caller who keeps parts of a tree elsewhere
makes the same proofs as :class:`Tree` does in memory.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from ledger.gm.absorbing import absorb

HASH_BYTES = 32

_LEAF = hashlib.new("sm3", b"\x00")
_NODE = hashlib.new("sm3", b"\x01")
_EMPTY_ROOT = hashlib.new("sm3").digest()

# the root of the leaves start <= i < end; every range asked for is a node of the tree
Subtree = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    digest = _LEAF.copy()
    absorb(digest, data)
    return digest.digest()


def leaf_hashes(digests: Iterable[bytes]) -> list[bytes]:
    """The same of many digests, without a call for each."""
    start, hashes = _LEAF.copy, list[bytes]()
    for data in digests:
        digest = start()
        digest.update(data)
        hashes.append(digest.digest())
    return hashes


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    digest = _NODE.copy()
    digest.update(left + right)
    return digest.digest()


class Tree:
    """A tree in memory: all its levels, from the leaves' hashes up to the root."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(level := self._levels[-1]) > 1:
            above = _paired(level)
            if len(level) % 2:
                above.append(level[-1])
            self._levels.append(above)

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def leaves(self) -> Sequence[bytes]:
        """Their hashes."""
        return self._levels[0]

    @property
    def root(self) -> bytes:
        top = self._levels[-1]
        return top[0] if top else _EMPTY_ROOT

    def subtree(self, start: int, end: int) -> bytes:
        """The root of the leaves ``start <= i < end``, which must be a node of this tree."""
        level = (end - start - 1).bit_length()
        index, unaligned = divmod(start, 1 << level)
        assert not unaligned, "no node of the tree"
        assert end in (start + (1 << level), len(self)), "no node of the tree"
        return self._levels[level][index]

    def inclusion_path(self, index: int) -> list[bytes]:
        """The proof that the leaf ``index`` is in the tree."""
        return inclusion_path(index, len(self), self.subtree)

    def inclusion_paths(self) -> list[bytes]:
        """The proofs of all leaves, each with its hashes one after the other.

        Made from the root down: a node's path is its sibling and then its parent's path.
        """
        above = [b""]
        for level in self._levels[-2::-1]:
            paths: list[bytes] = []
            for left, right, path in zip(level[::2], level[1::2], above, strict=False):
                paths += (right + path, left + path)
            if len(level) % 2:
                paths.append(above[-1])
            above = paths
        return above[: len(self)]

    def consistency_path(self, size: int) -> list[bytes]:
        """The proof that the tree of the first ``size`` leaves is the beginning of this one."""
        return consistency_path(size, len(self), self.subtree)


def _paired(level: Sequence[bytes]) -> list[bytes]:
    """The nodes over neighbours; :func:`node_hash` of each pair, without a call for each."""
    start, above = _NODE.copy, list[bytes]()
    for left, right in zip(level[::2], level[1::2], strict=False):
        digest = start()
        digest.update(left + right)
        above.append(digest.digest())
    return above


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the leaves' hashes."""
    return Tree(leaves).root


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """RFC 9162 §2.1.3.1: the siblings from leaf ``index`` up to the root of ``size`` leaves."""
    assert 0 <= index < size, "no such leaf"
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    path.reverse()
    return path


def consistency_path(old_size: int, size: int, subtree: Subtree) -> list[bytes]:
    """RFC 9162 §2.1.4.1: from the root of ``old_size`` leaves to that of ``size``.

    It is empty where the sizes are the same, and from the tree of no leaves, which is the
    beginning of every tree.
    """
    assert 0 <= old_size <= size, "a tree grows"
    if old_size == 0:
        return []
    path: list[bytes] = []
    start, end, whole = 0, size, True  # whole: the old tree is this range, its root is known
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(start, end))
    path.reverse()
    return path


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """RFC 9162 §2.1.3.2: whether ``leaf`` (its hash) is leaf ``index`` of the tree with this root.

    Nothing about the arguments is believed: wrong numbers or lengths are False, not errors.
    """
    if not 0 <= index < size or not _are_hashes(path):
        return False
    place, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            computed = node_hash(sibling, computed)
            while place and not place % 2:  # it went up without a sibling
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == root


class ProvenTree:
    """Verifies leaves of one root that comes from elsewhere; safe between threads.

    The upper part of the paths is the same for many leaves. A node that was proven once ends the
    way up, if what is left of the path is what proved it: two hashes a leaf instead of all.
    """

    def __init__(self, size: int, root: bytes) -> None:
        self._size = size
        self._root = root
        self._proven: dict[tuple[int, int], tuple[bytes, bytes]] = {}  # (level, place): node, path

    def proves(self, leaf: bytes, index: int, path: bytes) -> bool:
        """As :func:`verify_inclusion`; the path's hashes stand one after the other."""
        if not 0 <= index < self._size:
            return False
        place, last, level, at = index, self._size - 1, 0, 0
        computed, passed = leaf, []
        while last:
            if level:
                if (known := self._proven.get((level, place))) is not None:
                    if known != (computed, path[at:]):
                        return False
                    break
                passed.append(((level, place), (computed, path[at:])))
            if place % 2 or place < last:
                sibling = path[at : at + HASH_BYTES]
                if len(sibling) != HASH_BYTES:
                    return False
                at += HASH_BYTES
                nodes = (sibling, computed) if place % 2 else (computed, sibling)
                computed = node_hash(*nodes)
            place, last, level = place >> 1, last >> 1, level + 1
        else:
            if at != len(path) or computed != self._root:
                return False
        self._proven.update(passed)
        return True


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]
) -> bool:
    """RFC 9162 §2.1.4.2: whether the tree of ``old_size`` is the beginning of that of ``size``.

    Nothing about the arguments is believed: wrong numbers or lengths are False, not errors.
    """
    if not 0 <= old_size <= size or not _are_hashes(path):
        return False
    if old_size == 0:
        return not path and old_root == _EMPTY_ROOT and (size > 0 or root == old_root)
    if old_size == size:
        return not path and old_root == root
    if not path:
        return False
    place, last = old_size - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    # where the old tree is a node of the new one, its root is the first step
    old, *steps = path if place else (old_root, *path)
    new = old
    for step in steps:
        if last == 0:
            return False
        if place % 2 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(path: Sequence[bytes]) -> bool:
    return all(len(step) == HASH_BYTES for step in path)
