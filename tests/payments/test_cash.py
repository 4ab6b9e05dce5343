"""库款: what lies at the treasury covers what is claimed, by account and kind of fund."""

from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.upgrading import keep_registers
from ledger.books import load_charts
from ledger.deciding.command import Outcome, Submission
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH, Cash
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.openings import TREASURY, cash_opened, credit, debit, opening
from tests.support.waiting import HANG_S

MARCH_2 = date(2026, 3, 2)

pytestmark = pytest.mark.usefixtures("decided_again")


def cash(keeper: Bookkeeper) -> dict[str, Cash]:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, CASH)


def spent(keeper: Bookkeeper, amount: str, *, number: str = "P1", **more: Any) -> None:
    keeper.issue(f"B{number}", amount, **more)
    keeper.pay(number, f"B{number}", amount)


def claim(keeper: Bookkeeper, clear_no: str, day: date = MARCH_2) -> Outcome:
    keeper.until(day)
    asked = RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102")
    return keeper.ask(asked)


def rejected(clear_no: str, claim_no: str, day: date) -> ApplyClaimReceipt:
    settled = claim_receipt(clear_no, claim_no, "0.01", day)
    return msgspec.structs.replace(settled, xpay_fen=0, rejected="库款余额不足")


def test_a_claim_takes_what_lies_there_and_not_a_fen_more(bookkeeper: Bookkeeper) -> None:
    """Scenario 24: 国库存款 1,000,000.00, claimed are 1,000,000.01."""
    bookkeeper.do(cash_opened(f111="1000000.00"), "accountant")
    spent(bookkeeper, "1000000.01")
    problem = claim(bookkeeper, "QS-1").problem
    assert problem is not None
    assert problem.code.text == "insufficient_cash"
    assert problem.extra["available_amt"] == "1000000.00"
    assert problem.extra["requested_amt"] == "1000000.01"
    assert bookkeeper.books()["国库存款"] == "1000000.00"
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=100_000_000)}


def test_what_is_claimed_is_not_free_and_what_is_settled_is_gone(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    spent(bookkeeper, "300.00")
    outcome = claim(bookkeeper, "QS-1")
    assert outcome.problem is None
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=70_000, claimed=30_000)}
    [asked] = outcome.subjects[0].requested.claims
    bookkeeper.do(claim_receipt("QS-1", asked.voucher_no, asked.pay_amt, MARCH_2), "pboc")
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=70_000)}
    assert bookkeeper.books()["国库存款"] == "700.00"


def test_a_fund_does_not_pay_for_another(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="10.00", f121="1000.00"), "accountant")
    spent(bookkeeper, "10.01")
    problem = claim(bookkeeper, "QS-1").problem
    assert problem is not None
    assert problem.extra["fund_type_code"] == "11"


def test_bonds_lie_within_their_kind_and_are_told(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="10.00", f112="90.00"), "accountant")
    spent(bookkeeper, "60.00", fund_type_code="112")
    bookkeeper.clear("QS-1", MARCH_2)
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=4_000, bonds=3_000)}


def test_what_comes_back_is_there_again(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    spent(bookkeeper, "100.00")
    bookkeeper.clear("QS-1", MARCH_2)
    assert cash(bookkeeper)[f"{TREASURY}/11"].free == 0
    bookkeeper.refund("P1", "40.00")
    bookkeeper.clear("QS-2", MARCH_2)
    assert cash(bookkeeper)[f"{TREASURY}/11"] == Cash(free=4_000)
    assert bookkeeper.books()["国库存款"] == "40.00"


def test_what_is_rejected_is_free_again_and_claimed_the_next_day(bookkeeper: Bookkeeper) -> None:
    """Scenario 22: 300.00 of 111 and 50.00 of 121 are rejected, and claimed the next day."""
    bookkeeper.do(cash_opened(f111="300.00", f121="50.00"), "accountant")
    spent(bookkeeper, "300.00")
    spent(bookkeeper, "50.00", number="P2", fund_type_code="121", exp_func_code="2120801")
    asked = claim(bookkeeper, "QS-1").subjects[0].requested.claims
    for each in asked:
        bookkeeper.do(rejected("QS-1", each.voucher_no, MARCH_2), "pboc")
    assert {key: row.free for key, row in cash(bookkeeper).items()} == {
        f"{TREASURY}/11": 30_000,
        f"{TREASURY}/12": 5_000,
    }
    assert bookkeeper.books()["零余额账户"] == "-350.00"
    bookkeeper.clear("QS-2", MARCH_2 + timedelta(days=1))
    assert "零余额账户" not in bookkeeper.books()
    assert set(cash(bookkeeper).values()) == {Cash()}


def test_a_fund_each_is_claimed(bookkeeper: Bookkeeper) -> None:
    """Scenario 19: 111 13,000.00, 112, 121 and 13 1,000.00 each; 16,000.00 in four claims."""
    bookkeeper.do(cash_opened(f111="14000.00", f121="1000.00", f13="1000.00"), "accountant")
    funds = {"111": "13000.00", "112": "1000.00", "121": "1000.00", "13": "1000.00"}
    for index, (fund, amount) in enumerate(funds.items()):
        spent(bookkeeper, amount, number=f"P{index}", fund_type_code=fund)
    outcome = bookkeeper.clear("QS-1", MARCH_2)
    assert len(outcome.subjects[0].requested.claims) == 4
    books = bookkeeper.books()
    assert "国库存款" not in books
    assert "零余额账户" not in books


def test_before_cash_is_controlled_claims_go_as_they_went(bookkeeper: Bookkeeper) -> None:
    spent(bookkeeper, "58040.00")
    bookkeeper.clear("QS-1", MARCH_2)
    assert bookkeeper.books()["国库存款"] == "-58040.00"
    assert cash(bookkeeper) == {"/11": Cash(owed=5_804_000)}


def test_an_opening_pays_first_what_was_claimed_before_it(bookkeeper: Bookkeeper) -> None:
    spent(bookkeeper, "300.00")
    bookkeeper.clear("QS-1", MARCH_2)
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    assert cash(bookkeeper) == {"/11": Cash(), f"{TREASURY}/11": Cash(free=70_000)}
    assert bookkeeper.books()["国库存款"] == "700.00"
    spent(bookkeeper, "700.01", number="P2")
    problem = claim(bookkeeper, "QS-2").problem
    assert problem is not None
    assert problem.extra["available_amt"] == "700.00"


def test_a_claim_under_way_when_control_begins_is_counted(bookkeeper: Bookkeeper) -> None:
    spent(bookkeeper, "300.00")
    [asked] = claim(bookkeeper, "QS-1").subjects[0].requested.claims
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    bookkeeper.do(claim_receipt("QS-1", asked.voucher_no, asked.pay_amt, MARCH_2), "pboc")
    assert bookkeeper.books()["国库存款"] == "700.00"
    assert sum(row.balance for row in cash(bookkeeper).values()) == 70_000
    spent(bookkeeper, "700.01", number="P2")
    problem = claim(bookkeeper, "QS-2").problem
    assert problem is not None
    assert problem.extra["available_amt"] == "700.00"
    bookkeeper.adjust("BP2", "1.00")


def test_a_row_without_its_account_or_fund_is_refused(bookkeeper: Bookkeeper) -> None:
    surplus = credit("1.00", acct_cls_id="B71")
    nowhere = debit("1.00", acct_cls_code="1001", fund_type_code="111")
    assert bookkeeper.refusal(opening("treasury_financial", nowhere, surplus)) == "account_invalid"
    for fund in ("", "2", "1"):
        of_none = debit("1.00", acct_cls_code="1001", tre_code=TREASURY, fund_type_code=fund)
        asked = opening("treasury_financial", of_none, surplus)
        assert bookkeeper.refusal(asked) == "element_invalid", fund


def test_two_processes_claim_the_last_fen_and_one_has_it(pool: ConnectionPool) -> None:
    """100.00 lie there, and two banks have paid 100.00 each."""
    keepers = Bookkeeper(pool), Bookkeeper(pool)
    keeper = keepers[0]
    keeper.open()
    keeper.do(cash_opened(f111="100.00"), "accountant")
    for number, bank in enumerate(("102", "103")):
        keeper.policy("treasury", pay_bank_code=bank)
        spent(keeper, "100.00", number=f"P{number}")
    racing = [
        each.sequencer.submit(
            each.ledger_id,
            [
                Submission(
                    command=RequestClearing(
                        clear_no=f"QS-{bank}", clear_date=MARCH_2, pay_bank_code=bank
                    ),
                    by="maker",
                )
            ],
        )
        for each, bank in zip(keepers, ("102", "103"), strict=True)
    ]
    problems = [future.result(HANG_S)[0].problem for future in racing]
    told = sorted(problem.code.text if problem else "" for problem in problems)
    assert told == ["", "insufficient_cash"]
    assert cash(keeper) == {f"{TREASURY}/11": Cash(claimed=10_000)}
    for each in keepers:
        each.close()


def test_a_ledger_of_a_release_before_has_its_register_folded_once(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    spent(bookkeeper, "300.00")
    bookkeeper.clear("QS-1", MARCH_2)
    due = cash(bookkeeper)
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("DELETE FROM registers WHERE register = 'cash'")
        connection.execute("DELETE FROM register_days WHERE register = 'cash'")
    assert keep_registers(bookkeeper.pool, load_charts()) == [bookkeeper.ledger_id]
    assert cash(bookkeeper) == due == {"/11": Cash(owed=30_000)}
    assert keep_registers(bookkeeper.pool, load_charts()) == []


def test_nothing_falls_below_its_floor_on_an_earlier_day(bookkeeper: Bookkeeper) -> None:
    """What lies there is of 1 January; a claim of 5 March leaves less for one that is dated 2."""
    bookkeeper.do(cash_opened(f111="100.00"), "accountant")
    spent(bookkeeper, "60.00")
    spent(bookkeeper, "40.01", number="P2", effective_on=MARCH_2)
    problem = claim(bookkeeper, "QS-1", MARCH_2).problem
    assert problem is not None
    assert problem.extra["on"] == "2026-03-02"
