"""The tree of RFC 9162 with SM3, against a model that is the RFC's own recursive definition."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.integrity.merkle import (
    ProvenTree,
    Tree,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

SIZES = range(1, 36)
DATA = [f"voucher {n}".encode() for n in range(max(SIZES))]
LEAVES = [leaf_hash(data) for data in DATA]


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def k_of(n: int) -> int:
    """The largest power of two smaller than n."""
    return max(2**exponent for exponent in range(n) if 2**exponent < n)


def mth(d: list[bytes]) -> bytes:
    """§2.1.1"""
    if not d:
        return sm3(b"")
    if len(d) == 1:
        return sm3(b"\x00" + d[0])
    k = k_of(len(d))
    return sm3(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m: int, d: list[bytes]) -> list[bytes]:
    """§2.1.3.1"""
    if len(d) == 1:
        return []
    k = k_of(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], b: bool) -> list[bytes]:
    """§2.1.4.1"""
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def test_hashes_are_those_of_the_format() -> None:
    assert leaf_hash(b"abc") == sm3(b"\x00abc")
    assert node_hash(LEAVES[0], LEAVES[1]) == sm3(b"\x01" + LEAVES[0] + LEAVES[1])
    # SM3 of nothing, as every implementation of GB/T 32905 gives it
    empty = "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
    assert root_of([]).hex() == empty


def test_roots_and_inclusion_paths_are_the_models() -> None:
    for size in SIZES:
        tree = Tree(LEAVES[:size])
        assert tree.root == mth(DATA[:size])
        paths = tree.inclusion_paths()
        assert paths == [b"".join(path(index, DATA[:size])) for index in range(size)]
        for index in range(size):
            proof = tree.inclusion_path(index)
            assert proof == path(index, DATA[:size])
            assert verify_inclusion(LEAVES[index], index, size, proof, tree.root)


def test_consistency_paths_are_the_models() -> None:
    for size in SIZES:
        tree = Tree(LEAVES[:size])
        for old in range(1, size + 1):
            proof = tree.consistency_path(old)
            assert proof == subproof(old, DATA[:size], True)
            assert verify_consistency(old, size, root_of(LEAVES[:old]), tree.root, proof)


def test_the_empty_tree_is_the_beginning_of_every_tree_and_of_nothing_else() -> None:
    empty = root_of([])
    assert Tree(LEAVES[:5]).consistency_path(0) == []
    assert verify_consistency(0, 5, empty, root_of(LEAVES[:5]), [])
    assert verify_consistency(0, 0, empty, empty, [])
    assert not verify_consistency(0, 5, LEAVES[0], root_of(LEAVES[:5]), [])
    assert not verify_consistency(0, 0, empty, LEAVES[0], [])
    assert not verify_inclusion(LEAVES[0], 0, 0, [], empty)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


BITS = st.integers(min_value=0, max_value=255)


@settings(deadline=None)
@given(st.data())
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES))
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(LEAVES[:size])
    proof, root, leaf = tree.inclusion_path(index), tree.root, LEAVES[index]
    bit = data.draw(BITS)
    assert not verify_inclusion(flipped(leaf, bit), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, flipped(root, bit))
    assert not verify_inclusion(leaf, index, size, [*proof, leaf], root)
    other = data.draw(st.integers(-1, size).filter(lambda i: i != index))
    assert not verify_inclusion(leaf, other, size, proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
        assert not verify_inclusion(leaf, index, size, changed, root)
        assert not verify_inclusion(leaf, index, size, [*proof[:at], *proof[at + 1 :]], root)
        assert not verify_inclusion(leaf, index, size, [*proof[:at], b"", *proof[at + 1 :]], root)


@settings(deadline=None)
@given(st.data())
def test_a_changed_consistency_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES[1:]))
    old = data.draw(st.integers(1, size - 1))
    tree, old_root = Tree(LEAVES[:size]), root_of(LEAVES[:old])
    proof, root = tree.consistency_path(old), tree.root
    bit = data.draw(BITS)
    assert not verify_consistency(old, size, flipped(old_root, bit), root, proof)
    assert not verify_consistency(old, size, old_root, flipped(root, bit), proof)
    assert not verify_consistency(old, size, old_root, root, [*proof, root])
    assert not verify_consistency(old, size, old_root, root, [])
    assert not verify_consistency(size, old, root, old_root, proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
    assert not verify_consistency(old, size, old_root, root, changed)
    assert not verify_consistency(old, size, old_root, root, [*proof[:at], *proof[at + 1 :]])


def test_another_history_of_the_same_length_has_no_proof() -> None:
    """A rewritten leaf among the old ones: no path leads from the old root to the new one."""
    old_root = root_of(LEAVES[:6])
    rewritten = Tree([*LEAVES[:2], leaf_hash(b"another"), *LEAVES[3:11]])
    assert not verify_consistency(6, 11, old_root, rewritten.root, rewritten.consistency_path(6))


@settings(deadline=None)
@given(st.data())
def test_proving_many_leaves_of_one_root_is_proving_each(data: st.DataObject) -> None:
    """Good and changed proofs in any order: each answer is that of the RFC's own algorithm."""
    size = data.draw(st.sampled_from(SIZES))
    tree = Tree(LEAVES[:size])
    proven = ProvenTree(size, tree.root)
    for _ in range(8):
        index = data.draw(st.integers(0, size - 1))
        asked = data.draw(st.sampled_from((index, index, index, 0, size - 1, size)))
        leaf, path = LEAVES[index], tree.inclusion_path(index)
        change = data.draw(st.sampled_from(("", "", "leaf", "bit", "shorter", "longer")))
        if change == "leaf":
            leaf = flipped(leaf, data.draw(BITS))
        elif change == "longer":
            path = [*path, data.draw(st.sampled_from((leaf, tree.root)))]
        elif path and change == "shorter":
            path = path[:-1]
        elif path and change == "bit":
            at = data.draw(st.integers(0, len(path) - 1))
            path = [*path[:at], flipped(path[at], data.draw(BITS)), *path[at + 1 :]]
        expected = verify_inclusion(leaf, asked, size, path, tree.root)
        assert proven.proves(leaf, asked, b"".join(path)) is expected


def test_a_proof_that_is_cut_within_a_hash_proves_nothing() -> None:
    tree = Tree(LEAVES[:5])
    path = tree.inclusion_paths()[2]
    for wrong in (path[:-1], path + b"x", path[1:]):
        assert not ProvenTree(5, tree.root).proves(LEAVES[2], 2, wrong)
