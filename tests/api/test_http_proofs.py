"""Checkpoints, proofs and evidence over HTTP, read as an outsider reads them."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.account_set import parse_ledger
from ledger.deciding.command import Submission
from ledger.deciding.state import BEIJING
from ledger.gm import PublicKey
from ledger.postgres.database import Database
from ledger.reading.documents import compress_document
from ledger.sealing.sealer import Sealer, SealingPolicy
from tests.support.bookkeeper import ELEMENTS, claim_receipt
from tests.support.http_server import HttpTreasury, http, http_treasury_on
from tests.support.paths import ROOT
from tests.support.proof_reader import (
    faults,
    hashes,
    note_fields,
    root_by_path,
    roots_by_path,
    signers,
)
from tests.support.waiting import HANG_S, wait_until

VERIFIER = ROOT / "verifier" / "guoku_verify.py"
DETAIL = {"payee_acct_name": "甲", "payee_acct_no": "622200", "payee_acct_bank_name": "样例银行"}
LINES = [
    {**DETAIL, "pay_detail_id": "d1", "pay_amt": "150.00"},
    {**DETAIL, "pay_detail_id": "d2", "pay_amt": "50.00"},
]


@pytest.fixture(scope="module", autouse=True)
def sealer(http: HttpTreasury) -> Iterator[Sealer]:
    """A running sealer beside the server."""
    t = http.treasury
    folder = t.settings.checkpoints_path
    policy = SealingPolicy(interval_s=0.05, province_interval_s=0.0)
    running = Sealer(t.pool, t.sequencer, t.keys, t.provider, folder, t.now, policy)
    running.start()
    yield running
    running.close()


def sealed_note(http: HttpTreasury) -> str:
    """The first checkpoint that covers all that stands in the ledger now."""
    head = http.ok(http.get("…"))["position"]
    answer = http.get("…/checkpoint", headers={"X-Min-Position": str(head)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


def keys_of(http: HttpTreasury) -> list[dict[str, str]]:
    return list(http.ok(http.get("/v1/checkpoint/keys")))


def test_the_checkpoint_is_signed_and_older_ones_stay(http: HttpTreasury) -> None:
    http.indicator()
    first = sealed_note(http)
    http.indicator()
    second = sealed_note(http)
    assert signers(first, keys_of(http)) == signers(second, keys_of(http)) == {"guoku/log"}
    sizes = [note_fields(note)[1] for note in (first, second)]
    assert sizes[0] < sizes[1]
    assert http.get("…/checkpoint", size=sizes[0]).text == first
    kept = http.get("…/checkpoints", limit=1000).text
    assert kept.index(f"{first}---\n") < kept.index(f"{second}---\n")
    assert http.get("…/checkpoints", after=sizes[0]).text.startswith("guoku/")
    assert http.get("…/checkpoint", size=sizes[1] + 10**6).json()["code"] == "not_found"
    assert http.get("…/checkpoint", size="many").json()["code"] == "malformed"


def test_a_position_that_is_not_sealed_is_unavailable(database: Database) -> None:
    with http_treasury_on(database, read_wait_s=0.0) as http:  # beside which no sealer runs
        late = http.get("…/checkpoint", headers={"X-Min-Position": "1"})
    assert (late.status_code, late.json()["code"]) == (503, "unavailable")


def test_every_event_is_proved_and_no_other(http: HttpTreasury) -> None:
    http.applied(http.indicator())
    _, size, root, _ = note_fields(sealed_note(http))
    lines = http.get("…/events", limit=size).text.splitlines()
    for event in map(json.loads, lines[:size]):
        position = event["position"]
        proof = http.ok(http.get("…/proofs/inclusion", position=position, size=size))
        digest = bytes.fromhex(event["digest"])
        path = hashes(proof["hashes"])
        assert root_by_path(digest, position - 1, size, path) == root
        assert proof["digest"] == event["digest"]
        assert note_fields(proof["checkpoint"])[1:3] == (size, root)
        wrong = bytes([digest[0] ^ 1]) + digest[1:]
        assert root_by_path(wrong, position - 1, size, path) != root
        assert root_by_path(digest, position % size, size, path) != root
    without = http.ok(http.get("…/proofs/inclusion", position=1, size=size - 1))
    path = hashes(without["hashes"])
    first = bytes.fromhex(json.loads(lines[0])["digest"])
    assert root_by_path(first, 0, size - 1, path) == base64.b64decode(without["root"])
    for query in ({"position": 0}, {"position": size + 10**6}, {"position": 1, "size": 10**9}):
        assert http.get("…/proofs/inclusion", **query).json()["code"] == "malformed"


def test_any_two_checkpoints_are_consistent(http: HttpTreasury) -> None:
    notes = []
    for _ in range(3):
        http.applied(http.indicator())
        notes.append(sealed_note(http))
    fields = [note_fields(note) for note in notes]
    for _, old, old_root, _ in fields:
        for _, size, root, _ in fields:
            answer = http.get("…/proofs/consistency", **{"from": old, "to": size})
            if old > size:
                assert answer.json()["code"] == "malformed"
                continue
            proof = http.ok(answer)
            path = hashes(proof["hashes"])
            assert roots_by_path(old, size, path, old_root) == (old_root, root)
            assert note_fields(proof["to_checkpoint"])[2] == root
            if path:
                path[0] = bytes(32)
                assert roots_by_path(old, size, path, old_root) != (old_root, root)


def test_the_province_head_is_one_signature_over_all(http: HttpTreasury) -> None:
    http.indicator()
    size = note_fields(sealed_note(http))[1]

    def covered(head: str) -> dict[str, int]:
        _, _, _, more = note_fields(head)
        return {line.split()[1]: int(line.split()[2]) for line in more[:-1]}

    def head_over_it() -> str:
        answer = http.get("/v1/checkpoint")
        seen = answer.is_success and covered(answer.text).get(http.ledger, 0) >= size
        return answer.text if seen else ""

    head = wait_until(head_over_it, "a province head over the ledger")
    origin, count, _, _ = note_fields(head)
    assert signers(head, keys_of(http)) == {"guoku/log"}
    assert (origin, count) == ("guoku/province", 4)
    standing = ["000000000-0000", "440000000-0000"]  # of all, and of the division
    assert list(covered(head)) == [standing[0], "000000000-2026", standing[1], http.ledger]


def test_the_system_ledger_is_read_and_never_written(http: HttpTreasury) -> None:
    http.indicator()
    sealed_note(http)
    system = "/v1/ledgers/000000000-2026"
    assert http.get(system).json()["code"] == "forbidden", "it lies outside the token's division"
    everywhere = http.token("inspector", "auditor", "admin", "treasury_maker", division="")
    http.tokens["everywhere"] = everywhere
    lines = http.get(f"{system}/events", "everywhere").text.splitlines()
    assert {"checkpoint.sealed", "province.sealed"} <= {json.loads(line)["type"] for line in lines}
    listed = http.ok(http.get("/v1/ledgers", "everywhere"))["items"]
    assert [item["ledger"] for item in listed] == [http.ledger]
    body = {"bgt_id": "B1", "amount": "1.00", **ELEMENTS}
    refused = http.post(f"{system}/indicators", body, "everywhere")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    opening = {"mof_div_code": "000000000", "fiscal_year": 2027, "name": "x"}
    assert http.post("/v1/ledgers", opening, "everywhere").json()["code"] == "malformed"


# ---- evidence for one payment


def evidence_of(http: HttpTreasury, number: str) -> dict[str, Any]:
    return dict(http.ok(http.get(f"…/payments/{number}/evidence")))


@pytest.fixture(scope="module")
def settled(http: HttpTreasury) -> dict[str, Any]:
    """The evidence of a payment with details, one of them failed, a part refunded, cleared."""
    bgt_id = http.indicator("1000.00")
    number = http.signed(bgt_id, "200.00", details=LINES, payee_acct_name="")
    http.ok(http.deliver(http.receipt_for(number, "d2")))
    refund = {"refund_no": http.number("R"), "refund_amt": "50.00", "reason": "收款人退回"}
    http.ok(http.post(f"…/payments/{number}/refunds", refund))
    http.returned(number, "50.00", "d1")
    day = min(datetime.now(BEIJING).date(), date(2026, 12, 31))
    request = {"clear_no": http.number("C"), "clear_date": str(day), "pay_bank_code": "102"}
    clearing = http.ok(http.post("…/clearings", request))
    for claim in clearing["claims"]:
        settle(http, request["clear_no"], claim["voucher_no"], claim["pay_amt"], day)
    return {"number": number, "bgt_id": bgt_id, **evidence_of(http, number)}


def test_a_payment_proves_itself_from_indicator_to_clearing(
    http: HttpTreasury, settled: dict[str, Any]
) -> None:
    assert faults(settled) == []
    assert (settled["format"], settled["ledger"]) == ("guoku.evidence.1", http.ledger)
    types = [event["type"] for event in settled["events"]]
    assert types[0] == "indicator.issued"
    for kind in ("payment.applied", "voucher.signed", "voucher.receipted", "payment.refunded",
                 "clearing.requested@2"):  # fmt: skip
        assert types.count(kind) == 1, kind
    positions = [event["position"] for event in settled["events"]]
    assert positions == sorted(set(positions))
    # the receipt says which line failed, under the bank's signature
    payloads = {e["type"]: json.loads(base64.b64decode(e["payload"])) for e in settled["events"]}
    assert [d["pay_detail_id"] for d in payloads["voucher.receipted"]["failed"]] == ["d2"]
    bodies = {d["kind"]: base64.b64decode(d["body"]) for d in settled["documents"]}
    keys = {c["serial"]: PublicKey(bytes.fromhex(c["public_key"])) for c in settled["certificates"]}
    assert set(bodies) == {"voucher", "receipt", "notice", "clearing"}
    for kind, type_name in (
        ("voucher", "voucher.signed"),
        ("receipt", "voucher.receipted"),
        ("notice", "payment.refunded"),
    ):
        signed = payloads[type_name]
        signature = base64.b64decode(signed["signature"])
        key = keys[signed["cert_serial"]]
        assert http.treasury.provider.verify(key, bodies[kind], signature)


def settle(http: HttpTreasury, clear_no: str, voucher_no: str, amount: str, day: date) -> None:
    """The central bank's receipt for a claim, as the intake would hand it to the books."""
    body = f"<receipt>{voucher_no}</receipt>".encode()
    answer = msgspec.structs.replace(
        claim_receipt(clear_no, voucher_no, amount, day),
        receipt_sm3=http.treasury.provider.sm3(body).hex(),
        document=compress_document(body),
    )
    key = parse_ledger(http.ledger)
    submitted = http.treasury.sequencer.submit(key, [Submission(command=answer, by="pboc")])
    [outcome] = submitted.result(HANG_S)
    assert outcome.problem is None, outcome.problem


@pytest.mark.parametrize("place", ["payload", "recorded_at", "stream_version", "inclusion"])
def test_evidence_that_was_changed_is_found(settled: dict[str, Any], place: str) -> None:
    changed = copy.deepcopy(settled)
    event = changed["events"][2]
    match place:
        case "payload":
            payload = base64.b64decode(event["payload"]).replace(b"200.00", b"900.00", 1)
            event["payload"] = base64.b64encode(payload).decode()
        case "recorded_at":
            event["recorded_at"] = event["recorded_at"].replace("2026", "2027", 1)
        case "stream_version":
            event["stream_version"] += 1
        case "inclusion":
            event["inclusion"] = event["inclusion"][1:]
    assert changed != settled
    assert any(str(event["position"]) in fault for fault in faults(changed))
    forged = {
        **settled,
        "checkpoint": settled["checkpoint"].replace("\nrecorded 20", "\nrecorded 19"),
    }
    assert faults(forged) == ["the checkpoint is not signed"]
    document = {**settled["documents"][0], "body": base64.b64encode(b"another").decode()}
    assert faults({**settled, "documents": [document]}) == [f"document {document['sm3']}"]


def test_evidence_of_nothing_and_of_another_division(
    http: HttpTreasury, settled: dict[str, Any]
) -> None:
    assert http.get("…/payments/NONE/evidence").json()["code"] == "payment_not_found"
    http.tokens["shenzhen"] = http.token("shenzhen", "auditor", division="4403")
    path = f"…/payments/{settled['number']}/evidence"
    assert http.get(path, "shenzhen").json()["code"] == "forbidden"


def test_the_offline_verifier_agrees(http: HttpTreasury, tmp_path: Path) -> None:
    """The file as it comes, and the verifier as another process that shares no code with us."""
    number = http.signed(http.indicator("1000.00"), "200.00", details=LINES, payee_acct_name="")
    http.ok(http.deliver(http.receipt_for(number, "d2")))
    answer = http.get(f"…/payments/{number}/evidence")
    [key] = [k["public_key"] for k in keys_of(http) if k["name"] == "guoku/log"]

    def verified(content: bytes) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "evidence.json"
        path.write_bytes(content)
        command = [sys.executable, str(VERIFIER), str(path), f"--key=guoku/log={key}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)

    done = verified(answer.content)
    assert done.returncode == 0, done.stdout + done.stderr
    evidence = answer.json()
    evidence["events"][3]["stream_version"] += 1
    assert verified(json.dumps(evidence).encode()).returncode == 1
