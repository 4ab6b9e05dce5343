"""Receipts that a bank has signed together: one signature covers them, and nothing else does."""

from datetime import UTC, datetime

import msgspec
import pytest

from ledger.gm import sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree
from payments.manifest import ManifestText, leaf_of, read_text
from payments.messages.envelope import VoucherBody, VoucherSignature, build_envelope, parse_envelope
from payments.messages.manifest_list import SignedManifest
from payments.simulators.bank import Bank
from tests.support.channel_parties import ReceiptServer, SigningTreasury
from tests.support.manifest_parties import server as server
from tests.support.manifest_parties import taken, with_signature
from tests.support.manifest_parties import till as till
from tests.support.manifest_parties import treasury as treasury

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
