"""结账 strands nothing: what waits in a month keeps it open, whichever way it came to wait."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger.calendar import PERIODS
from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.deciding.command import Outcome
from ledger.deciding.opening import OpenLedger
from ledger.events import OpenItem
from ledger.reading.objects import read_head
from payments.application import ApprovePayment, WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.voucher import MarkSent
from tests.support.bookkeeper import Bookkeeper, claim_receipt

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH = date(2026, 3, 2)
APRIL = datetime(2026, 4, 1, 2, tzinfo=UTC)
CLOSE_MARCH = ClosePeriod(through="2026-03-31")
DECEMBER, NEW_YEAR = date(2026, 12, 28), datetime(2027, 1, 4, 2, tzinfo=UTC)


def blockers(outcome: Outcome) -> list[tuple[str, str, str]]:
    assert outcome.problem is not None
    assert outcome.problem.code.text == "period_not_ready"
    return [
        (each["kind"], each["number"], each["amt"]) for each in outcome.problem.extra["blockers"]
    ]


def closed_through(b: Bookkeeper) -> date | None:
    with b.pool.connection() as connection:
        head = read_head(connection, b.ledger_id)
    assert head is not None
    return head.settings.get(PERIODS).closed_through


def sent(b: Bookkeeper, number: str, amount: str, **more: Any) -> Any:
    b.apply(number, "B1", amount, **more)
    approved = b.approve(number)
    b.sign(number)
    b.do(MarkSent(pay_app_no=number), "dispatcher")
    return approved


def test_scenario_32(bookkeeper: Bookkeeper) -> None:
    """月结: applied 20.00, sent 30.00, uncleared 40.00."""
    b = bookkeeper
    b.issue("B1", "1000.00")
    b.apply("P20", "B1", "20.00")
    approved = sent(b, "P30", "30.00")
    b.pay("P40", "B1", "40.00")
    b.clock.now = APRIL
    refused = b.ask(CLOSE_MARCH, "accountant")
    assert blockers(refused) == [
        ("applied", "P20", "20.00"),
        ("sent", "P30", "30.00"),
        ("uncleared", "102/2026-03-02/2301/111", "40.00"),
    ]
    assert closed_through(b) is None

    b.do(WithdrawPayment(pay_app_no="P20"))
    b.receipt(approved)
    requested = b.do(
        RequestClearing(clear_no="C1", clear_date=date(2026, 3, 31), pay_bank_code="102")
    )
    [claim] = requested.subjects[0].requested.claims
    assert blockers(b.ask(CLOSE_MARCH, "accountant")) == [("uncleared", "C1", "70.00")]
    b.do(claim_receipt("C1", claim.voucher_no, "70.00", date(2026, 3, 31)), "pboc")
    b.do(CLOSE_MARCH, "accountant")
    assert closed_through(b) == date(2026, 3, 31)
    assert b.ask(CLOSE_MARCH, "accountant").replayed
    assert b.refusal(RequestClearing(clear_no="C2", clear_date=MARCH, pay_bank_code="102")) == (
        "period_closed"
    )


def test_a_month_that_has_not_ended_does_not_close(bookkeeper: Bookkeeper) -> None:
    """`periods:close {"through":"2026-12-31"}` was taken in November and ended the year."""
    b = bookkeeper
    for through in ("2026-03-31", "2026-12-31", "2026-13"):
        assert blockers(b.ask(ClosePeriod(through=through), "accountant")) == []
    b.do(ClosePeriod(through="2026-02-28"), "accountant")
    assert b.refusal(ClosePeriod(through="2026-01-31"), "accountant") == "period_closed"
    assert b.refusal(ClosePeriod(through="2027-01-31"), "accountant") == "period_closed"


def test_a_new_program_finds_what_waits_and_so_does_one_batch(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B1", "1000.00")
    b.pay("P1", "B1", "1.00")
    b.apply("P2", "B1", "2.00")
    b.clear("C1", MARCH)
    b.clock.now = APRIL
    other = Bookkeeper(b.pool)  # nothing is cached there
    other.clock.now = APRIL
    assert blockers(other.ask(CLOSE_MARCH, "accountant")) == [("applied", "P2", "2.00")]
    other.close()
    b.do(WithdrawPayment(pay_app_no="P2"))
    from tests.support.bookkeeper import payment

    applied, closing = b.submit(payment("P3", "B1", "3.00", effective_on=MARCH), CLOSE_MARCH)
    assert applied.problem is None
    assert blockers(closing) == [("applied", "P3", "3.00")]


def test_what_is_dated_behind_the_month_does_not_hold_it_up(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B1", "1000.00")
    b.clock.now = APRIL
    b.apply("P1", "B1", "1.00")
    b.do(CLOSE_MARCH, "accountant")
    b.clock.now = datetime(2026, 5, 4, 2, tzinfo=UTC)
    assert blockers(b.ask(ClosePeriod(through="2026-04-30"))) == [("applied", "P1", "1.00")]


def test_the_last_closed_month_is_opened_again_and_closed_again(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.clock.now = APRIL
    b.do(ClosePeriod(through="2026-01-31"), "accountant")
    b.do(CLOSE_MARCH, "accountant")
    first = ReopenPeriod(from_month="2026-03", reason="漏记")
    assert b.refusal(ReopenPeriod(from_month="2026-02", reason="漏记")) == "invalid_state"
    b.do(first, "accountant")
    assert closed_through(b) == date(2026, 2, 28)
    assert b.ask(first, "accountant").replayed
    assert b.refusal(CLOSE_MARCH) == ""  # the stored answer of the first closing, which changes
    assert closed_through(b) == date(2026, 2, 28)  # nothing: the second has a number of its own
    again = ClosePeriod(through="2026-03-31", reopened=1)
    b.do(again, "accountant")
    assert closed_through(b) == date(2026, 3, 31)
    b.do(ReopenPeriod(from_month="2026-03", reason="又漏记", reopened=1), "accountant")
    b.do(ReopenPeriod(from_month="2026-02", reason="漏记"), "accountant")
    b.do(ReopenPeriod(from_month="2026-01", reason="漏记"), "accountant")
    assert closed_through(b) is None
    assert b.refusal(ReopenPeriod(from_month="2026-01", reason="x", reopened=1)) == "invalid_state"


def test_the_year_closes_with_what_is_on_its_way_and_its_late_month_does_not(
    bookkeeper: Bookkeeper,
) -> None:
    """Closing with a sent, unreceipted voucher left 50,000.00 in the zero-balance account."""
    b = bookkeeper
    b.issue("B1", "700000.00")
    b.clock.now = datetime(2026, 12, 28, 2, tzinfo=UTC)
    approved = sent(b, "P1", "50000.00")
    b.apply("P2", "B1", "20000.00")
    b.clock.now = NEW_YEAR
    year_end = ClosePeriod(through="2026-12-31")
    assert blockers(b.ask(year_end, "accountant")) == [("applied", "P2", "20000.00")]
    b.do(WithdrawPayment(pay_app_no="P2", effective_on=date(2026, 12, 31)))
    b.do(year_end, "accountant")
    [closed] = [event for _, name, event in b.events() if name == "ledger.period_closed"]
    assert closed.in_transit == (
        OpenItem(kind="sent", number="P1", amt="50000.00", in_transit=True),
    )

    late_month = ClosePeriod(through="2026-13")
    assert blockers(b.ask(late_month, "accountant")) == [("sent", "P1", "50000.00")]
    b.receipt(approved)  # of January: a fact, booked on the year's last day, visibly late
    [(day,)] = b.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s AND type = 'voucher.receipted'"
    )
    assert day <= date(2026, 12, 31)
    [(kind, _, amount)] = blockers(b.ask(late_month, "accountant"))
    assert (kind, amount) == ("uncleared", "50000.00")
    b.clear("C1", date(2026, 12, 31))
    assert b.books().get("零余额账户", "0.00") == "0.00"
    b.do(late_month, "accountant")
    assert b.refusal(late_month) == ""
    assert b.refusal(ReopenPeriod(from_month="2026-12", reason="漏记")) == "invalid_state"
    b.do(ReopenPeriod(from_month="2026-13", reason="漏记"), "accountant")
    assert closed_through(b) == date(2026, 12, 31)


@pytest.mark.parametrize("through", ["2026-03-15", "2026-02-30", "2026-3-31", "2026-14", "x"])
def test_a_day_that_ends_no_month_closes_nothing(through: str) -> None:
    from ledger.errors import RequestError

    with pytest.raises(RequestError):
        ClosePeriod(through=through).check()


def test_a_ledger_of_an_earlier_release_approves_as_of_any_open_day(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its history is decided again as it was."""
    monkeypatch.setattr(OpenLedger, "FOLLOWS", False)
    b = Bookkeeper(pool)
    b.open()
    monkeypatch.undo()
    b.issue("B1", "100.00")
    b.apply("P1", "B1", "100.00")
    b.do(ApprovePayment(pay_app_no="P1", effective_on=date(2026, 3, 1)), "checker")
    b.close()
