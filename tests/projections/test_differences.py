"""差异: why surplus and budgetary balance differ, an accountant's example with every class of it.

The school pays 100.00 for its work and 80.00 for equipment, owes 50.00 of wages and pays 40.00 of
them; it is owed rent of 30.00 and has 12.00 paid ahead for next year's; it borrows 500.00; a donor
gives equipment of 70.00; paper of 25.00 is bought and 9.00 of it used; 6.00 is written off;
equipment of 20.00, 15.00 of it written off, is scrapped. The treasury is owed
7.00 of fees and owes 3.00 of interest.
"""

from collections.abc import Iterator

import pytest

from accounting.statements import StatementCells, load_statements
from accounting.statements.differences import OTHER, Differences
from ledger.books import load_charts
from ledger.postgres.database import Database
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.statements import STATEMENTS, explained, lines, statement
from tests.support.vouchers import SCHOOL, cr, dr, voucher

EQUIPMENT = {"gov_bgt_eco_code": "50306", "dep_bgt_eco_code": "31003"}
UNIT_STEPS = {
    "V1": [dr("50.00", "5001"), cr("50.00", "2201")],
    "V2": [dr("40.00", "2201"), cr("40.00", "1002"), dr("40.00", "710103"), cr("40.00", "800102")],
    "V3": [dr("30.00", "1212"), cr("30.00", "4605")],
    "V4": [dr("12.00", "1002"), cr("12.00", "2305"), dr("12.00", "800102"), cr("12.00", "6609")],
    "V5": [dr("500.00", "1002"), cr("500.00", "2001"),
           dr("500.00", "800102"), cr("500.00", "650102")],
    "V6": [dr("70.00", "1601"), cr("70.00", "4603")],
    "V7": [dr("25.00", "1302"), cr("25.00", "1002"), dr("25.00", "710103"), cr("25.00", "800102")],
    "V8": [dr("9.00", "5001"), cr("9.00", "1302")],
    "V9": [dr("6.00", "5001"), cr("6.00", "1602")],
    "V10": [dr("5.00", "5301"), dr("15.00", "1602"), cr("20.00", "1601")],
    # bought and paid ahead at once: each line is a part of its own
    "V11": [dr("4.00", "1302"), dr("2.00", "1214"), dr("1.00", "5001"), cr("7.00", "1002"),
            dr("7.00", "710103"), cr("7.00", "800102")],
}  # fmt: skip


@pytest.fixture(scope="module")
def books(module_database: Database) -> Iterator[Bookkeeper]:
    with fresh_pool(module_database.app_conninfo) as pool:
        b = Bookkeeper(pool)
        b.open()
        b.issue("W", "1000.00", agency_code=SCHOOL)
        b.issue("E", "1000.00", agency_code=SCHOOL, **EQUIPMENT)
        b.pay("P1", "W", "100.00")
        b.pay("P2", "E", "80.00")
        for number, entered in UNIT_STEPS.items():
            b.do(voucher(number, *entered), "accountant")
        of = {"book": "treasury_financial"}
        b.do(voucher("T1", dr("7.00", "B33"), cr("7.00", "B82"), **of), "accountant")
        b.do(voucher("T2", dr("3.00", "B18"), cr("3.00", "B56"), **of), "accountant")
        yield b
        b.close()


def test_each_part_of_the_difference_stands_in_its_line(books: Bookkeeper) -> None:
    shown = lines(statement(books, "unit_differences", SCHOOL))
    assert shown == {
        # 6: 180.00 appropriated, 12.00 and 500.00; 7: 180.00, 40.00, 25.00, 7.00
        "一、本年预算结余（本年预算收支差额）": "440.00",
        "（一）当期确认为收入但没有确认为预算收入": "100.00",
        "1.应收款项、预收账款确认的收入": "30.00",
        "2.接受非货币性资产捐赠确认的收入": "70.00",
        "（二）当期确认为预算支出但没有确认为费用": "151.00",
        "1.支付应付款项、预付账款的支出": "42.00",
        "2.为取得存货、政府储备物资等计入物资成本的支出": "29.00",
        "3.为购建固定资产等的资本性支出": "80.00",
        "（三）当期确认为预算收入但没有确认为收入": "512.00",
        "1.收到应收款项、预收账款确认的预算收入": "12.00",
        "2.取得借款确认的预算收入": "500.00",
        "（四）当期确认为费用但没有确认为预算支出": "70.00",
        "1.发出存货、政府储备物资等确认的费用": "9.00",
        "2.计提的折旧费用和摊销费用": "6.00",
        "3.确认的资产处置费用": "5.00",
        "4.应付款项、预付账款确认的费用": "50.00",
        "二、差异调节": "-331.00",
        # 4: 180.00, 30.00, 70.00; 5: 100.00, 50.00, 9.00, 6.00, 5.00, 1.00
        "三、本年盈余（本年收入与费用的差额）": "109.00",
    }
    for agency_code in (SCHOOL, ""):
        checks = statement(books, "unit_differences", agency_code).worked.checks
        assert [each.name for each in checks if not each.holds] == []


def test_a_line_is_explained_by_the_journals_that_make_it(books: Bookkeeper) -> None:
    for agency_code in (SCHOOL, ""):
        of = {"agency_code": agency_code}
        capital = explained(books, "unit_differences", "3.为购建固定资产等的资本性支出", **of)
        assert [(e.number, e.account.id, e.fen) for e in capital.page.entries] == [
            ("P2", "D2", 80_00)
        ], "what was given is of another line"
        ahead = explained(books, "unit_differences", "1.支付应付款项、预付账款的支出", **of)
        assert [(e.number, e.account.id, e.fen) for e in ahead.page.entries] == [
            ("V2", "D2201", 40_00),
            ("V11", "D1214", 2_00),
        ]
        assert sum(e.fen for e in ahead.page.entries) == ahead.fen


def test_the_treasurys_own(books: Bookkeeper) -> None:
    shown = statement(books, "differences")
    assert lines(shown) == {
        "（一）当期确认为收入但没有确认为预算收入": "7.00",
        "1.应收非税收入、应收股利等确认的收入": "7.00",
        "（四）当期确认为费用但没有确认为预算支出": "3.00",
        "1.计提应付利息、应付国库集中支付结余等": "3.00",
        "二、差异调节": "4.00",
        "三、本期盈余": "4.00",
    }
    assert all(check.holds for check in shown.worked.checks)


@pytest.mark.parametrize(("name", "letters"), [("unit_differences", "DE"), ("differences", "BC")])
def test_every_account_is_in_a_line_whatever_it_is_a_part_of(name: str, letters: str) -> None:
    """Or the lines would not come to the surplus."""
    table = STATEMENTS.of_year(2026)[name]
    accounts = load_statements(load_charts()).accounts
    last = table.lines[-1].number
    leaves = StatementCells(table, None).leaves(last, "amt")  # type: ignore[arg-type]
    counted = {
        (account_id, element.prefixes[0])
        for leaf in leaves
        for element in leaf.term.elements
        for account_id in accounts
        if leaf.term.names(account_id)
    }
    own = [a for a in accounts.values() if a.id[0] in letters]
    income = "D4609" if letters == "DE" else "B81"
    for account in own:
        if account.kind in ("revenue", "expense"):
            continue
        for beside in ((), *(((name, -1),) for name in ("D4603", "D5301", "B83"))):
            for side in (1, -1):
                moved = [(account.id, side), (income, -side), *beside]
                code = Differences(accounts).of(moved).get(account.id)
                if code is not None:
                    assert (account.id, code) in counted, (account.name, code)
    assert OTHER in {code for _, code in counted}
