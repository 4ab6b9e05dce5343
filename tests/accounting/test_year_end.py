"""年终: what is left of a year goes on, goes back or lapses; the next year has it, once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounting.handing_over import HandingOver
from budget.indicators import FreezeIndicator
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import HANDED_OVER, CloseYear
from budget.year_end.policy import CarryOverPolicy, SetCarryOverPolicy
from budget.year_end_events import CarryOverItem, LongerTerm
from ledger.books import load_charts
from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.errors import IntegrityError
from ledger.events import decode
from ledger.postgres.database import Database
from ledger.reading.objects import read_head
from ledger.writing.submitting import submit_to
from payments.orders.advance_steps import ExpenseAdvance
from tests.payments.test_closing import blockers, sent
from tests.payments.test_corrections import correction
from tests.support.advances import paid as advanced
from tests.support.allocations import allocated, return_of
from tests.support.bookkeeper import Bookkeeper, detail, payment
from tests.support.budgets import BudgetKeeper, of_row

pytestmark = pytest.mark.usefixtures("decided_again")

LAST_DAY, DECEMBER_28 = date(2026, 12, 31), datetime(2026, 12, 28, 2, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 4, 2, tzinfo=UTC)
CLOSE_DECEMBER, CLOSE_LATE_MONTH = ClosePeriod(through="2026-12-31"), ClosePeriod(through="2026-13")


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """Of a row of 900.00, 760.00 were issued as B1 and B2."""
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project()
    keeper.approved(("R1", "900.00"))
    keeper.do(of_row("B1", "R1", "700.00"))
    keeper.do(of_row("B2", "R1", "60.00"))
    yield keeper
    keeper.close()
    keeper.pool.close()


def item(bgt_id: str, carried: str = "", back: str = "", **more: Any) -> CarryOverItem:
    return CarryOverItem(bgt_id=bgt_id, carryovers_amt=carried, take_back_amt=back, **more)


def carry(carry_no: str, *items: CarryOverItem) -> CarryOver:
    return CarryOver(carry_no=carry_no, items=items)


def handing_over(b: Bookkeeper) -> HandingOver:
    return HandingOver(b.pool, submit_to(b.sequencer), load_charts())


def next_year(b: Bookkeeper) -> dict[str, Any]:
    """By number, what the next year's indicators began with."""
    rows = b.sql(
        "SELECT type, payload FROM events WHERE ledger_id = %s + 1"
        " AND type = 'indicator.carried_in' ORDER BY position"
    )
    return {event.bgt_id: event for event in (decode(*row) for row in rows)}


def test_every_kind_of_remainder_goes_on_or_back_and_no_fen_twice(budgets: BudgetKeeper) -> None:
    b = budgets
    b.pay("P1", "B1", "300.00")
    b.do(FreezeIndicator(bgt_id="B1", freeze_no="DJ-1", amt="50.00"))
    b.do(of_row("W", "R1", "40.00", bgt_exe_flag=2))
    b.clock.now = DECEMBER_28
    approved = sent(b, "P2", "100.00")
    early = carry("JZ-0", item("B1", "1.00"))
    assert b.refusal(early) == "future_date", "the year has not ended"
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    assert blockers(b.ask(CloseYear(), "accountant")) == [("sent", "P2", "100.00")]
    b.receipt(approved)
    b.clear("C2", LAST_DAY)
    b.do(ClosePeriod(through="2026-13", reopened=0), "accountant")
    assert b.refusal(carry("JZ-1", item("B1", "1.00"))) == "period_closed"
    b.do(ReopenPeriod(from_month="2026-13", reason="结转"), "accountant")
    # 300.00 are left of B1, 50.00 of them frozen; 60.00 of B2, 40.00 pending of W
    assert blockers(b.ask(CloseYear(), "accountant")) == [
        ("unspent", "B1", "300.00"),
        ("unspent", "B2", "60.00"),
        ("unspent", "W", "40.00"),
    ]
    too_much = b.ask(carry("JZ-1", item("B1", "200.00", "100.01"), item("W", "40.00")))
    assert too_much.problem is not None
    assert too_much.problem.code.text == "exceeds_unspent"
    assert too_much.problem.extra["available_amt"] == "300.00"
    b.do(carry("JZ-1", item("B1", "200.00", "100.00"), item("W", "30.00", "10.00")))
    assert b.refusal(payment("P9", "B1", "0.01")) == "period_closed"
    b.do(carry("JZ-2", item("B2", back="60.00")))
    books = b.books()
    assert (books["结转"], books["支付"], books["财政应返还额度"]) == ("230.00", "400.00", "200.00")
    assert books["财政拨款收入"] == "600.00", "what was paid, and what may be paid next year"
    assert books.get("支出指标", "0.00") == "0.00"

    b.do(CloseYear(), "accountant")
    assert b.refusal(ReopenPeriod(from_month="2026-13", reason="x", reopened=1)) == "period_closed"
    assert b.refusal(carry("JZ-3", item("B1", "0.01"))) == "period_closed"
    assert handing_over(b).look() == 1
    indicator_book = {name: amt for name, amt in b.books().items() if name in _INDICATOR_BOOK}
    assert indicator_book == {}, "the book of indicators comes to nothing"
    [lapsed] = [event for _, name, event in b.events() if name == "budget_row.written_off"]
    assert (lapsed.bgt_pman_id, lapsed.amt) == ("R1", "100.00"), "what no indicator has taken"
    begun = next_year(b)
    told = {number: (each.ori_bgt_id, each.amount) for number, each in begun.items()}
    assert told == {"JZ2026-B1": ("B1", "200.00"), "JZ2026-W": ("W", "30.00")}
    assert begun["JZ2026-W"].pending_amt == "30.00", "what was 待下达 still is"
    assert begun["JZ2026-B1"].bgt_type_name == "上年结转"
    assert handing_over(b).look() == 0, "nothing is handed over twice"


def test_what_comes_back_when_the_year_is_closed_leaves_its_books(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    b.issue("B1", "10.00")
    b.pay("P1", "B1", "10.00")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    asked = b.ask_back("P1", "4.00", effective_on=LAST_DAY).subjects[0]
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(CloseYear(), "accountant")
    handing_over(b).look()
    before = b.books()
    back = b.do(b.notice_of(asked, asked.requests[-1]), "bank").subjects[0]
    assert (back.refunds[0].to_ledger, back.refunded_fen) == ("440000000-2027", 400)
    assert b.books() == before


def handed_over(b: Bookkeeper) -> str:
    with b.pool.connection() as connection:
        head = read_head(connection, b.ledger_id)
    assert head is not None
    return head.settings.get(HANDED_OVER).to_ledger


_INDICATOR_BOOK = {
    "指标来源",
    "支出预算",
    "支出指标",
    "冻结",
    "支付申请",
    "支付",
    "结转",
    "待下达指标",
}


class Killed(Exception):
    """The program ended."""


def test_whenever_the_program_ends_the_next_one_goes_on(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends before each of its writes in turn, and directly behind each: two ledgers change."""
    monkeypatch.setattr("accounting.handing_over.PART_MAX", 2)
    b = bookkeeper
    numbers = [f"B{place}" for place in range(5)]
    for number in numbers:
        b.issue(number, "10.00")
    b.pay("P1", "B0", "4.00")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B0", "6.00"), *(item(number, "10.00") for number in numbers[1:])))
    b.do(CloseYear(), "accountant")

    plainly, ended = submit_to(b.sequencer), 0

    def write_once(key: int, asked: Any) -> Any:
        """Every other program ends before it has written anything, the others behind that."""
        if ended % 2 == 0:
            raise Killed
        plainly(key, asked)
        raise Killed

    while handed_over(b) == "":
        with pytest.raises(Killed):
            HandingOver(b.pool, write_once, load_charts()).look()
        ended += 1
    assert ended > 12, "the opening, three parts, three write-offs and the end, each tried twice"
    assert HandingOver(b.pool, write_once, load_charts()).look() == 0
    assert {each.ori_bgt_id: each.amount for each in next_year(b).values()} == {
        "B0": "6.00", **dict.fromkeys(numbers[1:], "10.00")
    }  # fmt: skip
    assert {name for name in b.books() if name in _INDICATOR_BOOK} == set()


def test_a_number_that_somebody_else_has_taken_stops_it_until_it_is_free(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    b.issue("B1", "10.00")
    following = Bookkeeper(b.pool, year=2027)
    following.open()
    following.issue("JZ2026-B1", "1.00")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B1", "10.00")))
    b.do(CloseYear(), "accountant")
    with pytest.raises(IntegrityError, match="JZ2026-B1"):
        handing_over(b).look()
    following.close()


# ---- 结转 and 结余


def test_money_is_carried_once_and_then_goes_back(bookkeeper: Bookkeeper) -> None:
    """连续两年未用完: of 2026, unspent in 2026 and in 2027, it is 结余; not of science."""
    b = bookkeeper
    b.issue("B1", "10.00")
    b.issue("B2", "10.00", exp_func_code="2060702")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B1", "10.00"), item("B2", "10.00")))
    b.do(CloseYear(), "accountant")
    handing_over(b).look()
    following = Bookkeeper(b.pool, year=2027)
    following.clock.now = datetime(2028, 1, 4, 2, tzinfo=UTC)
    longer = (LongerTerm(carry_years=3, exp_func_code="206"),)
    following.do(SetCarryOverPolicy(longer_terms=longer), "admin")
    following.do(ClosePeriod(through="2027-12-31"), "accountant")
    again = carry("JZ-2", item("JZ2026-B1", "10.00"), item("JZ2026-B2", "10.00"))
    problem = following.ask(again).problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == ("exceeds_unspent", "0.00")
    following.do(carry("JZ-2", item("JZ2026-B1", back="10.00"), item("JZ2026-B2", "10.00")))
    following.do(CloseYear(), "accountant")
    assert handing_over(following).look() == 1
    [begun] = next_year(following).values()
    assert (begun.bgt_id, begun.first_year) == ("JZ2027-B2", 2026)
    following.close()


@pytest.mark.parametrize(("first_year", "carried"), [(2026, True), (2025, False), (2020, False)])
def test_the_years_are_counted_from_the_appropriation(
    bookkeeper: Bookkeeper, first_year: int, carried: bool
) -> None:
    indicator = bookkeeper.issue("B1", "10.00").subjects[0]
    assert CarryOverPolicy().may_carry(indicator, first_year, 2026) == carried


def test_a_code_that_ends_with_the_year_is_told_for_the_next(bookkeeper: Bookkeeper) -> None:
    """科目切换, 撤并: what the indicator is of next year is said when it is carried over."""
    b = bookkeeper
    b.issue("B1", "10.00")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    wrong = carry("JZ-1", item("B1", "10.00", exp_func_code="2120801"))
    assert b.refusal(wrong) == "element_mismatch", "the fund does not pay for it"
    b.do(carry("JZ-1", item("B1", "10.00", agency_code="101002")))
    b.do(CloseYear(), "accountant")
    handing_over(b).look()
    [begun] = next_year(b).values()
    assert (begun.agency_code, begun.exp_func_code) == ("101002", "2010102")


# ---- paid from what was carried over


@pytest.fixture
def following(bookkeeper: Bookkeeper) -> Iterator[Bookkeeper]:
    """Of 250,000.00 of 2026, 50,000.00 went back and 200,000.00 are carried over; the unit's books
    of 2027 begin with that."""
    b = bookkeeper
    b.issue("B1", "250000.00")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B1", "200000.00", "50000.00")))
    assert of_the_unit(b) == {
        "财政应返还额度": "200000.00",
        "财政拨款收入": "200000.00",
        "财政拨款预算收入": "200000.00",
        "资金结存—财政应返还额度": "200000.00",
    }
    b.do(CloseYear(), "accountant")
    handing_over(b).look()
    next_one = Bookkeeper(b.pool, year=2027)
    yield next_one
    next_one.close()


def of_the_unit(b: Bookkeeper) -> dict[str, str]:
    """What its books say but for where they began."""
    return {name: amt for name, amt in b.books().items() if name in _OF_THE_UNIT}


_OF_THE_UNIT = {
    "业务活动费用",
    "行政支出",
    "财政应返还额度",
    "资金结存—财政应返还额度",
    "财政拨款收入",
    "财政拨款预算收入",
    "银行存款",
    "资金结存—货币资金",
}


def stands(returnable: str, spent: str, revenue: str = "") -> dict[str, str]:
    """The same, where all was paid through the bank: 财政应返还额度, 费用 and 财政拨款收入."""
    names = {
        ("财政应返还额度", "资金结存—财政应返还额度"): returnable,
        ("业务活动费用", "行政支出"): spent,
        ("财政拨款收入", "财政拨款预算收入"): revenue,
    }
    return {name: amt for both, amt in names.items() for name in both if amt}


def test_scenario_35_what_was_carried_over_is_drawn_on(following: Bookkeeper) -> None:
    """It was revenue of 2026 when it was carried over, and was revenue of 2027 once more."""
    b = following
    b.pay("P1", "JZ2026-B1", "80000.00")
    assert of_the_unit(b) == stands("120000.00", "80000.00")
    lines = (detail("1", "7000.00"), detail("2", "3000.00"))
    b.pay("P2", "JZ2026-B1", "10000.00", "2", details=lines)  # the second line fails
    assert of_the_unit(b) == stands("113000.00", "87000.00")
    b.refund("P1", "5000.00")
    assert of_the_unit(b) == stands("118000.00", "82000.00")
    b.clear("C1", date(2027, 3, 2))
    assert of_the_unit(b) == stands("118000.00", "82000.00"), "a claim is the treasury's"


def test_what_somebody_has_called_carried_over_is_revenue_of_the_year(
    following: Bookkeeper,
) -> None:
    """No 财政应返还额度 was booked for it: an original number and a kind are typed by anybody."""
    b = following
    b.issue("NEW", "100.00", ori_bgt_id="B1", bgt_type_code="22")
    b.pay("P1", "NEW", "40.00")
    assert of_the_unit(b) == stands("200000.00", "40.00", "40.00")


def test_a_correction_takes_the_unit_s_quota_along(following: Bookkeeper) -> None:
    """Red by what the one indicator has paid from, blue by what the other has; what then comes
    back is of both."""
    b = following
    b.issue("NEW", "100.00")
    b.issue("OTHER", "100.00")
    b.pay("P1", "JZ2026-B1", "100.00")
    b.do(correction("NEW", "30.00"))
    assert of_the_unit(b) == stands("199930.00", "100.00", "30.00")
    b.refund("P1", "80.00")  # first of NEW, which was corrected last
    assert of_the_unit(b) == stands("199980.00", "20.00")
    b.pay("P2", "OTHER", "10.00")
    b.do(correction("JZ2026-B1", "10.00", "GZ-2", pay_app_no="P2"))
    assert of_the_unit(b) == stands("199970.00", "30.00")
    b.refund("P2", "4.00")
    assert of_the_unit(b) == stands("199974.00", "26.00")


def test_an_allocation_and_an_advance_draw_on_it_too(following: Bookkeeper) -> None:
    b = following
    paid = allocated(b, "SB1", "JZ2026-B1", "100.00")
    drawn = {
        "财政应返还额度": "199900.00",
        "资金结存—财政应返还额度": "199900.00",
        "银行存款": "100.00",
        "资金结存—货币资金": "100.00",
    }
    assert of_the_unit(b) == drawn
    b.do(return_of(paid, "100.00"), "pboc")
    assert of_the_unit(b) == stands("200000.00", "")
    advanced(b, "YB-1", "60.00", agency_code="101001")
    to_expense = ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="JZ2026-B1", amt="60.00")
    b.do(to_expense, "accountant")
    assert of_the_unit(b) == {
        "财政应返还额度": "199940.00",
        "资金结存—财政应返还额度": "199940.00",
        "银行存款": "60.00",
        "资金结存—货币资金": "60.00",
    }


def test_carried_over_once_more_it_stands_in_the_unit_s_books_already(
    following: Bookkeeper,
) -> None:
    b = following
    b.pay("P1", "JZ2026-B1", "80000.00")
    b.clock.now = datetime(2028, 1, 4, 2, tzinfo=UTC)
    b.clear("C1", date(2027, 12, 31))
    b.do(SetCarryOverPolicy(carry_years=3), "admin")
    b.do(ClosePeriod(through="2027-12-31"), "accountant")
    b.do(carry("JZ-2", item("JZ2026-B1", "120000.00")))
    assert of_the_unit(b) == stands("120000.00", "80000.00")
