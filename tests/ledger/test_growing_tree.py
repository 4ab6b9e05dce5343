"""The tree that grows, against the tree as RFC 9162 defines it; notes, against their readers."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import GuokuError
from ledger.gm import PublicKey, default_provider
from ledger.integrity import note as notes
from ledger.integrity.growth import BLOCK, GrowingTree, perfect_parts
from tests.support.paths import FIXTURES
from tests.support.proof_reader import naive_root

DIGESTS = [sha256(str(index).encode()).digest() for index in range(3 * BLOCK + 7)]
FIXTURES = FIXTURES / "events"

steps = st.lists(st.integers(1, BLOCK + 3), max_size=6)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_however_it_has_grown_the_root_is_that_of_its_leaves(counts: list[int]) -> None:
    tree, kept, at = GrowingTree(), [], 0
    for count in counts:
        some = DIGESTS[at : at + count]
        kept += tree.append(some)
        at += len(some)
        assert (tree.size, tree.root) == (at, naive_root(DIGESTS[:at]))
    assert [node.place for node in kept] == [(8, number) for number in range(at // BLOCK)]
    for node in kept:
        start = node.place.number * BLOCK
        assert node.root == naive_root(DIGESTS[start : start + BLOCK])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(DIGESTS) - 20), st.integers(0, 20))
def test_it_goes_on_from_its_edge_alone(size: int, more: int) -> None:
    edge = [
        naive_root(DIGESTS[number << level : (number + 1) << level])
        for level, number in perfect_parts(0, size)
    ]
    tree = GrowingTree(size, edge)
    assert tree.root == naive_root(DIGESTS[:size])
    tree.append(DIGESTS[size : size + more])
    assert tree.root == naive_root(DIGESTS[: size + more])


def test_the_second_kept_level_is_handed_out_too() -> None:
    leaf = bytes(32)
    tree = GrowingTree()
    kept = [node for _ in range(BLOCK) for node in tree.append([leaf] * BLOCK)]
    assert [node.place for node in kept[-2:]] == [(8, BLOCK - 1), (16, 0)]
    assert kept[-1].root == tree.root


def on_file(type_name: str) -> dict[str, Any]:
    """An event as it was stored: a note, and the key that has signed it."""
    [line] = (FIXTURES / f"{type_name}.ndjson").read_bytes().splitlines()
    return dict(json.loads(line))


NOTE = on_file("checkpoint.sealed")["note"]
TRUSTED = {"guoku/log": [PublicKey.from_hex(on_file("log_key.registered")["public_key"])]}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(NOTE) - 1), st.sampled_from("\n AZaz09+/=—"))
def test_no_note_with_a_changed_character_is_believed(at: int, other: str) -> None:
    provider = default_provider()
    read = notes.parse_note(NOTE)
    assert notes.parse_checkpoint(read.text).text == read.text
    assert notes.verified_by(provider, read, TRUSTED) == {"guoku/log"}
    try:
        changed = notes.parse_note(NOTE[:at] + other + NOTE[at + 1 :])
    except GuokuError:
        return
    assert changed.text == read.text or not notes.verified_by(provider, changed, TRUSTED)


@pytest.mark.parametrize(
    "text", ["", "a\n", "a\nb\n\n", "a\n01\n" + "A" * 43 + "=\n", "a\n1\nno hash\n", "a\n-1\n\n"]
)
def test_what_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(GuokuError, match="malformed"):
        notes.parse_checkpoint(text)
