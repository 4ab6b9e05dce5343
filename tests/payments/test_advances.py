"""预拨、暂付: ordered and paid, turned into an expense, recovered, returned; cash and books."""

from datetime import date

import msgspec
import pytest

from ledger.money import parse_yuan
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH, Cash, split_key
from payments.orders.advance import STANDING_OUT, StandingOut
from payments.orders.advance_policy import SetAdvancePolicy
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.orders.reversing import ReverseAdvanceStep
from tests.invariants.test_invariant_13_every_day import folded, stored
from tests.support.advances import LENT, OWED, advance, answer, paid, returned
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened, income

pytestmark = pytest.mark.usefixtures("decided_again")


ANOTHER = "4400000002"  # a treasury account beside it


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.do(cash_opened(f111="1000.00", f121="50.00"), "accountant")
    return bookkeeper


def general(keeper: Bookkeeper) -> Cash:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH)[f"{TREASURY}/11"]


def standing_out(keeper: Bookkeeper) -> dict[str, StandingOut]:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, STANDING_OUT)


def test_an_advance_takes_cash_and_is_an_asset_once_it_is_paid(b: Bookkeeper) -> None:
    ordered = b.do(advance("YB-1", "300.00"), "accountant").subjects[0]
    assert ordered.ordered.voucher_no == "5207:440000000-2026:advance:YB-1"
    assert general(b) == Cash(free=70_000, claimed=30_000)
    assert b.books()["国库存款"] == "1050.00"
    b.do(answer(ordered), "pboc")
    assert general(b) == Cash(free=70_000)
    books = b.books()
    assert (books["国库存款"], books["预拨经费"]) == ("750.00", "300.00")
    assert (books["待处理支出"], books["资金结存—库款资金结存"]) == ("300.00", "-300.00")
    assert "银行存款" not in books  # whom it went to is no unit of the division
    assert standing_out(b) == {"YB-1": StandingOut(left=30_000)}


@pytest.mark.parametrize(("account", "name"), [(LENT, "借出款项"), (OWED, "其他应收款")])
def test_what_is_lent_or_owed(b: Bookkeeper, account: str, name: str) -> None:
    paid(b, "YB-1", "100.00", account)
    books = b.books()
    assert (books[name], books["资金结存—待处理结存"]) == ("100.00", "100.00")


def test_more_than_lies_there_is_refused(b: Bookkeeper) -> None:
    problem = b.ask(advance("YB-1", "1000.01"), "accountant").problem
    assert problem is not None
    assert problem.code.text == "insufficient_cash"
    assert (problem.extra["available_amt"], problem.extra["requested_amt"]) == (
        "1000.00",
        "1000.01",
    )
    of_funds = advance("YB-2", "50.01", fund_type_code="121")
    assert b.refusal(of_funds, "accountant") == "insufficient_cash"
    b.do(advance("YB-3", "1000.00"), "accountant")
    assert b.refusal(advance("YB-4", "0.01"), "accountant") == "insufficient_cash"


def test_what_is_rejected_is_free_again(b: Bookkeeper) -> None:
    ordered = b.do(advance("YB-1", "300.00"), "accountant").subjects[0]
    rejected = b.do(answer(ordered, paid=False), "pboc").subjects[0]
    assert rejected.status == "rejected"
    assert general(b) == Cash(free=100_000)
    assert "预拨经费" not in b.books()
    assert standing_out(b) == {}
    assert b.refusal(answer(ordered), "pboc") == "invalid_state"


def test_a_unit_of_the_division_owes_it_until_it_is_income(b: Bookkeeper) -> None:
    paid(b, "YB-1", "300.00", agency_code="101001")
    books = b.books()
    assert (books["银行存款"], books["其他应付款"]) == ("300.00", "300.00")
    b.issue("B1", "250.00")
    b.do(ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="200.00"), "accountant")
    books = b.books()
    assert (books["预拨经费"], books["待处理支出"]) == ("100.00", "100.00")
    assert books["政府机关商品和服务拨款费用"] == "200.00"
    assert books["一般公共预算支出"] == "200.00"
    assert (books["其他应付款"], books["财政拨款收入"]) == ("100.00", "200.00")
    assert (books["资金结存—货币资金"], books["财政拨款预算收入"]) == ("200.00", "200.00")
    assert (books["支付"], books["支出指标"]) == ("200.00", "50.00")
    assert books["国库存款"] == "750.00", "no cash moves"
    assert b.figures("B1")["paid"] == "200.00"
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S2", amt="100.00"), "accountant")
    books = b.books()
    assert "预拨经费" not in books
    assert "其他应付款" not in books
    assert (books["银行存款"], books["国库存款"]) == ("200.00", "850.00")


def test_not_more_than_stands_out_and_not_more_than_the_indicator_has(b: Bookkeeper) -> None:
    paid(b, "YB-1", "300.00")
    b.issue("B1", "250.00")
    over = ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="250.01")
    assert b.refusal(over, "accountant") == "insufficient_indicator"
    b.do(ExpenseAdvance(adv_no="YB-1", step_no="S2", bgt_id="B1", amt="250.00"), "accountant")
    over_advance = RecoverAdvance(adv_no="YB-1", step_no="S3", amt="50.01")
    problem = b.ask(over_advance, "accountant").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == ("exceeds_advance", "50.00")
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S4", amt="50.00"), "accountant")
    assert b.refusal(RecoverAdvance(adv_no="YB-1", step_no="S5", amt="0.01")) == "exceeds_advance"


def test_only_what_is_paid_comes_down_and_by_an_indicator_that_is_alike(b: Bookkeeper) -> None:
    ordered = b.do(advance("YB-1", "300.00", agency_code="101001"), "accountant").subjects[0]
    b.issue("B1", "300.00")
    b.issue("FUNDS", "300.00", fund_type_code="121")
    b.issue("OTHER", "300.00", agency_code="102001")
    step = ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="1.00")
    assert b.refusal(step, "accountant") == "invalid_state"
    b.do(answer(ordered), "pboc")
    for bgt_id in ("FUNDS", "OTHER"):
        other = ExpenseAdvance(adv_no="YB-1", step_no=f"S-{bgt_id}", bgt_id=bgt_id, amt="1.00")
        assert b.refusal(other, "accountant") == "element_mismatch"
    unknown = ExpenseAdvance(adv_no="YB-9", step_no="S9", bgt_id="B1", amt="1.00")
    assert b.refusal(unknown, "accountant") == "not_found"


def test_what_the_central_bank_says_came_back(b: Bookkeeper) -> None:
    voucher_no = paid(b, "YB-1", "300.00").ordered.voucher_no
    b.do(returned("YB-1", voucher_no, "300.00"), "pboc")
    assert general(b) == Cash(free=100_000)
    assert "预拨经费" not in b.books()
    again = b.ask(returned("YB-1", voucher_no, "300.00"), "pboc")
    assert again.replayed
    more = returned("YB-1", voucher_no, "0.01", "T2")
    assert b.refusal(more, "pboc") == "exceeds_advance"


def test_a_step_entered_by_mistake_is_taken_back_once(b: Bookkeeper) -> None:
    """There was no way back; behind a full 转列支出 what the central bank returned was refused."""
    b.issue("B1", "500.00")
    voucher_no = paid(b, "YB-1", "300.00", agency_code="101001").ordered.voucher_no
    before = b.books()
    b.do(ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="300.00"), "accountant")
    assert b.refusal(returned("YB-1", voucher_no, "20.00"), "pboc") == "exceeds_advance"

    def reverse(step_no: str, of_step_no: str) -> ReverseAdvanceStep:
        return ReverseAdvanceStep(
            adv_no="YB-1", step_no=step_no, of_step_no=of_step_no, reason="错列"
        )

    back = b.do(reverse("R1", "S1"), "accountant").subjects[0]
    assert back.left_fen == 30_000
    assert folded(b, CASH) == stored(b, CASH), "its event names no account: no cash moves"
    assert {name: amt for name, amt in b.books().items() if amt != "0.00"} == before
    assert b.figures("B1")["paid"] == "0.00"
    assert b.refusal(reverse("R2", "S1"), "accountant") == "invalid_state"
    b.do(returned("YB-1", voucher_no, "20.00"), "pboc")
    cash = general(b)
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S2", amt="280.00"), "accountant")
    b.do(reverse("R3", "S2"), "accountant")
    assert general(b) == cash
    assert standing_out(b) == {"YB-1": StandingOut(left=28_000)}
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S3", amt="280.00"), "accountant")
    b.do(advance("YB-2", "1000.00"), "accountant")
    assert b.refusal(reverse("R4", "S3"), "accountant") == "insufficient_cash"


def test_one_movement_at_the_bank_is_booked_once(b: Bookkeeper) -> None:
    """A second notice under the serial of the first was booked: the cash was there twice."""
    voucher_no = paid(b, "YB-1", "300.00").ordered.voucher_no
    b.do(returned("YB-1", voucher_no, "100.00", "T1", serial="SB7"), "pboc")
    again = returned("YB-1", voucher_no, "100.00", "T2", serial="SB7")
    assert b.refusal(again, "pboc") == "receipt_mismatch"
    assert general(b) == Cash(free=80_000)
    b.do(returned("YB-1", voucher_no, "100.00", "T3", serial="SB8"), "pboc")
    assert general(b) == Cash(free=90_000)


def treasury_accounts(keeper: Bookkeeper) -> tuple[dict[str, int], dict[str, int]]:
    """By treasury account, in fen: what the register has, and what 国库存款 has in the books."""
    with keeper.pool.connection() as connection:
        rows = read_rows(connection, keeper.ledger_id, CASH)
    of_register: dict[str, int] = {}
    for key, row in rows.items():
        acct = split_key(key)[0]
        of_register[acct] = of_register.get(acct, 0) + row.balance
    of_books: dict[str, int] = {}
    for journal in keeper.journals():
        for line, codes in zip(journal.lines, journal.line_codes, strict=False):
            if line.account == "B1":
                acct, fen = codes["tre_code"], line.dr_cr * parse_yuan(line.amt)
                of_books[acct] = of_books.get(acct, 0) + fen
    return of_register, of_books


def test_it_comes_back_to_the_account_that_paid_it(b: Bookkeeper) -> None:
    """It came back to the account with most free, and the books said the one that had paid."""
    voucher_no = paid(b, "YB-1", "900.00").ordered.voucher_no
    more = income("R1", date(2026, 3, 2), ("10101", "111", "5000.00"))
    b.do(msgspec.structs.replace(more, tre_code=ANOTHER), "accountant")
    b.do(returned("YB-1", voucher_no, "500.00"), "pboc")
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S1", amt="100.00"), "accountant")
    of_register, of_books = treasury_accounts(b)
    assert of_register == {TREASURY: 75_000, ANOTHER: 500_000}
    assert of_books == of_register


def test_a_limit_holds_for_all_together_but_for_what_the_government_approves(
    b: Bookkeeper,
) -> None:
    b.do(SetAdvancePolicy(limit_amt="500.00"), "admin")
    paid(b, "YB-1", "300.00")
    over = advance("YB-2", "200.01")
    problem = b.ask(over, "accountant").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["available_amt"]) == (
        "insufficient_ceiling",
        "200.00",
    )
    paid(b, "YB-3", "200.00")
    b.do(RecoverAdvance(adv_no="YB-1", step_no="S1", amt="300.00"), "accountant")
    paid(b, "YB-4", "300.00")
    approved = advance("YB-5", "0.01", approval_doc_no="府办〔2026〕1号")
    b.do(approved, "accountant")


@pytest.mark.parametrize("account", ["B1", "B11", "1001", "B999"])
def test_nothing_is_advanced_on_other_accounts(b: Bookkeeper, account: str) -> None:
    problem = b.ask(advance("YB-1", "1.00", account), "accountant").problem
    assert problem is not None
    assert problem.code.text == "element_invalid"
    assert problem.extra["pointer"] == "/acct_cls_code"


def test_where_cash_is_not_controlled_it_is_paid_by_what_comes_in_first(
    bookkeeper: Bookkeeper,
) -> None:
    paid(bookkeeper, "YB-1", "300.00")
    assert bookkeeper.books()["国库存款"] == "-300.00"
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    assert general(bookkeeper) == Cash(free=70_000)
    bookkeeper.do(RecoverAdvance(adv_no="YB-1", step_no="S1", amt="300.00"), "accountant")
    assert general(bookkeeper) == Cash(free=100_000)
