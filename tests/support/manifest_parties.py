"""A ledger whose bank takes manifests, and signatures that are moved from one to another."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from division import certificates
from ledger.gm import sm3
from ledger.integrity.merkle import leaf_hash, verify_inclusion
from ledger.reading.objects import read_document
from payments.delivery.proofs import read_proofs
from payments.messages.envelope import VoucherBody, VoucherSignature, build_envelope
from payments.receipts.judging import parse_receipts
from payments.signature_policy import SetSignaturePolicy
from payments.simulators.bank import Bank
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank_config

LEDGER = "440000000-2026"


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    """A ledger whose bank takes manifests."""
    bookkeeper.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def server(treasury: SigningTreasury) -> Iterator[ReceiptServer]:
    with ReceiptServer(treasury) as server:
        yield server


@pytest.fixture
def till(treasury: SigningTreasury, server: ReceiptServer) -> Iterator[Bank]:
    bank = Bank(bank_config(treasury, server.url))
    yield bank
    bank.close()


def told(till: Bank, body: VoucherBody) -> str:
    """What the bank says of a voucher: accepted, or why not."""
    [result] = till.take_in(build_envelope([body])).results
    return result.problem.code if result.problem else result.status


def with_signature(body: VoucherBody, **changed: Any) -> VoucherBody:
    signature = msgspec.structs.replace(body.signatures[0], **changed)
    return msgspec.structs.replace(body, signatures=(signature,))


def key_of(treasury: SigningTreasury, serial: str) -> Any:
    with treasury.pool.connection() as connection:
        found = certificates.find(connection, serial)
    assert found is not None
    return found.public_key


def verifies_alone(treasury: SigningTreasury, body: VoucherBody, owner: str, role: str) -> bool:
    """As docs/history-format.md says it, from what the document carries alone."""
    [signature] = body.signatures
    assert signature.manifest is not None
    text = signature.manifest.text
    header, said_owner, said_role, count, root, end = text.split("\n")
    assert (header, said_owner, said_role, end) == ("guoku/manifest/2", owner, role, "")
    signer = key_of(treasury, signature.sn)
    path = [signature.path[at : at + 32] for at in range(0, len(signature.path), 32)]
    return treasury.provider.verify(signer, text.encode(), signature.manifest.value) and (
        verify_inclusion(
            leaf_hash(sm3(body.voucher)), signature.leaf, int(count), path, base64.b64decode(root)
        )
    )


def kept_receipt(treasury: SigningTreasury, payment: Any) -> VoucherBody:
    receipt, key = payment.receipt, treasury.keeper.ledger_id
    with treasury.pool.connection() as connection:
        document = read_document(connection, key, bytes.fromhex(receipt.receipt_sm3))
        proofs = read_proofs(connection, key, [receipt.manifest_no])
    manifest, paths = proofs[receipt.manifest_no]
    signature = VoucherSignature(
        no="bank",
        sn=receipt.cert_serial,
        manifest=manifest,
        leaf=receipt.leaf,
        path=paths[receipt.leaf],
    )
    body = treasury.body_of(payment.pay_app_no)
    return msgspec.structs.replace(body, voucher=document, signatures=(signature,))


def taken(treasury: SigningTreasury, *bodies: VoucherBody) -> list[str]:
    """The codes of what a message of receipts comes to, "" for a sound one."""
    now = datetime.now(UTC)
    with treasury.pool.connection() as connection:
        found = parse_receipts(connection, treasury.provider, build_envelope(bodies), now)
    return [item.problem.code.text if item.problem else "" for item in found]
