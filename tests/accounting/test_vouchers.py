"""记账凭证: booked by hand on two balanced sides, never where payments or registers book, and taken
back whole by a red voucher, once."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from accounting.voucher_events import AccountingVoucherEntered, VoucherLine
from accounting.vouchers import EnterVoucher, ReverseVoucher
from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument
from ledger.errors import RequestError
from projections.core.runner import Runner
from projections.journal_lists import list_journals
from tests.projections.test_trial_balance import CHARTS
from tests.support.bookkeeper import Bookkeeper
from tests.support.paths import ROOT
from tests.support.vouchers import SCHOOL, cr, dr, voucher

pytestmark = pytest.mark.usefixtures("decided_again")

DEPRECIATION = dr("800.00", "5001"), cr("800.00", "1602")
RENT = (  # 房租到账: revenue of the unit's own, on both sides
    dr("300.00", "1002"),
    cr("300.00", "4605"),
    dr("300.00", "800102"),
    cr("300.00", "6609"),
)


def days(keeper: Bookkeeper) -> list[date]:
    asked = "SELECT effective_on FROM events WHERE ledger_id = %s AND type LIKE %s ORDER BY 1"
    return [day for (day,) in keeper.sql(asked, "accounting_voucher%")]


# ---- what is booked


def test_a_unit_books_depreciation_without_a_budgetary_side(bookkeeper: Bookkeeper) -> None:
    outcome = bookkeeper.do(voucher("JZ-1", *DEPRECIATION), "accountant")
    assert bookkeeper.books() == {"业务活动费用": "800.00", "固定资产累计折旧": "800.00"}
    [entered] = outcome.subjects
    assert [each.acct_cls_name for each in entered.entered.accounts] == [
        "业务活动费用",
        "固定资产累计折旧",
    ]
    [journal] = bookkeeper.journals()
    assert [codes["agency_code"] for codes in journal.line_codes] == [SCHOOL, SCHOOL]
    assert days(bookkeeper) == [date(2026, 3, 2)]


def test_cash_of_the_budget_is_booked_on_both_sides(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(voucher("JZ-1", *RENT), "accountant")
    assert bookkeeper.books() == {
        "银行存款": "300.00",
        "租金收入": "300.00",
        "资金结存—货币资金": "300.00",
        "其他预算收入": "300.00",
    }


def test_the_treasury_books_by_the_ids_of_its_chart(bookkeeper: Bookkeeper) -> None:
    """计提地方债券利息: no cash, so no budgetary side."""
    lines = dr("70.00", "B18"), cr("70.00", "B56")
    bookkeeper.do(voucher("JZ-1", *lines, book="treasury_financial"), "accountant")
    assert bookkeeper.books() == {"财务费用": "70.00", "应付利息": "70.00"}


def test_a_prepayment_becomes_an_expense_when_it_is_settled(bookkeeper: Bookkeeper) -> None:
    paid = (
        dr("500.00", "1214"),
        cr("500.00", "1002"),
        dr("500.00", "720103"),
        cr("500.00", "800102"),
    )
    bookkeeper.do(voucher("JZ-1", *paid), "accountant")
    bookkeeper.do(voucher("JZ-2", dr("500.00", "5001"), cr("500.00", "1214")), "accountant")
    books = bookkeeper.books()
    assert "预付账款" not in books
    assert (books["业务活动费用"], books["事业支出—其他资金支出"]) == ("500.00", "500.00")


def test_it_is_of_the_last_day_of_a_month_that_is_over(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION, acct_period="2026-02"), "accountant")
    asked = voucher("JZ-2", *DEPRECIATION, acct_period="2026-01", effective_on=date(2026, 1, 5))
    bookkeeper.do(asked, "accountant")
    assert days(bookkeeper) == [date(2026, 1, 5), date(2026, 2, 28)]


def test_elements_are_kept_with_their_line(bookkeeper: Bookkeeper) -> None:
    of_project = dr("800.00", "5001", exp_func_code="2050202", dep_bgt_eco_code="30201")
    bookkeeper.do(voucher("JZ-1", of_project, cr("800.00", "1602")), "accountant")
    [journal] = bookkeeper.journals()
    assert journal.line_codes[0] == {
        "exp_func_code": "2050202",
        "dep_bgt_eco_code": "30201",
        "agency_code": SCHOOL,
    }


# ---- what is not

ONE_FEN = dr("800.00", "5001"), cr("799.99", "1602")
NO_PARTNER = RENT[:2]
BUDGET_ALONE = RENT[2:]
TOO_LITTLE = (*RENT[:2], dr("299.99", "800102"), cr("299.99", "6609"))
TREASURY: dict[str, Any] = {"book": "treasury_financial"}

REFUSED: dict[str, tuple[tuple[VoucherLine, ...], dict[str, Any], str]] = {
    "one fen between the sides of a book": (ONE_FEN, {}, "details_mismatch"),
    "one side for the other": (
        (dr("5.00", "5001"), cr("5.00", "6609")),
        {},
        "details_mismatch",
    ),
    "cash without its budgetary side": (NO_PARTNER, {}, "parallel_entry_missing"),
    "the budgetary side alone": (BUDGET_ALONE, {}, "parallel_entry_missing"),
    "a budgetary side one fen short": (TOO_LITTLE, {}, "parallel_entry_missing"),
    "a prepayment without its budgetary side": (
        (dr("5.00", "1214"), cr("5.00", "1002")),
        {},
        "parallel_entry_missing",
    ),
    "treasury cash": ((dr("5.00", "1001"), cr("5.00", "B81")), TREASURY, "account_invalid"),
    "what treasury cash is in the budget": (
        (dr("5.00", "C1"), cr("5.00", "C31")),
        TREASURY,
        "account_invalid",
    ),
    # which hid an advance that still stood out in the register
    "预拨经费 and 待处理支出": (
        (dr("5.00", "B12"), cr("5.00", "B37"), dr("5.00", "C11"), cr("5.00", "C23")),
        TREASURY,
        "account_invalid",
    ),
    "待处理支出 alone": ((dr("5.00", "C11"), cr("5.00", "C23")), TREASURY, "account_invalid"),
    "借出款项": ((dr("5.00", "B12"), cr("5.00", "B35")), TREASURY, "account_invalid"),
    "支出指标": ((dr("5.00", "A1"), cr("5.00", "A3")), {"book": "indicator"}, "account_invalid"),
    "零余额账户": (
        (dr("5.00", "F1"), cr("5.00", "F2")),
        {"book": "zero_balance"},
        "account_invalid",
    ),
    "支出指标 in a unit's voucher": (
        (dr("5.00", "A1"), cr("5.00", "A3")),
        {},
        "element_invalid",
    ),
    "an account that has details": (
        (dr("5.00", "1201"), cr("5.00", "4001"), dr("5.00", "8001"), cr("5.00", "6001")),
        {},
        "element_invalid",
    ),
    "an account that there is not": (
        (dr("5.00", "9999"), cr("5.00", "1602")),
        {},
        "element_invalid",
    ),
    "an account of the treasury": ((dr("5.00", "B18"), cr("5.00", "B56")), {}, "element_invalid"),
    "a unit's book without a unit": (
        DEPRECIATION,
        {"book": "unit_financial"},
        "element_invalid",
    ),
    "another unit's entry": (
        (dr("5.00", "5001", agency_code="102001"), cr("5.00", "1602")),
        {},
        "element_mismatch",
    ),
    "a function that there is not": (
        (dr("5.00", "5001", exp_func_code="9999999"), cr("5.00", "1602")),
        {},
        "element_invalid",
    ),
    "a day of another month": (
        DEPRECIATION,
        {"acct_period": "2026-02", "effective_on": date(2026, 3, 1)},
        "element_mismatch",
    ),
    "a month that has not come": (DEPRECIATION, {"acct_period": "2026-04"}, "future_date"),
    "a month of another year": (DEPRECIATION, {"acct_period": "2025-12"}, "period_closed"),
}


@pytest.mark.parametrize(("lines", "said", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_nothing_and_its_number_free(
    bookkeeper: Bookkeeper, lines: tuple[VoucherLine, ...], said: dict[str, Any], code: str
) -> None:
    assert bookkeeper.refusal(voucher("JZ-1", *lines, **said), "accountant") == code
    assert bookkeeper.books() == {}
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION), "accountant")


@pytest.mark.parametrize(
    "lines",
    [
        (dr("9.00", "1002"), cr("9.00", "2103")),  # 应缴财政款 is not the unit's
        (dr("9.00", "1218"), cr("9.00", "1002")),  # lent to who travels
        (dr("9.00", "5001"), cr("9.00", "1218"), dr("9.00", "710103"), cr("9.00", "800102")),
        (dr("9.00", "1218"), cr("9.00", "4605")),  # owed, not paid
        (dr("9.00", "1002"), cr("9.00", "1001")),  # cash to the bank: the same money
    ],
    ids=["应缴财政款", "暂付", "报销", "应收", "存现"],
)
def test_what_is_not_the_budgets_needs_no_budgetary_side(
    bookkeeper: Bookkeeper, lines: tuple[VoucherLine, ...]
) -> None:
    bookkeeper.do(voucher("JZ-1", *lines), "accountant")


def test_nothing_is_booked_in_a_month_that_is_closed(bookkeeper: Bookkeeper) -> None:
    january = voucher("JZ-1", *DEPRECIATION, acct_period="2026-01")
    bookkeeper.do(ClosePeriod(through="2026-01-31"), "accountant")
    assert bookkeeper.refusal(january, "accountant") == "period_closed"
    bookkeeper.do(ReopenPeriod(from_month="2026-01", reason="补提折旧"), "accountant")
    bookkeeper.do(january, "accountant")


def test_the_example_of_the_page(bookkeeper: Bookkeeper) -> None:
    page = (ROOT / "docs" / "vouchers.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = {"voucher": voucher, "dr": dr, "cr": cr, "ReverseVoucher": ReverseVoucher}
    exec(example, {"b": bookkeeper, **names})


# ---- red vouchers


def test_a_red_voucher_takes_all_back_once(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(voucher("JZ-1", *RENT, acct_period="2026-01"), "accountant")
    bookkeeper.do(ClosePeriod(through="2026-01-31"), "accountant")
    red = ReverseVoucher(voucher_no="JZ-1", red_voucher_no="JZ-2", reason="重复入账")
    outcome = bookkeeper.do(red, "accountant")
    assert bookkeeper.books() == {}
    assert outcome.subjects[0].reversed.red_voucher_no == "JZ-2"
    assert days(bookkeeper) == [date(2026, 1, 31), date(2026, 3, 2)]
    blue, back = bookkeeper.journals()
    assert (blue.red_flag, back.red_flag, back.number) == (0, 1, "JZ-2")
    assert [(line.account, -line.dr_cr, line.amt) for line in back.lines] == [
        (line.account, line.dr_cr, line.amt) for line in blue.lines
    ]
    assert back.line_codes == blue.line_codes

    assert bookkeeper.ask(red, "accountant").replayed
    again = ReverseVoucher(voucher_no="JZ-1", red_voucher_no="JZ-3", reason="再冲")
    assert bookkeeper.refusal(again, "accountant") == "invalid_state"
    nothing = ReverseVoucher(voucher_no="JZ-9")
    assert bookkeeper.refusal(nothing, "accountant") == "not_found"


def test_a_red_voucher_without_a_number_of_its_own_has_the_vouchers_with_a_mark(
    bookkeeper: Bookkeeper,
) -> None:
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION), "accountant")
    bookkeeper.do(ReverseVoucher(voucher_no="JZ-1"), "accountant")
    assert [each.number for each in bookkeeper.journals()] == ["JZ-1", "JZ-1-R"]
    named = ReverseVoucher(voucher_no="JZ-1", red_voucher_no="JZ-1-R")
    assert bookkeeper.ask(named, "accountant").replayed, "who says what is meant anyway"
    assert bookkeeper.refusal(ReverseVoucher(voucher_no="JZ-1", reason="x")) == (
        "idempotency_conflict"
    )
    long = ReverseVoucher(voucher_no="9" * 99)
    with pytest.raises(RequestError, match="say the red voucher's own"):
        long.check()


@pytest.mark.parametrize("forgets", [False, True], ids=["at hand", "read anew"])
def test_an_entered_and_a_red_voucher_never_have_one_number(
    bookkeeper: Bookkeeper, forgets: bool
) -> None:
    """A red voucher took the number of an entered one, JZ-2, or of its own voucher, and JZ-3 was
    entered beside a red JZ-3: one number was then two vouchers of the books."""

    def refused(command: EnterVoucher | ReverseVoucher) -> str:
        if not forgets:
            return bookkeeper.refusal(command, "accountant")
        with closing(Bookkeeper(bookkeeper.pool)) as afresh:
            afresh.clock.now = bookkeeper.clock.now
            return afresh.refusal(command, "accountant")

    def red(number: str, of: str) -> ReverseVoucher:
        return ReverseVoucher(voucher_no=of, red_voucher_no=number, reason="重复入账")

    bookkeeper.do(voucher("JZ-1", *DEPRECIATION), "accountant")
    bookkeeper.do(voucher("JZ-2", *DEPRECIATION), "accountant")
    assert refused(red("JZ-2", of="JZ-1")) == "idempotency_conflict"
    assert refused(red("JZ-1", of="JZ-1")) == "idempotency_conflict"
    bookkeeper.do(red("JZ-3", of="JZ-2"), "accountant")
    assert refused(voucher("JZ-3", *DEPRECIATION)) == "idempotency_conflict"
    bookkeeper.do(voucher("JZ-1-R", *DEPRECIATION), "accountant")
    assert refused(ReverseVoucher(voucher_no="JZ-1", reason="重复入账")) == "idempotency_conflict"
    bookkeeper.do(red("JZ-4", of="JZ-1"), "accountant")
    assert [each.number for each in bookkeeper.journals()] == [
        "JZ-1",
        "JZ-2",
        "JZ-3",
        "JZ-1-R",
        "JZ-4",
    ]


def test_nor_have_two_that_are_asked_for_at_once(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION), "accountant")
    red = ReverseVoucher(voucher_no="JZ-1", red_voucher_no="JZ-2", reason="重复入账")
    both = red, voucher("JZ-2", *DEPRECIATION)
    for asked in (both, both[::-1]):
        tried = bookkeeper.submit(*asked, by="accountant", atomic=True)
        assert [each.problem.code.text for each in tried if each.problem] == [
            "batch_aborted",
            "idempotency_conflict",
        ]
    first, second = bookkeeper.submit(*both, by="accountant")
    assert first.problem is None
    assert second.problem is not None
    assert second.problem.code.text == "idempotency_conflict"
    assert bookkeeper.books() == {}


# ---- 制单, 审核, 记账


@pytest.fixture
def policied(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    keeper = Bookkeeper(pool)
    keeper.open(**{"voucher.enter": ("accountant_checker",), "voucher.reverse": ()})
    yield keeper
    keeper.close()


def agree(keeper: Bookkeeper, number: str, role: str, by: str) -> None:
    keeper.do(ApproveDocument(document_kind="voucher.enter", document_no=number, roles=(role,)), by)


def test_another_person_checks_and_until_then_nothing_is_booked(policied: Bookkeeper) -> None:
    asked = voucher("JZ-1", *DEPRECIATION)
    policied.do(asked, "accountant")
    assert policied.books() == {}
    own = ApproveDocument(
        document_kind="voucher.enter", document_no="JZ-1", roles=("accountant_checker",)
    )
    assert policied.refusal(own, "Accountant") == "same_person"
    agree(policied, "JZ-1", "accountant_checker", "checker")
    assert policied.books() == {"业务活动费用": "800.00", "固定资产累计折旧": "800.00"}


def test_what_would_be_refused_is_refused_before_anybody_checks(policied: Bookkeeper) -> None:
    assert policied.refusal(voucher("JZ-1", *NO_PARTNER), "accountant") == "parallel_entry_missing"
    assert not [e for _, _, e in policied.events() if isinstance(e, AccountingVoucherEntered)]


def test_a_journal_tells_who_made_checked_and_posted_it_and_what_it_reverses(
    policied: Bookkeeper,
) -> None:
    policied.do(voucher("JZ-1", *DEPRECIATION), "accountant")
    agree(policied, "JZ-1", "accountant_checker", "checker")
    three = {"voucher.enter": ("accountant_checker", "accountant")}
    policied.do(SetApprovalPolicy(approval_policy=three), "admin")
    policied.do(voucher("JZ-2", *DEPRECIATION), "accountant")
    agree(policied, "JZ-2", "accountant_checker", "checker")
    agree(policied, "JZ-2", "accountant", "bookkeeper")
    policied.do(ReverseVoucher(voucher_no="JZ-1"), "accountant")
    Runner(policied.pool).catch_up()
    with policied.pool.connection() as connection:
        journals = list_journals(connection, policied.ledger_id, CHARTS).items
    assert [(j["made_by"], j["checked_by"], j["posted_by"]) for j in journals] == [
        ("accountant", "checker", "guoku"),
        ("accountant", "checker", "bookkeeper"),
        ("accountant", "", "guoku"),
    ]
    assert [j["red_vou_no"] for j in journals] == [None, None, journals[0]["position"]]
