"""结账: what is not on its way and has to be settled first, as a fresh program sees it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import msgspec
import pytest

from accounting.vouchers import EnterVoucher
from budget.indicators import AdjustIndicator
from ledger.closing import ClosePeriod
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.command import Command, Told
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.events import PeriodClosed
from payments.disbursement.commands import (
    ApproveRun,
    CloseRun,
    DrawVoucher,
    LoadLines,
    StartRun,
)
from payments.disbursement.opening import OpenRun
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.refunds.resolving import ResolveSuspense
from tests.accounting.test_vouchers import DEPRECIATION
from tests.payments.test_closing import APRIL, CLOSE_MARCH, MARCH, NEW_YEAR, blockers
from tests.payments.test_refunds import b as paying
from tests.payments.test_refunds import held, notice, paid
from tests.support.advances import APPROPRIATED, LENT
from tests.support.advances import paid as advanced
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import cash_opened, income
from tests.support.vouchers import voucher

pytestmark = pytest.mark.usefixtures("decided_again")

__all__ = ["paying"]  # a fixture
CLOSE_DECEMBER, CLOSE_LATE = ClosePeriod(through="2026-12-31"), ClosePeriod(through="2026-13")
SM3 = "a" * 64


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Iterator[Bookkeeper]:
    bookkeeper.issue("B1", "1000.00")
    return bookkeeper


def waiting(b: Bookkeeper, closing: Command = CLOSE_MARCH) -> list[tuple[str, str, str]]:
    """What refuses the closing: nothing of it is cached."""
    other = Bookkeeper(b.pool)
    other.clock.now = b.clock.now
    try:
        return blockers(other.ask(closing, "accountant", dry_run=True))
    finally:
        other.close()


def run(b: Bookkeeper, run_no: str, effective_on: date | None = MARCH) -> None:
    """Of two vouchers, 500 lines of 1.00; approved."""
    opened = OpenRun(
        run_no=run_no, bgt_id="B1", title="工资", use_des="工资", effective_on=effective_on
    )
    b.do(opened)
    loaded = LoadLines(
        run_no=run_no, bgt_id="B1", line_count=500, pay_amt="500.00", lines_sm3=SM3, file_sm3=SM3
    )
    b.do(loaded)
    b.do(ApproveRun(run_no=run_no, bgt_id="B1", lines_sm3=SM3), "checker")
    b.do(StartRun(run_no=run_no, bgt_id="B1", role="treasury", lines_sm3=SM3), "signer")


def test_a_run_keeps_its_month_open_until_its_last_voucher_is_drawn(b: Bookkeeper) -> None:
    run(b, "R1")
    b.do(DrawVoucher(run_no="R1", bgt_id="B1", voucher=1, pay_amt="499.00"), "signer")
    b.clock.now = APRIL
    assert waiting(b) == [("run_unfinished", "R1", "1.00")]
    b.do(DrawVoucher(run_no="R1", bgt_id="B1", voucher=2, pay_amt="1.00"), "signer")
    b.do(CLOSE_MARCH, "accountant")


def test_a_run_without_a_date_keeps_the_year_open_alone(b: Bookkeeper) -> None:
    b.do(OpenRun(run_no="R1", bgt_id="B1", title="工资", use_des="工资"))
    b.clock.now = APRIL
    b.do(CLOSE_MARCH, "accountant")
    b.clock.now = NEW_YEAR
    assert waiting(b, CLOSE_DECEMBER) == [("run_unfinished", "R1", "0.00")]
    b.do(CloseRun(run_no="R1", bgt_id="B1"))
    b.do(CLOSE_DECEMBER, "accountant")


def test_what_stands_in_suspense_keeps_its_month_open(paying: Bookkeeper) -> None:
    """March closed, and nobody had looked at the 60.00 that the bank had given back."""
    b = paying
    payment = paid(b)
    item = held(b, msgspec.structs.replace(notice(b, payment, "60.00"), pay_app_no=""))
    number = item.held.suspense_no
    b.clock.now = APRIL
    [found] = [each for each in waiting(b) if each[0] == "suspense_waiting"]
    assert found == ("suspense_waiting", number, "60.00")
    b.do(ResolveSuspense(suspense_no=number, is_none_of_ours=True, reason="他行误发"))
    assert number not in [each[1] for each in waiting(b)]


def test_a_document_keeps_its_month_open_until_it_is_decided(b: Bookkeeper) -> None:
    """Agreed to in April, it could not take effect in March any more."""
    b.do(SetApprovalPolicy(approval_policy={"indicator.adjust": ("treasury_checker",)}), "admin")
    dated = AdjustIndicator(
        bgt_id="B1", adj_no="T1", adj_amt="-1.00", reason="x", effective_on=MARCH
    )
    b.do(dated)
    b.clock.now = APRIL
    b.do(AdjustIndicator(bgt_id="B1", adj_no="T2", adj_amt="-2.00", reason="x"))
    assert waiting(b) == [("document_submitted", "indicator.adjust/T1", "-1.00")]
    back = ReturnDocument(
        document_kind="indicator.adjust",
        document_no="T1",
        roles=("treasury_checker",),
        reason="重复",
    )
    b.do(back, "checker")
    b.do(msgspec.structs.replace(dated, adj_amt="-3.00"))  # the same document once more
    assert waiting(b) == [("document_submitted", "indicator.adjust/T1", "-3.00")]
    agree(b, "indicator.adjust", "T1")
    b.do(CLOSE_MARCH, "accountant")
    b.clock.now = NEW_YEAR
    undated = [("document_submitted", "indicator.adjust/T2", "-2.00")]
    assert waiting(b, CLOSE_DECEMBER) == undated


def test_a_report_that_waits_keeps_the_month_of_its_day_open(b: Bookkeeper) -> None:
    """Closed before somebody had agreed, March took the report of its day no more: the money stood
    in no book."""
    b.do(SetApprovalPolicy(approval_policy={"income.load": ("accountant_checker",)}), "admin")
    b.do(income("R1", MARCH, ("10101", "111", "40.00")), "accountant")
    b.clock.now = APRIL
    february = ClosePeriod(through="2026-02-28")
    b.do(february, "accountant")
    assert waiting(b) == [("document_submitted", "income.load/R1", "0.00")]
    agree(b, "income.load", "R1", "accountant_checker")
    assert "document_submitted" not in [kind for kind, _, _ in waiting(b)]


def test_a_closing_that_did_not_look_for_it_is_decided_again_as_it_was(b: Bookkeeper) -> None:
    b.do(SetApprovalPolicy(approval_policy={"income.load": ("accountant_checker",)}), "admin")
    b.do(income("R1", MARCH, ("10101", "111", "40.00")), "accountant")
    b.clock.now = APRIL
    closed = PeriodClosed(through="2026-03-31", complete=True, by="")
    [former] = ClosePeriod.asked_in(Told(closed, MARCH))
    b.do(former, "accountant")
    assert b.events()[-1][2] == msgspec.structs.replace(closed, by="accountant")


def test_an_opening_that_waits_keeps_the_first_month_open(b: Bookkeeper) -> None:
    b.do(SetApprovalPolicy(approval_policy={"opening.load": ("accountant_checker",)}), "admin")
    opened = cash_opened(f111="1000.00")
    b.do(opened, "accountant")
    january = ClosePeriod(through="2026-01-31")
    assert waiting(b, january) == [("document_submitted", f"opening.load/{opened.number}", "0.00")]
    agree(b, "opening.load", opened.number, "accountant_checker")
    b.do(january, "accountant")
    assert (b.events()[-1][2].complete, b.events()[-1][2].edition) == (True, 2)


def agree(b: Bookkeeper, kind: str, number: str, role: str = "treasury_checker") -> None:
    b.do(ApproveDocument(document_kind=kind, document_no=number, roles=(role,)), "checker")


def test_the_document_of_a_closing_does_not_keep_its_own_month_open(b: Bookkeeper) -> None:
    b.do(SetApprovalPolicy(approval_policy={"period.close": ("accountant_checker",)}), "admin")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    agree(b, "period.close", "2026-12-31", "accountant_checker")
    b.do(CLOSE_LATE, "accountant")
    agree(b, "period.close", "2026-13", "accountant_checker")
    assert b.events()[-1][2].complete


def test_a_voucher_of_the_late_month_keeps_that_open_and_not_december(b: Bookkeeper) -> None:
    policy = {"voucher.enter": ("accountant_checker",)}
    b.do(SetApprovalPolicy(approval_policy=policy), "admin")
    b.clock.now = NEW_YEAR
    b.do(CLOSE_DECEMBER, "accountant")
    entered: EnterVoucher = voucher("JZ-1", *DEPRECIATION, acct_period="2026-13")
    b.do(entered, "accountant")
    assert waiting(b, CLOSE_LATE) == [("document_submitted", "voucher.enter/JZ-1", "0.00")]


def test_what_was_appropriated_ahead_is_cleared_within_its_year(b: Bookkeeper) -> None:
    """年终清理: 预拨经费 is expensed or called in; 预拨下年度经费 and loans stand on."""
    advanced(b, "YB-1", "300.00", APPROPRIATED)
    advanced(b, "YB-2", "200.00", APPROPRIATED, due_on=date(2027, 2, 28))
    advanced(b, "JC-1", "100.00", LENT)
    b.clock.now = APRIL
    b.do(CLOSE_MARCH, "accountant")
    b.clock.now = datetime(2026, 12, 30, 2, tzinfo=UTC)
    expensed = ExpenseAdvance(adv_no="YB-1", step_no="Z1", bgt_id="B1", amt="120.00")
    b.do(expensed, "accountant")
    b.clock.now = NEW_YEAR
    assert waiting(b, CLOSE_DECEMBER) == [("advance_left", "YB-1", "180.00")]
    december = date(2026, 12, 31)
    recovered = RecoverAdvance(adv_no="YB-1", step_no="S1", amt="180.00", effective_on=december)
    b.do(recovered, "accountant")
    b.do(CLOSE_DECEMBER, "accountant")
