"""``guoku audit``: checkpoints, proofs and evidence from the command line, on a sealed ledger."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.audit import app
from api.settings import Settings
from api.treasury import treasury_on
from ledger.postgres.database import Database
from ledger.sealing.sealer import Sealer, SealingPolicy
from tests.support.bookkeeper import Bookkeeper
from tests.support.proof_reader import (
    faults,
    hashes,
    note_fields,
    root_by_path,
    roots_by_path,
    signers,
)

LEDGER = "440000000-2026"


@pytest.fixture
def sealed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """A ledger sealed twice; the notes. The environment leads the command to it."""
    monkeypatch.setenv("GUOKU_DSN", database.owner_conninfo)
    monkeypatch.setenv("GUOKU_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with treasury_on(Settings(), database) as t:
        keeper = Bookkeeper(t.pool)
        keeper.open()
        sealer = Sealer(
            t.pool, t.sequencer, t.keys, t.provider, tmp_path / "checkpoints", t.now,
            SealingPolicy(province_interval_s=0.0),
        )  # fmt: skip
        notes = []
        for act in (
            lambda: keeper.issue("B1", "1000.00"),
            lambda: keeper.apply("P1", "B1", "100.00"),
        ):
            act()
            sealer.run_once()
            notes.append(ok("checkpoint", LEDGER).stdout)
        yield notes
        keeper.close()


def guoku(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def ok(*arguments: str) -> Result:
    done = guoku(*arguments)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done


def test_checkpoints_and_their_keys(sealed: list[str]) -> None:
    keys = [
        dict(zip(("name", "public_key"), line.split("\t"), strict=True))
        for line in ok("checkpoint", "--keys").stdout.splitlines()[1:]
    ]
    for note in (*sealed, ok("checkpoint").stdout):
        assert signers(note, keys) == {"guoku/log"}
    assert ok("checkpoint", LEDGER, "--size", "3").stdout == sealed[0]
    missing = guoku("checkpoint", LEDGER, "--size", "4")
    assert "not_found" in str(missing.exception)


def test_proofs(sealed: list[str]) -> None:
    (_, old, old_root, _), (_, size, root, _) = map(note_fields, sealed)
    proof = json.loads(ok("proof", "inclusion", LEDGER, "2").stdout)
    digest, path = bytes.fromhex(proof["digest"]), hashes(proof["hashes"])
    assert root_by_path(digest, 1, size, path) == root
    assert root_by_path(digest, 0, size, path) != root
    proof = json.loads(ok("proof", "consistency", LEDGER, str(old), str(size)).stdout)
    path = hashes(proof["hashes"])
    assert roots_by_path(old, size, path, old_root) == (old_root, root)
    assert proof["to_checkpoint"] == sealed[1]
    assert "malformed" in str(guoku("proof", "inclusion", LEDGER, "99").exception)
    assert guoku("proof", "inclusion", LEDGER, "0").exit_code == 2


def test_a_receipt_is_a_file_that_proves_itself(sealed: list[str], tmp_path: Path) -> None:
    told = ok("receipt", LEDGER, "P1").stdout
    assert "evidence: P1.evidence.json" in told
    evidence = json.loads((tmp_path / "P1.evidence.json").read_bytes())
    assert faults(evidence) == []
    assert [e["type"] for e in evidence["events"]][-2:] == ["payment.applied", "journal.posted"]
    assert evidence["checkpoint"] == sealed[1]
    assert "payment_not_found" in str(guoku("receipt", LEDGER, "P2").exception)
    assert not list(tmp_path.glob("P2*"))


def test_the_log_key_can_be_told_before_it_signs(sealed: list[str]) -> None:
    told = dict(line.split(": ") for line in ok("log-key").stdout.splitlines())
    assert told["name"] == "guoku/log"
    assert signers(sealed[0], [told]) == {"guoku/log"}
    newer = dict(line.split(": ") for line in ok("log-key", "guoku/log-2027").stdout.splitlines())
    assert newer["public_key"] != told["public_key"]
    assert ok("log-key", "guoku/log-2027").stdout.splitlines()[1].endswith(newer["public_key"])
    assert "malformed" in str(guoku("log-key", "principal/dev").exception)
