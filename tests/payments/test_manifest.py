"""批量签名清单 in the books: what a signature over many vouchers lets through, and what not."""

import base64
from typing import Any

import msgspec
import pytest

from ledger.errors import Refusal
from ledger.gm import sm3
from ledger.integrity.merkle import Tree
from payments.manifest import (
    ManifestText,
    SignManifest,
    leaf_of,
    manifest_number,
    read_text,
    split_leaves,
)
from payments.signature_policy import SetSignaturePolicy
from payments.voucher import SignVoucher
from tests.support.bookkeeper import Bookkeeper, receipt, signature

ROOT = sm3(b"root")


def manifest(b: Bookkeeper, *numbers: str, role: str = "treasury", **text: str) -> SignManifest:
    """One manifest over the vouchers of these payments; the signature is made up."""
    tree = Tree([leaf_of(sm3(b"voucher" + number.encode())) for number in numbers])
    leaves = b"".join(tree.leaves)
    given = {"owner": "440000000-2026", "role": role, **text}
    return SignManifest(
        role=role,
        cert_serial="test",
        text=ManifestText(**given, leaf_count=len(tree), root=tree.root).written(),
        signature="made up",
        leaves_sm3=sm3(leaves).hex(),
        document=leaves,
    )


def covered_by(m: SignManifest, number: str, leaf: int, **changed: Any) -> SignVoucher:
    given = {"role": m.role, "signature": "", "manifest_no": m.number, "leaf": leaf, **changed}
    return msgspec.structs.replace(signature(number), **given)


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """P1 and P2 approved, for a bank that takes manifests, to be signed by two persons."""
    bookkeeper.do(SetSignaturePolicy(roles=("unit", "treasury"), signing="manifest"), "admin")
    bookkeeper.issue("B", "100.00")
    for number in ("P1", "P2"):
        bookkeeper.apply(number, "B", "1.00")
        bookkeeper.approve(number)
    return bookkeeper


# ---- the text


def test_the_text_is_that_of_the_format() -> None:
    text = ManifestText("440000000-2026", "unit", 2, ROOT)
    root = base64.b64encode(ROOT).decode()
    assert text.written() == f"guoku/manifest/2\n440000000-2026\nunit\n2\n{root}\n"
    assert read_text(text.written()) == text


def test_a_text_of_the_first_version_is_read_as_it_was_signed() -> None:
    root = base64.b64encode(ROOT).decode()
    signed = f"guoku/manifest\n440000000-2026\nunit\n2\n{root}\n"
    assert read_text(signed) == ManifestText("440000000-2026", "unit", 2, ROOT, version=1)
    assert read_text(signed).written() == signed


def test_a_leaf_is_over_the_documents_sm3_and_was_over_the_document() -> None:
    """So no leaf, and no path from one, counts in both versions."""
    today = ManifestText("440000000-2026", "unit", 2, ROOT)
    before = msgspec.structs.replace(today, version=1)
    document, digest = b"voucher", sm3(b"voucher")
    assert today.leaf(document, digest) == sm3(b"\x00" + digest) == leaf_of(digest)
    assert before.leaf(document, digest) == sm3(b"\x00voucher")
    assert today.written() != before.written()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("guoku/manifest/2", "guoku/manifesto"),
        ("guoku/manifest/2", "guoku/manifest/1"),
        ("guoku/manifest/2", "guoku/manifest/3"),
        ("guoku/manifest/2", "guoku/manifest/"),
        ("\n2\n", "\n02\n"),
        ("\n2\n", "\n0\n"),
        ("\n2\n", "\n999999\n"),
        ("\nunit\n", "\n\n"),
        ("=\n", "=\n\n"),
        ("=\n", "="),
        ("\n", "\r\n"),
    ],
)
def test_another_text_is_no_manifest(old: str, new: str) -> None:
    text = ManifestText("440000000-2026", "unit", 2, ROOT).written()
    with pytest.raises(Refusal) as refused:
        read_text(text.replace(old, new))
    assert refused.value.code.text == "signature_invalid"


def test_one_root_has_one_text() -> None:
    """Base64 of 32 bytes leaves two bits over, which nobody may fill."""
    text = ManifestText("440000000-2026", "unit", 2, bytes(32)).written()
    assert text.endswith("AA=\n")
    with pytest.raises(Refusal):
        read_text(text.replace("AA=\n", "AB=\n"))


# ---- the books


def test_two_roles_sign_the_same_vouchers_by_a_manifest_each(b: Bookkeeper) -> None:
    unit, treasury = manifest(b, "P1", "P2", role="unit"), manifest(b, "P1", "P2")
    b.do(unit, "zhang.san")
    for leaf, number in enumerate(("P1", "P2")):
        b.do(covered_by(unit, number, leaf), "zhang.san")
    b.do(treasury, "li.si")
    for leaf, number in enumerate(("P1", "P2")):
        payment = b.do(covered_by(treasury, number, leaf), "li.si").subjects[0]
        assert payment.status == "signed"
        assert [s.signature for s in payment.signatures] == ["", ""]
        assert [s.manifest_no for s in payment.signatures] == [unit.number, treasury.number]
        assert [s.leaf for s in payment.signatures] == [leaf, leaf]
    [first, second] = [e for _, name, e in b.events() if name == "manifest.signed"]
    assert (first.text, second.text) == (unit.text, treasury.text)
    # both have the same leaves, which are stored once
    with b.pool.connection() as connection:
        (stored,) = connection.execute(
            "SELECT body FROM documents WHERE ledger_id = %s AND sm3 = %s",
            (b.ledger_id, bytes.fromhex(second.leaves_sm3)),
        ).fetchone()
    assert split_leaves(stored) == [leaf_of(sm3(b"voucherP1")), leaf_of(sm3(b"voucherP2"))]


def test_a_manifest_signed_again_is_the_same_one(b: Bookkeeper) -> None:
    first = b.do(manifest(b, "P1", role="unit"), "zhang.san")
    signed_anew = msgspec.structs.replace(manifest(b, "P1", role="unit"), signature="another")
    again = b.do(signed_anew, "zhang.san")
    assert again.replayed
    assert again.last_position == first.last_position


@pytest.mark.parametrize(
    ("changed", "by"),
    [
        ({"manifest_no": "0" * 32}, "zhang.san"),
        ({"leaf": 2}, "zhang.san"),
        ({"leaf": -1}, "zhang.san"),
        ({"cert_serial": "another"}, "zhang.san"),
        ({}, "li.si"),
    ],
)
def test_what_is_no_leaf_of_the_persons_own_manifest_is_refused(
    b: Bookkeeper, changed: dict[str, Any], by: str
) -> None:
    unit = manifest(b, "P1", "P2", role="unit")
    b.do(unit, "zhang.san")
    wrong = msgspec.structs.replace(covered_by(unit, "P1", 0), **changed)
    assert b.refusal(wrong, by) == "signature_invalid"
    assert b.refusal(covered_by(unit, "P1", 0), "zhang.san") == ""


def test_a_manifest_of_one_role_is_no_signature_in_another(b: Bookkeeper) -> None:
    unit = manifest(b, "P1", role="unit")
    b.do(unit, "zhang.san")
    b.do(covered_by(unit, "P1", 0), "zhang.san")
    assert b.refusal(covered_by(unit, "P1", 0, role="treasury"), "li.si") == "signature_invalid"


def test_a_manifest_says_its_ledger_and_its_role(b: Bookkeeper) -> None:
    assert b.refusal(manifest(b, "P1", owner="440100000-2026")) == "signature_invalid"
    other = msgspec.structs.replace(manifest(b, "P1", role="unit"), role="treasury")
    assert b.refusal(other) == "signature_invalid"


def test_persons_and_their_order_are_as_with_single_signatures(b: Bookkeeper) -> None:
    treasury = manifest(b, "P1", role="treasury")
    b.do(treasury, "zhang.san")
    assert b.refusal(covered_by(treasury, "P1", 0), "zhang.san") == "signature_order"
    unit = manifest(b, "P1", role="unit")
    b.do(unit, "zhang.san")
    b.do(covered_by(unit, "P1", 0), "zhang.san")
    assert b.refusal(covered_by(treasury, "P1", 0), "zhang.san") == "same_person"


def test_a_bank_that_wants_single_signatures_gets_no_manifest(b: Bookkeeper) -> None:
    unit = manifest(b, "P1", role="unit")
    b.do(unit, "zhang.san")
    b.policy("unit", "treasury")
    assert b.refusal(covered_by(unit, "P1", 0), "zhang.san") == "signature_invalid"
    b.sign("P1", "unit", "zhang.san")


def test_receipts_of_a_manifest(b: Bookkeeper) -> None:
    b.policy("treasury")
    b.apply("P3", "B", "1.00")
    paid = b.approve("P3")
    b.sign("P3")
    answer = manifest(b, "P3", role="receipt", owner="bank/102")
    covered = {"signature": "", "manifest_no": answer.number, "leaf": 0, "cert_serial": "test"}
    assert b.refusal(receipt(paid, **covered), "bank") == "signature_invalid"
    b.do(answer, "bank")
    assert b.refusal(receipt(paid, **covered | {"leaf": 1}), "bank") == "signature_invalid"
    stated = b.do(receipt(paid, **covered), "bank").subjects[0].receipt
    assert (stated.manifest_no, stated.leaf, stated.signature) == (answer.number, 0, "")


def test_a_number_is_of_documents_role_and_signer() -> None:
    text = ManifestText("440000000-2026", "unit", 2, ROOT).written()
    assert manifest_number(text, "a") != manifest_number(text, "b")
    assert manifest_number(text, "a") == manifest_number(text, "a")
