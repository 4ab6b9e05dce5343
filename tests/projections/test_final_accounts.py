"""决算: the final accounts of a small division whose year is handed over, each figure by hand.

The treasury begins with 1,000.00 of 一般公共预算. Taxes of 700.00 and fees of 40.00 come in, for a
government fund 60.00. The school has 300.00 for a project and pays 120.00; it goes on with 180.00.
The clinic has 50.00 for its running and pays it, and 30.00 of the fund, of which it pays 20.00;
10.00 goes back. The school gives its branch 15.00.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from budget.year_end.closing import CloseYear
from ledger.postgres.database import Database
from projections.statements.element_months import ElementMonths
from tests.accounting.test_year_end import (
    CLOSE_DECEMBER,
    LAST_DAY,
    NEW_YEAR,
    carry,
    handing_over,
    item,
)
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.openings import TREASURY, credit, debit, income, opening
from tests.support.statements import STATEMENTS, broken, explained, lines, statement
from tests.support.vouchers import cr, dr, voucher

SCHOOL, CLINIC = "101001", "102001"
FUND = {"fund_type_code": "121", "exp_func_code": "2120801"}


@pytest.fixture(scope="module")
def books(module_database: Database) -> Iterator[Bookkeeper]:
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        play(keeper)
        yield keeper
        keeper.close()


def play(b: Bookkeeper) -> None:
    of = {"tre_code": TREASURY, "fund_type_code": "111"}
    b.do(
        opening(
            "treasury_financial",
            debit("1000.00", acct_cls_code="1001", **of),
            credit("1000.00", acct_cls_id="B71"),
        )
    )
    b.do(
        opening(
            "treasury_budgetary",
            debit("1000.00", acct_cls_id="C1", fund_type_code="111"),
            credit("1000.00", acct_cls_id="C51", fund_type_code="111"),
        )
    )
    b.issue("S", "300.00", agency_code=SCHOOL)
    b.issue("C", "50.00", agency_code=CLINIC, dep_bgt_eco_code="30217", gov_bgt_eco_code="50206")
    b.issue("F", "30.00", agency_code=CLINIC, **FUND)
    b.pay("P1", "S", "120.00")
    b.pay("P2", "C", "50.00")
    b.pay("P3", "F", "20.00")
    given = dr("15.00", "5501"), cr("15.00", "1002"), dr("15.00", "7501"), cr("15.00", "800102")
    b.do(voucher("V1", *given, agency_code=SCHOOL), "accountant")
    got = dr("15.00", "1002"), cr("15.00", "4201"), dr("15.00", "800102"), cr("15.00", "620102")
    b.do(voucher("V2", *got, agency_code=CLINIC), "accountant")
    b.clock.now = NEW_YEAR
    b.do(
        income(
            "R1",
            LAST_DAY,
            ("10101", "111", "700.00"),
            ("10304", "111", "40.00"),
            ("10301", "121", "60.00"),
        )
    )
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("S", "180.00"), item("F", "", "10.00")), "accountant")
    b.do(CloseYear(), "accountant")
    assert handing_over(b).look() == 1


def test_all_checks_of_all_tables_hold(books: Bookkeeper) -> None:
    assert broken(books, "") == []
    given = "上级补助收入 = 对附属单位补助费用"  # one unit alone has either the one or the other
    assert broken(books, SCHOOL, CLINIC) == [f"{SCHOOL} {given}", f"{CLINIC} {given}"]
    assert {"total_01", "final_10_2", "cash_flow"} <= set(STATEMENTS.of_year(2026))


def test_what_came_in_and_what_was_spent_balances_by_budget(books: Bookkeeper) -> None:
    general = statement(books, "total_01")
    assert lines(general) == {
        "一般公共预算收入": "740.00",
        "10101": "700.00",
        "10304": "40.00",
        "上年结余": "1000.00",
        "收入总计": "1740.00",
        "一般公共预算支出": "170.00",
        "年终结余": "1570.00",
        "支出总计": "1740.00",
    }
    assert lines(general, "budget_amt") == {"一般公共预算支出": "350.00"}
    assert lines(statement(books, "total_07")) == {
        "政府性基金预算收入": "60.00",
        "10301": "60.00",
        "收入总计": "60.00",
        "政府性基金预算支出": "20.00",
        "年终结余": "40.00",
        "支出总计": "60.00",
    }
    moved = statement(books, "total_02")
    columns = ("budget_amt", "paid_amt", "carried_amt")
    assert [lines(moved, column)["一般公共预算支出"] for column in columns] == [
        "350.00",
        "170.00",
        "180.00",
    ]


def test_the_cash_that_came_and_went(books: Bookkeeper) -> None:
    assert lines(statement(books, "cash_flow")) == {
        "组织税收收入收到的现金": "700.00",
        "组织非税收入收到的现金": "100.00",
        "现金流入小计": "800.00",
        "政府机关工资福利、商品和服务拨款所支付的现金": "190.00",
        "现金流出小计": "190.00",
        "日常活动产生的现金流量净额": "610.00",
        "四、现金净增加额": "610.00",
    }
    assert lines(statement(books, "unit_cash_flow", SCHOOL))["四、现金净增加额"] == "165.00"


def test_what_units_gave_one_another_is_left_out_of_all_of_them(books: Bookkeeper) -> None:
    shown = statement(books, "unit_consolidated")
    assert lines(shown, "internal_amt") == {
        "上级补助收入": "15.00",
        "收入合计": "15.00",
        "对附属单位补助费用": "15.00",
        "费用合计": "15.00",
    }
    assert lines(shown)["收入合计"] == "370.00"  # 300.00, 50.00, 20.00


def test_the_three_public_expenses(books: Bookkeeper) -> None:
    shown = statement(books, "final_three_public", CLINIC)
    assert lines(shown) == {"三、公务接待费": "50.00", "合计": "50.00"}
    assert lines(shown, "budget_amt") == {"三、公务接待费": "50.00", "合计": "50.00"}


def test_a_cell_of_the_treasury_by_fund_is_explained_by_its_claim(books: Bookkeeper) -> None:
    cell = explained(books, "total_07", "政府性基金预算支出")
    assert [(e.number, e.account.id, e.fen) for e in cell.page.entries] == [
        (cell.page.entries[0].number, "C12", 20_00)
    ]
    paid = explained(books, "total_08", "2-2120801")
    assert (paid.fen, [(e.number, e.fen) for e in paid.page.entries]) == (20_00, [("P3", 20_00)])


def test_a_wrong_journal_breaks_the_checks_that_it_is_against_and_no_other(
    bookkeeper: Bookkeeper,
) -> None:
    """5.00 of the budget's outlays were entered as the fund's."""
    b = bookkeeper
    b.issue("S", "300.00", agency_code=SCHOOL)
    b.pay("P1", "S", "120.00")
    b.clear("C1", date(2026, 3, 2))
    assert broken(b, "", SCHOOL) == []
    wrong = dr("5.00", "C12", fund_type_code="121"), cr("5.00", "C11", fund_type_code="111")
    b.do(voucher("V1", *wrong, book="treasury_budgetary"), "accountant")
    assert broken(b, "", SCHOOL) == [
        "一般公共预算支出 = 总会计与指标账",
        "政府性基金预算支出 = 总会计与指标账",
    ]


def test_stored_months_come_to_what_the_journals_do(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read journal by journal, as of a moment in the past, every table has the same cells."""
    tables = [
        (name, of)
        for name, table in STATEMENTS.of_year(2026).items()
        for of in (("", CLINIC) if table.entry.of == "unit" else ("",))
    ]
    stored = {asked: statement(books, *asked).worked.rows for asked in tables}

    class NoMonths(ElementMonths):
        def __init__(self, *asked: Any) -> None:
            super().__init__(*asked)
            self.months = ()

    monkeypatch.setattr("projections.statements.element_sums.ElementMonths", NoMonths)
    for asked in tables:
        assert statement(books, *asked).worked.rows == stored[asked], asked


@pytest.mark.parametrize(
    ("name", "cell", "column"),
    [
        ("final_04", "合计", "project_amt"),
        ("final_04", "合计", "basic_amt"),
        ("final_07", "合计", "opening_amt"),
        ("total_05", "1-2010102", "amt"),
        ("unit_differences", "（五）其他事项差异", "amt"),
    ],
)
def test_a_cell_is_explained_alike_by_its_indicators_and_by_all_journals(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch, name: str, cell: str, column: str
) -> None:
    few = explained(books, name, cell, column)
    assert sum(entry.fen for entry in few.page.entries) == few.fen
    monkeypatch.setattr("projections.statements.matching_indicators.FEW", 0)
    assert explained(books, name, cell, column).page == few.page
