"""工资: owed when they are earned, paid to whom they are owed, and an outlay when money moves."""

import re

import pytest
from psycopg_pool import ConnectionPool

from ledger.deciding.opening import OpenLedger
from ledger.errors import Code, RequestError
from payments.corrections.correcting import CorrectPayment
from payments.wages.accruing import AccrueWages, WithholdWages
from tests.support.bookkeeper import Bookkeeper, detail, payment
from tests.support.paths import ROOT

WAGES = {"gov_bgt_eco_code": "50101", "dep_bgt_eco_code": "30101"}
INSURANCE = {"gov_bgt_eco_code": "50102", "dep_bgt_eco_code": "30108"}
HOUSING = {"gov_bgt_eco_code": "50103", "dep_bgt_eco_code": "30113"}
MARCH = "2026-03"

pytestmark = pytest.mark.usefixtures("decided_again")


def accrual(number: str, amt: str, bgt_id: str = "B1", **more: str) -> AccrueWages:
    return AccrueWages(accrual_no=number, bgt_id=bgt_id, sala_month=MARCH, amt=amt, **more)


def withholding(number: str, bgt_id: str = "B1", **amounts: str) -> WithholdWages:
    return WithholdWages(withhold_no=number, bgt_id=bgt_id, sala_month=MARCH, **amounts)


@pytest.fixture
def staff(bookkeeper: Bookkeeper) -> Bookkeeper:
    """A unit that pays its staff from B1 of 10,000.00."""
    bookkeeper.issue("B1", "10000.00", **WAGES)
    return bookkeeper


def of_the_unit(keeper: Bookkeeper) -> dict[str, str]:
    """What stands in the unit's books."""
    told = {"支出指标", "支出预算", "指标来源", "支付", "支付申请", "零余额账户", "待清算款项"}
    return {name: amt for name, amt in keeper.books().items() if name not in told}


def test_five_people_and_what_is_withheld_of_them(staff: Bookkeeper) -> None:
    """Scenario 10: 5 x 1,000.00 net, 社保 200.00, 公积金 300.00, 个税 50.00; one account fails."""
    staff.do(accrual("J1", "5550.00"), "accountant")
    assert of_the_unit(staff) == {"业务活动费用": "5550.00", "应付职工薪酬": "5550.00"}
    assert staff.figures("B1")["available"] == "10000.00"

    staff.do(
        withholding(
            "K1", income_tax_amt="50.00", insurance_amt="200.00", housing_fund_amt="300.00"
        ),
        "accountant",
    )
    assert of_the_unit(staff) == {
        "业务活动费用": "5550.00",
        "应付职工薪酬": "5000.00",
        "应付职工薪酬—社会保险费": "200.00",
        "应付职工薪酬—住房公积金": "300.00",
        "其他应交税费": "50.00",
    }

    people = tuple(detail(str(n), "1000.00", f"622200000000000000{n}") for n in range(1, 6))
    staff.pay("GZ-1", "B1", "5000.00", "3", details=people)
    staff.pay("GZ-2", "B1", "50.00", current_item_code="1")
    staff.pay("GZ-3", "B1", "200.00", current_item_code="2")
    staff.pay("GZ-4", "B1", "300.00", current_item_code="3")
    assert of_the_unit(staff) == {
        "业务活动费用": "5550.00",
        "应付职工薪酬": "1000.00",
        "财政拨款收入": "4550.00",
        "行政支出": "4550.00",
        "财政拨款预算收入": "4550.00",
    }
    figures = staff.figures("B1")
    assert (figures["paid"], figures["available"]) == ("4550.00", "5450.00")


def test_the_example_of_the_page_holds(bookkeeper: Bookkeeper) -> None:
    page = (ROOT / "docs" / "wages.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    known = {"AccrueWages": AccrueWages, "WithholdWages": WithholdWages, "detail": detail}
    exec(example, {"b": bookkeeper, **known})


def test_a_ledger_of_an_earlier_release_books_wages_when_they_are_paid(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There an accrual would be the same expense twice."""
    keeper = Bookkeeper(pool)
    with monkeypatch.context() as before:
        before.setattr(OpenLedger, "CHARTS", 1)
        before.setattr(OpenLedger, "PLANS", False)
        before.setattr(OpenLedger, "PURCHASES", False)
        before.setattr(OpenLedger, "CARDS", False)
        before.setattr(OpenLedger, "SPECIAL", False)
        before.setattr(OpenLedger, "UNIT_FUNDS", False)
        before.setattr(OpenLedger, "TRANSFERS", False)
        before.setattr(OpenLedger, "FOLLOWS", False)
        keeper.open()
    keeper.issue("B1", "100.00", **WAGES)
    assert keeper.refusal(accrual("J1", "1.00"), "accountant") == "element_mismatch"
    item = payment("P1", "B1", "1.00", current_item_code="1")
    assert keeper.refusal(item) == "element_invalid"
    keeper.pay("P2", "B1", "1.00")
    assert of_the_unit(keeper)["业务活动费用"] == "1.00"
    keeper.close()


def test_nobody_is_owed_by_its_budgetary_book(staff: Bookkeeper) -> None:
    staff.do(accrual("J1", "100.00"), "accountant")
    [journal] = [each for each in staff.journals() if each.event == "wages.accrued"]
    assert {line.account[0] for line in journal.lines} == {"D"}
    assert (journal.bgt_id, journal.number) == ("B1", "J1")


def test_what_the_unit_pays_for_its_staff_is_owed_under_its_own_detail(staff: Bookkeeper) -> None:
    staff.issue("B2", "800.00", **INSURANCE)
    staff.issue("B3", "500.00", **HOUSING)
    staff.do(accrual("J1", "700.00", "B2"), "accountant")
    staff.do(accrual("J2", "400.00", "B3"), "accountant")
    assert of_the_unit(staff)["应付职工薪酬—社会保险费"] == "700.00"
    assert of_the_unit(staff)["应付职工薪酬—住房公积金"] == "400.00"
    staff.pay("SB-1", "B2", "700.00")
    staff.pay("GJ-1", "B3", "400.00")
    assert of_the_unit(staff) == {
        "业务活动费用": "1100.00",
        "财政拨款收入": "1100.00",
        "行政支出": "1100.00",
        "财政拨款预算收入": "1100.00",
    }


@pytest.mark.parametrize(
    ("sala_month", "code"), [("2026-04", "future_date"), ("2031-12", "period_closed")]
)
def test_nobody_is_owed_for_a_month_that_has_not_begun(
    staff: Bookkeeper, sala_month: str, code: str
) -> None:
    """Once wages of 2031 were owed in March 2026."""
    accrued = AccrueWages(accrual_no="J1", bgt_id="B1", sala_month=sala_month, amt="100.00")
    assert staff.refusal(accrued, "accountant") == code
    withheld = WithholdWages(
        withhold_no="D1", bgt_id="B1", sala_month=sala_month, income_tax_amt="1.00"
    )
    assert staff.refusal(withheld, "accountant") == code
    arrears = AccrueWages(accrual_no="J2", bgt_id="B1", sala_month="2025-12", amt="1.00")  # 补发
    staff.do(arrears, "accountant")


def test_what_was_accrued_too_much_is_taken_back(staff: Bookkeeper) -> None:
    staff.do(accrual("J1", "100.00"), "accountant")
    staff.do(accrual("J2", "-30.00", reason="人员调出"), "accountant")
    staff.do(withholding("K1", income_tax_amt="9.00"), "accountant")
    staff.do(withholding("K2", income_tax_amt="-9.00"), "accountant")
    assert of_the_unit(staff) == {"业务活动费用": "70.00", "应付职工薪酬": "70.00"}


def test_wages_that_come_back_are_owed_again(staff: Bookkeeper) -> None:
    staff.do(accrual("J1", "100.00"), "accountant")
    staff.pay("GZ-1", "B1", "100.00")
    staff.refund("GZ-1", "40.00")
    assert of_the_unit(staff)["应付职工薪酬"] == "40.00"
    assert of_the_unit(staff)["财政拨款收入"] == "60.00"


def test_tax_that_comes_back_is_owed_to_the_tax_office(staff: Bookkeeper) -> None:
    staff.do(accrual("J1", "100.00"), "accountant")
    staff.do(withholding("K1", income_tax_amt="10.00"), "accountant")
    staff.pay("GZ-1", "B1", "10.00", current_item_code="1")
    staff.refund("GZ-1", "10.00")
    assert of_the_unit(staff)["其他应交税费"] == "10.00"


def test_an_institution_has_management_expenses(staff: Bookkeeper) -> None:
    staff.do(accrual("J1", "100.00", manage_amt="25.00"), "accountant")
    assert of_the_unit(staff) == {
        "业务活动费用": "75.00",
        "单位管理费用": "25.00",
        "应付职工薪酬": "100.00",
    }


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (accrual("J1", "1.00", "B9"), "indicator_not_found"),
        (accrual("J1", "1.00", "B2"), "element_mismatch"),
        (withholding("K1", "B2", income_tax_amt="1.00"), "element_mismatch"),
        (withholding("K1", "B3", income_tax_amt="1.00"), "element_mismatch"),  # the unit's own
    ],
)
def test_what_is_no_wage_is_refused(
    staff: Bookkeeper, command: AccrueWages | WithholdWages, code: str
) -> None:
    staff.issue("B2", "100.00")  # 办公费
    staff.issue("B3", "100.00", **INSURANCE)
    assert staff.refusal(command, "accountant") == code
    assert of_the_unit(staff) == {}


@pytest.mark.parametrize(
    ("command", "pointer"),
    [
        (accrual("J1", "0.00"), "/amt"),
        (accrual("J1", "1.00", manage_amt="1.01"), "/manage_amt"),
        (accrual("J1", "1.00", manage_amt="-1.00"), "/manage_amt"),
        (accrual("J1", "-1.00", manage_amt="-1.01"), "/manage_amt"),
        (withholding("K1"), "/income_tax_amt"),
    ],
)
def test_amounts_that_say_nothing(command: AccrueWages | WithholdWages, pointer: str) -> None:
    with pytest.raises(RequestError) as refused:
        command.check()
    assert refused.value.code is Code.INVALID_AMOUNT
    assert refused.value.extra["pointer"] == pointer


def test_an_item_is_of_its_economy(staff: Bookkeeper) -> None:
    """A tax that is withheld is of wages, and what is paid ahead of things that are bought."""
    staff.issue("B2", "100.00")
    for bgt_id, item in (("B2", "1"), ("B2", "3"), ("B1", "4")):
        command = payment(f"P-{item}", bgt_id, "1.00", current_item_code=item)
        problem = staff.ask(command).problem
        assert problem is not None
        assert problem.code.text == "element_mismatch"
        assert problem.extra["pointer"] == "/current_item_code"


def test_a_withheld_tax_is_corrected_to_wages_alone(staff: Bookkeeper) -> None:
    staff.issue("B2", "100.00")
    staff.issue("B3", "100.00", gov_bgt_eco_code="50101", dep_bgt_eco_code="30102")
    staff.do(accrual("J1", "100.00"), "accountant")
    staff.do(withholding("K1", income_tax_amt="10.00"), "accountant")
    staff.pay("GZ-1", "B1", "10.00", current_item_code="1")
    assert staff.refusal(_corrected("GZ-1", "B2"), "accountant") == "element_mismatch"
    before = of_the_unit(staff)
    staff.do(_corrected("GZ-1", "B3"), "accountant")
    assert of_the_unit(staff) == before
    assert staff.figures("B3")["paid"] == "10.00"


def _corrected(pay_app_no: str, bgt_id: str) -> CorrectPayment:
    return CorrectPayment(
        cor_no=f"G-{bgt_id}", pay_app_no=pay_app_no, to_bgt_id=bgt_id, amt="10.00", reason="科目"
    )
