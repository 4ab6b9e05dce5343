"""部门决算 and 执行情况: an accountant's example; every figure by hand, told apart by codes.

The school has 500.00 of the general budget and 300.00 of its own left from the year before. It pays
600.00 for its office, 40.00 for guests (一般公共预算) and 100.00 of a land fund (政府性基金); the
clinic pays 30.00. The school lets a room for 300.00.
"""

from collections.abc import Iterator
from datetime import date

import pytest

from ledger.money import yuan
from ledger.postgres.database import Database
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.histories import MARCH_2
from tests.support.openings import credit, debit, income, opening
from tests.support.statements import STATEMENTS, broken, explained, lines, statement
from tests.support.vouchers import cr, dr, voucher

SCHOOL, CLINIC = "101001", "102001"
GENERAL = {"agency_code": SCHOOL, "fund_type_code": "111", "exp_func_code": "2010102"}


@pytest.fixture(scope="module")
def books(module_database: Database) -> Iterator[Bookkeeper]:
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        play(keeper)
        yield keeper
        keeper.close()


def play(b: Bookkeeper) -> None:
    b.do(
        opening(
            "unit_budgetary",
            debit("500.00", acct_cls_code="800103", agency_code=SCHOOL),
            debit("300.00", acct_cls_code="800102", agency_code=SCHOOL),
            credit("500.00", acct_cls_code="810107", **GENERAL),
            credit("300.00", acct_cls_code="820204", agency_code=SCHOOL),
        )
    )
    b.do(
        opening(
            "unit_financial",
            debit("500.00", acct_cls_code="120101", agency_code=SCHOOL),
            debit("300.00", acct_cls_code="1002", agency_code=SCHOOL),
            credit("800.00", acct_cls_code="3001", agency_code=SCHOOL),
        )
    )
    b.do(income("R1", date(2026, 1, 15), ("10101", "111", "2000.00"), ("10305", "111", "50.00")))
    b.issue("OFFICE", "1000.00", agency_code=SCHOOL)
    b.issue(
        "GUESTS", "90.00", agency_code=SCHOOL, dep_bgt_eco_code="30217", gov_bgt_eco_code="50206"
    )
    b.issue("LAND", "700.00", agency_code=SCHOOL, fund_type_code="121")
    b.issue("CLINIC", "1000.00", agency_code=CLINIC)
    for number, (bgt_id, amt) in enumerate(
        (("OFFICE", "600.00"), ("GUESTS", "40.00"), ("LAND", "100.00"), ("CLINIC", "30.00"))
    ):
        b.pay(f"P{number}", bgt_id, amt, effective_on=MARCH_2)
    b.do(
        voucher("V1", dr("300.00", "1002"), cr("300.00", "4605"), dr("300.00", "800102"),
                cr("300.00", "6609"))
    )  # fmt: skip


def by_code(b: Bookkeeper, name: str, column: str, agency_code: str = "") -> dict[str, str]:
    return {
        line.code or line.name: yuan(fen)
        for line, cells in statement(b, name, agency_code).worked.rows
        if cells and (fen := cells[column])
    }


def test_income_and_expenditure_of_a_unit(books: Bookkeeper) -> None:
    assert lines(statement(books, "final_01", SCHOOL)) == {
        "一般公共预算财政拨款收入": "640.00",
        "政府性基金预算财政拨款收入": "100.00",
        "其他收入": "300.00",
        "本年收入合计": "1040.00",
        "年初结转和结余": "800.00",
        "收入总计": "1840.00",
        "项目支出": "740.00",
        "本年支出合计": "740.00",
        "年末结转和结余": "1100.00",
        "支出总计": "1840.00",
    }


def test_expenditure_by_function_and_by_economy(books: Bookkeeper) -> None:
    assert by_code(books, "final_04", "amt", SCHOOL) == {
        "合计": "740.00",
        "2010102": "640.00",
        "2120801": "100.00",
    }
    assert by_code(books, "final_05", "amt", SCHOOL) == {
        "合计": "740.00",
        "30201": "700.00",
        "30217": "40.00",
    }
    assert by_code(books, "final_04", "amt") == {
        "合计": "770.00",
        "2010102": "670.00",
        "2120801": "100.00",
    }, "of all units"
    assert by_code(books, "final_08", "amt", SCHOOL) == {
        "合计": "640.00",
        "30201": "600.00",
        "30217": "40.00",
    }
    assert by_code(books, "final_09", "income_amt", SCHOOL) == {
        "合计": "100.00",
        "2120801": "100.00",
    }
    three = statement(books, "final_three_public", SCHOOL)
    assert (lines(three, "budget_amt")["合计"], lines(three)["三、公务接待费"]) == (
        "90.00",
        "40.00",
    )


def test_what_a_unit_carries_over(books: Bookkeeper) -> None:
    assert lines(statement(books, "unit_budget_carry_over", SCHOOL)) == {
        "一、年初预算结转结余": "800.00",
        "（一）财政拨款结转结余": "500.00",
        "（二）其他资金结转结余": "300.00",
        "三、本年变动金额": "300.00",
        "1.本年收支差额": "300.00",
        "四、年末预算结转结余": "1100.00",
    }
    granted = statement(books, "unit_appropriation", SCHOOL)
    assert lines(granted, "opening_amt") == {
        "一、一般公共预算财政拨款": "500.00",
        "（二）项目支出": "500.00",
        "总计": "500.00",
    }
    assert lines(granted, "expense_amt")["总计"] == "740.00"
    assert lines(granted)["总计"] == "500.00"


def test_how_the_budget_is_carried_out(books: Bookkeeper) -> None:
    assert by_code(books, "budget_execution", "amt") == {
        "一般公共预算收入": "2050.00",
        "10101": "2000.00",
        "10305": "50.00",
        "一般公共预算支出": "670.00",
        "201": "670.00",
        "政府性基金预算支出": "100.00",
        "212": "100.00",
        "支出合计": "770.00",
    }
    assert by_code(books, "budget_execution", "budget_amt")["212"] == "700.00"


@pytest.mark.parametrize("agency_code", [SCHOOL, ""])
def test_the_journals_under_a_row_of_a_code(books: Bookkeeper, agency_code: str) -> None:
    table = STATEMENTS.of_year(2026)["final_05"]
    row = f"{table.lines[0].number}-30217"
    cell = explained(books, "final_05", row, agency_code=agency_code)
    assert [(entry.number, yuan(entry.fen)) for entry in cell.page.entries] == [("P1", "40.00")]
    assert yuan(cell.fen or 0) == "40.00"


def test_all_checks_hold(books: Bookkeeper) -> None:
    assert broken(books, "", SCHOOL, CLINIC) == []
