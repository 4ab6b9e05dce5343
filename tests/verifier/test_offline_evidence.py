"""The evidence for one payment, checked by the offline verifier: whole, and damaged anywhere."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.evidence import payment_evidence
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.postgres.database import Database
from ledger.sealing.sealer import Sealer
from projections.core.runner import Runner
from tests.conftest import drop_database, new_database
from tests.support.audited_books import Audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.verifier.test_offline_verifier import first, run


class Evidences:
    """Evidence as the program gives it, and the log's public key."""

    def __init__(self, database: Database, ledger_id: int, folder: Path) -> None:
        keys = KeyStore(folder / "keys", "audit", iterations=1000)
        with fresh_pool(database.app_conninfo) as pool:
            keeper = Bookkeeper(pool)
            sealer = Sealer(
                pool,
                keeper.sequencer,
                keys,
                default_provider(),
                folder / "checkpoints",
                keeper.clock,
            )
            sealer.run_once()
            keeper.close()
            Runner(pool).catch_up()
            with pool.connection() as connection:
                self.of = {
                    number: msgspec.to_builtins(payment_evidence(connection, ledger_id, number))
                    for number in ("P1", "P10", "P12")
                }
        self.key = f"guoku/log={keys.public_key('guoku/log').hex()}"


@pytest.fixture(scope="module")
def evidences(cluster: Any, audited: Audited, tmp_path_factory: pytest.TempPathFactory) -> Any:
    database = new_database(cluster, audited.dbname)
    yield Evidences(database, audited.ledger_id, tmp_path_factory.mktemp("evidence"))
    drop_database(cluster, database)


def check(evidence: dict[str, Any], folder: Path, *arguments: str) -> tuple[int, str]:
    path = folder / "evidence.json"
    path.write_text(json.dumps(evidence), encoding="utf-8")
    return run(str(path), *arguments)


@pytest.mark.parametrize(
    "number",
    ["P1", "P10", "P12"],
    ids=["signed alone, refunded", "in a manifest", "in one of the first version"],
)
def test_the_evidence_for_a_payment_holds(
    evidences: Evidences, tmp_path: Path, number: str
) -> None:
    code, output = check(evidences.of[number], tmp_path, "--key", evidences.key)
    assert code == 0, output
    for checked in (
        "inclusion proofs",
        "signatures of the log on checkpoints: 1",
        "signatures, certificates valid when signed",
        "debit = credit",
        "one outcome per line: 1 payments",
    ):
        assert checked in output


def test_another_log_key_than_the_auditors_own_is_found(
    evidences: Evidences, tmp_path: Path
) -> None:
    forged = (
        evidences.key.partition("=")[0]
        + "="
        + "".join(evidences.of["P1"]["certificates"][0]["public_key"])
    )
    code, output = check(evidences.of["P1"], tmp_path, "--key", forged)
    assert code == 1
    assert "is not signed by the log" in output


def event_of(evidence: dict[str, Any], type_: str) -> dict[str, Any]:
    return next(event for event in evidence["events"] if event["type"] == type_)


def a_payload(evidence: dict[str, Any]) -> int:
    event = event_of(evidence, "payment.applied")
    payload = base64.b64decode(event["payload"]).replace(b'"100.00"', b'"900.00"')
    event["payload"] = base64.b64encode(payload).decode()
    return int(event["position"])


def a_proof(evidence: dict[str, Any]) -> int:
    event = event_of(evidence, "payment.approved")
    event["inclusion"][0] = base64.b64encode(bytes(32)).decode()
    return int(event["position"])


def a_proof_cut_short(evidence: dict[str, Any]) -> int:
    event = event_of(evidence, "payment.approved")
    event["inclusion"].pop()
    return int(event["position"])


def a_missing_event(evidence: dict[str, Any]) -> int:
    """The approval is left out: the version behind it does not follow."""
    at = evidence["events"].index(event_of(evidence, "payment.approved"))
    del evidence["events"][at]
    return int(event_of(evidence, "voucher.signed")["position"])


def a_document(evidence: dict[str, Any]) -> int:
    digest = json.loads(base64.b64decode(event_of(evidence, "voucher.signed")["payload"]))
    document = next(d for d in evidence["documents"] if d["sm3"] == digest["voucher_sm3"])
    body = base64.b64decode(document["body"])
    document["body"] = base64.b64encode(body + b" ").decode()
    return int(event_of(evidence, "voucher.signed")["position"])


def a_document_left_out(evidence: dict[str, Any]) -> int:
    digest = json.loads(base64.b64decode(event_of(evidence, "voucher.signed")["payload"]))
    evidence["documents"] = [d for d in evidence["documents"] if d["sm3"] != digest["voucher_sm3"]]
    return int(event_of(evidence, "voucher.signed")["position"])


def a_revoked_certificate(evidence: dict[str, Any]) -> int:
    for certificate in evidence["certificates"]:
        if certificate["subject"] == "bank/102":
            certificate["revoked_at"] = "2026-02-01T00:00:00Z"
    return int(event_of(evidence, "voucher.receipted")["position"])


def another_signer(evidence: dict[str, Any]) -> int:
    """The signer's certificate is given to another person."""
    for certificate in evidence["certificates"]:
        if certificate["subject"] == "principal/signer":
            certificate["subject"] = "principal/somebody"
    return int(event_of(evidence, "voucher.signed")["position"])


DAMAGES = [
    a_payload,
    a_proof,
    a_proof_cut_short,
    a_missing_event,
    a_document,
    a_document_left_out,
    a_revoked_certificate,
    another_signer,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.__name__ for damage in DAMAGES])
def test_a_damage_to_evidence_is_found(
    evidences: Evidences, tmp_path: Path, damage: Callable[[dict[str, Any]], int]
) -> None:
    evidence = copy.deepcopy(evidences.of["P1"])
    position = damage(evidence)
    code, output = check(evidence, tmp_path, "--key", evidences.key)
    assert code == 1, output
    assert first(output) == position, output


def test_another_root_in_the_checkpoint_is_found(evidences: Evidences, tmp_path: Path) -> None:
    evidence = copy.deepcopy(evidences.of["P1"])
    root = evidence["checkpoint"].split("\n")[2]
    other = base64.b64encode(bytes(32)).decode()
    evidence["checkpoint"] = evidence["checkpoint"].replace(root, other)
    code, output = check(evidence, tmp_path, "--key", evidences.key)
    assert code == 1
    assert "is not signed by the log" in output
    assert "it is not in the history of the checkpoint" in output
