"""单位资金: what has come to a unit's own account pays its fund, by the unit's bank."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from accounting.special_income import CorrectSpecialIncome, LoadSpecialIncome
from accounting.special_income_events import DepositedLine
from accounting.voucher_events import VoucherLine
from accounting.vouchers import EnterVoucher
from division.account import ChangeAccount, RegisterAccount
from division.agency import RegisterAgency
from ledger.deciding.opening import OpenLedger
from ledger.money import yuan
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from payments.application import ApprovePayment, RejectPayment
from payments.clearing.claims import RequestClearing
from payments.clearing.uncleared import UNCLEARED
from payments.corrections.correcting import CorrectPayment
from payments.orders.allocations import OrderAllocation
from payments.special_accounts.cash import SpecialCash
from tests.payments.test_special_accounts import MARCH_2, MARCH_3, SchoolFees
from tests.support.advances import advance
from tests.support.bookkeeper import PAYEE, detail, payment
from tests.support.openings import TREASURY, credit, debit, opening
from tests.support.statements import broken, statement
from tests.support.vouchers import cr, dr, voucher

pytestmark = pytest.mark.usefixtures("decided_again")

SCHOOL, HOSPITAL = "101001", "102001"
OWN, SECOND, OF_HOSPITAL = "4400100000004101", "4400100000004102", "4400100000004103"
TUITION, OTHER = "31", "39"
FUND = {"fund_type_code": TUITION, "exp_func_code": "2050205"}
BANK = "105"


def own_account(acct_no: str, agency_code: str = SCHOOL, **more: Any) -> RegisterAccount:
    return RegisterAccount(
        acct_no=acct_no,
        acct_name="样例学校",
        acct_bank_name="样例银行学校支行",
        bank_no="105581000013",
        acc_type_code="41",
        agency_code=agency_code,
        **{"pay_bank_code": BANK, **more},
    )


class UnitMoney(SchoolFees):
    """A year of a school and a hospital, with an account of its own each, at the same bank."""

    def __init__(self, database: Database, bank: str = BANK) -> None:
        super().__init__(database)
        self.say(
            RegisterAgency(agency_code="102", agency_name="样例卫生部门", agency_type_code="1"),
            RegisterAgency(
                agency_code=HOSPITAL,
                agency_name="样例医院",
                agency_type_code="4",
                parent_agency_code="102",
            ),
            own_account(OWN, pay_bank_code=bank),
            own_account(OF_HOSPITAL, HOSPITAL, pay_bank_code=bank),
        )

    def earned(self, number: str, day: date, *amounts: str, **said: str) -> None:
        self.do(earned(number, day, *amounts, **said), "accountant")


def earned(
    number: str,
    day: date,
    *amounts: str,
    acct_no: str = OWN,
    agency_code: str = SCHOOL,
    fund: str = TUITION,
    kind: str = "",
) -> LoadSpecialIncome:
    lines = (DepositedLine(inc_sort_code=kind, fund_type_code=fund, amt=amt) for amt in amounts)
    return LoadSpecialIncome(
        report_no=number,
        report_date=day,
        acct_no=acct_no,
        agency_code=agency_code,
        lines=tuple(lines),
    )


OF_SCHOOL, OF_THE_HOSPITAL = f"{SCHOOL}/{OWN}", f"{HOSPITAL}/{OF_HOSPITAL}"


@pytest.fixture
def units(database: Database) -> Iterator[UnitMoney]:
    keeper = UnitMoney(database)
    yield keeper
    keeper.close()
    keeper.pool.close()


def test_tuition_comes_and_the_school_pays_of_it_and_not_a_fen_more(units: UnitMoney) -> None:
    """Of 20,000.00 earned 3,000.00 are paid: 5001/1002 and 7201/8001 of the unit, no other book."""
    units.earned("DW-1", MARCH_2, "20000.00")
    assert units.books() == {
        "银行存款": "20000.00",
        "事业收入": "20000.00",
        "资金结存—货币资金": "20000.00",
        "事业预算收入": "20000.00",
    }
    units.issue("B1", "50000.00", **FUND)
    units.apply("P1", "B1", "3000.00")
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=1_700_000, claimed=300_000)}
    short = units.short("P2", "17000.01")
    assert short.code.text == "insufficient_cash"
    assert (short.extra["cash_acct"], short.extra["fund_type_code"]) == (OWN, "3")
    assert short.extra["available_amt"] == "17000.00"
    approved = units.approve("P1")
    assert approved.approved is not None
    assert approved.approved.pay_bank_code == BANK, "the unit's bank"
    payer = approved.approved.payer
    assert payer is not None
    assert (payer.pay_acct_no, payer.clear_acct_no) == (OWN, "")
    units.sign("P1")
    units.receipt(approved)
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=1_700_000)}
    books = units.books()
    assert (books["银行存款"], books["资金结存—货币资金"]) == ("17000.00", "17000.00")
    assert (books["业务活动费用"], books["事业支出"]) == ("3000.00", "3000.00")
    assert not {"零余额账户", "待清算款项", "财政拨款收入"} & books.keys()
    assert not any(line.account[0] in "BC" for j in units.journals() for line in j.lines)
    carried = statement(units, "unit_budget_carry_over", SCHOOL)
    shown = {line.number: yuan(cells["amt"]) for line, cells in carried.worked.rows if cells}
    others = ("12", "13", "16")  # 其他资金结转结余: no line of 财政拨款
    assert [shown[number] for number in (*others, "8")] == ["17000.00"] * 3 + ["0.00"]
    assert broken(units, SCHOOL, HOSPITAL) == []


def test_each_kind_of_money_is_its_own_revenue(units: UnitMoney) -> None:
    kinds = {"31": "事业收入", "32": "上级补助收入", "33": "附属单位上缴收入", "34": "经营收入"}
    for n, fund in enumerate((*kinds, OTHER), start=1):
        units.until(date(2026, 3, 1 + n))
        units.earned(f"DW-{n}", date(2026, 3, 1 + n), f"{n}.00", fund=fund)
    books = units.books()
    assert [books[name] for name in kinds.values()] == ["1.00", "2.00", "3.00", "4.00"]
    assert (books["其他收入"], books["其他预算收入"]) == ("5.00", "5.00")
    assert books["资金结存—货币资金"] == "15.00"


def test_one_units_money_is_not_anothers(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "100.00")
    units.earned("DW-2", MARCH_2, "7.00", acct_no=OF_HOSPITAL, agency_code=HOSPITAL, fund=OTHER)
    units.issue("B1", "500.00", **FUND)
    units.issue("B2", "500.00", **FUND, agency_code=HOSPITAL)
    assert units.short("P1", "100.01").code.text == "insufficient_cash"
    problem = units.ask(payment("P2", "B2", "7.01")).problem
    assert problem is not None
    assert problem.extra["available_amt"] == "7.00"
    assert units.refusal(payment("P3", "B2", "1.00", pay_acct_no=OWN)) == "account_invalid"
    units.apply("P4", "B2", "7.00")
    assert units.cash() == {
        OF_SCHOOL: SpecialCash(free=10_000),
        OF_THE_HOSPITAL: SpecialCash(claimed=700),
    }


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"acct_no": OF_HOSPITAL}, "account_invalid"),
        ({"fund": "2"}, "element_invalid"),
        ({"fund": "111"}, "element_invalid"),
        ({"fund": "3"}, "element_invalid"),  # not the finest
        ({"kind": "10304"}, "element_invalid"),
        ({"agency_code": ""}, "element_invalid"),
    ],
)
def test_what_does_not_come_to_a_units_own_account(
    units: UnitMoney, said: dict[str, str], code: str
) -> None:
    assert units.refusal(earned("DW-1", MARCH_2, "1.00", **said), "accountant") == code


def test_it_is_never_claimed_and_no_order_to_the_central_bank(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "1000.00")
    units.issue("B1", "500.00", **FUND)
    units.pay("P1", "B1", "300.00")
    units.refund("P1", "100.00")
    with units.pool.connection() as connection:
        assert read_rows(connection, units.ledger_id, UNCLEARED) == {}
    claim = RequestClearing(clear_no="QS-1", clear_date=MARCH_2, pay_bank_code=BANK)
    assert units.refusal(claim) == "clearing_empty"
    allocation = OrderAllocation(alloc_no="SB-1", bgt_id="B1", amt="1.00", **PAYEE)
    assert units.refusal(allocation, "accountant") == "element_invalid"
    ahead = advance("YB-1", "1.00", fund_type_code=TUITION)
    assert units.refusal(ahead, "accountant") == "element_invalid"
    at_treasury = {"acct_cls_id": "B1", "tre_code": TREASURY, "fund_type_code": TUITION}
    rows = debit("1.00", **at_treasury), credit("1.00", acct_cls_id="B71")
    assert units.refusal(opening("treasury_financial", *rows), "accountant") == "element_invalid"
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=80_000)}
    assert units.books()["银行存款"] == "800.00"


def test_what_fails_or_ends_unpaid_is_there_again(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "1000.00")
    units.issue("B1", "5000.00", **FUND)
    units.apply("P1", "B1", "400.00")
    units.do(RejectPayment(pay_app_no="P1", reason="退回"), "checker")
    lines = (detail("1", "600.00"), detail("2", "300.00"))
    units.pay("P2", "B1", "900.00", "2", details=lines)
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=40_000)}
    assert units.figures("B1")["paid"] == "600.00"


def test_a_correction_stays_with_the_unit_and_its_fund(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "500.00")
    units.issue("B1", "500.00", **FUND)
    units.issue("B2", "500.00", **{**FUND, "exp_func_code": "2050204"})
    units.issue("B3", "500.00", **FUND, agency_code=HOSPITAL)
    units.pay("P1", "B1", "300.00")
    other = CorrectPayment(cor_no="GZ-1", pay_app_no="P1", to_bgt_id="B3", amt="1.00", reason="x")
    assert units.refusal(other, "accountant") == "element_mismatch"
    units.do(
        CorrectPayment(cor_no="GZ-2", pay_app_no="P1", to_bgt_id="B2", amt="100.00", reason="科目"),
        "accountant",
    )
    assert (units.figures("B1")["paid"], units.figures("B2")["paid"]) == ("200.00", "100.00")
    assert units.books()["银行存款"] == "200.00"
    units.refund("P1", "300.00")
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=50_000)}


def test_a_report_is_corrected_and_never_below_what_is_applied_for(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "500.00")
    units.issue("B1", "500.00", **FUND)
    units.apply("P1", "B1", "450.00")

    def corrected(number: str, amt: str) -> str:
        lines = (DepositedLine(fund_type_code=TUITION, amt=amt),)
        asked = CorrectSpecialIncome(report_no="DW-1", correct_no=number, reason="x", lines=lines)
        return units.refusal(asked, "accountant")

    assert corrected("GZ-1", "449.99") == "insufficient_cash"
    assert corrected("GZ-2", "460.00") == ""
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=1_000, claimed=45_000)}
    assert units.books()["事业收入"] == "460.00"


def test_an_opening_names_the_account_and_no_hand_touches_it(units: UnitMoney) -> None:
    own = {"agency_code": SCHOOL, "acct_no": OWN, "fund_type_code": "3"}
    rows = (
        debit("70.00", acct_cls_id="D1002", **own),
        debit("30.00", acct_cls_id="D1002", agency_code=SCHOOL),  # 往来 in the same bank
        credit("100.00", acct_cls_id="D3001", agency_code=SCHOOL),
    )
    units.do(opening("unit_financial", *rows), "accountant")
    assert units.cash() == {OF_SCHOOL: SpecialCash(free=7_000)}
    earned_by_hand = (
        dr("7.00", "1002"),
        cr("7.00", "4609"),
        dr("7.00", "E800102"),
        cr("7.00", "6609"),
    )
    units.do(voucher("V1", *earned_by_hand, agency_code=SCHOOL), "accountant")
    lines = tuple(
        VoucherLine(dr_cr=side, amt="1.00", acct_cls_id=account, acct_no=OWN, fund_type_code="31")
        for side, account in ((1, "D4101"), (-1, "D1002"), (1, "E6101"), (-1, "E800102"))
    )
    entered = EnterVoucher(
        voucher_no="JZ-1", acct_period="2026-03", voucher_abs="手工", lines=lines,
        agency_code=SCHOOL,
    )  # fmt: skip
    assert units.refusal(entered, "accountant") == "account_invalid"


def test_without_an_account_of_its_own_nothing_is_paid(units: UnitMoney) -> None:
    units.earned("DW-1", MARCH_2, "500.00")
    units.issue("B1", "500.00", **FUND)
    units.apply("P1", "B1", "10.00")
    units.say(ChangeAccount(acct_no=OWN, change_no="1", end_date=MARCH_2))
    units.until(MARCH_3)
    assert units.refusal(payment("P2", "B1", "10.00")) == "account_invalid"
    assert units.refusal(ApprovePayment(pay_app_no="P1"), "checker") == "account_invalid"


def test_a_ledger_of_an_earlier_release_pays_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenLedger, "UNIT_FUNDS", False)
    monkeypatch.setattr(OpenLedger, "TRANSFERS", False)
    monkeypatch.setattr(OpenLedger, "FOLLOWS", False)
    keeper = UnitMoney(database)
    assert keeper.refusal(earned("DW-1", MARCH_2, "1.00"), "accountant") == "element_invalid"
    with pytest.raises(AssertionError, match="element_invalid"):
        keeper.issue("B1", "500.00", **FUND)
    monkeypatch.undo()
    keeper.close()
    keeper.pool.close()
