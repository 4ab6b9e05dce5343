"""The offline verifier, as an auditor runs it: another process, on files alone."""

import base64
import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from ledger.gm import default_provider
from ledger.gm.signature import decode_signature
from ledger.gm.vectors import SM2_SIGNATURE, SM3_DIGESTS
from ledger.integrity.merkle import Tree as MerkleTree
from ledger.integrity.merkle import leaf_hash, root_of
from ledger.postgres.database import Database
from tests.payments.test_bank_messages import PADDINGS
from tests.support.audited_books import (
    LOG,
    WITNESS,
    Audited,
    AuditedBooks,
    export_audited,
    key_of,
    public,
)
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.paths import ROOT
from tests.support.tampering import FORBIDDEN, TAMPERINGS, Tampering
from tests.support.waiting import HANG_S

VERIFIER = ROOT / "verifier" / "guoku_verify.py"
TRUSTED = ("--key", f"{LOG}={public(key_of(LOG)).hex()}")
WITNESSED = ("--witness", f"{WITNESS}={public(key_of(WITNESS)).hex()}")


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output, by a Python that cannot see the project."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    return done.returncode, done.stdout + done.stderr


def first(output: str) -> int:
    """The position that the verifier names as the first that is wrong."""
    [line] = [line for line in output.splitlines() if "FIRST OFFENDING" in line]
    name, _, number = line.partition(":")[0].rpartition(" ")
    assert name.endswith("position"), line
    return int(number)


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    spec = importlib.util.spec_from_file_location("guoku_verify", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["guoku_verify"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(audited: Audited, copied: Database, tmp_path: Path) -> Path:
    return export_audited(copied, audited.ledger_id, tmp_path / "export", audited.notes)


# ---- an honest export


def test_an_honest_ledger_holds(audited: Audited, folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(audited.notes[0])
    code, output = run(str(folder), *TRUSTED, *WITNESSED, "--checkpoint", str(kept))
    assert code == 0, output
    assert "✗" not in output
    assert f"{WITNESS} has seen this history up to {audited.seen}" in output
    for checked in (
        f"digest over every column: {audited.last} events",
        f"tree against checkpoints: {len(audited.notes)} checkpoints",
        "checkpoints you kept, still in this history: 1 checkpoints",
        "controlled balances never below zero",
        "business numbers and what they point at",
        "persons, order and one outcome per line: 12 payments",
        "refunds not above what was paid: 3 refunds",
        "signatures, certificates valid when signed: 27 signatures",
    ):
        assert checked in output


def test_a_key_of_ones_own_takes_the_place_of_what_the_export_names(folder: Path) -> None:
    code, output = run(str(folder), "--key", f"{LOG}={public(key_of('thief')).hex()}")
    assert code == 1
    assert "checkpoint 1 is not signed by the log" in output
    assert "the signature of guoku/log over export.json is not valid" in output


def test_without_a_key_of_ones_own_it_says_what_it_trusts(folder: Path) -> None:
    code, output = run(str(folder))
    assert code == 0
    assert "the log's key was taken from the export itself" in output


# ---- the tamper table


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_tampering_is_found_where_it_began(
    audited: Audited, copied: Database, tmp_path: Path, tampering: Tampering
) -> None:
    """By SQL as superuser with every trigger off, and then rightly exported and signed."""
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        position = tampering(connection, audited.ledger_id)
    folder = export_audited(copied, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 1, output
    assert first(output) == position, output


@pytest.mark.parametrize("tampering", [t for _, t in FORBIDDEN.values()], ids=FORBIDDEN.keys())
def test_what_no_digest_shows_is_found_by_the_rules(
    audited: Audited, copied: Database, tmp_path: Path, tampering: Tampering
) -> None:
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        position = tampering(connection, audited.ledger_id)
    folder = export_audited(copied, audited.ledger_id, tmp_path / "export", [])
    code, output = run(str(folder), *TRUSTED)
    assert code == 1
    assert first(output) == position, output


def test_a_checkpoint_that_was_replaced_is_found(folder: Path, audited: Audited) -> None:
    """Its root is another: the log has not signed it, and the history is not of it."""
    root = audited.cosigned.split("\n")[2]
    replaced = audited.cosigned.replace(root, base64.b64encode(bytes(32)).decode())
    path = folder / "checkpoints.txt"
    path.write_text(path.read_text().replace(audited.cosigned, replaced))
    code, output = run(str(folder), *TRUSTED)
    assert code == 1
    assert f"checkpoint {audited.seen} is not signed by the log" in output
    assert f"checkpoint {audited.seen}: the root of the tree is another" in output


def test_only_a_witness_and_the_bank_contradict_a_history_rewritten_with_the_log_key(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """A thief of the log's key makes all fit again; the witness cosigned another history."""
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        TAMPERINGS["chain recomputed"](connection, audited.ledger_id)
    with fresh_pool(copied.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        forged = AuditedBooks(keeper, tmp_path / "thief").checkpoint()
        keeper.close()
    folder = export_audited(copied, audited.ledger_id, tmp_path / "export", [forged])
    code, output = run(str(folder), *TRUSTED)
    assert code == 1  # of the history itself nothing is wrong, but it is not what the bank signed
    assert "PayeeAcctNo: the signed document says '6222000000000000001'" in output
    assert output.count("✗") == 1, output
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 1
    assert f"no checkpoint is cosigned by {WITNESS}" in output
    kept = tmp_path / "kept.txt"
    kept.write_text(audited.cosigned)
    code, output = run(str(folder), *TRUSTED, "--checkpoint", str(kept))
    assert code == 1
    assert f"checkpoint {audited.seen}: the root of the tree is another" in output


def test_a_file_that_was_changed_after_the_export_is_found(folder: Path) -> None:
    """A balance of nothing is added, so that only the file itself is wrong."""
    path = folder / "balances.ndjson.gz"
    names = ("available_fen", "frozen_fen", "occupied_fen", "paid_fen", "plan_fen")
    added = json.dumps({"bgt_id": "Z", **dict.fromkeys(names, 0)}).encode() + b"\n"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + added))
    code, output = run(str(folder), *TRUSTED)
    assert code == 1
    assert "FIRST OFFENDING: files of the export" in output
    assert "balances.ndjson.gz is not what was exported" in output


# ---- the parts, by the standards' known answers


def test_its_sm3_is_that_of_the_standard_with_and_without_openssl(verifier: ModuleType) -> None:
    for message, digest in SM3_DIGESTS:
        assert verifier.sm3(message) == digest
        assert verifier.sm3_in_python(message) == digest
    for length in (55, 56, 63, 64, 119, 1000):
        assert verifier.sm3_in_python(bytes(length)) == verifier.sm3(bytes(length))


def test_its_sm2_takes_the_standards_signature_and_no_other(verifier: ModuleType) -> None:
    key, message, signature = (
        SM2_SIGNATURE.public_key,
        SM2_SIGNATURE.message,
        SM2_SIGNATURE.der,
    )
    assert verifier.sm2_verifies(key, message, signature)
    assert not verifier.sm2_verifies(key, message + b".", signature)
    assert not verifier.sm2_verifies(key, message, signature[:-1])
    assert not verifier.sm2_verifies(key[::-1], message, signature)
    for at in range(0, len(signature), 7):
        damaged = bytearray(signature)
        damaged[at] ^= 1
        assert not verifier.sm2_verifies(key, message, bytes(damaged))


def test_its_sm2_agrees_with_the_provider_for_many_keys(verifier: ModuleType) -> None:
    provider = default_provider()
    for number in range(8):
        key = key_of(f"signer {number}")
        message = bytes([number]) * number
        signature = provider.sign(key, message)
        assert verifier.sm2_verifies(public(key).point, message, signature)
        assert not verifier.sm2_verifies(public(key_of("other")).point, message, signature)


def test_a_banks_padded_signature_is_read_by_its_value_and_ours_is_not(
    verifier: ModuleType,
) -> None:
    key, message = public(key_of("bank")).point, b"receipt"
    signature = default_provider().sign(key_of("bank"), message)
    pair = decode_signature(signature)
    assert pair is not None
    for padding in PADDINGS:
        padded = padding(*pair)
        assert verifier.sm2_verifies(key, message, padded, by_value=True)
        assert verifier.sm2_verifies(key, message, padded) == (padded == signature)
        assert not verifier.sm2_verifies(key, message + b".", padded, by_value=True)
        assert not verifier.sm2_verifies(key, message, padded + b"\1", by_value=True)


def test_its_tree_is_that_of_the_log(verifier: ModuleType) -> None:
    for size in (0, 1, 2, 3, 7, 8, 13):
        digests = [bytes([n]) * 32 for n in range(size)]
        tree, leaves = verifier.Tree(), [leaf_hash(digest) for digest in digests]
        for digest in digests:
            tree.append(digest)
        assert tree.root() == root_of(leaves)
        whole = MerkleTree(leaves)
        for index in range(size):
            path = whole.inclusion_path(index)
            assert verifier.included(leaves[index], index, size, path, tree.root())
            assert not verifier.included(leaves[index], (index + 1) % (size + 1), size, path, b"")


# ---- what is no export


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "guoku.evidence.1"}', "\0"])
def test_what_is_no_evidence_ends_with_two(tmp_path: Path, content: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(content)
    assert run(str(path))[0] == 2


def test_a_directory_that_is_no_export_ends_with_two(tmp_path: Path) -> None:
    code, output = run(str(tmp_path))
    assert code == 2
    assert "cannot be read" in output


def test_a_key_that_is_none_is_wrong_usage(folder: Path) -> None:
    assert run(str(folder), "--key", "guoku/log=00")[0] == 2
