"""Money comes back on the bank's word only: announced, booked on its notice, held where unknown.

A unit's token alone had posted refunds until 500.00 were paid out of an indicator of 100.00, with
every book in agreement: a person's word restored the indicator.
"""

from datetime import date
from typing import Any

import msgspec
import pytest

from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument
from ledger.errors import GuokuError
from ledger.money import parse_yuan
from ledger.reading.documents import decompress
from payments.clearing.claims import RequestClearing
from payments.payment import Payment
from payments.refunds.notices import TakeNotice
from payments.refunds.requests import DeclineRefund, RefundPayment
from payments.refunds.resolving import ResolveSuspense
from payments.refunds.suspense import SuspenseItem
from payments.verification.agreement import NamedDocument, disagreement
from tests.support.bookkeeper import Bookkeeper, detail, refund_notice

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH_2, MARCH_3 = date(2026, 3, 2), date(2026, 3, 3)
NOTHING_LEFT = {"available": "0.00", "frozen": "0.00", "occupied": "0.00", "paid": "100.00"}


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B", "100.00")
    return bookkeeper


def paid(b: Bookkeeper, amount: str = "100.00", number: str = "P1", **more: object) -> Payment:
    payment: Payment = b.pay(number, "B", amount, **more).subjects[0]
    return payment


def notice(
    b: Bookkeeper, payment: Payment, amount: str, line: str = "1", **more: object
) -> TakeNotice:
    number = str(more.pop("voucher_no", f"102202603020{next(b._serial):03d}"))
    day = more.pop("day", MARCH_2)
    assert isinstance(day, date)
    return refund_notice(payment, [(line, parse_yuan(amount))], day, number, **more)


def shown(b: Bookkeeper) -> tuple[dict[str, str], dict[str, str]]:
    return b.figures("B"), b.books()


def test_a_persons_word_moves_nothing(b: Bookkeeper) -> None:
    """By the figures of the attack: what was asked back five times paid nothing again."""
    paid(b)
    before = shown(b)
    assert before[0] | {"plan": "0.00"} == NOTHING_LEFT | {"plan": "0.00"}
    b.ask_back("P1", "100.00")
    for amount in ("100.00", "0.01", "99.99"):
        request = RefundPayment(pay_app_no="P1", refund_no=amount, refund_amt=amount, reason="退")
        assert b.refusal(request, "unit") == "refund_exceeds_paid"
    assert b.refusal(RequestClearing(clear_no="C0", clear_date=MARCH_2, pay_bank_code="102")) == ""
    assert shown(b)[0] == before[0]
    assert b.refusal(ResolveSuspense(suspense_no="102-1", pay_app_no="P1"), "unit") == "not_found"
    assert shown(b)[0] == before[0]


def test_a_notice_answers_what_was_announced(b: Bookkeeper) -> None:
    payment = paid(b)
    b.ask_back("P1", "60.00", refund_no="R1")
    back = b.do(notice(b, payment, "60.00"), "bank").subjects[0]
    assert back.open_requests == ()
    [refund] = back.refunds
    assert (refund.refund_no, refund.refund_amt, refund.refund_date) == (
        "R1",
        "60.00",
        "2026-03-02",
    )
    assert b.figures("B")["available"] == "60.00"
    assert b.books()["零余额账户"] == "-40.00"
    assert b.do(notice(b, payment, "40.00"), "bank").subjects[0].status == "refunded"


def test_scenario_13_a_return_the_next_day_that_nobody_announced(b: Bookkeeper) -> None:
    """次日退票: paid and cleared 100.00 on 03-02, the bank's notice of 03-03."""
    payment = paid(b)
    b.clear("C1", MARCH_2)
    b.until(MARCH_3)
    back = b.do(notice(b, payment, "100.00", vt_code="2252", day=MARCH_3), "bank")
    assert back.subjects[0].status == "refunded"
    assert b.figures("B") == NOTHING_LEFT | {"available": "100.00", "paid": "0.00", "plan": "0.00"}
    [claim] = (
        b.do(RequestClearing(clear_no="C2", clear_date=MARCH_3, pay_bank_code="102"))
        .subjects[0]
        .requested.claims
    )
    assert (claim.vt_code, claim.pay_amt) == ("2302", "100.00")


def test_the_same_notice_told_again_has_the_same_answer(b: Bookkeeper) -> None:
    payment = paid(b)
    first = notice(b, payment, "60.00")
    done = b.do(first, "bank")
    again = b.do(first, "bank")
    assert (again.replayed, again.first_position) == (True, done.first_position)
    assert b.figures("B")["available"] == "60.00"


def test_another_notice_for_the_same_money_is_refused_and_on_record(b: Bookkeeper) -> None:
    payment = paid(b)
    first = notice(b, payment, "60.00", serial="S1")
    b.do(first, "bank")
    # another number, the bank's same movement; and another content under the same number
    assert b.refusal(notice(b, payment, "30.00", serial="S1"), "bank") == "receipt_mismatch"
    same_number = notice(b, payment, "30.00", voucher_no=first.evidence.notice_no)
    assert b.refusal(same_number, "bank") == "idempotency_conflict"
    refused = [event for _, name, event in b.events() if name == "command.refused"]
    assert [event.operation for event in refused] == ["bank.notice", "bank.notice"]
    assert b.figures("B")["available"] == "60.00"


def test_no_more_comes_back_than_was_paid_of_the_line(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "10.00"))
    payment = paid(b, "40.00", details=lines)
    for line, amount in (("d1", "30.01"), ("d2", "10.01"), ("d2", "40.00")):
        over = notice(b, payment, amount, line)
        assert b.refusal(over, "bank") == "refund_exceeds_paid"
        assert b.refusal(over, "bank") == "refund_exceeds_paid"  # and stays so when told again
    b.do(notice(b, payment, "10.00", "d2"), "bank")
    assert b.refusal(notice(b, payment, "0.01", "d2"), "bank") == "refund_exceeds_paid"
    assert b.figures("B")["paid"] == "30.00"


def test_a_line_that_failed_has_nothing_to_come_back(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "10.00"))
    b.apply("P1", "B", "40.00", details=lines)
    approved = b.approve("P1")
    b.sign("P1")
    payment = b.receipt(approved, "d2").subjects[0]
    assert b.refusal(notice(b, payment, "10.00", "d2"), "bank") == "refund_exceeds_paid"


def test_a_notice_over_several_lines_is_one_movement(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "10.00"), detail("d3", "5.00"))
    payment = paid(b, "45.00", details=lines)
    b.ask_back("P1", "10.00", refund_no="R2", pay_detail_id="d2")
    took = refund_notice(payment, [("d1", 3000), ("d2", 1000)], MARCH_2, "N1", vt_code="2252")
    back = b.do(took, "bank").subjects[0]
    [refund] = back.refunds
    assert [(line.refund_no, line.refund_amt) for line in refund.returned] == [
        ("N1/d1", "30.00"),
        ("R2", "10.00"),
    ]
    assert (refund.refund_amt, back.refunded_fen, back.open_requests) == ("40.00", 4000, ())
    assert back.returned_fen("d1") == 3000


def test_an_announcement_for_the_whole_is_answered_by_its_lines(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "10.00"))
    paid(b, "40.00", details=lines)
    assert b.refund("P1", "35.00", refund_no="R1").subjects[0].open_requests == ()


@pytest.mark.parametrize(("first", "second"), [("", "d1"), ("d1", "")])
def test_a_notice_is_booked_to_what_the_bank_was_asked_for(
    b: Bookkeeper, first: str, second: str
) -> None:
    """The bank was at work on 30.00 of the payment as a whole when 30.00 of its line were asked
    for; its notice was booked to these, which it was then never asked for, and the first one waited
    for ever."""
    lines = (detail("d1", "80.00"), detail("d2", "10.00"))
    payment = paid(b, "90.00", details=lines)
    b.ask_back("P1", "30.00", refund_no="R1", pay_detail_id=first)
    b.ask_back("P1", "30.00", refund_no="R2", pay_detail_id=second)
    back = b.do(notice(b, payment, "30.00", "d1"), "bank").subjects[0]
    assert [refund.refund_no for refund in back.refunds] == ["R1"]
    assert [request.refund_no for request in back.open_requests] == ["R2"]
    back = b.do(notice(b, payment, "30.00", "d1"), "bank").subjects[0]
    assert [refund.refund_no for refund in back.refunds] == ["R1", "R2"]
    assert back.open_requests == ()


def test_what_the_bank_will_not_return_is_asked_no_longer(b: Bookkeeper) -> None:
    paid(b)
    b.ask_back("P1", "100.00", refund_no="R1")
    declined = b.do(DeclineRefund(pay_app_no="P1", refund_no="R1", reason="无此凭证"), "dispatcher")
    assert declined.subjects[0].open_requests == ()
    again = DeclineRefund(pay_app_no="P1", refund_no="R1", reason="另一理由")
    assert b.refusal(again, "dispatcher") == "invalid_state"
    b.ask_back("P1", "100.00", refund_no="R2")  # the amount is free to be asked for again


# ---- suspense 待处理


def held(b: Bookkeeper, took: TakeNotice) -> SuspenseItem:
    item: SuspenseItem = b.do(took, "bank").subjects[0]
    assert item.state == "waiting"
    return item


def test_what_matches_nothing_waits_and_is_booked_when_persons_say_what_it_is(
    b: Bookkeeper,
) -> None:
    payment = paid(b)
    stray = msgspec.structs.replace(notice(b, payment, "60.00"), pay_app_no="")
    item = held(b, stray)
    assert "no payment of this ledger" in item.held.reason
    before = shown(b)
    assert b.do(stray, "bank").replayed
    number = item.held.suspense_no
    wrong = ResolveSuspense(suspense_no=number, pay_app_no="none")
    assert b.refusal(wrong) == "payment_not_found"
    assert shown(b) == before
    done = b.do(ResolveSuspense(suspense_no=number, pay_app_no="P1", pay_detail_id="1"))
    assert done.subjects[0].state == "booked"
    assert b.figures("B")["available"] == "60.00"
    again = ResolveSuspense(suspense_no=number, pay_app_no="P1", pay_detail_id="1")
    assert b.do(again).replayed
    other = ResolveSuspense(suspense_no=number, is_none_of_ours=True, reason="非本账套")
    assert b.refusal(other) == "idempotency_conflict"
    [journal] = [j for j in b.journals() if j.event == "payment.refunded"]
    assert b.events()[journal.source - 1][1] == "payment.refunded"


def test_no_bank_s_word_gives_back_what_another_bank_has_paid(b: Bookkeeper) -> None:
    """60.00 lie at bank 105, and two persons said that they were of a payment of bank 102, which
    then owed them to the central bank."""
    payment = paid(b)
    stray = msgspec.structs.replace(notice(b, payment, "60.00"), pay_app_no="")
    theirs = msgspec.structs.replace(
        stray,
        notice_key=f"105-{stray.evidence.notice_no}",
        evidence=msgspec.structs.replace(stray.evidence, pay_bank_code="105"),
    )
    number = held(b, theirs).held.suspense_no
    before = shown(b)
    assert b.refusal(ResolveSuspense(suspense_no=number, pay_app_no="P1")) == "receipt_mismatch"
    assert shown(b) == before
    b.do(ResolveSuspense(suspense_no=number, is_none_of_ours=True, reason="他行误发"))


def test_what_is_none_of_ours_is_put_aside_with_its_reason(b: Bookkeeper) -> None:
    payment = paid(b)
    item = held(b, msgspec.structs.replace(notice(b, payment, "60.00"), pay_app_no=""))
    number = item.held.suspense_no
    done = b.do(ResolveSuspense(suspense_no=number, is_none_of_ours=True, reason="他行误发"))
    assert done.subjects[0].state == "none_of_ours"
    assert b.figures("B")["available"] == "0.00"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"line": "9", "details": 2}, "has no line '9'"),
        ({"account": "6222000000000000002"}, "another account"),
    ],
)
def test_what_does_not_fit_the_payment_waits(
    b: Bookkeeper, changed: dict[str, object], reason: str
) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "10.00")) if "details" in changed else ()
    payment = paid(b, "40.00", details=lines)
    took = notice(
        b, payment, "10.00", str(changed.get("line", "1")), day=changed.get("day", MARCH_2)
    )
    if "account" in changed:
        assert took.noticed is not None
        [line] = took.noticed.lines
        other = msgspec.structs.replace(line, payee_acct_no=str(changed["account"]))
        noticed = msgspec.structs.replace(took.noticed, lines=(other,))
        took = msgspec.structs.replace(took, noticed=noticed)
    item = held(b, took)
    assert reason in item.held.reason
    assert b.figures("B")["paid"] == "40.00"
    resolve = ResolveSuspense(suspense_no=item.held.suspense_no, pay_app_no="P1")
    assert b.refusal(resolve) == "receipt_mismatch"  # nobody's word makes it agree


def test_what_comes_back_when_the_year_is_over_is_none_of_its_books(b: Bookkeeper) -> None:
    """The next year's ledger books it: tests/payments/test_prior_returns.py."""
    payment = paid(b, "40.00")
    b.until(date(2027, 1, 5))
    before = b.books()
    back = b.do(notice(b, payment, "10.00", day=date(2027, 1, 5)), "bank").subjects[0]
    assert [(each.TYPE, each.refund_amt) for each in back.refunds] == [
        ("payment.returned", "10.00")
    ]
    assert (b.figures("B")["paid"], b.books()) == ("40.00", before)


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(2026, 3, 9), date(2026, 3, 1)])
def test_a_day_that_a_bank_cannot_mean_does_not_keep_its_money_back(
    b: Bookkeeper, day: date
) -> None:
    """A clock that is wrong, or slow at midnight: it is booked when it is learned."""
    payment = paid(b, "40.00")
    back = b.do(notice(b, payment, "10.00", day=day), "bank").subjects[0]
    assert back.refunds[0].refund_date == day.isoformat()
    [(booked,)] = b.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s AND type = 'payment.refunded'"
    )
    assert booked == MARCH_2


def test_what_came_back_before_the_bank_said_it_paid_waits_for_that(b: Bookkeeper) -> None:
    b.apply("P1", "B", "40.00")
    approved = b.approve("P1")
    b.sign("P1")
    item = held(b, notice(b, approved, "40.00"))
    assert "has not said it paid" in item.held.reason
    b.receipt(approved)
    done = b.do(ResolveSuspense(suspense_no=item.held.suspense_no, pay_app_no="P1"))
    assert done.subjects[0].state == "booked"
    assert b.figures("B")["available"] == "100.00"


def test_a_resolved_notice_is_still_one_movement(b: Bookkeeper) -> None:
    payment = paid(b)
    stray = msgspec.structs.replace(notice(b, payment, "60.00", serial="S1"), pay_app_no="")
    item = held(b, stray)
    b.do(notice(b, payment, "60.00", serial="S1"), "bank")
    resolve = ResolveSuspense(suspense_no=item.held.suspense_no, pay_app_no="P1")
    assert b.refusal(resolve) == "receipt_mismatch"
    assert b.figures("B")["available"] == "60.00"


def test_scenario_15_a_return_of_a_closed_month_is_of_the_banks_day(b: Bookkeeper) -> None:
    from ledger.closing import ClosePeriod

    b.clock.now = b.clock.now.replace(month=3, day=30)
    payment = paid(b, "30.00")
    b.clear("C1", date(2026, 3, 30))
    b.until(date(2026, 4, 2))
    b.do(ClosePeriod(through="2026-03-31"), "admin")
    b.do(notice(b, payment, "30.00", day=date(2026, 4, 2)), "bank")
    [(day,)] = b.sql(
        "SELECT DISTINCT effective_on FROM events WHERE ledger_id = %s"
        " AND type = 'payment.refunded'"
    )
    assert day == date(2026, 4, 2)


def test_a_refund_and_its_notice_agree_field_by_field(b: Bookkeeper) -> None:
    """The verifier's comparison, with a canary for each thing that the bank has signed."""
    payment = paid(b)
    took = notice(b, payment, "60.00")
    [refunded] = b.do(took, "bank").subjects[0].refunds
    document = decompress(took.document)

    def differs(signed: bytes = document, **changed: Any) -> str:
        event = msgspec.structs.replace(refunded, **changed)
        return disagreement(NamedDocument(b.ledger_id, signed, event, ()))

    assert differs() == ""
    [line] = refunded.returned
    for name, changed in {
        "VtCode": {"vt_code": "2252"},
        "VoucherNo": {"notice_no": "other"},
        "PayDate": {"refund_date": "2026-03-03"},
        "PayAmt": {"refund_amt": "60.01"},
        "AgentBusinessNo": {"agent_business_no": "other"},
        "DetailList": {"returned": (msgspec.structs.replace(line, payee_acct_no="6222"),)},
        "OriginalVoucherNo": {"pay_cert_no": "other", "pay_app_no": "other"},
    }.items():
        assert name in differs(**changed)
    with pytest.raises(GuokuError):
        differs(document[:-20])
    assert differs(pay_cert_no="other", pay_app_no="other", suspense_no="102-1") == ""


def agree(kind: str, number: str, *roles: str) -> ApproveDocument:
    return ApproveDocument(document_kind=kind, document_no=number, roles=roles)


def test_two_persons_ask_the_bank_and_two_say_what_a_notice_is(b: Bookkeeper) -> None:
    policy = {"payment.refund": ("treasury_checker",), "suspense.resolve": ("accountant_checker",)}
    b.do(SetApprovalPolicy(approval_policy=policy), "admin")
    payment = paid(b)
    request = RefundPayment(pay_app_no="P1", refund_no="R1", refund_amt="60.00", reason="退")
    assert b.do(request).subjects[0].state == "submitted"
    assert "payment.refund_requested" not in [name for _, name, _ in b.events()]
    asked = agree("payment.refund", "R1", "treasury_checker")
    assert b.refusal(asked, "maker") == "same_person"
    b.do(asked, "checker")
    [event] = [event for _, name, event in b.events() if name == "payment.refund_requested"]
    assert (event.refund_no, event.by) == ("R1", "maker")
    item = held(b, msgspec.structs.replace(notice(b, payment, "60.00"), pay_app_no=""))
    number = item.held.suspense_no
    b.do(ResolveSuspense(suspense_no=number, pay_app_no="P1"))
    assert b.figures("B")["available"] == "0.00"
    b.do(agree("suspense.resolve", number, "accountant_checker"), "accountant")
    assert b.figures("B")["available"] == "60.00"
    [journal] = [j for j in b.journals() if j.event == "payment.refunded"]
    assert b.events()[journal.source - 1][1] == "payment.refunded"
