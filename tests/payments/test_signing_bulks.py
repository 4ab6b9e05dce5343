"""Signing many vouchers: one by one, by one signature over all, and those the write path knows."""

import base64
from typing import Any

import pytest

from budget.indicator import INDICATOR
from division import certificates
from ledger.books import load_charts
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.state import LedgerState
from ledger.gm import sm3
from ledger.integrity.merkle import Tree, root_of
from ledger.reading import documents, objects
from payments.manifest import leaf_of, read_text, split_leaves
from payments.messages import voucher_5214
from payments.payment import PAYMENT
from payments.signature_policy import SetSignaturePolicy
from payments.signing import service, signer, unsigned
from payments.voucher import SignVoucher
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.signing_ledger import NOW, FaultyDevice, SigningLedger, codes_of
from tests.support.signing_ledger import ledger as ledger

# ---- bulks


def test_a_bulk_of_two_hundred_keeps_its_places(ledger: SigningLedger) -> None:
    b = ledger.b
    b.issue("B", "100000.00")
    numbers = [f"P{i}" for i in range(200)]
    refused = {"P13": "invalid_state", "P77": "payment_not_found", "P199": "invalid_state"}
    applied = [payment(n, "B", f"{i + 1}.00") for i, n in enumerate(numbers) if n != "P77"]
    assert all(o.problem is None for o in b.submit(*applied))
    for number in numbers:
        if number not in refused:
            b.approve(number)
    results = ledger.sign(*numbers)
    assert codes_of(results) == [refused.get(number, "signed") for number in numbers]
    commands = [r for r in results if isinstance(r, SignVoucher)]
    assert [c.pay_app_no for c in commands] == [n for n in numbers if n not in refused]
    for command in commands:
        document = documents.decompress(command.document)
        assert ledger.verifies(command, document)
        voucher = voucher_5214.parse(document)
        assert (voucher.bill_no, voucher.pay_amt) == (
            command.pay_app_no,
            (int(command.pay_app_no[1:]) + 1) * 100,
        )
    assert all(o.problem is None for o in b.submit(*commands, by="li.si"))
    with b.pool.connection() as connection:
        read = objects.read_objects(connection, b.ledger_id, PAYMENT, numbers)
    assert {n for n, p in read.items() if p.status == "signed"} == set(numbers) - set(refused)


def test_a_bulk_longer_than_what_is_held_at_once_is_the_same(
    ledger: SigningLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.approved("P1", "P2", "P3", "P4", "P5")
    numbers = ("P1", "none", "P2", "nil", "nought", "P3", "P4", "P5", "P1")
    monkeypatch.setattr(service, "BULK_MAX", 2)
    results = ledger.sign(*numbers)
    expected = ["payment_not_found" if n.startswith("n") else "signed" for n in numbers]
    assert codes_of(results) == expected
    commands = [r for r in results if isinstance(r, SignVoucher)]
    assert [c.pay_app_no for c in commands] == [n for n in numbers if n.startswith("P")]
    # the number that was there twice is signed once
    outcomes = ledger.b.submit(*commands, by="li.si")
    assert [o.status for o in outcomes] == ["created"] * 5 + ["replayed"]


# ---- together


def by_manifest(ledger: SigningLedger, *roles: str) -> None:
    ledger.b.do(SetSignaturePolicy(roles=roles, signing="manifest"), "admin")


def test_what_is_signed_together_has_one_signature_that_verifies(ledger: SigningLedger) -> None:
    by_manifest(ledger, "treasury")
    ledger.approved("P1", "P2", "P3", "P4", "P5")
    results = ledger.sign("P1", "none", "P2", "P3", "P4", "P5")
    assert codes_of(results) == ["signed", "payment_not_found", *["signed"] * 4]
    manifest, commands = ledger.manifest, [r for r in results if isinstance(r, SignVoucher)]
    assert manifest is not None
    leaves = [leaf_of(sm3(documents.decompress(command.document))) for command in commands]
    text = read_text(manifest.text)
    assert (text.owner, text.role, text.leaf_count) == ("440000000-2026", "treasury", 5)
    assert text.root == root_of(leaves)
    assert split_leaves(documents.decompress(manifest.document)) == leaves
    assert [(c.manifest_no, c.leaf, c.signature) for c in commands] == [
        (manifest.number, leaf, "") for leaf in range(5)
    ]
    signature = base64.b64decode(manifest.signature, validate=True)
    signer = ledger.certificate()
    assert manifest.cert_serial == signer.serial
    assert ledger.provider.verify(signer.public_key, manifest.text.encode(), signature)
    outcomes = ledger.b.submit(manifest, *commands, by="li.si")
    assert [o.problem for o in outcomes] == [None] * 6
    assert [o.subjects[0].status for o in outcomes[1:]] == ["signed"] * 5


def test_the_bytes_are_the_same_however_they_are_signed(ledger: SigningLedger) -> None:
    ledger.approved("P")
    [alone] = ledger.sign("P")
    by_manifest(ledger, "treasury")
    [together] = ledger.sign("P")
    assert isinstance(alone, SignVoucher)
    assert isinstance(together, SignVoucher)
    assert (alone.voucher_sm3, alone.document) == (together.voucher_sm3, together.document)


def test_signing_the_same_vouchers_again_gives_the_same_manifest(ledger: SigningLedger) -> None:
    by_manifest(ledger, "treasury")
    ledger.approved("P1", "P2")
    ledger.sign("P1", "P2")
    first = ledger.manifest
    ledger.sign("P1", "P2")
    assert first is not None
    assert ledger.manifest is not None
    assert ledger.manifest.number == first.number
    assert ledger.manifest.signature != first.signature
    ledger.b.do(first, "li.si")
    assert ledger.b.do(ledger.manifest, "li.si").replayed


def test_a_faulty_signature_of_a_manifest_signs_nothing(ledger: SigningLedger) -> None:
    by_manifest(ledger, "treasury")
    ledger.approved("P1", "P2")
    ledger.provider = FaultyDevice(b"guoku/manifest")
    results = ledger.sign("P1", "none", "P2")
    assert codes_of(results) == ["internal", "payment_not_found", "internal"]
    assert ledger.manifest is None


def test_nothing_to_sign_makes_no_manifest(ledger: SigningLedger) -> None:
    by_manifest(ledger, "treasury")
    assert codes_of(ledger.sign("none", "nil")) == ["payment_not_found"] * 2
    assert ledger.manifest is None
    assert ledger.sign() == []


def test_a_revoked_certificate_signs_no_manifest(ledger: SigningLedger) -> None:
    by_manifest(ledger, "treasury")
    ledger.approved("P", "Q")
    ledger.sign("P")
    with ledger.b.pool.connection() as connection:
        certificates.revoke(connection, ledger.certificate().serial, NOW, FREELY)
    assert codes_of(ledger.sign("Q", "none")) == ["certificate_invalid", "payment_not_found"]
    assert ledger.manifest is None


# ---- payments that are in the write path's view


class View:
    """A view of payments and indicators as they stood when it was taken."""

    def __init__(self, b: Bookkeeper) -> None:
        self.b = b
        self.held = {number: self.of(PAYMENT, number) for number in ("P", "Q")}

    def of(self, kind: Any, number: str) -> Any:
        return self.b.sequencer.peek(self.b.ledger_id, kind, [number])[number]

    def __call__(self, _ledger_id: int, kind: Any, numbers: Any, _position: int) -> dict[str, Any]:
        if kind is PAYMENT:
            return {number: self.held[number] for number in numbers}
        return {number: self.of(kind, number) for number in numbers}


def test_what_is_in_view_is_signed_as_if_it_were_read(
    ledger: SigningLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.approved("P", "Q")
    read = ledger.sign("P", "Q")
    monkeypatch.setattr(unsigned, "read_objects", None)  # nothing is left to be read
    seen = ledger.sign("P", "Q", peek=ledger.b.sequencer.peek)
    assert [c.voucher_sm3 for c in seen if isinstance(c, SignVoucher)] == [
        c.voucher_sm3 for c in read if isinstance(c, SignVoucher)
    ]
    assert len(seen) == 2


def test_an_approval_in_view_that_was_not_committed_is_not_signed(ledger: SigningLedger) -> None:
    """A batch that fails takes its approvals back."""
    ledger.approved("Q")
    b = ledger.b
    b.apply("P", "B", "1.00")
    committed = len(b.events())
    view = LedgerState(b.ledger_id, load_charts())
    approved = View(b).held["Q"]
    view.stand_at(committed + 1, b"", 0, 0, LedgerSettings())
    view.take_object(PAYMENT, "Q", approved, bytes(16), 2, committed - 1)
    view.take_object(PAYMENT, "P", approved, bytes(16), 2, committed + 1)
    view.take_object(INDICATOR, "B", View(b).of(INDICATOR, "B"), bytes(16), 1, 1)

    def peek(_ledger_id: int, kind: Any, numbers: Any, position: int) -> dict[str, Any]:
        return view.peek(kind, numbers, position)

    assert codes_of(ledger.sign("P", "Q", peek=peek)) == ["invalid_state", "signed"]


def test_a_view_that_is_behind_refuses_nobody(ledger: SigningLedger) -> None:
    """Another process has taken the first signature: whose turn it is now, the books say."""
    b = ledger.b
    b.do(SetSignaturePolicy(roles=("unit", "treasury"), pay_bank_code="102"), "admin")
    ledger.approved("P", "Q")
    behind = View(b)
    first = ledger.signed("P", role="unit", by="unit")
    [second] = ledger.sign("P", role="treasury", by="treasury", peek=behind)
    assert isinstance(second, SignVoucher)
    assert second.voucher_sm3 == first.voucher_sm3
    assert b.sequencer.peek(b.ledger_id, PAYMENT, ["P"], len(b.events()) + 1) == {}


def test_a_manifest_whose_root_was_computed_wrongly_is_not_given_out(
    ledger: SigningLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FaultyTree(Tree):
        @property
        def root(self) -> bytes:
            return bytes([super().root[0] ^ 1]) + super().root[1:]

    ledger.b.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
    ledger.approved("P", "Q")
    assert codes_of(ledger.sign("P", "Q")) == ["signed", "signed"]
    monkeypatch.setattr(signer, "Tree", FaultyTree)
    assert codes_of(ledger.sign("P", "Q")) == ["internal", "internal"]
    assert ledger.manifest is None
