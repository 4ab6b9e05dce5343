"""以前年度退回: money of last year's payments comes back this year, once over both years.

What came back when a year was closed waited in its suspense, and no book had it.
"""

from datetime import UTC, date, datetime

import msgspec
import pytest

from accounting.handing_over import HandingOver
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import CloseYear
from budget.year_end_events import CarryOverItem
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.money import parse_yuan
from ledger.reading.objects import read_objects
from ledger.writing.submitting import submit_to
from payments.clearing.claims import CLEARING, RequestClearing
from payments.payment import PAYMENT, Payment
from payments.receipts.bringing_returns import BringingReturns
from payments.refunds.notices import TakeNotice
from payments.refunds.prior_returns import PRIOR_RETURN, PriorReturn
from payments.refunds.requests import RefundPayment
from payments.refunds.resolving import ResolveSuspense
from payments.refunds.suspense import SuspenseItem
from payments.return_events import PaymentReturned
from projections.core.runner import Runner
from projections.tracing.indicator import BusinessSums, trace_indicator
from tests.payments.test_corrections import correction
from tests.support.bookkeeper import (
    Bookkeeper,
    claim_receipt,
    detail,
    refund_notice,
    trial_balance,
)

pytestmark = pytest.mark.usefixtures("decided_again")

DECEMBER, JANUARY = date(2026, 12, 31), date(2027, 1, 20)
CLOSE_DECEMBER = ClosePeriod(through="2026-12-31")
BANK = "102"


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """B1, 1,000.00, of which 600.00 were paid and claimed, and 400.00 are carried over; B2 was
    paid whole, 100.00, and nothing of it goes on."""
    b = bookkeeper
    b.issue("B1", "1000.00")
    b.issue("B2", "100.00")
    b.pay("P1", "B1", "600.00")
    b.pay("P2", "B2", "100.00")
    b.clock.now = datetime(2027, 1, 4, 2, tzinfo=UTC)
    b.clear("C1", DECEMBER)
    return b


def close_year(b: Bookkeeper) -> None:
    """400.00 of B1 go on; the year is closed, and handed over to the next."""
    b.do(CLOSE_DECEMBER, "accountant")
    items = (CarryOverItem(bgt_id="B1", carryovers_amt="400.00"),)
    b.do(CarryOver(carry_no="JZ", items=items), "accountant")
    b.do(CloseYear(), "accountant")
    assert HandingOver(b.pool, submit_to(b.sequencer), load_charts()).look() == 1


def this_year(b: Bookkeeper) -> None:
    b.year, b.ledger_id = 2027, ledger_id(b.division, 2027)


def last_year(b: Bookkeeper) -> None:
    b.year, b.ledger_id = 2026, ledger_id(b.division, 2026)


def bring(b: Bookkeeper) -> int:
    return BringingReturns(b.pool, submit_to(b.sequencer), b.clock).look()


def paid(b: Bookkeeper, number: str) -> Payment:
    with b.pool.connection() as connection:
        payments: dict[str, Payment] = read_objects(connection, b.ledger_id, PAYMENT, [number])
    return payments[number]


def booked(b: Bookkeeper, return_no: str) -> PriorReturn:
    with b.pool.connection() as connection:
        return read_objects(connection, b.ledger_id, PRIOR_RETURN, [return_no])[return_no]


def notice(
    b: Bookkeeper, number: str, amount: str, notice_no: str, line: str = "1", **more: object
) -> TakeNotice:
    day = more.pop("day", JANUARY)
    assert isinstance(day, date)
    b.until(day)
    return refund_notice(paid(b, number), [(line, parse_yuan(amount))], day, notice_no, **more)


def entered(b: Bookkeeper) -> dict[str, str]:
    """What the year's own journals come to, beside what it began with."""
    acts = ("prior_return.", "payment.", "voucher.", "clearing.")
    return trial_balance([each for each in b.journals() if each.event.startswith(acts)])


def waiting(b: Bookkeeper, taken: TakeNotice) -> str:
    """Why it waits in suspense."""
    subjects = b.do(taken, "bank").subjects
    [item] = [each for each in subjects if isinstance(each, SuspenseItem)]
    assert item.state == "waiting"
    return item.held.reason


def test_what_goes_on_comes_back_to_the_carried_indicator(b: Bookkeeper) -> None:
    """150.00 of P1: the unit may draw on 550.00 then, and its net assets were too low by them."""
    close_year(b)
    closed = b.books()
    back = b.do(notice(b, "P1", "150.00", "N1"), "bank").subjects[0]
    assert [type(refund) for refund in back.refunds] == [PaymentReturned]
    assert b.books() == closed, "the closed year's books stand"
    assert bring(b) == 1
    this_year(b)
    assert b.figures("JZ2026-B1")["available"] == "550.00"
    assert entered(b) == {
        "指标来源": "150.00",
        "支出指标": "150.00",
        "财政应返还额度": "150.00",
        "以前年度盈余调整": "150.00",
        "资金结存—财政应返还额度": "150.00",
        "财政拨款结转—年初余额调整": "150.00",
        "零余额账户": "150.00",
        "待清算款项": "-150.00",
    }
    b.clear("C1", JANUARY)
    treasury = {"国库存款": "150.00", "资金结存—库款资金结存": "150.00"}
    assert entered(b).items() >= {**treasury, "一般公共预算结转结余": "150.00"}.items()
    names = (
        "以前年度盈余调整",
        "零余额账户",
        "待清算款项",
    )  # one of the unit's, one of the treasury's
    assert {name: entered(b).get(name) for name in names} == {
        "以前年度盈余调整": "150.00",
        "零余额账户": None,
        "待清算款项": None,
    }


def test_what_does_not_go_on_is_the_treasurys(b: Bookkeeper) -> None:
    """收回: nothing of B2 goes on, so neither an indicator nor the unit has anything of it."""
    close_year(b)
    b.do(notice(b, "P2", "40.00", "N1"), "bank")
    bring(b)
    this_year(b)
    assert [each.TYPE for each in booked(b, "102-N1").settled] == ["prior_return.taken_back"]
    assert entered(b) == {"零余额账户": "40.00", "待清算款项": "-40.00"}


def test_it_is_booked_while_last_year_is_open_still(b: Bookkeeper) -> None:
    """In January, before the year is closed: nobody has carried anything over, so it is 收回."""
    b.do(notice(b, "P1", "150.00", "N1", day=date(2027, 1, 5)), "bank")
    assert bring(b) == 0, "there is no ledger of the new year yet"
    this_year(b)
    b.open()
    assert (bring(b), bring(b)) == (1, 0)
    back = booked(b, "102-N1")
    assert (back.booked.from_ledger, back.booked.pay_app_no) == ("440000000-2026", "P1")
    assert [each.amt for each in back.settled] == ["150.00"]
    last_year(b)
    assert bring(b) == 0, "it is booked once"


def test_what_came_in_december_is_decembers(b: Bookkeeper) -> None:
    """Learned in January, while the year is open: booked there, as ever."""
    before = b.figures("B1")["paid"]
    b.do(notice(b, "P1", "100.00", "N1", day=date(2026, 12, 30)), "bank")
    assert (before, b.figures("B1")["paid"]) == ("600.00", "500.00")


def test_what_came_in_december_and_is_learned_behind_the_closing_is_booked_late(
    b: Bookkeeper,
) -> None:
    close_year(b)
    late = notice(b, "P1", "100.00", "N1", day=date(2026, 12, 30))
    b.until(JANUARY)
    b.do(late, "bank")
    bring(b)
    this_year(b)
    head = booked(b, "102-N1").booked
    assert (head.refund_date, head.booked_on) == ("2026-12-30", "2027-01-20")


def test_no_more_comes_back_over_both_years_than_was_paid(b: Bookkeeper) -> None:
    """Of 600.00, 100.00 came back in December, 500.00 may in January; then not a fen."""
    b.do(notice(b, "P1", "100.00", "N0", day=date(2026, 12, 30)), "bank")
    close_year_again(b)
    assert b.refusal(notice(b, "P1", "500.01", "N1"), "bank") == "refund_exceeds_paid"
    b.do(notice(b, "P1", "200.00", "N2"), "bank")
    bring(b)
    assert b.refusal(notice(b, "P1", "300.01", "N3"), "bank") == "refund_exceeds_paid"
    back = b.do(notice(b, "P1", "300.00", "N4"), "bank").subjects[0]
    assert (back.status, back.refunded_fen) == ("refunded", 60_000)
    assert b.refusal(notice(b, "P1", "0.01", "N5"), "bank") == "refund_exceeds_paid"
    bring(b)
    this_year(b)
    assert b.figures("JZ2026-B1")["available"] == "1000.00", "500.00 were carried, 500.00 came back"


def close_year_again(b: Bookkeeper) -> None:
    """500.00 of B1 go on."""
    b.clear("C2", DECEMBER)
    b.do(CLOSE_DECEMBER, "accountant")
    items = (CarryOverItem(bgt_id="B1", carryovers_amt="500.00"),)
    b.do(CarryOver(carry_no="JZ", items=items), "accountant")
    b.do(CloseYear(), "accountant")
    HandingOver(b.pool, submit_to(b.sequencer), load_charts()).look()


def test_the_same_movement_is_refused_and_on_record(b: Bookkeeper) -> None:
    close_year(b)
    first = notice(b, "P1", "150.00", "N1", serial="S1")
    b.do(first, "bank")
    assert b.do(first, "bank").replayed
    assert b.refusal(notice(b, "P1", "100.00", "N2", serial="S1"), "bank") == "receipt_mismatch"
    other = notice(b, "P1", "100.00", "N1", serial="S2")
    assert b.refusal(other, "bank") == "idempotency_conflict"
    refused = [event.code for _, name, event in b.events() if name == "command.refused"]
    assert refused == ["receipt_mismatch", "idempotency_conflict"]
    assert (bring(b), bring(b)) == (1, 0)


def test_it_is_announced_and_answered(b: Bookkeeper) -> None:
    """Of the closed year's ledger the bank is asked today, under the old voucher's numbers."""
    close_year(b)
    b.until(JANUARY)
    asked = b.ask_back("P1", "150.00", refund_no="TK-1").subjects[0]
    [request] = asked.open_requests
    assert request.request_date == "2027-01-20"
    again = RefundPayment(pay_app_no="P1", refund_no="TK-2", refund_amt="450.01", reason="退")
    assert b.refusal(again) == "refund_exceeds_paid"
    dated = RefundPayment(
        pay_app_no="P1", refund_no="TK-3", refund_amt="1.00", reason="退", effective_on=DECEMBER
    )
    assert b.refusal(dated) == "period_closed"
    back = b.do(b.notice_of(asked, request), "bank").subjects[0]
    assert (back.open_requests, [each.refund_no for each in back.refunds]) == ((), ["TK-1"])
    bring(b)
    this_year(b)
    assert b.figures("JZ2026-B1")["available"] == "550.00"


def test_what_does_not_match_waits_and_is_resolved(b: Bookkeeper) -> None:
    """The bank names a line that the payment has not; a person says which it is."""
    last = b.clock.now
    b.pay("P3", "B1", "30.00", details=(detail("d1", "20.00"), detail("d2", "10.00")))
    assert b.clock.now >= last
    held = waiting(b, notice(b, "P3", "10.00", "N1", line="9"))
    assert held == "payment P3 has no line '9'"
    resolving = ResolveSuspense(suspense_no="102-N1", pay_app_no="P3", pay_detail_id="d2")
    b.do(resolving, "accountant")
    this_year(b)
    b.open()
    assert bring(b) == 1
    assert booked(b, "102-N1").booked.suspense_no == "102-N1"


def test_behind_the_year_after_it_waits(b: Bookkeeper) -> None:
    """Of a payment of 2026, in 2028: neither year's books take it by themselves."""
    close_year(b)
    held = waiting(b, notice(b, "P1", "150.00", "N1", day=date(2028, 1, 5)))
    assert held.startswith("it came back on 2028-01-05")


def test_what_an_earlier_release_has_held_is_decided_as_it_was_and_can_be_booked(
    b: Bookkeeper,
) -> None:
    """It waited in last year's suspense; a person names the payment, and this year books it."""
    close_year(b)
    for number, reason in (
        ("N1", "its year is closed: it is of this year's books 上年退款"),
        ("N2", "it came back on 2027-01-20, after the fiscal year 2026"),
    ):
        former = msgspec.structs.replace(notice(b, "P1", "50.00", number), formerly_held=reason)
        assert waiting(b, former) == reason
    b.do(ResolveSuspense(suspense_no="102-N1", pay_app_no="P1"), "accountant")
    assert bring(b) == 1


def test_a_payment_that_was_corrected_comes_back_to_whom_bore_it(b: Bookkeeper) -> None:
    """80.00 of P1 were corrected to B2: last corrected, first back; nothing of B2 goes on."""
    b.adjust("B2", "80.00", effective_on=DECEMBER)
    b.do(correction("B2", "80.00", effective_on=DECEMBER), "accountant")
    b.do(CLOSE_DECEMBER, "accountant")
    items = (CarryOverItem(bgt_id="B1", carryovers_amt="480.00"),)
    b.do(CarryOver(carry_no="JZ", items=items), "accountant")
    b.do(CloseYear(), "accountant")
    HandingOver(b.pool, submit_to(b.sequencer), load_charts()).look()
    b.do(notice(b, "P1", "100.00", "N1"), "bank")
    bring(b)
    this_year(b)
    settled = [(each.TYPE, each.ori_bgt_id, each.amt) for each in booked(b, "102-N1").settled]
    assert settled == [
        ("prior_return.carried", "B1", "20.00"),
        ("prior_return.taken_back", "B2", "80.00"),
    ]
    assert b.figures("JZ2026-B1")["available"] == "500.00"


def test_a_claim_of_this_year_and_one_of_last_are_two(b: Bookkeeper) -> None:
    """One 2302 each: what this year has paid lowers its outlays, what last year has, 结转结余."""
    close_year(b)
    b.do(notice(b, "P1", "150.00", "N1"), "bank")
    bring(b)
    this_year(b)
    b.pay("P9", "JZ2026-B1", "90.00")
    b.refund("P9", "30.00")
    b.clear("C1", JANUARY)
    with b.pool.connection() as connection:
        [clearing] = read_objects(connection, b.ledger_id, CLEARING, ["C1"]).values()
    claims = [(c.vt_code, c.paid_year, c.pay_amt) for c in clearing.requested.claims]
    assert claims == [("2301", 0, "90.00"), ("2302", 0, "30.00"), ("2302", 2026, "150.00")]
    books = entered(b)
    assert (books["国库存款"], books["一般公共预算支出"]) == ("90.00", "60.00")
    assert (books["一般公共预算结转结余"], books.get("零余额账户")) == ("150.00", None)


def test_a_claim_that_is_rejected_is_made_again_under_its_year(b: Bookkeeper) -> None:
    close_year(b)
    b.do(notice(b, "P1", "150.00", "N1"), "bank")
    bring(b)
    this_year(b)
    asked = RequestClearing(clear_no="C1", clear_date=JANUARY, pay_bank_code=BANK)
    [claim] = b.do(asked).subjects[0].requested.claims
    answer = claim_receipt("C1", claim.voucher_no, claim.pay_amt, JANUARY)
    b.do(msgspec.structs.replace(answer, xpay_fen=0, rejected="户名不符"), "pboc")
    again = msgspec.structs.replace(asked, clear_no="C2")
    [claim] = b.do(again).subjects[0].requested.claims
    assert (claim.vt_code, claim.paid_year, claim.pay_amt) == ("2302", 2026, "150.00")


def test_the_traces_of_both_indicators_hold(b: Bookkeeper) -> None:
    """Last year's has paid what it had paid, and this year's has what came back to it."""
    close_year(b)
    b.do(notice(b, "P1", "150.00", "N1"), "bank")
    bring(b)
    Runner(b.pool).catch_up()
    with b.pool.connection() as connection:
        before = trace_indicator(connection, b.ledger_id, "B1")
        after = trace_indicator(connection, ledger_id(b.division, 2027), "JZ2026-B1")
    for trace in (before, after):
        assert isinstance(trace.proofs, list)
        assert [proof.name for proof in trace.proofs if not proof.holds] == []
    assert (before.payments[0].refund_amt, before.payments[0].net_paid_amt) == ("150.00", "450.00")
    assert isinstance(after.sums, BusinessSums)
    assert (after.sums.issued, after.sums.others) == ("400.00", "150.00")
