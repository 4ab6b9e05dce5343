"""年终结账, 年初开账: the books of the treasury and of every unit, from one year to the next."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from accounting.book_balances import read_balances
from accounting.carrying_books import BeginOpenings, TakeOpening
from accounting.closing_books import CloseBooks
from accounting.closing_events import KeptBalance
from accounting.entered_rows import NamedAccount
from accounting.handing_over import HandingOver
from budget.year_end.closing import CloseYear
from budget.year_end.receiving import TakeCarried
from ledger.books import load_charts, shipped_books
from ledger.deciding.command import Told
from ledger.events import YearClosed
from ledger.writing.submitting import submit_to
from payments.clearing.cash_events import CashReserve
from payments.clearing.cash_policy import SetCashPolicy
from payments.orders.answered import ApplyOrderReturn
from tests.accounting.test_year_end import (
    CLOSE_DECEMBER,
    LAST_DAY,
    NEW_YEAR,
    Killed,
    carry,
    handed_over,
    handing_over,
    item,
)
from tests.payments.test_placements import back, placed
from tests.support.advances import LENT, returned
from tests.support.advances import paid as advanced
from tests.support.allocations import allocated, return_of
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened, credit, debit, opening
from tests.support.statements import broken, lines, statement
from tests.support.vouchers import cr, dr, voucher

pytestmark = pytest.mark.usefixtures("decided_again")

CASH = {"acct_cls_id": "B1", "tre_code": TREASURY, "fund_type_code": "111"}
UNIT_2 = "101002"


@pytest.fixture
def year(bookkeeper: Bookkeeper) -> Bookkeeper:
    """The treasury begins with 1,000.00. Of 300.00 for one unit 120.00 are paid and claimed, of
    50.00 for another all; that one has earned 7.00 beside. 180.00 go on."""
    b = bookkeeper
    b.do(
        opening("treasury_financial", debit("1000.00", **CASH), of("B71", "1000.00")), "accountant"
    )
    b.do(
        opening(
            "treasury_budgetary",
            debit("1000.00", acct_cls_id="C1", fund_type_code="111"),
            of("C51", "1000.00", fund_type_code="111"),
        ),
        "accountant",
    )
    b.issue("B1", "300.00")
    b.issue("B2", "50.00", agency_code=UNIT_2)
    b.pay("P1", "B1", "120.00")
    b.pay("P2", "B2", "50.00")
    earned = dr("7.00", "1002"), cr("7.00", "4609"), dr("7.00", "E800102"), cr("7.00", "6609")
    b.do(voucher("V1", *earned, agency_code=UNIT_2), "accountant")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", item("B1", "180.00")), "accountant")
    b.do(CloseYear(), "accountant")
    return b


def of(account: str, amount: str, **codes: str) -> Any:
    return credit(amount, acct_cls_id=account, **codes)


def held(b: Bookkeeper, key: int) -> dict[str, dict[str, int]]:
    """By set of books, what accounts hold in fen, debits positive, whatever they are kept by."""
    found: dict[str, dict[str, int]] = {}
    with b.pool.connection() as connection:
        balances = read_balances(connection, key, 2**40, shipped_books())
    for number, of_books in balances.items():
        sums = found.setdefault(number, {})
        for (account, _), fen in of_books.items():
            sums[account] = sums.get(account, 0) + fen
    return {number: {a: fen for a, fen in sums.items() if fen} for number, sums in found.items()}


LEFT = {
    "treasury": {"B1": 830_00, "B71": -830_00, "C1": 830_00, "C51": -830_00},
    "unit/101001": {
        "D1201": 180_00, "D3001": -180_00, "E800103": 180_00, "E810107": -180_00
    },
    "unit/101002": {
        "D1002": 7_00, "D3001": -7_00, "E800102": 7_00, "E820204": -7_00
    },
}  # fmt: skip


def test_revenue_and_expense_come_to_nothing_and_the_next_year_begins_with_the_rest(
    year: Bookkeeper,
) -> None:
    b = year
    before = held(b, b.ledger_id)
    assert before["unit/101001"] == {
        "D1201": 180_00, "D1": 120_00, "D3": -300_00,
        "E800103": 180_00, "E1": 120_00, "E3": -300_00,
    }  # fmt: skip
    assert handing_over(b).look() == 1
    assert held(b, b.ledger_id) == LEFT
    assert held(b, b.ledger_id + 1) == LEFT
    assert handing_over(b).look() == 0


def test_a_closing_names_its_steps_and_an_opening_the_year_that_it_is_of(year: Bookkeeper) -> None:
    b = year
    handing_over(b).look()
    closed = {e.books_no: e for _, name, e in b.events() if name == "books.closed"}
    [closed_at] = [position for position, name, _ in b.events() if name == "ledger.year_closed"]
    unit = closed["unit/101001"]
    assert unit.at_position == closed_at
    assert unit.steps[:3] == (
        "收入费用转本期盈余",
        "本期盈余转本年盈余分配",
        "本年盈余分配等转累计盈余",
    )
    assert closed["treasury"].cash[0].cash_acct == CASH["tre_code"]
    b.ledger_id += 1
    [begun] = [e for _, name, e in b.events() if name == "ledger.openings_begun"]
    assert begun.from_ledger == "440000000-2026"
    assert set(begun.books) == set(shipped_books().kept_by)
    carried = {e.books_no for _, name, e in b.events() if name == "opening.carried"}
    assert carried == LEFT.keys()


def test_cash_lies_in_the_next_year_where_it_lay(year: Bookkeeper) -> None:
    b = year
    rows = "SELECT key, amounts::text FROM registers WHERE ledger_id = %s AND register = 'cash'"
    before = sorted(b.sql(rows))
    handing_over(b).look()
    b.ledger_id += 1
    assert sorted(b.sql(rows)) == before


def test_no_book_is_opened_by_hand_that_the_year_before_has_opened(year: Bookkeeper) -> None:
    b = year
    handing_over(b).look()
    following = Bookkeeper(b.pool, year=2027)
    by_hand = opening("unit_financial", debit("1.00", acct_cls_id="D1002"), of("D3001", "1.00"))
    assert following.refusal(by_hand, "accountant") == "already_opened"
    following.close()


def test_a_book_that_somebody_has_opened_by_hand_stays_as_it_is(year: Bookkeeper) -> None:
    """The other book of the same units begins with what is left."""
    b = year
    following = Bookkeeper(b.pool, year=2027)
    following.open()
    rows = (debit("187.00", acct_cls_id="D1201"), of("D3001", "187.00"))
    following.do(opening("unit_financial", *rows), "accountant")
    assert handing_over(b).look() == 1
    begun = held(b, following.ledger_id)
    assert begun["unit/101001"] == {"E800103": 180_00, "E810107": -180_00}
    assert begun["unit/"] == {"D1201": 187_00, "D3001": -187_00}
    following.close()


def test_whenever_the_program_ends_each_set_of_books_is_closed_and_opened_once(
    year: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounting.handing_over_books.PART_MAX", 1)
    b, plainly, ended = year, submit_to(year.sequencer), 0

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
    assert held(b, b.ledger_id) == held(b, b.ledger_id + 1) == LEFT


def test_a_fund_s_money_goes_to_its_own_balance(bookkeeper: Bookkeeper) -> None:
    """政府性基金 to C52; and a deposit below what was paid is owed by the next year, too."""
    b = bookkeeper
    b.issue("B1", "10.00", fund_type_code="121")
    b.pay("P1", "B1", "10.00")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(CloseYear(), "accountant")
    assert handing_over(b).look() == 1
    left = {"B1": -10_00, "B71": 10_00, "C1": -10_00, "C52": 10_00}
    assert held(b, b.ledger_id + 1) == {"treasury": left}
    rows = "SELECT amounts[3] FROM registers WHERE ledger_id = %s AND register = 'cash'"
    b.ledger_id += 1
    assert b.sql(rows) == [(10_00,)], "claimed while cash was not controlled"


# ---- what is refused


@pytest.fixture
def following(year: Bookkeeper) -> Iterator[Bookkeeper]:
    made = Bookkeeper(year.pool, year=2027)
    made.open()
    yield made
    made.close()


def begin(account: NamedAccount, books: tuple[str, ...] = ("unit_financial",)) -> BeginOpenings:
    return BeginOpenings(
        from_ledger="440000000-2026",
        from_position=1,
        from_chain="",
        books=books,
        accounts=(account,),
    )


RETURNABLE = NamedAccount("D1201", "1201", "财政应返还额度")


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (NamedAccount("D1201", "1201", "零余额账户用款额度"), "calls D1201 1201 财政应返还额度"),
        (NamedAccount("D1201", "1203", "财政应返还额度"), "calls D1201 1201 财政应返还额度"),
        (NamedAccount("D9999", "9999", "某科目"), "has none of that id"),
        (NamedAccount("D3", "4001", "财政拨款收入"), "opens no year with D3 财政拨款收入"),
    ],
)
def test_an_account_that_the_next_chart_calls_otherwise_opens_nothing(
    following: Bookkeeper, account: NamedAccount, reason: str
) -> None:
    problem = following.ask(begin(account), "guoku").problem
    assert problem is not None
    assert problem.code.text == "element_invalid"
    assert reason in str(problem)


def test_what_begins_a_year_balances_and_is_of_the_year_before(following: Bookkeeper) -> None:
    b = following
    unit = {"agency_code": "101001"}
    rows = (
        KeptBalance("D1201", 1, "180.00", unit),
        KeptBalance("D3001", -1, "180.00", unit),
    )

    def asked(*rows: KeptBalance, of_year: int = 2026) -> str:
        ledger = f"440000000-{of_year}"
        taken = TakeOpening(books_no="unit/101001", from_ledger=ledger, rows=rows)
        return b.refusal(taken, "guoku")

    assert asked(*rows) == "invalid_state", "nobody has said that the books begin so"
    b.do(begin(RETURNABLE), "guoku")
    assert asked(*rows, of_year=2025) == "invalid_state"
    assert asked(rows[0]) == "details_mismatch"
    assert asked(KeptBalance("E800103", 1, "1.00", unit)) == "element_invalid", "no such book"
    assert asked(KeptBalance("D3", -1, "180.00", unit), rows[0]) == "account_invalid"
    assert asked(*rows) == ""
    assert b.refusal(begin(RETURNABLE, ("unit_budgetary",)), "guoku") == "idempotency_conflict"


def test_books_are_closed_when_their_year_is(bookkeeper: Bookkeeper) -> None:
    early = CloseBooks(books_no="unit/101001", at_position=1, balances=())
    assert bookkeeper.refusal(early, "guoku") == "invalid_state"


def test_an_account_that_the_chart_does_not_have_is_not_closed(year: Bookkeeper) -> None:
    strange = (KeptBalance("D9999", 1, "1.00", {}), KeptBalance("D3", -1, "1.00", {}))
    asked = CloseBooks(books_no="unit/x", at_position=1, balances=strange)
    assert year.refusal(asked, "guoku") == "account_invalid"


def test_what_goes_over_is_refused_from_any_but_the_year_before(bookkeeper: Bookkeeper) -> None:
    taken = TakeCarried(
        part_no="x", from_ledger="440000000-2024", from_position=1, from_chain="", items=()
    )
    assert bookkeeper.refusal(taken, "guoku") == "invalid_state"


# ---- what people are shown


def test_statements_of_a_closed_year_show_its_revenue_and_the_next_one_s_begin_with_its_balances(
    year: Bookkeeper,
) -> None:
    b = year
    of_unit, of_treasury = "unit_income_expense", "income_expense"
    before = [lines(statement(b, of_unit, UNIT_2)), lines(statement(b, of_treasury))]
    assert before[0]["（一）财政拨款收入"] == "50.00"
    handing_over(b).look()
    after = [lines(statement(b, of_unit, UNIT_2)), lines(statement(b, of_treasury))]
    assert after == before
    closed = lines(statement(b, "unit_balance_sheet", UNIT_2))
    assert broken(b, "101001", UNIT_2) == []
    b.ledger_id, b.year = b.ledger_id + 1, 2027
    begun = statement(b, "unit_balance_sheet", UNIT_2)
    assert lines(begun) == lines(begun, "opening_amt") == closed
    assert lines(statement(b, of_unit, UNIT_2), "prior_amt") == before[0]
    assert broken(b, "101001", UNIT_2) == []


# ---- what the central bank says of the year's orders when it is handed over


def _placed(b: Bookkeeper) -> ApplyOrderReturn:
    b.do(SetCashPolicy(reserves=(CashReserve("11", "0.00"),)), "admin")
    return back(placed(b, "XJ-1", "300.00"), "300.00")


def _lent(b: Bookkeeper) -> ApplyOrderReturn:
    ordered = advanced(b, "YB-1", "300.00", LENT).ordered
    return returned("YB-1", ordered.voucher_no, "300.00")


def _allocated(b: Bookkeeper) -> ApplyOrderReturn:
    b.issue("B1", "300.00")
    return return_of(allocated(b, "SB-1", "B1", "300.00"), "300.00")


@pytest.mark.parametrize("order", [_placed, _lent, _allocated])
def test_no_word_of_the_central_bank_moves_the_books_of_a_year_that_is_handed_over(
    bookkeeper: Bookkeeper, order: Callable[[Bookkeeper], ApplyOrderReturn]
) -> None:
    """300.00 that came back in January stood on 31 December, and the next year had begun without
    them; of an allocation they were refused for want of what the indicator had paid."""
    b = bookkeeper
    b.do(cash_opened(f111="1000.00"), "accountant")
    notice = msgspec.structs.replace(order(b), return_date=date(2027, 1, 4))
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(CloseYear(), "accountant")
    handing_over(b).look()
    before = held(b, b.ledger_id)
    assert b.refusal(notice, "pboc") == "period_closed"
    assert held(b, b.ledger_id) == before == held(b, b.ledger_id + 1)


def test_a_year_that_an_earlier_release_has_closed_is_decided_again_as_it_was(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    b.do(cash_opened(f111="1000.00"), "accountant")
    notice = msgspec.structs.replace(_lent(b), return_date=date(2027, 1, 4))
    b.clock.now = NEW_YEAR
    [former] = CloseYear.asked_in(Told(YearClosed(complete=True, by=""), LAST_DAY))
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(former, "accountant")
    b.do(notice, "pboc")
