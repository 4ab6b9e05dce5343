"""批量签名清单 on the way: to the bank, back with one signature over many receipts, and forged."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ledger.gm import sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree, leaf_hash
from payments.manifest import ManifestText, leaf_of, read_text
from payments.messages.envelope import VoucherBody, VoucherSignature, build_envelope
from payments.messages.manifest_list import SignedManifest
from payments.signature_policy import SetSignaturePolicy
from payments.simulators.bank import Bank
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank
from tests.support.manifest_parties import (
    LEDGER,
    kept_receipt,
    taken,
    told,
    verifies_alone,
    with_signature,
)
from tests.support.manifest_parties import server as server
from tests.support.manifest_parties import till as till
from tests.support.manifest_parties import treasury as treasury
from tests.support.waiting import wait_until

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
