"""Signing a voucher: real keys, real certificates, the same bytes for every signer."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from budget.indicator import INDICATOR
from division import certificates
from ledger.elements import stored_code_sets
from ledger.errors import Code, GuokuError, RequestError
from ledger.gm.keystore import KeyStore
from ledger.postgres.database import Database
from ledger.reading import documents, objects
from payments.messages import voucher_5214
from payments.payment import PAYMENT
from payments.signing.voucher_document import voucher_document
from payments.voucher import SignVoucher
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import detail
from tests.support.signing_ledger import NOW, FaultyDevice, SigningLedger, codes_of
from tests.support.signing_ledger import ledger as ledger

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
    ledger.approved("P")
    with ledger.b.pool.connection() as connection:
        asked = connection, ledger.b.ledger_id
        [payment] = objects.read_objects(*asked, PAYMENT, ["P"]).values()
        [indicator] = objects.read_objects(*asked, INDICATOR, ["B"]).values()
    by_card = replace(payment, applied=replace(payment.applied, pay_bus_type_code="2"))
    card, plain = (
        voucher_5214.parse(voucher_document(ledger.b.ledger_id, each, indicator, ledger.codes))
        for each in (by_card, payment)
    )
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
