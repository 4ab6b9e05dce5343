"""报表: an accountant's example. Two units, a treasury, the first quarter; every figure by hand.

The treasury begins with 1,000,000.00 in 国库存款. The school 101001 begins with 5,000.00 in its
account and a building of 80,000.00, of which 20,000.00 is written off; the clinic 102001 with
equipment of 10,000.00. Taxes of 2,000.00 come in in January. The school pays 600.00 in February and
100.00 on 2 March, the clinic 30.00 then; the treasury has settled all of it by then. In March the
school lets a room for 300.00 and writes off 50.00.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from ledger.money import yuan
from ledger.postgres.database import Database
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.histories import MARCH_2
from tests.support.openings import TREASURY, credit, debit, income, opening
from tests.support.statements import broken, explained, lines, statement
from tests.support.vouchers import cr, dr, voucher

SCHOOL, CLINIC = "101001", "102001"
JANUARY_15, FEBRUARY_10 = date(2026, 1, 15), date(2026, 2, 10)


@pytest.fixture(scope="module")
def books(module_database: Database) -> Iterator[Bookkeeper]:
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.clock.now = keeper.clock.now.replace(month=2, day=10)
        keeper.open()
        play(keeper)
        yield keeper
        keeper.close()


def play(b: Bookkeeper) -> None:
    of = {"tre_code": TREASURY, "fund_type_code": "111"}
    b.do(
        opening(
            "treasury_financial",
            debit("1000000.00", acct_cls_code="1001", **of),
            credit("1000000.00", acct_cls_id="B71"),
        )
    )
    b.do(
        opening(
            "treasury_budgetary",
            debit("1000000.00", acct_cls_id="C1", fund_type_code="111"),
            credit("1000000.00", acct_cls_id="C51", fund_type_code="111"),
        )
    )
    b.do(
        opening(
            "unit_financial",
            debit("5000.00", acct_cls_code="1002", agency_code=SCHOOL),
            debit("80000.00", acct_cls_code="1601", agency_code=SCHOOL),
            credit("20000.00", acct_cls_code="1602", agency_code=SCHOOL),
            credit("65000.00", acct_cls_code="3001", agency_code=SCHOOL),
            debit("10000.00", acct_cls_code="1601", agency_code=CLINIC),
            credit("10000.00", acct_cls_code="3001", agency_code=CLINIC),
        )
    )
    b.do(
        opening(
            "unit_budgetary",
            debit("5000.00", acct_cls_code="800102", agency_code=SCHOOL),
            credit("5000.00", acct_cls_code="820204", agency_code=SCHOOL),
        )
    )
    b.do(income("R1", JANUARY_15, ("10101", "111", "2000.00")))
    b.issue("S", "10000.00", agency_code=SCHOOL)
    b.issue("C", "10000.00", agency_code=CLINIC)
    b.pay("P1", "S", "600.00", effective_on=FEBRUARY_10)
    b.pay("P2", "S", "100.00", effective_on=MARCH_2)
    b.pay("P3", "C", "30.00", effective_on=MARCH_2)
    b.clear("C1", MARCH_2)
    b.do(
        voucher("V1", dr("300.00", "1002"), cr("300.00", "4605"), dr("300.00", "800102"),
                cr("300.00", "6609"))
    )  # fmt: skip
    b.do(voucher("V2", dr("50.00", "5001"), cr("50.00", "1602")))


def test_the_treasurys_balance_sheet(books: Bookkeeper) -> None:
    shown = statement(books, "balance_sheet")
    assert lines(shown) == {
        "国库存款": "1001270.00",  # 1,000,000.00 + 2,000.00 - 730.00
        "流动资产合计": "1001270.00",
        "资产总计": "1001270.00",
        "累计盈余": "1000000.00",
        "本期盈余": "1270.00",
        "净资产合计": "1001270.00",
        "负债和净资产总计": "1001270.00",
    }
    assert lines(shown, "opening_amt") == {
        "国库存款": "1000000.00",
        "流动资产合计": "1000000.00",
        "资产总计": "1000000.00",
        "累计盈余": "1000000.00",
        "净资产合计": "1000000.00",
        "负债和净资产总计": "1000000.00",
    }


def test_what_the_treasury_took_in_and_gave_out(books: Bookkeeper) -> None:
    shown = statement(books, "income_expense")
    assert lines(shown) == {
        "税收收入": "2000.00",
        "收入合计": "2000.00",
        "政府机关商品和服务拨款费用": "730.00",
        "费用合计": "730.00",
        "三、本期盈余": "1270.00",
    }
    assert lines(shown, "period_amt") == {
        "政府机关商品和服务拨款费用": "730.00",
        "费用合计": "730.00",
        "三、本期盈余": "-730.00",
    }, "of March; what there is no year before for is empty"
    assert lines(shown, "prior_amt") == {}
    assert lines(statement(books, "budget_income_expenditure")) == {
        "一般公共预算收入": "2000.00",
        "预算收入合计": "2000.00",
        "一般公共预算支出": "730.00",
        "预算支出合计": "730.00",
        "三、本年预算收支差额": "1270.00",
        "年初预算结余": "1000000.00",
        "年末预算结余": "1001270.00",
        "资金结存": "1001270.00",
    }
    cash = statement(books, "cash_position")
    assert lines(cash, "debit_amt")["国库存款"] == "2000.00"
    assert lines(cash, "credit_amt")["国库存款"] == "730.00"


def test_a_units_statements(books: Bookkeeper) -> None:
    shown = statement(books, "unit_balance_sheet", SCHOOL)
    assert lines(shown) == {
        "货币资金": "5300.00",
        "流动资产合计": "5300.00",
        "固定资产原值": "80000.00",
        "减：固定资产累计折旧": "20050.00",
        "固定资产净值": "59950.00",
        "非流动资产合计": "59950.00",
        "资产总计": "65250.00",
        "累计盈余": "65000.00",
        "本期盈余": "250.00",
        "净资产合计": "65250.00",
        "负债和净资产总计": "65250.00",
    }
    assert lines(shown, "opening_amt")["资产总计"] == "65000.00"
    assert lines(statement(books, "unit_income_expense", SCHOOL)) == {
        "一、本期收入": "1000.00",
        "（一）财政拨款收入": "700.00",
        "（十）租金收入": "300.00",
        "二、本期费用": "750.00",
        "（一）业务活动费用": "750.00",
        "三、本期盈余": "250.00",
    }
    assert lines(statement(books, "unit_net_assets", SCHOOL)) == {
        "一、上年年末余额": "65000.00",
        "三、本年年初余额": "65000.00",
        "四、本年变动金额": "250.00",
        "（一）本年盈余": "250.00",
        "五、本年年末余额": "65250.00",
    }
    assert lines(statement(books, "unit_budget_income_expenditure", SCHOOL)) == {
        "一、本年预算收入": "1000.00",
        "（一）财政拨款预算收入": "700.00",
        "（九）其他预算收入": "300.00",
        "二、本年预算支出": "700.00",
        "（一）行政支出": "700.00",
        "三、本年预算收支差额": "300.00",
    }


def test_units_together(books: Bookkeeper) -> None:
    """汇总: without a unit a table is of all of them."""
    assert lines(statement(books, "unit_balance_sheet"))["资产总计"] == "75250.00"
    clinic = lines(statement(books, "unit_income_expense", CLINIC))
    assert (clinic["一、本期收入"], clinic["二、本期费用"]) == ("30.00", "30.00")
    assert lines(statement(books, "unit_income_expense"))["（一）财政拨款收入"] == "730.00"


def test_a_statement_of_any_day_and_of_what_was_known(books: Bookkeeper) -> None:
    of_february = statement(books, "unit_income_expense", SCHOOL, effective=date(2026, 2, 28))
    assert of_february.through == date(2026, 2, 28)
    assert lines(of_february, "period_amt")["二、本期费用"] == "600.00"
    assert lines(of_february)["二、本期费用"] == "600.00"
    new_year = statement(books, "unit_balance_sheet", SCHOOL, effective=date(2026, 1, 1))
    assert lines(new_year) == lines(new_year, "opening_amt")
    then = statement(books, "income_expense", recorded=datetime(2026, 2, 20, tzinfo=UTC))
    assert then.through == date(2026, 2, 20)
    assert lines(then, "period_amt") == {}, "nothing was settled then"
    [rent] = [
        entry.position
        for entry in explained(
            books, "unit_income_expense", "（十）租金收入", agency_code=SCHOOL
        ).page.entries
    ]
    then = statement(books, "unit_income_expense", SCHOOL, position=rent - 1)
    assert lines(then)["一、本期收入"] == "700.00"
    assert lines(statement(books, "unit_income_expense", position=rent - 1))["一、本期收入"] == (
        "730.00"
    )


@pytest.mark.parametrize("agency_code", [SCHOOL, ""])
@pytest.mark.parametrize(
    ("name", "line_name", "column"),
    [
        ("unit_balance_sheet", "固定资产净值", "amt"),
        ("unit_balance_sheet", "固定资产净值", "opening_amt"),
        ("unit_balance_sheet", "本期盈余", "amt"),
        ("unit_income_expense", "二、本期费用", "period_amt"),
    ],
)
def test_the_journals_under_a_cell_add_up_to_it(
    books: Bookkeeper, name: str, line_name: str, column: str, agency_code: str
) -> None:
    found, after = [], 0
    while True:
        cell = explained(
            books, name, line_name, column, agency_code=agency_code, after=after, most=2
        )
        found += cell.page.entries
        if cell.page.following is None:
            break
        after = cell.page.following
    assert sum(entry.fen for entry in found) == cell.fen
    assert [entry.position for entry in found] == sorted(entry.position for entry in found)


def test_the_journals_under_a_cell_of_the_treasury(books: Bookkeeper) -> None:
    cell = explained(books, "balance_sheet", "本期盈余")
    assert [(entry.event, yuan(entry.fen)) for entry in cell.page.entries] == [
        ("income.reported", "2000.00"),
        ("clearing.claim_receipted", "-730.00"),
    ]
    of_march = explained(books, "income_expense", "收入合计", "period_amt")
    assert of_march.page.entries == []


def test_all_checks_hold_and_a_wrong_journal_fails_exactly_one(books: Bookkeeper) -> None:
    assert broken(books, "", SCHOOL, CLINIC) == []
    books.do(voucher("V9", dr("7.00", "5001"), cr("7.00", "4001"), agency_code=CLINIC))
    assert broken(books, SCHOOL) == []
    assert broken(books, CLINIC) == [f"{CLINIC} 财政拨款收入 = 财政拨款预算收入"]
    [wrong] = [
        check
        for check in statement(books, "unit_income_expense", CLINIC).worked.checks
        if not check.holds
    ]
    assert (yuan(wrong.left), yuan(wrong.right)) == ("37.00", "30.00")
