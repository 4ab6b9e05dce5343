"""财政专户: what lies in a special account pays its fund, through no zero-balance account."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from accounting.income_events import IncomeLine
from accounting.special_income import CorrectSpecialIncome, LoadSpecialIncome
from accounting.voucher_events import VoucherLine
from accounting.vouchers import EnterVoucher
from division.account import ChangeAccount, RegisterAccount
from division.agency import RegisterAgency
from division.opening import OpenDivision
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from ledger.reading.loading import read_rows
from payments.application import ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.clearing.uncleared import UNCLEARED
from payments.corrections.correcting import CorrectPayment
from payments.orders.allocations import OrderAllocation
from payments.signature_policy import SetSignaturePolicy
from payments.special_accounts.cash import SPECIAL_CASH, SpecialCash
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import PAYEE, detail, payment
from tests.support.openings import credit, debit, opening

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH_1, MARCH_2, MARCH_3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
SCHOOLS, COLLEGES = "4400100000003101", "4400100000003102"
FEES, FINES = "10304", "10305"
EDUCATION = {"fund_type_code": "2", "exp_func_code": "2050205"}


def special_account(acct_no: str, **more: Any) -> RegisterAccount:
    return RegisterAccount(
        acct_no=acct_no,
        acct_name="样例财政专户",
        acct_bank_name="样例银行专户支行",
        bank_no="102581000013",
        acc_type_code="31",
        **{"fund_type_code": "2", **more},
    )


class SchoolFees(KnowingBookkeeper):
    """A year whose division keeps a special account for school fees."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.open()
        with connect(database.app_conninfo) as connection:
            self.connection = connection
        self._conninfo = database.app_conninfo
        self.say(
            OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"),
            RegisterAgency(agency_code="101", agency_name="样例教育部门", agency_type_code="1"),
            RegisterAgency(
                agency_code="101001",
                agency_name="样例学校",
                agency_type_code="3",
                parent_agency_code="101",
            ),
            special_account(SCHOOLS),
        )

    def say(self, *commands: Command) -> None:
        with connect(self._conninfo) as connection:
            record(connection, standing_ledger("44"), commands, FREELY, by=OPERATOR)

    def cash(self) -> dict[str, SpecialCash]:
        with self.pool.connection() as connection:
            return read_rows(connection, self.ledger_id, SPECIAL_CASH)

    def came(self, number: str, day: date, *amounts: str, acct_no: str = SCHOOLS) -> None:
        self.do(income(number, day, *amounts, acct_no=acct_no), "accountant")

    def short(self, number: str, amount: str, **more: Any) -> Any:
        problem = self.ask(payment(number, "B1", amount, **more)).problem
        assert problem is not None
        return problem


def income(
    number: str, day: date, *amounts: str, acct_no: str = SCHOOLS, kind: str = FEES
) -> LoadSpecialIncome:
    lines = (IncomeLine(inc_sort_code=kind, fund_type_code="2", amt=amt) for amt in amounts)
    return LoadSpecialIncome(report_no=number, report_date=day, acct_no=acct_no, lines=tuple(lines))


@pytest.fixture
def fees(database: Database) -> Iterator[SchoolFees]:
    keeper = SchoolFees(database)
    yield keeper
    keeper.close()
    keeper.pool.close()


def test_fees_come_and_the_school_is_paid_of_them_and_not_a_fen_more(fees: SchoolFees) -> None:
    """Of 1,000.00 in the account 300.00 are applied for and paid; 700.01 are not there."""
    fees.came("ZH-1", MARCH_2, "600.00", "400.00")
    assert fees.books() == {
        "其他财政存款": "1000.00",
        "财政专户管理资金收入": "1000.00",
        "资金结存—专户资金结存": "1000.00",
    }
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.apply("P1", "B1", "300.00")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=70_000, claimed=30_000)}
    problem = fees.short("P2", "700.01")
    assert problem.code.text == "insufficient_cash"
    said = problem.extra
    assert (said["cash_acct"], said["fund_type_code"]) == (SCHOOLS, "2")
    assert (said["available_amt"], said["requested_amt"]) == ("700.00", "700.01")
    approved = fees.approve("P1")
    assert approved.approved is not None
    payer = approved.approved.payer
    assert payer is not None
    assert (payer.pay_acct_no, payer.clear_acct_no) == (SCHOOLS, "")
    fees.sign("P1")
    fees.receipt(approved)
    assert fees.cash() == {SCHOOLS: SpecialCash(free=70_000)}
    books = fees.books()
    assert books["其他财政存款"] == "700.00"
    assert books["财政专户管理资金支出"] == "300.00"
    assert (books["事业收入"], books["事业预算收入"]) == ("300.00", "300.00")
    assert (books["业务活动费用"], books["事业支出"]) == ("300.00", "300.00")
    assert not {"国库存款", "零余额账户", "待清算款项", "财政拨款收入"} & books.keys()


def test_nothing_of_it_is_claimed_from_the_central_bank(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "1000.00")
    fees.issue("B1", "500.00", **EDUCATION)
    fees.pay("P1", "B1", "300.00")
    fees.refund("P1", "100.00")
    with fees.pool.connection() as connection:
        assert read_rows(connection, fees.ledger_id, UNCLEARED) == {}
    claim = RequestClearing(clear_no="QS-1", clear_date=MARCH_2, pay_bank_code="102")
    assert fees.refusal(claim) == "clearing_empty"
    allocation = OrderAllocation(alloc_no="SB-1", bgt_id="B1", amt="1.00", **PAYEE)
    assert fees.refusal(allocation, "accountant") == "element_invalid"


def test_what_ends_unpaid_and_what_comes_back_is_there_again(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "1000.00")
    fees.issue("B1", "5000.00", **EDUCATION)
    for number in ("P1", "P2"):
        fees.apply(number, "B1", "400.00")
    fees.do(WithdrawPayment(pay_app_no="P1"))
    fees.do(RejectPayment(pay_app_no="P2", reason="退回"), "checker")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=100_000)}
    lines = (detail("1", "600.00"), detail("2", "300.00"))
    fees.pay("P3", "B1", "900.00", "2", details=lines)  # the second line fails
    assert fees.cash() == {SCHOOLS: SpecialCash(free=40_000)}
    fees.refund("P3", "150.00", pay_detail_id="1")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=55_000)}
    assert fees.books()["其他财政存款"] == "550.00"
    assert fees.books()["财政专户管理资金支出"] == "450.00"
    assert fees.figures("B1")["paid"] == "450.00"


def test_the_account_covers_it_on_every_day(fees: SchoolFees) -> None:
    """500.00 come on March 3: nothing is paid of them on March 2."""
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.until(MARCH_3)
    fees.came("ZH-1", MARCH_3, "500.00")
    problem = fees.short("P1", "500.00", effective_on=MARCH_2)
    assert (problem.code.text, problem.extra["on"]) == ("insufficient_cash", "2026-03-02")
    fees.apply("P2", "B1", "500.00")
    less = CorrectSpecialIncome(
        report_no="ZH-1",
        correct_no="GZ-1",
        reason="多记",
        lines=(IncomeLine(inc_sort_code=FEES, fund_type_code="2", amt="499.99"),),
    )
    assert fees.refusal(less, "accountant") == "insufficient_cash"


def test_a_day_is_reported_once_and_corrected(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "500.00")
    assert fees.refusal(income("ZH-2", MARCH_2, "1.00"), "accountant") == "already_reported"
    corrected = CorrectSpecialIncome(
        report_no="ZH-1",
        correct_no="GZ-1",
        reason="漏记",
        lines=(
            IncomeLine(inc_sort_code=FEES, fund_type_code="2", amt="500.00"),
            IncomeLine(inc_sort_code=FINES, fund_type_code="2", amt="20.00"),
        ),
    )
    fees.do(corrected, "accountant")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=52_000)}
    again = CorrectSpecialIncome(
        report_no="ZH-1", correct_no="GZ-2", reason="漏记", lines=corrected.lines
    )
    assert fees.refusal(again, "accountant") == "invalid_state"
    fees.came("ZH-3", MARCH_1, "-20.00", "30.00")  # of another day; 20.00 were paid back
    assert fees.cash() == {SCHOOLS: SpecialCash(free=53_000)}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"acct_no": "4400100000009999"}, "account_invalid"),
        ({"kind": "10101"}, "element_invalid"),
    ],
)
def test_taxes_do_not_come_to_a_special_account(
    fees: SchoolFees, said: dict[str, str], code: str
) -> None:
    assert fees.refusal(income("ZH-1", MARCH_2, "1.00", **said), "accountant") == code


def test_without_a_registered_account_nothing_is_paid(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "500.00")
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.issue("B2", "5000.00")
    fees.apply("P1", "B1", "10.00")
    named = payment("P2", "B2", "10.00", pay_acct_no=SCHOOLS)
    assert fees.refusal(named) == "account_invalid", "the treasury's fund is not paid from it"
    fees.say(ChangeAccount(acct_no=SCHOOLS, change_no="1", end_date=MARCH_2))
    fees.until(MARCH_3)
    assert fees.refusal(payment("P3", "B1", "10.00")) == "account_invalid"
    assert fees.refusal(ApprovePayment(pay_app_no="P1"), "checker") == "account_invalid"


def test_of_two_accounts_the_payment_names_one(fees: SchoolFees) -> None:
    fees.say(special_account(COLLEGES, pay_bank_code="105"))
    fees.came("ZH-1", MARCH_2, "500.00")
    fees.came("ZH-2", MARCH_2, "80.00", acct_no=COLLEGES)
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.apply("P1", "B1", "80.00", pay_acct_no=COLLEGES)
    fees.apply("P2", "B1", "500.00")
    assert fees.cash() == {
        SCHOOLS: SpecialCash(claimed=50_000),
        COLLEGES: SpecialCash(claimed=8_000),
    }
    approved = fees.approve("P1").approved
    assert approved is not None
    assert approved.pay_bank_code == "105", "the bank that keeps the account"
    assert fees.short("P3", "0.01", pay_acct_no=COLLEGES).extra["cash_acct"] == COLLEGES


def test_an_opening_names_the_account(fees: SchoolFees) -> None:
    held = debit("70.00", acct_cls_id="B2", acct_no=SCHOOLS, fund_type_code="2")
    other = debit("30.00", acct_cls_id="B2", acct_no="4400100000008888")  # no fund of ours
    surplus = credit("100.00", acct_cls_id="B71")
    fees.do(opening("treasury_financial", held, other, surplus), "accountant")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=7_000)}
    fees.issue("B1", "5000.00", **EDUCATION)
    assert fees.short("P1", "70.01").extra["available_amt"] == "70.00"
    fees.apply("P2", "B1", "70.00")


def test_no_hand_touches_what_lies_there(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "500.00")
    lines = tuple(
        VoucherLine(dr_cr=side, amt="1.00", acct_cls_id=account, fund_type_code="2")
        for side, account in ((1, "B24"), (-1, "B2"), (1, "C14"), (-1, "C2"))
    )
    entered = EnterVoucher(
        voucher_no="JZ-1", acct_period="2026-03", voucher_abs="手工", lines=lines,
        book="treasury_financial",
    )  # fmt: skip
    assert fees.refusal(entered, "accountant") == "account_invalid"


def test_a_correction_stays_within_the_account(fees: SchoolFees) -> None:
    fees.came("ZH-1", MARCH_2, "500.00")
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.issue("B2", "5000.00", **{**EDUCATION, "exp_func_code": "2050204"})
    fees.issue("B3", "5000.00")
    fees.pay("P1", "B1", "300.00")
    other = CorrectPayment(cor_no="GZ-1", pay_app_no="P1", to_bgt_id="B3", amt="1.00", reason="x")
    assert fees.refusal(other, "accountant") == "element_mismatch"
    fees.do(
        CorrectPayment(cor_no="GZ-2", pay_app_no="P1", to_bgt_id="B2", amt="100.00", reason="科目"),
        "accountant",
    )
    assert (fees.figures("B1")["paid"], fees.figures("B2")["paid"]) == ("200.00", "100.00")
    assert fees.books()["其他财政存款"] == "200.00"
    fees.refund("P1", "300.00")  # shared by both
    assert (fees.figures("B1")["paid"], fees.figures("B2")["paid"]) == ("0.00", "0.00")
    assert fees.cash() == {SCHOOLS: SpecialCash(free=50_000)}
    assert fees.books()["其他财政存款"] == "500.00"


def test_a_reserve_of_the_treasurys_cash_does_not_ask_for_it(fees: SchoolFees) -> None:
    fees.do(SetSignaturePolicy(roles=("unit", "treasury")), "admin")
    fees.came("ZH-1", MARCH_2, "500.00")
    fees.issue("B1", "5000.00", **EDUCATION)
    fees.apply("P1", "B1", "100.00")
    approved = fees.approve("P1").approved
    assert approved is not None
    assert (approved.roles, approved.promised_amt) == (("unit", "treasury"), "")
