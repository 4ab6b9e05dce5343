"""付款账户: from which account a voucher is paid, as the division's registers say on its day."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import psycopg
import pytest

from budget.indicator import INDICATOR
from division.account import ChangeAccount, RegisterAccount
from division.agency import RegisterAgency
from division.opening import OpenDivision
from division.payer import Payer
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.elements import stored_code_sets
from ledger.postgres.database import Database, connect
from ledger.reading.objects import read_objects
from payments.application import ApprovePayment
from payments.messages import voucher_5214
from payments.messages.voucher_5214 import Voucher5214
from payments.payment import Payment
from payments.signing.voucher_document import voucher_document
from payments.verification.agreement import NamedDocument, disagreement
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import payment, signature
from verifier import guoku_verify

pytestmark = pytest.mark.usefixtures("decided_again")

APRIL = date(2026, 4, 1)


def account(number: str, kind: str, **more: Any) -> RegisterAccount:
    return RegisterAccount(
        acct_no=f"4400100000000{number}",
        acct_name=f"户名{number}",
        acct_bank_name=f"开户行{number}",
        bank_no="102581000013",
        acc_type_code=kind,
        **more,
    )


OPEN = (
    OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"),
    RegisterAgency(agency_code="101", agency_name="样例教育部门", agency_type_code="1"),
    RegisterAgency(
        agency_code="101001",
        agency_name="样例学校",
        agency_type_code="3",
        parent_agency_code="101",
        mof_dep_code="06",
    ),
)


class Treasury:
    """A division with its accounts, and its year."""

    def __init__(self, books: KnowingBookkeeper, connection: psycopg.Connection) -> None:
        self.books, self.connection = books, connection

    def say(self, *commands: Command) -> None:
        record(self.connection, standing_ledger("44"), commands, FREELY, by=OPERATOR)

    def approved(self, number: str) -> Payment:
        self.books.apply(number, "B1", "10.00")
        return self.books.approve(number)

    def voucher(self, number: str) -> Voucher5214:
        """What is signed for it."""
        return voucher_5214.parse(self.document(self.approved(number)))

    def document(self, paid: Payment) -> bytes:
        key, codes = self.books.ledger_id, stored_code_sets.shipped()
        with self.books.pool.connection() as connection:
            indicator = read_objects(connection, key, INDICATOR, ["B1"])["B1"]
        return voucher_document(key, paid, indicator, codes)


@pytest.fixture
def treasury(database: Database) -> Iterator[Treasury]:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    with connect(database.app_conninfo) as connection:
        yield Treasury(keeper, connection)
    keeper.close()
    keeper.pool.close()


def test_a_voucher_names_the_units_account_and_the_treasurys(treasury: Treasury) -> None:
    treasury.say(*OPEN, account("0001", "21", agency_code="101001"), account("0011", "11"))
    treasury.books.issue("B1", "100.00")
    made = treasury.voucher("SQ-1")
    assert (made.pay_acct_no, made.pay_acct_name, made.pay_acct_bank_name) == (
        "44001000000000001",
        "户名0001",
        "开户行0001",
    )
    assert (made.clear_acct_no, made.clear_acct_name) == ("44001000000000011", "户名0011")
    assert (made.agency_name, made.sup_dep_name) == ("样例学校", "样例教育部门")
    assert made.mof_dep_code == "06"


def test_a_division_without_accounts_writes_vouchers_as_before(treasury: Treasury) -> None:
    treasury.books.issue("B1", "100.00")
    before = treasury.voucher("SQ-1")
    assert before.pay_acct_no == "102440000101001"
    treasury.say(account("0011", "11"))
    assert treasury.approved("SQ-2").approved.payer is None, "it was not opened"  # type: ignore[union-attr]
    treasury.say(*OPEN)
    opened = treasury.voucher("SQ-3")
    assert (opened.pay_acct_no, opened.clear_acct_no) == ("102440000101001", "44001000000000011")


def test_of_several_accounts_the_one_for_the_fund_and_the_bank_pays(treasury: Treasury) -> None:
    """The fund is 111, the bank 102."""
    of_the_unit: dict[str, Any] = {"agency_code": "101001"}
    treasury.say(
        *OPEN,
        account("0001", "21", **of_the_unit),
        account("0002", "21", **of_the_unit, fund_type_code="11"),
        account("0003", "21", **of_the_unit, fund_type_code="11", pay_bank_code="102"),
        account("0004", "21", **of_the_unit, fund_type_code="11", pay_bank_code="105"),
        account("0005", "21", **of_the_unit, fund_type_code="12"),
        account("0006", "12", fund_type_code="111"),
    )
    treasury.books.issue("B1", "100.00")
    assert treasury.voucher("SQ-1").pay_acct_no.endswith("0003")


def test_a_unit_without_one_is_paid_for_from_the_treasurys(treasury: Treasury) -> None:
    treasury.say(*OPEN, account("0006", "12"))
    treasury.books.issue("B1", "100.00")
    assert treasury.voucher("SQ-1").pay_acct_no.endswith("0006")


def test_a_closed_account_pays_no_more_and_what_waits_is_approved_from_the_next(
    treasury: Treasury,
) -> None:
    books = treasury.books
    treasury.say(*OPEN, account("0001", "21", agency_code="101001"))
    books.issue("B1", "100.00")
    books.pay("SQ-1", "B1", "10.00")
    today = books.clock.now.date()
    closed = ChangeAccount(acct_no="44001000000000001", change_no="XH-1", end_date=today)
    treasury.say(closed)
    books.do(payment("SQ-2", "B1", "10.00"))
    approve = ApprovePayment(pay_app_no="SQ-2")
    assert books.refusal(approve, "checker") == "account_invalid"
    treasury.say(account("0002", "21", agency_code="101001", start_date=today))
    approved = books.do(approve, "checker").subjects[0].approved
    assert approved.payer == Payer(
        pay_acct_no="44001000000000002",
        pay_acct_name="户名0002",
        pay_acct_bank_name="开户行0002",
        clear_acct_no="",
        clear_acct_name="",
        clear_acct_bank_name="",
        sup_dep_name="样例教育部门",
        mof_dep_code="06",
    )


def test_a_voucher_from_another_account_than_its_event_says_is_told(treasury: Treasury) -> None:
    """By the verification, and by the one of a single file that an outsider has."""
    treasury.say(*OPEN, account("0001", "21", agency_code="101001"), account("0011", "11"))
    books = treasury.books
    books.issue("B1", "100.00")
    paid = treasury.approved("SQ-1")
    signed = books.do(signature("SQ-1", "treasury"), "signer").subjects[0].signatures[0]
    assert paid.approved is not None
    assert paid.approved.payer is not None
    for change, told in (
        ({}, ""),
        ({"pay_acct_no": "44001000000009999"}, "PayAcctNo"),
        ({"clear_acct_name": "别的"}, "ClearAcctName"),
        ({"sup_dep_name": "别的"}, "SupDepName"),
        ({"mof_dep_code": "07"}, "MOFDepCode"),
    ):
        payer = msgspec.structs.replace(paid.approved.payer, **change)
        approved = msgspec.structs.replace(paid.approved, payer=payer)
        document = treasury.document(paid)
        named = NamedDocument(books.ledger_id, document, signed, [paid.applied, approved])
        assert disagreement(named).partition(":")[0] == told
        events = {
            "applied": msgspec.to_builtins(paid.applied),
            "approved": msgspec.to_builtins(approved),
            "receipt": None,
        }
        offline = guoku_verify.disagreement("440000000-2026", document, events)
        assert offline.partition(":")[0] == told
