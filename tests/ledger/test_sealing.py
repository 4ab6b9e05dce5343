"""Sealing: trees, checkpoints, province heads and files, on the real write path.

What is sealed is checked against a tree that the tests make themselves, from the events.
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `sealer` by its import)

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from ledger.account_set import ledger_text
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.integrity import note as notes
from ledger.integrity.merkle import verify_consistency
from ledger.reading.objects import list_heads
from ledger.sealing import register
from ledger.sealing.sealer import Sealer
from ledger.sealing.stored_tree import StoredTree
from ledger.sealing.trees import read_sealed
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.histories import commit_ends, mixed_history
from tests.support.proof_reader import naive_root, root_by_path, roots_by_path, sm3
from tests.support.sealed_ledgers import (
    SYSTEM,
    all_sealed,
    digests,
    keys,
    latest,
    lines_of,
    sealer,
    sealer_on,
    system_types,
)

# ---- checkpoints


def test_a_checkpoint_says_what_the_events_say(
    bookkeeper: Bookkeeper, sealer: Sealer, keys: KeyStore
) -> None:
    mixed_history(bookkeeper)
    sealer.run_once()
    sealed = latest(bookkeeper)
    [(head, chain, recorded_at)] = bookkeeper.sql(
        "SELECT position, chain, recorded_at FROM ledgers WHERE ledger_id = %s"
    )
    text, _, signatures = sealed.note.partition("\n\n")
    assert text.split("\n") == [
        "guoku/440000000-2026",
        str(head),
        notes.encode_hash(naive_root(digests(bookkeeper))),
        f"chain {notes.encode_hash(chain)}",
        f"recorded {recorded_at:%Y-%m-%dT%H:%M:%S.%f}Z",
    ]
    # the signature line, taken apart by the words of docs/history-format.md
    dash, name, encoded = signatures.rstrip("\n").split(" ")
    packed = notes.base64.b64decode(encoded)
    key = keys.public_key("guoku/log")
    named = b"guoku/log\n\xffguoku-sm2-sm3" + key.point
    assert (dash, name, packed[:4]) == ("—", "guoku/log", sha256(named).digest()[:4])
    assert default_provider().verify(key, f"{text}\n".encode(), packed[4:])
    # and by the reader of our own, which also finds a changed figure
    read = notes.parse_note(sealed.note)
    trusted = {"guoku/log": [key]}
    assert notes.verified_by(default_provider(), read, trusted) == {"guoku/log"}
    forged = read._replace(text=read.text.replace(f"\n{head}\n", f"\n{head + 1}\n"))
    assert notes.verified_by(default_provider(), forged, trusted) == set()


def test_each_round_seals_what_is_new_and_an_idle_one_writes_nothing(
    bookkeeper: Bookkeeper, sealer: Sealer
) -> None:
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    first = latest(bookkeeper)
    written = len(system_types(bookkeeper))
    for _ in range(3):
        sealer.run_once()
    assert len(system_types(bookkeeper)) == written, "the system ledger feeds itself"
    bookkeeper.pay("P1", "B1", "10.00")
    sealer.run_once()
    assert latest(bookkeeper).size > first.size
    assert [s.size for s in all_sealed(bookkeeper, bookkeeper.ledger_id)] == [
        first.size,
        latest(bookkeeper).size,
    ]
    assert not sealer.health().stopped


def test_a_backlog_is_sealed_in_helpings_that_end_with_commits(
    bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path
) -> None:
    mixed_history(bookkeeper)
    sealer = sealer_on(bookkeeper, keys, tmp_path, events_max=7)
    while sealer.run_once():
        pass
    sealed = all_sealed(bookkeeper, bookkeeper.ledger_id)
    ends, leaves = commit_ends(bookkeeper), digests(bookkeeper)
    assert len(sealed) > 10
    assert {s.size for s in sealed} <= set(ends)
    assert sealed[-1].size == ends[-1]
    for s in sealed:
        assert lines_of(s.note)[2] == notes.encode_hash(naive_root(leaves[: s.size]))


def test_proofs_from_the_store_verify_at_every_size(bookkeeper: Bookkeeper, sealer: Sealer) -> None:
    """A ledger long enough for kept nodes; the proofs are walked by RFC 9162's own words."""
    bookkeeper.issue("B1", "1000000.00")
    bookkeeper.submit(*(payment(f"P{number}", "B1", "1.00") for number in range(400)))
    sealer.run_once()
    leaves = digests(bookkeeper)
    head = latest(bookkeeper).size
    assert head > 3 * 256
    with bookkeeper.pool.connection() as connection:
        sizes = (1, 2, 255, 256, 257, 511, 512, 513, 700, head)
        roots = {size: naive_root(leaves[:size]) for size in sizes}
        for size in sizes:
            tree = StoredTree(connection, bookkeeper.ledger_id, size)
            assert tree.root == roots[size]
            for position in {1, size // 2 + 1, size - 1 or 1, size}:
                path = tree.inclusion(position)
                assert root_by_path(leaves[position - 1], position - 1, size, path) == roots[size]
            for old in (s for s in sizes if s <= size):
                proof = tree.consistency(old)
                assert verify_consistency(old, size, roots[old], roots[size], proof)
                assert roots_by_path(old, size, proof, roots[old]) == (roots[old], roots[size])
                for changed in tampered_proofs(proof):
                    assert not verify_consistency(old, size, roots[old], roots[size], changed)


def tampered_proofs(proof: list[bytes]) -> Iterator[list[bytes]]:
    """One step with one bit flipped, one left out, two exchanged, one added."""
    for at, step in enumerate(proof):
        yield [*proof[:at], bytes([step[0] ^ 1]) + step[1:], *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        if at and proof[at - 1] != step:
            yield [*proof[: at - 1], step, proof[at - 1], *proof[at + 1 :]]
    yield [*proof, bytes(32)]


# ---- what is refused


def tampered(b: Bookkeeper, conninfo: str, *statements: str) -> None:
    """Superuser SQL with the triggers off."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            done = connection.execute(statement.encode(), {"ledger": b.ledger_id})
            assert done.rowcount > 0, statement


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET digest = sha256(digest) WHERE ledger_id = %(ledger)s AND position = 6",
        "UPDATE commits SET chain = sha256(chain) WHERE ledger_id = %(ledger)s AND position = 5",
        "DELETE FROM events WHERE ledger_id = %(ledger)s AND position = 4",
    ],
    ids=["digest", "chain", "removed"],
)
def test_history_that_breaks_the_chain_is_not_sealed(
    bookkeeper: Bookkeeper, sealer: Sealer, owner_conninfo: str, statement: str
) -> None:
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    before = latest(bookkeeper)
    bookkeeper.pay("P1", "B1", "10.00")
    tampered(bookkeeper, owner_conninfo, statement)
    sealer.run_once()
    assert latest(bookkeeper) == before
    [reason] = sealer.health().reasons[:1]
    assert ledger_text(bookkeeper.ledger_id) in reason


def test_a_restarted_sealer_finds_that_sealed_events_were_changed(
    bookkeeper: Bookkeeper, sealer: Sealer, keys: KeyStore, tmp_path: Path, owner_conninfo: str
) -> None:
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    tampered(
        bookkeeper,
        owner_conninfo,
        "UPDATE events SET digest = sha256(digest) WHERE ledger_id = %(ledger)s AND position = 2",
    )
    bookkeeper.issue("B2", "1000.00")
    for folder in (tmp_path / "checkpoints", tmp_path / "elsewhere"):  # with its files, without
        again = sealer_on(bookkeeper, keys, folder)
        again.run_once()
        assert list(again.health().stopped) == [bookkeeper.ledger_id]


def test_the_files_remember_what_the_database_was_made_to_forget(
    bookkeeper: Bookkeeper, sealer: Sealer, keys: KeyStore, tmp_path: Path, owner_conninfo: str
) -> None:
    """All of sealing taken out of the database: only the files still know."""
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    tampered(
        bookkeeper,
        owner_conninfo,
        "DELETE FROM sealed",
        "DELETE FROM checkpoints",
        "DELETE FROM events WHERE ledger_id < 10000 RETURNING %(ledger)s",
        "DELETE FROM commits WHERE ledger_id < 10000 RETURNING %(ledger)s",
        "DELETE FROM command_keys WHERE ledger_id < 10000 RETURNING %(ledger)s",
        "DELETE FROM ledgers WHERE ledger_id < 10000 RETURNING %(ledger)s",
        "UPDATE events SET digest = sha256(digest) WHERE ledger_id = %(ledger)s AND position = 2",
    )
    again = sealer_on(bookkeeper, keys, tmp_path / "checkpoints")
    again.run_once()
    [reason] = [r for r in again.health().reasons if "440000000-2026" in r][:1]
    assert "holds a checkpoint of 3 events that the ledger does not lead to" in reason


# ---- the system ledger and the province


def test_the_system_ledger_is_shown_to_nobody_who_lists_divisions(
    bookkeeper: Bookkeeper, sealer: Sealer
) -> None:
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    with bookkeeper.pool.connection() as connection:
        assert [h.ledger_id for h in list_heads(connection)] == [bookkeeper.ledger_id]
        assert register.system_ledgers(connection) == [SYSTEM]
    assert system_types(bookkeeper) == [
        "ledger.opened",
        "log_key.registered",
        "checkpoint.sealed",  # of the division
        "checkpoint.sealed",  # of the system ledger, as far as here
        "province.sealed",
    ]


def test_the_province_head_covers_every_ledger(bookkeeper: Bookkeeper, sealer: Sealer) -> None:
    keepers = [Bookkeeper(bookkeeper.pool, division=d) for d in ("440100000", "440200000")]
    keepers.append(Bookkeeper(bookkeeper.pool, year=2025))
    for keeper in keepers:
        keeper.open()
        keeper.issue("B1", "1000.00")
    sealer.run_once()
    with bookkeeper.pool.connection() as connection:
        head = register.latest_province_head(connection)
        checkpoints = register.latest_checkpoints(connection)
        sealed = [read_sealed(connection, c.ledger_id) for c in checkpoints]
    assert head is not None
    origin, size, root, *extensions = lines_of(head.note)
    names = [f"{d}-{y}" for d in ("000000000", "440000000", "440100000", "440200000")
             for y in (2025, 2026)]  # fmt: skip
    expected = [n for n in names if n not in ("440100000-2025", "440200000-2025")]
    assert (origin, int(size)) == ("guoku/province", len(expected))
    assert [line.split()[1] for line in extensions[:-1]] == expected
    assert [int(line.split()[2]) for line in extensions[:-1]] == [s.size for s in sealed if s]
    texts = [c.note.partition("\n\n")[0] + "\n" for c in checkpoints]
    assert root == notes.encode_hash(naive_root([sm3(text.encode()) for text in texts]))
    assert extensions[-1].startswith("recorded ")
    for keeper in keepers:
        keeper.close()


def test_a_round_is_bounded_and_every_ledger_gets_its_turn(
    bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path
) -> None:
    keepers = [
        Bookkeeper(bookkeeper.pool, division=division, year=year)
        for division, year in (("440100000", 2026), ("440200000", 2026), ("440000000", 2025),
                               ("440100000", 2025))
    ]  # fmt: skip
    for keeper in keepers:
        keeper.open()
    everyone = [bookkeeper, *keepers]
    sealer = sealer_on(bookkeeper, keys, tmp_path, events_max=1)
    assert sealer.run_once(), "there is more to do"
    assert len([b for b in everyone if all_sealed(b, b.ledger_id)]) == 3
    assert not sealer.run_once()
    for keeper in everyone:
        assert [s.size for s in all_sealed(keeper, keeper.ledger_id)] == [1]
    for keeper in keepers:
        keeper.close()
