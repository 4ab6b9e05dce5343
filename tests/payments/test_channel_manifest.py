"""批量签名清单 on the way: to the bank, back with one signature over many receipts, and forged."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from division import certificates
from ledger.gm import sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree, leaf_hash, verify_inclusion
from ledger.reading.objects import read_document
from payments.delivery.proofs import read_proofs
from payments.manifest import ManifestText, leaf_of, read_text
from payments.messages.envelope import VoucherBody, VoucherSignature, build_envelope, parse_envelope
from payments.messages.manifest_list import SignedManifest
from payments.receipts.judging import parse_receipts
from payments.signature_policy import SetSignaturePolicy
from payments.simulators.bank import Bank
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank, bank_config
from tests.support.waiting import wait_until

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


# ---- there and back


def test_vouchers_and_receipts_of_manifests_with_a_real_bank(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    numbers = treasury.applied(7, payee_acct_no="6222000000000000001")
    numbers += treasury.applied(1, "F", payee_acct_no="9999000000000000001")
    treasury.sign(numbers)
    with bank(treasury, server.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            settled = {"paid", "failed"}
            wait_until(lambda: set(treasury.statuses(numbers)) <= settled)
        finally:
            dispatcher.stop()
    assert treasury.statuses(numbers) == ["paid"] * 7 + ["failed"]
    assert server.refusals == []
    payments = treasury.payments(numbers)
    # the vouchers share one signature, which is in the books once
    [signed] = [
        e for _, n, e in treasury.keeper.events() if n == "manifest.signed" and e.by != "bank"
    ]
    assert {p.signatures[0].manifest_no for p in payments.values()} == {signed.manifest_no}
    assert sorted(p.signatures[0].leaf for p in payments.values()) == list(range(8))
    for number in numbers:
        assert verifies_alone(treasury, treasury.body_of(number), LEDGER, "treasury")
    # so do the receipts of one message, each of which verifies alone from what the books keep
    for payment in payments.values():
        assert payment.receipt is not None
        assert payment.receipt.signature == ""
        assert verifies_alone(treasury, kept_receipt(treasury, payment), "bank/102", "receipt")
    of_bank = [
        e for _, n, e in treasury.keeper.events() if n == "manifest.signed" and e.by == "bank"
    ]
    assert sum(read_text(e.text).leaf_count for e in of_bank) == 8


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


def test_each_role_signs_by_a_manifest_of_its_own(treasury: SigningTreasury, till: Bank) -> None:
    policy = SetSignaturePolicy(roles=("unit", "treasury"), signing="manifest")
    treasury.keeper.do(policy, "admin")
    numbers = treasury.applied(3)
    treasury.sign(numbers, "unit", "zhang.san")
    treasury.sign(numbers[::-1], "treasury", "li.si")
    body = treasury.body_of("P1")
    assert [(s.no, s.leaf) for s in body.signatures] == [("unit", 0), ("treasury", 2)]
    assert told(till, body) == "accepted"


def test_one_payment_signed_after_the_policy_changed_has_both_kinds(
    treasury: SigningTreasury, till: Bank
) -> None:
    roles = ("unit", "treasury")
    treasury.keeper.do(SetSignaturePolicy(roles=roles, signing="manifest"), "admin")
    [number] = treasury.applied(1)
    treasury.sign([number], "unit", "zhang.san")
    treasury.keeper.policy(*roles)
    treasury.sign([number], "treasury", "li.si")
    first, second = treasury.body_of(number).signatures
    assert (first.manifest is None, second.manifest is None) == (False, True)
    assert told(till, treasury.body_of(number)) == "accepted"


# ---- forged vouchers


def test_what_was_changed_on_the_way_to_the_bank_is_refused(
    treasury: SigningTreasury, till: Bank
) -> None:
    numbers = treasury.signed(5)
    body, other = treasury.body_of("P3"), treasury.body_of("P4")
    [signature] = body.signatures
    path, manifest = signature.path, signature.manifest
    assert manifest is not None
    text = read_text(manifest.text)
    bit = bytes((path[0] ^ 1,)) + path[1:]

    def of_text(**changed: Any) -> SignedManifest:
        changed_text = msgspec.structs.replace(text, **changed).written()
        return msgspec.structs.replace(manifest, text=changed_text)

    forged = {
        "a voucher": msgspec.structs.replace(
            body, voucher=body.voucher.replace(b"<PayAmt>1.00<", b"<PayAmt>9.00<")
        ),
        "its path": with_signature(body, path=bit),
        "a path too short": with_signature(body, path=path[:-32]),
        "a path too long": with_signature(body, path=path + path[:32]),
        "no path": with_signature(body, path=b""),
        "its place": with_signature(body, leaf=signature.leaf + 1),
        "a place beyond": with_signature(body, leaf=5),
        "another's place and path": msgspec.structs.replace(body, signatures=other.signatures),
        "the root": with_signature(body, manifest=of_text(root=bytes(32))),
        "the number of leaves": with_signature(body, manifest=of_text(leaf_count=4)),
        "the role": with_signature(body, manifest=of_text(role="unit")),
        "the ledger": with_signature(body, manifest=of_text(owner="440100000-2026")),
        "the role of the signature": with_signature(body, no="unit"),
        "leaves beside the path": with_signature(
            body, manifest=msgspec.structs.replace(manifest, leaves=bytes(160))
        ),
    }
    for what, changed in forged.items():
        assert changed != body, what
        assert told(till, changed) == "signature_invalid", what
    assert [told(till, treasury.body_of(number)) for number in numbers] == ["accepted"] * 5


def test_another_manifests_signature_covers_nothing_here(
    treasury: SigningTreasury, till: Bank
) -> None:
    treasury.signed(3)
    treasury.signed(3, "Q")
    body, other = treasury.body_of("P1"), treasury.body_of("Q1")
    assert body.signatures[0].manifest is not None
    value = other.signatures[0].manifest.value  # type: ignore[union-attr]
    spoilt = msgspec.structs.replace(body.signatures[0].manifest, value=value)
    assert told(till, with_signature(body, manifest=spoilt)) == "signature_invalid"
    moved = with_signature(body, manifest=other.signatures[0].manifest)
    assert told(till, moved) == "signature_invalid"


def test_a_manifest_counts_for_the_ledger_and_role_it_names(
    treasury: SigningTreasury, till: Bank
) -> None:
    """A person who may sign as unit does not sign as treasury by what was signed as unit."""
    [number] = treasury.signed(1)
    body = treasury.body_of(number)
    key = treasury.keys.private_key("principal/signer")
    leaves = [leaf_of(sm3(body.voucher))]

    def resigned(owner: str, role: str) -> VoucherBody:
        text = ManifestText(owner, role, 1, Tree(leaves).root).written()
        manifest = SignedManifest(text, treasury.provider.sign(key, text.encode()))
        return with_signature(body, manifest=manifest)

    assert told(till, resigned(LEDGER, "unit")) == "signature_invalid"
    assert told(till, resigned("440100000-2026", "treasury")) == "signature_invalid"
    assert told(till, resigned("bank/102", "receipt")) == "signature_invalid"
    assert told(till, resigned(LEDGER, "treasury")) == "accepted"


# ---- manifests of the first version


def of_version_1(
    treasury: SigningTreasury, bodies: list[VoucherBody]
) -> tuple[SignedManifest, list[bytes]]:
    """These vouchers under a manifest as it was signed then, and their paths."""
    tree = Tree([leaf_hash(body.voucher) for body in bodies])
    text = ManifestText(LEDGER, "treasury", len(tree), tree.root, version=1).written()
    key = treasury.keys.private_key("principal/signer")
    manifest = SignedManifest(text, treasury.provider.sign(key, text.encode()))
    return manifest, tree.inclusion_paths()


def test_a_bank_takes_what_was_signed_in_the_first_version(
    treasury: SigningTreasury, till: Bank
) -> None:
    bodies = [treasury.body_of(number) for number in treasury.signed(3)]
    manifest, paths = of_version_1(treasury, bodies)
    before = [
        with_signature(body, manifest=manifest, leaf=leaf, path=path)
        for leaf, (body, path) in enumerate(zip(bodies, paths, strict=True))
    ]
    changed = before[1].voucher.replace(b"<PayAmt>1.00<", b"<PayAmt>9.00<")
    forged = msgspec.structs.replace(before[1], voucher=changed)
    assert told(till, forged) == "signature_invalid"
    assert [told(till, body) for body in before] == ["accepted"] * 3


def test_a_path_counts_in_the_version_that_was_signed_alone(
    treasury: SigningTreasury, till: Bank
) -> None:
    bodies = [treasury.body_of(number) for number in treasury.signed(3)]
    manifest, paths = of_version_1(treasury, bodies)
    [today] = bodies[1].signatures
    assert today.manifest is not None
    assert (today.leaf, today.path != paths[1]) == (1, True)
    with_its_path = with_signature(bodies[1], path=paths[1])
    with_its_text = with_signature(bodies[1], manifest=manifest)
    assert told(till, with_its_path) == "signature_invalid"
    assert told(till, with_its_text) == "signature_invalid"
    # the text says the version, so it cannot be taken for the other one
    read = msgspec.structs.replace(read_text(today.manifest.text), version=1)
    renamed = msgspec.structs.replace(today.manifest, text=read.written())
    assert told(till, with_signature(bodies[1], manifest=renamed)) == "signature_invalid"
    # nor are leaves over digests those of the first version, though rightly signed
    key = treasury.keys.private_key("principal/signer")
    value = treasury.provider.sign(key, read.written().encode())
    crossed = msgspec.structs.replace(renamed, value=value)
    assert told(till, with_signature(bodies[1], manifest=crossed)) == "signature_invalid"
    assert told(till, bodies[1]) == "accepted"


def test_receipts_of_the_first_version_are_taken_in(treasury: SigningTreasury, till: Bank) -> None:
    numbers = treasury.signed(2)
    till.take_in(build_envelope([treasury.body_of(number) for number in numbers]))
    owed = till.book.due(datetime.now(UTC).timestamp() + 1, 10)
    receipts = [msgspec.msgpack.decode(item.body, type=VoucherBody) for item in owed]
    key = KeyStore(treasury.folder / "keys", "channel").private_key("bank/102")

    def signed(leaves: list[bytes], version: int) -> list[VoucherBody]:
        text = ManifestText("bank/102", "receipt", 2, Tree(leaves).root, version).written()
        value = treasury.provider.sign(key, text.encode())
        manifest = SignedManifest(text, value, b"".join(leaves))
        sn = till.config.cert_serial
        return [
            msgspec.structs.replace(
                receipt,
                signatures=(VoucherSignature(no="bank", sn=sn, manifest=manifest, leaf=leaf),),
            )
            for leaf, receipt in enumerate(receipts)
        ]

    documents = [leaf_hash(receipt.voucher) for receipt in receipts]
    digests = [leaf_of(sm3(receipt.voucher)) for receipt in receipts]
    assert taken(treasury, *signed(documents, 1)) == ["", ""]
    assert taken(treasury, *signed(digests, 2)) == ["", ""]
    assert taken(treasury, *signed(documents, 2)) == ["signature_invalid"] * 2
    assert taken(treasury, *signed(digests, 1)) == ["signature_invalid"] * 2


# ---- forged receipts


@pytest.fixture
def message(treasury: SigningTreasury, till: Bank) -> list[VoucherBody]:
    """The bank's answer to five vouchers, as it goes out."""
    numbers = treasury.signed(5)
    till.take_in(build_envelope([treasury.body_of(number) for number in numbers]))
    owed = till.book.due(datetime.now(UTC).timestamp() + 1, 10)
    receipts = [msgspec.msgpack.decode(item.body, type=VoucherBody) for item in owed]
    assert [receipt.signatures for receipt in receipts] == [()] * 5
    return till.sign_together(receipts)


def taken(treasury: SigningTreasury, *bodies: VoucherBody) -> list[str]:
    """The codes of what a message of receipts comes to, "" for a sound one."""
    now = datetime.now(UTC)
    with treasury.pool.connection() as connection:
        found = parse_receipts(connection, treasury.provider, build_envelope(bodies), now)
    return [item.problem.code.text if item.problem else "" for item in found]


def test_one_signature_covers_the_receipts_of_a_message(
    treasury: SigningTreasury, message: list[VoucherBody]
) -> None:
    assert {id(body.signatures[0].manifest) for body in message} == {
        id(message[0].signatures[0].manifest)
    }
    arrived = parse_envelope(build_envelope(message))
    assert arrived == message
    assert taken(treasury, *message) == [""] * 5
    assert taken(treasury, message[3]) == [""], "each of them may come alone"


def test_a_changed_receipt_is_refused_and_the_others_are_not(
    treasury: SigningTreasury, message: list[VoucherBody]
) -> None:
    forged = msgspec.structs.replace(
        message[2], voucher=message[2].voucher.replace(b"<XPayAmt>1.00<", b"<XPayAmt>0.00<")
    )
    codes = taken(treasury, *message[:2], forged, *message[3:])
    assert codes == ["", "", "signature_invalid", "", ""]


def test_what_was_changed_on_the_way_back_is_refused(
    treasury: SigningTreasury, message: list[VoucherBody]
) -> None:
    receipt = message[1]
    [signature] = receipt.signatures
    manifest = signature.manifest
    assert manifest is not None
    text = read_text(manifest.text)
    other_root = msgspec.structs.replace(text, root=bytes(32)).written()
    forged = {
        "its place": with_signature(receipt, leaf=0),
        "a place beyond": with_signature(receipt, leaf=5),
        "a path beside the leaves": with_signature(receipt, path=bytes(32)),
        "no leaves and no path": with_signature(
            receipt, manifest=msgspec.structs.replace(manifest, leaves=b"")
        ),
        "leaves cut short": with_signature(
            receipt, manifest=msgspec.structs.replace(manifest, leaves=manifest.leaves[:-32])
        ),
        "a bit of another's leaf": with_signature(
            receipt,
            manifest=msgspec.structs.replace(manifest, leaves=bytes(32) + manifest.leaves[32:]),
        ),
        "the root": with_signature(
            receipt, manifest=msgspec.structs.replace(manifest, text=other_root)
        ),
    }
    for what, changed in forged.items():
        assert taken(treasury, changed) == ["signature_invalid"], what


def test_receipts_are_not_signed_by_vouchers_signers(treasury: SigningTreasury, till: Bank) -> None:
    """The bank's key over a manifest of another role or owner makes no receipt."""
    [number] = treasury.signed(1)
    till.take_in(build_envelope([treasury.body_of(number)]))
    [owed] = till.book.due(datetime.now(UTC).timestamp() + 1, 10)
    receipt = msgspec.msgpack.decode(owed.body, type=VoucherBody)
    leaf = leaf_of(sm3(receipt.voucher))
    keys = KeyStore(treasury.folder / "keys", "channel")
    key = keys.private_key("bank/102")

    def signed_as(owner: str, role: str) -> VoucherBody:
        text = ManifestText(owner, role, 1, leaf).written()
        manifest = SignedManifest(text, treasury.provider.sign(key, text.encode()), leaf)
        signature = VoucherSignature(no="bank", sn=till.config.cert_serial, manifest=manifest)
        return msgspec.structs.replace(receipt, signatures=(signature,))

    assert taken(treasury, signed_as("bank/103", "receipt")) == ["signature_invalid"]
    assert taken(treasury, signed_as("bank/102", "treasury")) == ["signature_invalid"]
    assert taken(treasury, signed_as("bank/102", "receipt")) == [""]


def test_a_receipt_with_its_path_needs_the_manifest_in_the_books(
    treasury: SigningTreasury, message: list[VoucherBody], server: ReceiptServer
) -> None:
    [signature] = message[1].signatures
    manifest = signature.manifest
    assert manifest is not None
    path = Tree([manifest.leaves[at : at + 32] for at in range(0, 160, 32)]).inclusion_paths()[1]
    bare = msgspec.structs.replace(manifest, leaves=b"")
    alone = with_signature(message[1], manifest=bare, path=path)
    [result] = server.take_in(build_envelope([alone]))
    assert result["problem"]["code"] == "signature_invalid"
    assert [r["status"] for r in server.take_in(build_envelope([message[0]]))] == ["created"]
    assert [r["status"] for r in server.take_in(build_envelope([alone]))] == ["created"]
