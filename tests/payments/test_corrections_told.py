"""更正 of what is claimed already: the agent bank is told by a 5253, the central bank by a 5351.

Until they could be told, such a correction was refused, and the clerk was left with a payment under
the wrong function.
"""

from datetime import date

import pytest

from ledger.closing import ClosePeriod
from ledger.errors import RequestError
from payments.clearing.claims import RequestClearing
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.corrections.correcting import CorrectPayment
from payments.corrections.telling import TellAgain
from tests.payments.test_corrections import claims, correction, paid_and_left
from tests.support.bookkeeper import Bookkeeper, refund_notice
from tests.support.tellings import BANK_TOLD, CENTRAL_BANK_TOLD, answer, answered

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH_2 = date(2026, 3, 2)
WRONG = "原凭证科目不符"


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """12,000.00 was paid under function 2010102 and claimed; 2010103 has 20,000.00."""
    bookkeeper.issue("SUPPLIES", "20000.00")
    bookkeeper.issue("SERVICE", "20000.00", exp_func_code="2010103")
    bookkeeper.pay("P1", "SUPPLIES", "12000.00")
    bookkeeper.clear("C1", MARCH_2)
    return bookkeeper


def told(b: Bookkeeper) -> list[tuple[str, str, str, str]]:
    """Number, amount, and the functions it leaves and comes to, of each message."""
    return [
        (event.tell_no, event.amt, event.was.exp_func_code, event.now.exp_func_code)
        for _, name, event in b.events()
        if name in ("correction.told", "correction.told_again")
    ]


def taken_back(number: str = "GZ-2", of: str = "GZ-1", amt: str = "5000.00") -> CorrectPayment:
    return correction("SUPPLIES", amt, number, from_bgt_id="SERVICE", undoes=of)


def test_both_banks_are_told_and_no_cash_moves(b: Bookkeeper) -> None:
    before = b.books()
    b.do(correction("SERVICE", "5000.00"))
    assert paid_and_left(b, "SUPPLIES") == ("7000.00", "13000.00")
    assert paid_and_left(b, "SERVICE") == ("5000.00", "15000.00")
    assert b.books() == before
    assert told(b) == [
        ("GZ-1-5253", "5000.00", "2010102", "2010103"),
        ("GZ-1-5351", "5000.00", "2010102", "2010103"),
    ]
    answered(b, "GZ-1")
    assert b.refusal(RequestClearing(clear_no="C2", clear_date=MARCH_2, pay_bank_code="102")) == (
        "clearing_empty"
    )


def test_what_waits_is_claimed_otherwise_and_only_the_rest_is_told(b: Bookkeeper) -> None:
    """Of 12,000.00 the bank has claimed; 3,000.00 more of another payment it has not."""
    b.pay("P2", "SUPPLIES", "3000.00")
    b.do(correction("SERVICE", "3000.00", pay_app_no="P2"))
    assert told(b) == []
    b.pay("P3", "SUPPLIES", "1000.00")
    b.do(correction("SERVICE", "4000.00", "GZ-2"))  # 1,000.00 waits, whosever it is
    assert [each[:2] for each in told(b)] == [
        ("GZ-2-5253", "4000.00"),
        ("GZ-2-5351", "3000.00"),
    ]


def test_the_payment_is_corrected_no_further_until_both_have_agreed(b: Bookkeeper) -> None:
    b.do(correction("SERVICE", "5000.00"))
    assert b.refusal(correction("SERVICE", "1.00", "GZ-2")) == "invalid_state"
    b.do(answer(BANK_TOLD, "GZ-1-5253"), "bank")
    assert b.refusal(correction("SERVICE", "1.00", "GZ-3")) == "invalid_state"
    b.do(answer(CENTRAL_BANK_TOLD, "GZ-1-5351"), "pboc")
    b.do(correction("SERVICE", "1.00", "GZ-4"))
    assert paid_and_left(b, "SERVICE")[0] == "5001.00"


def test_an_answer_comes_once_and_answers_what_was_sent(b: Bookkeeper) -> None:
    b.do(correction("SERVICE", "5000.00"))
    assert b.refusal(answer(BANK_TOLD, "GZ-9-5253")) == "receipt_mismatch"
    b.do(answer(BANK_TOLD, "GZ-1-5253"), "bank")
    assert b.do(answer(BANK_TOLD, "GZ-1-5253"), "bank").replayed
    assert b.refusal(answer(BANK_TOLD, "GZ-1-5253", WRONG)) == "invalid_state"


def test_what_was_declined_is_told_again_under_another_number(b: Bookkeeper) -> None:
    b.do(correction("SERVICE", "5000.00"))
    answered(b, "GZ-1", central_bank=WRONG)
    again = TellAgain(tell_no="GZ-1-A", again_of="GZ-1-5351")
    assert b.refusal(TellAgain(tell_no="X", again_of="GZ-1-5253")) == "invalid_state"
    assert b.refusal(TellAgain(tell_no="Y", again_of="GZ-7-5351")) == "not_found"
    with pytest.raises(RequestError):
        TellAgain(tell_no="GZ-8-5351", again_of="GZ-1-5351").check()
    b.do(again)
    assert told(b)[-1] == ("GZ-1-A", "5000.00", "2010102", "2010103")
    assert b.refusal(correction("SERVICE", "1.00", "GZ-2")) == "invalid_state"
    b.do(answer(CENTRAL_BANK_TOLD, "GZ-1-A"), "pboc")
    b.do(correction("SERVICE", "1.00", "GZ-3"))


def test_what_the_central_bank_declines_is_taken_back_and_the_bank_alone_is_told(
    b: Bookkeeper,
) -> None:
    """The central bank keeps 2010102 as it was; the agent bank has adjusted it and does so back."""
    before = b.books()
    b.pay("P2", "SERVICE", "5000.00")  # which waits under the function that it was corrected to
    b.do(correction("SERVICE", "5000.00"))
    answered(b, "GZ-1", central_bank=WRONG)
    b.do(taken_back())
    assert [each[0] for each in told(b)[2:]] == ["GZ-2-5253"]
    assert paid_and_left(b, "SUPPLIES")[0] == "12000.00"
    assert claims(b, "C2", MARCH_2) == [("2301", "111", [("2010103", "50201", "5000.00")])]
    b.do(answer(BANK_TOLD, "GZ-2-5253"), "bank")
    b.do(correction("SERVICE", "1.00", "GZ-3"))
    assert before["国库存款"] == "-12000.00"


def test_what_the_bank_declines_is_taken_back_and_the_central_bank_alone_is_told(
    b: Bookkeeper,
) -> None:
    b.do(correction("SERVICE", "5000.00"))
    answered(b, "GZ-1", bank=WRONG)
    b.do(taken_back())
    assert told(b)[2:] == [("GZ-2-5351", "5000.00", "2010103", "2010102")]
    b.do(answer(CENTRAL_BANK_TOLD, "GZ-2-5351"), "pboc")
    assert paid_and_left(b, "SERVICE")[0] == "0.00"


def test_only_what_was_declined_is_taken_back_and_as_a_whole(b: Bookkeeper) -> None:
    b.do(correction("SERVICE", "5000.00"))
    assert b.refusal(taken_back("N1")) == "invalid_state", "it is not answered yet"
    answered(b, "GZ-1", bank=WRONG, central_bank=WRONG)
    assert b.refusal(taken_back("N2", amt="4999.99")) == "invalid_state"
    assert b.refusal(taken_back("N3", of="GZ-9")) == "invalid_state"
    b.do(taken_back())
    assert told(b)[2:] == [], "neither has adjusted it"
    assert b.refusal(taken_back("N4")) == "invalid_state"
    b.do(correction("SERVICE", "5000.00", "GZ-5"))


def test_what_came_back_meanwhile_is_told_again_and_not_taken_back(b: Bookkeeper) -> None:
    payment = b.do(correction("SERVICE", "5000.00")).subjects[0]
    answered(b, "GZ-1", central_bank=WRONG)
    b.do(refund_notice(payment, [("1", 1_00)], MARCH_2, "0001"), "bank")
    assert paid_and_left(b, "SERVICE")[0] == "4999.00"
    assert b.refusal(taken_back()) == "correction_exceeds_paid"
    b.do(TellAgain(tell_no="GZ-1-A", again_of="GZ-1-5351"))


def test_a_month_stays_open_until_both_have_agreed(b: Bookkeeper) -> None:
    b.do(correction("SERVICE", "5000.00", effective_on=MARCH_2))
    b.until(date(2026, 4, 20))
    march = ClosePeriod(through="2026-03-31")
    assert b.refusal(march, "accountant") == "period_not_ready"
    answered(b, "GZ-1", central_bank=WRONG)
    assert b.refusal(march, "accountant") == "period_not_ready"
    b.do(TellAgain(tell_no="GZ-1-A", again_of="GZ-1-5351"))
    b.do(answer(CENTRAL_BANK_TOLD, "GZ-1-A"), "pboc")
    b.do(march, "accountant")


def test_where_banks_claim_they_are_told_of_what_waits_as_well(bookkeeper: Bookkeeper) -> None:
    """Else the bank's claim could never agree with the books."""
    b = bookkeeper
    b.do(SetClearingPolicy(claimed_by="banks"), "admin")
    b.issue("SUPPLIES", "20000.00")
    b.issue("SERVICE", "20000.00", exp_func_code="2010103")
    b.pay("P1", "SUPPLIES", "12000.00")
    b.do(correction("SERVICE", "5000.00"))
    assert told(b) == [("GZ-1-5253", "5000.00", "2010102", "2010103")]


def test_of_two_at_once_the_second_waits_for_what_the_first_has_told(b: Bookkeeper) -> None:
    """In one commit, and of what another process has told."""
    first, second = b.submit(correction("SERVICE", "1.00"), correction("SERVICE", "1.00", "GZ-2"))
    assert first.problem is None
    assert second.problem is not None
    assert second.problem.code.text == "invalid_state"
    other = Bookkeeper(b.pool)
    other.clock.now = b.clock.now
    assert other.refusal(correction("SERVICE", "1.00", "GZ-3")) == "invalid_state"
    answered(b, "GZ-1")
    other.do(correction("SERVICE", "1.00", "GZ-4"))
    assert b.refusal(correction("SERVICE", "1.00", "GZ-5")) == "invalid_state"
    other.close()
