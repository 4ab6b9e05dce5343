"""Invariant 12: the zero-balance account is zero at the end of each cleared day."""

from datetime import date

import msgspec
import pytest

from payments.clearing.claims import RequestClearing
from tests.support.bookkeeper import Bookkeeper, claim_receipt

MARCH_2, MARCH_3 = date(2026, 3, 2), date(2026, 3, 3)


def request(number: str, day: date) -> RequestClearing:
    return RequestClearing(clear_no=number, clear_date=day, pay_bank_code="102")


def test_after_each_days_clearing_the_account_is_zero(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("G", "1000.00")
    b.issue(
        "F", "1000.00", fund_type_code="121", gov_bgt_eco_code="50501", dep_bgt_eco_code="30101"
    )
    b.pay("P1", "G", "10.00", effective_on=MARCH_2)
    b.pay("P2", "F", "20.00", effective_on=MARCH_2)
    b.pay("P3", "G", "40.00", effective_on=MARCH_3)
    assert b.books()["零余额账户"] == "-70.00"
    cleared = b.clear("C1", MARCH_2).subjects[0]
    assert [(c.vt_code, c.fund_type_code, c.pay_amt) for c in cleared.requested.claims] == [
        ("2301", "111", "10.00"),
        ("2301", "121", "20.00"),
    ]
    assert b.books()["零余额账户"] == "-40.00"  # the third of March is not cleared yet
    b.refund("P1", "3.00", effective_on=MARCH_3)
    b.clear("C2", MARCH_3)
    books = b.books()
    assert "零余额账户" not in books
    assert "待清算款项" not in books
    assert books["国库存款"] == "-67.00"
    assert books["政府性基金预算支出"] == "20.00"
    assert books["一般公共预算支出"] == "47.00"
    assert books["事业支出"] == "20.00"


def test_nothing_is_claimed_twice(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("G", "1000.00")
    assert b.refusal(request("C0", MARCH_2)) == "clearing_empty"
    b.pay("P1", "G", "10.00", effective_on=MARCH_2)
    b.do(request("C1", MARCH_2))
    assert b.refusal(request("C2", MARCH_2)) == "clearing_empty"


def test_what_the_central_bank_rejects_is_claimed_again(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("G", "1000.00")
    b.pay("P1", "G", "10.00", effective_on=MARCH_2)
    [claim] = b.do(request("C1", MARCH_2)).subjects[0].requested.claims
    answer = msgspec.structs.replace(
        claim_receipt("C1", claim.voucher_no, "10.00", MARCH_2), xpay_fen=0, rejected="额度不足"
    )
    assert b.do(answer, "pboc").subjects[0].status == "rejected"
    assert b.books()["零余额账户"] == "-10.00"
    assert b.clear("C2", MARCH_2).subjects[0].status == "cleared"
    assert "零余额账户" not in b.books()


@pytest.mark.parametrize(
    ("said", "booked"),
    [
        (MARCH_2, date(2026, 3, 5)),  # before the claim was made
        (MARCH_3, MARCH_3),
        (date(2026, 3, 4), date(2026, 3, 4)),
        (date(2026, 3, 6), date(2026, 3, 5)),
        (date(9999, 12, 31), date(2026, 3, 5)),
    ],
)
def test_the_central_banks_day_is_booked_where_it_can_be(
    bookkeeper: Bookkeeper, said: date, booked: date
) -> None:
    b = bookkeeper
    b.issue("G", "1000.00")
    b.pay("P1", "G", "10.00", effective_on=MARCH_2)
    b.until(MARCH_3)
    [claim] = b.do(request("C1", MARCH_3)).subjects[0].requested.claims
    b.until(date(2026, 3, 5))
    done = b.do(claim_receipt("C1", claim.voucher_no, "10.00", said), "pboc").subjects[0]
    [receipt] = done.receipts.values()
    assert receipt.xclear_date == said.isoformat()
    assert receipt.booked_on == ("" if said == booked else booked.isoformat())
    [[day]] = b.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s AND type = 'clearing.claim_receipted'"
    )
    assert day == booked
    assert "零余额账户" not in b.books()


def test_what_was_rejected_waits_from_the_day_of_the_rejection(bookkeeper: Bookkeeper) -> None:
    """On the date of the claim it was claimed, so it cannot be claimed with that date again."""
    b = bookkeeper
    b.issue("G", "1000.00")
    b.pay("P1", "G", "10.00", effective_on=MARCH_2)
    [claim] = b.do(request("C1", MARCH_2)).subjects[0].requested.claims
    b.until(date(2026, 3, 4))
    answer = claim_receipt("C1", claim.voucher_no, "10.00", MARCH_3)
    b.do(msgspec.structs.replace(answer, xpay_fen=0, rejected="额度不足"), "pboc")
    assert b.refusal(request("C2", MARCH_2)) == "clearing_empty"
    b.clear("C3", MARCH_3)
    assert "零余额账户" not in b.books()
