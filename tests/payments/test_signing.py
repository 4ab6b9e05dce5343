"""Signing in bulk: real keys, real certificates, the same bytes for every signer."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from budget.indicator import INDICATOR
from division import certificates
from ledger.books import load_charts
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.errors import Code, GuokuError, RequestError
from ledger.gm import PrivateKey, default_provider, sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree, root_of
from ledger.postgres.database import Database
from ledger.reading import documents, objects
from payments.manifest import SignManifest, leaf_of, read_text, split_leaves
from payments.messages import voucher_5214
from payments.payment import PAYMENT
from payments.signature_policy import SetSignaturePolicy
from payments.signing import service, signer, unsigned
from payments.signing.credentials import person
from payments.signing.service import SigningService
from payments.voucher import SignVoucher
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper, detail, payment

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class SigningLedger:
    """A ledger with its key store: signs over the real path and submits what comes of it."""

    def __init__(self, b: Bookkeeper, keys: KeyStore) -> None:
        self.b, self.keys = b, keys
        self.provider: Any = default_provider()
        self.codes: Any = stored_code_sets.shipped()
        self.manifest: SignManifest | None = None

    def approved(self, *numbers: str, amount: str = "1.00", **more: Any) -> None:
        if not self.b.sql("SELECT 1 FROM registers WHERE ledger_id = %s"):
            self.b.issue("B", "100000.00")
        for number in numbers:
            self.b.apply(number, "B", amount, **more)
            self.b.approve(number)

    def sign(
        self,
        *numbers: str,
        role: str = "treasury",
        by: str = "li.si",
        now: datetime = NOW,
        **more: Any,
    ) -> list[SignVoucher | GuokuError]:
        b = self.b
        signing = SigningService(
            b.pool, self.keys, self.provider, lambda: self.codes, lambda: now, FREELY, **more
        )
        self.manifest, vouchers = signing.sign(b.ledger_id, numbers, role, by)
        return vouchers

    def signed(self, number: str, **how: Any) -> SignVoucher:
        """Signs, and puts the signature into the books."""
        [command] = self.sign(number, **how)
        assert isinstance(command, SignVoucher), command
        self.b.do(command, how.get("by", "li.si"))
        return command

    def document(self, command: SignVoucher) -> bytes:
        with self.b.pool.connection() as connection:
            digest = bytes.fromhex(command.voucher_sm3)
            document = objects.read_document(connection, self.b.ledger_id, digest)
        assert document is not None
        return document

    def verifies(self, command: SignVoucher, document: bytes) -> bool:
        with self.b.pool.connection() as connection:
            certificate = certificates.find(connection, command.cert_serial)
        assert certificate is not None
        signature = base64.b64decode(command.signature, validate=True)
        valid: bool = self.provider.verify(certificate.public_key, document, signature)
        return valid

    def certificate(self, by: str = "li.si") -> certificates.Certificate:
        with self.b.pool.connection() as connection:
            return certificates.current(connection, person(by), NOW)


@pytest.fixture
def ledger(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningLedger:
    return SigningLedger(bookkeeper, KeyStore(tmp_path / "keys", "测试口令", iterations=1000))


def codes_of(results: Sequence[SignVoucher | GuokuError]) -> list[str]:
    """A result as the code of its problem, or "signed"."""
    return [r.code.text if isinstance(r, GuokuError) else "signed" for r in results]


# ---- one signature


def test_a_signed_voucher_verifies_and_stands_in_the_books(ledger: SigningLedger) -> None:
    ledger.approved("P")
    command = ledger.signed("P")
    document = ledger.document(command)
    assert documents.decompress(command.document) == document
    assert ledger.provider.sm3(document).hex() == command.voucher_sm3
    assert ledger.verifies(command, document)
    assert not ledger.verifies(command, document + b" ")
    _, _, event = ledger.b.events()[-1]
    assert (event.cert_serial, event.by, event.final) == (command.cert_serial, "li.si", True)
    assert event.cert_serial == ledger.certificate().serial


def test_the_voucher_says_what_the_books_say(ledger: SigningLedger) -> None:
    b = ledger.b
    b.issue("B", "1000.00", effective_on=date(2026, 1, 20))
    b.apply("P", "B", "12.34", effective_on=date(2026, 2, 27), payee_bank_no="102581000013")
    approved = b.approve("P")
    v = voucher_5214.parse(ledger.document(ledger.signed("P")))
    assert approved.approved is not None
    assert (v.id, v.voucher_no, v.bill_no) == (approved.pay_cert_no, approved.pay_cert_no, "P")
    assert (v.adm_div_code, v.st_year) == ("440000", 2026)
    assert v.vou_date == date.fromisoformat(approved.approved.vou_date) == date(2026, 2, 27)
    assert (v.fund_type_code, v.exp_func_code, v.agency_code) == ("111", "2010102", "101001")
    assert (v.gov_exp_eco_code, v.dep_exp_eco_code) == ("50201", "30201")
    assert v.exp_func_name3 == v.exp_func_name != ""
    assert v.exp_func_name1 == "一般公共服务支出"
    assert (v.pay_type_code, v.pay_type_name) == ("1", "国库集中支付")
    assert (v.set_mode_code, v.business_type_code, v.pay_bank_code) == ("1", "1", "102")
    assert v.set_mode_name
    assert v.business_type_name
    assert v.pay_summary_name == "办公用品"
    assert (v.pay_amt, v.payee_acct_no) == (1234, "6222000000000000001")
    [line] = v.details
    assert (line.id, line.pay_amt, line.payee_acct_bank_no) == ("1", 1234, "102581000013")
    assert (line.payee_acct_name, v.payee_acct_name) == ("广州样例办公用品有限公司",) * 2


def test_a_bulk_payment_has_its_payees_in_the_details_only(ledger: SigningLedger) -> None:
    lines = (detail("d1", "1.00", "6222000000000000011"), detail("d2", "2.50"))
    ledger.approved("P", amount="3.50", details=lines)
    v = voucher_5214.parse(ledger.document(ledger.signed("P")))
    assert (v.payee_acct_no, v.payee_acct_name, v.pay_amt) == ("", "", 350)
    assert [(d.id, d.voucher_detail_no, d.pay_amt) for d in v.details] == [
        ("d1", "1", 100),
        ("d2", "2", 250),
    ]
    assert v.details[0].payee_acct_no == "6222000000000000011"


def test_an_official_card_line_says_so_unless_it_says_something(ledger: SigningLedger) -> None:
    ledger.approved("card", pay_bus_type_code="2")
    ledger.approved("plain")
    card = voucher_5214.parse(ledger.document(ledger.signed("card")))
    plain = voucher_5214.parse(ledger.document(ledger.signed("plain")))
    assert card.business_type_code == "2"
    assert [d.remark for d in (*card.details, *plain.details)] == ["公务卡还款", ""]


def test_the_accounts_belong_to_unit_and_bank(ledger: SigningLedger) -> None:
    ledger.b.issue("B", "10.00")
    ledger.b.issue("B2", "10.00", agency_code="101002")
    for number, bgt_id in (("P1", "B"), ("P2", "B"), ("P3", "B2")):
        ledger.b.apply(number, bgt_id, "1.00")
        ledger.b.approve(number)
    one, same, other = (
        voucher_5214.parse(ledger.document(ledger.signed(number))) for number in ("P1", "P2", "P3")
    )
    assert one.pay_acct_no == same.pay_acct_no != other.pay_acct_no
    assert one.clear_acct_no == other.clear_acct_no
    assert all((one.pay_acct_no, one.pay_acct_name, one.pay_acct_bank_name, one.clear_acct_no))


def test_the_same_payment_gives_the_same_bytes(ledger: SigningLedger) -> None:
    ledger.approved("P")
    first, second = ledger.sign("P")[0], ledger.sign("P")[0]
    assert isinstance(first, SignVoucher)
    assert isinstance(second, SignVoucher)
    assert first.voucher_sm3 == second.voucher_sm3
    assert first.signature != second.signature, "a nonce was used twice"


# ---- several signers


class Renamed:
    """The code sets after a reform: every name is another."""

    def __init__(self) -> None:
        self.codes = stored_code_sets.shipped()

    def name(self, element: str, code: str, **how: Any) -> str:
        return "新" + self.codes.name(element, code, **how)


def test_later_signers_sign_the_bytes_of_the_first(ledger: SigningLedger) -> None:
    ledger.b.policy("unit", "finance_first", "finance_second")
    ledger.approved("P", "Q")
    first = ledger.signed("P", role="unit", by="zhang.san")
    ledger.codes = Renamed()
    second = ledger.signed("P", role="finance_first", by="li.si")
    third = ledger.signed("P", role="finance_second", by="wang.wu")
    assert first.voucher_sm3 == second.voucher_sm3 == third.voucher_sm3
    document = ledger.document(first)
    assert "新".encode("gbk") not in document
    for command in (first, second, third):
        assert ledger.verifies(command, document)
    assert len({c.cert_serial for c in (first, second, third)}) == 3
    assert "新".encode("gbk") in ledger.document(ledger.signed("Q", role="unit", by="zhang.san"))


def test_other_bytes_than_the_first_signers_are_refused(
    ledger: SigningLedger, database: Database
) -> None:
    ledger.b.policy("unit", "treasury")
    ledger.approved("P", "Q", "R")
    first = [ledger.signed(number, role="unit", by="zhang.san") for number in ("P", "Q", "R")]
    other = documents.compress_document(ledger.document(first[0]).replace(b"1.00", b"9.00"))
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("ALTER TABLE documents DISABLE TRIGGER USER")
        for statement, command in (
            ("UPDATE documents SET body = %(body)s WHERE sm3 = %(sm3)s", first[0]),
            ("DELETE FROM documents WHERE sm3 = %(sm3)s", first[2]),
        ):
            owner.execute(statement, {"body": other, "sm3": bytes.fromhex(command.voucher_sm3)})
    results = ledger.sign("P", "Q", "R")
    assert codes_of(results) == ["internal", "signed", "internal"]
    assert "not what was signed" in str(results[0])
    assert "not stored" in str(results[2])


def test_the_books_refuse_a_second_signature_over_another_voucher(ledger: SigningLedger) -> None:
    ledger.b.policy("unit", "treasury")
    ledger.approved("P", "Q")
    ledger.signed("P", role="unit", by="zhang.san")
    of_q = ledger.signed("Q", role="unit", by="zhang.san")
    [command] = ledger.sign("P")
    assert isinstance(command, SignVoucher)
    forged = SignVoucher(
        pay_app_no="P",
        role="treasury",
        cert_serial=command.cert_serial,
        voucher_sm3=of_q.voucher_sm3,
        signature=command.signature,
        document=of_q.document,
    )
    assert ledger.b.refusal(forged, "li.si") == "signature_invalid"


def test_what_may_not_be_signed_is_refused_before_any_key_is_touched(ledger: SigningLedger) -> None:
    b = ledger.b
    b.policy("unit", "treasury")
    ledger.approved("ready", "started")
    ledger.signed("started", role="unit", by="zhang.san")
    b.apply("applied", "B", "1.00")
    before = ledger.keys.names()
    numbers = ("none", "applied", "ready", "started")
    assert codes_of(ledger.sign(*numbers, role="treasury", by="zhang.san")) == [
        "payment_not_found",
        "invalid_state",
        "signature_order",
        "same_person",
    ]
    assert codes_of(ledger.sign("none", "applied", by="zhao.liu")) == [
        "payment_not_found",
        "invalid_state",
    ]
    assert ledger.keys.names() == before
    assert ledger.sign() == []


# ---- certificates


def test_nobody_signs_with_an_expired_certificate(ledger: SigningLedger) -> None:
    ledger.approved("P", "Q")
    ledger.signed("P")
    end = ledger.certificate().not_after
    assert codes_of(ledger.sign("Q", now=end)) == ["signed"]
    late = end + timedelta(microseconds=1)
    results = ledger.sign("none", "Q", "P", now=late)
    # what one has signed before is answered as it was: no certificate is needed for that
    assert codes_of(results) == ["payment_not_found", "certificate_invalid", "signed"]
    assert "expired" in str(results[1])
    assert codes_of(ledger.sign("Q", by="wang.wu", now=late)) == ["signed"], "others go on"


def test_nobody_signs_with_a_revoked_certificate(ledger: SigningLedger) -> None:
    ledger.approved("P", "Q")
    ledger.signed("P")
    serial = ledger.certificate().serial
    with ledger.b.pool.connection() as connection:
        certificates.revoke(connection, serial, NOW, FREELY)
    results = ledger.sign("Q")
    assert codes_of(results) == ["certificate_invalid"]
    assert "revoked" in str(results[0])


def test_a_renewed_certificate_is_taken_up(ledger: SigningLedger) -> None:
    ledger.approved("P", "Q")
    ledger.signed("P")
    old = ledger.certificate()
    late = old.not_after + timedelta(days=1)
    with ledger.b.pool.connection() as connection:
        new = certificates.register(
            connection,
            old.subject,
            old.public_key,
            FREELY,
            not_before=late,
            not_after=late + certificates.VALIDITY,
        )
    [command] = ledger.sign("Q", now=late)
    assert isinstance(command, SignVoucher)
    assert command.cert_serial == new.serial != old.serial


def test_a_key_that_is_not_the_certificates_signs_nothing(
    ledger: SigningLedger, tmp_path: Path
) -> None:
    ledger.approved("P", "Q")
    ledger.signed("P")
    ledger.keys = KeyStore(tmp_path / "other", "测试口令", iterations=1000)
    results = ledger.sign("Q")
    assert codes_of(results) == ["certificate_invalid"]
    assert "another key" in str(results[0])


def test_a_name_that_no_key_can_have_is_malformed(ledger: SigningLedger) -> None:
    ledger.approved("P")
    with pytest.raises(RequestError) as error:
        ledger.sign("P", by="li/../si")
    assert error.value.code is Code.MALFORMED


# ---- faults


class FaultyDevice:
    """Signs something else for every voucher over ``amount``, as a device with a flipped bit."""

    def __init__(self, amount: bytes) -> None:
        self.sound, self.amount = default_provider(), amount

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        return self.sound.sign(key, message.replace(self.amount, b"0.00"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


def test_a_faulty_signature_does_not_reach_the_books(ledger: SigningLedger) -> None:
    ledger.approved("P1", "P3")
    ledger.approved("P2", amount="77.77")
    ledger.provider = FaultyDevice(b"77.77")
    results = ledger.sign("P1", "P2", "P3")
    assert codes_of(results) == ["signed", "internal", "signed"]
    assert "does not verify" in str(results[1])


def test_a_voucher_that_gbk_cannot_carry_stops_no_other(ledger: SigningLedger) -> None:
    ledger.approved("P1", "P3")
    ledger.approved("P2", payee_acct_name="𠮷野样例商行")
    results = ledger.sign("P1", "P2", "P3")
    assert codes_of(results) == ["signed", "malformed", "signed"]
    problem = results[1]
    assert isinstance(problem, GuokuError)
    assert problem.extra["pointer"].endswith("/PayeeAcctName")


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
