"""用款计划: plans that mean their month, and are cut with their indicator, in figures."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from budget.indicator import INDICATOR
from budget.indicators import AdjustIndicator, ReallocateIndicator, SetPlan
from budget.plan_policy import SetPlanPolicy
from budget.plans import Plan, last_months
from budget.staging import RecallIndicator
from ledger.deciding.opening import OpenLedger
from ledger.postgres.database import Database
from ledger.reading.objects import read_objects
from tests.budget.test_verifying import found
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import payment
from tests.support.budgets import BudgetKeeper
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

pytestmark = pytest.mark.usefixtures("decided_again")

IN_FEBRUARY, IN_MARCH = date(2026, 2, 10), date(2026, 3, 2)


@pytest.fixture
def keeper(database: Database) -> Iterator[BudgetKeeper]:
    opened = BudgetKeeper(database)
    opened.open()
    yield opened
    opened.close()
    opened.pool.close()


@pytest.fixture
def monthly(keeper: BudgetKeeper) -> BudgetKeeper:
    """Its plans count month by month; it is March 2."""
    keeper.do(SetPlanPolicy(plan_control="monthly"), "admin")
    return keeper


def months(keeper: BudgetKeeper, bgt_id: str) -> dict[int, str]:
    """What is planned of each month, in yuan."""
    with keeper.pool.connection() as connection:
        planned = read_objects(connection, keeper.ledger_id, INDICATOR, [bgt_id])[bgt_id].planned
    return {month: f"{fen / 100:.2f}" for month, fen in enumerate(planned, 1) if fen}


def available(keeper: BudgetKeeper, command: Any) -> tuple[str, str]:
    """The code of a refusal, and what it says there is."""
    problem = keeper.ask(command).problem
    assert problem is not None
    return problem.code.text, problem.extra["available_amt"]


# ---- a plan means its month


def test_a_plan_of_december_pays_nothing_in_march(monthly: BudgetKeeper) -> None:
    """Scenario 6."""
    monthly.issue("B1", "50000.00", is_contrlbyplan=True)
    monthly.plan("B1", "50000.00", month=12)
    refused = available(monthly, payment("SQ-1", "B1", "1.00"))
    assert refused == ("insufficient_plan", "0.00")
    monthly.until(date(2026, 12, 1))
    monthly.pay("SQ-2", "B1", "50000.00")


def test_what_a_month_leaves_goes_on_to_the_next(monthly: BudgetKeeper) -> None:
    monthly.issue("B1", "1000.00", is_contrlbyplan=True)
    for month, amt in ((1, "100.00"), (2, "50.00"), (3, "25.00"), (4, "500.00")):
        monthly.plan("B1", amt, month=month)
    assert available(monthly, payment("SQ-1", "B1", "175.01")) == ("insufficient_plan", "175.00")
    monthly.pay("SQ-2", "B1", "120.00")
    assert available(monthly, payment("SQ-3", "B1", "55.01")) == ("insufficient_plan", "55.00")
    monthly.apply("SQ-4", "B1", "55.00")


def test_a_payment_dated_back_goes_by_its_own_month(monthly: BudgetKeeper) -> None:
    monthly.issue("B1", "1000.00", is_contrlbyplan=True, effective_on=date(2026, 1, 1))
    monthly.plan("B1", "100.00", month=1, effective_on=date(2026, 1, 5))
    monthly.plan("B1", "100.00", month=3, effective_on=date(2026, 1, 5))
    back = payment("SQ-1", "B1", "100.01", effective_on=IN_FEBRUARY)
    assert available(monthly, back) == ("insufficient_plan", "100.00")
    monthly.apply("SQ-2", "B1", "150.00")
    back = payment("SQ-3", "B1", "50.01", effective_on=IN_FEBRUARY)
    assert available(monthly, back) == ("insufficient_plan", "50.00")
    monthly.apply("SQ-4", "B1", "50.00", effective_on=IN_FEBRUARY)


def test_a_month_is_cut_to_what_is_used_by_then(monthly: BudgetKeeper) -> None:
    monthly.issue("B1", "1000.00", is_contrlbyplan=True)
    monthly.plan("B1", "100.00", month=3)
    monthly.plan("B1", "100.00", month=9)
    monthly.apply("SQ-1", "B1", "60.00")

    def cut(number: str, month: int, amt: str) -> SetPlan:
        return SetPlan(bgt_id="B1", plan_voucher_no=number, plan_month=month, plan_amt=amt)

    assert available(monthly, cut("J-1", 3, "-40.01")) == ("insufficient_plan", "40.00")
    assert available(monthly, cut("J-2", 9, "-100.01")) == ("insufficient_plan", "100.00")
    assert available(monthly, cut("J-3", 5, "-0.01")) == ("insufficient_plan", "0.00")
    monthly.do(cut("J-4", 3, "-40.00"))
    monthly.do(cut("J-5", 9, "-100.00"))
    assert months(monthly, "B1") == {3: "60.00"}


def test_a_ledger_is_opened_with_it_and_may_leave_it(database: Database) -> None:
    keeper = BudgetKeeper(database)
    opening = OpenLedger(
        mof_div_code="440000000", fiscal_year=2026, name="省本级", approval_policy={"*": ()},
        plan_control="monthly",
    )  # fmt: skip
    keeper.do(opening, "admin")
    keeper.issue("B1", "10.00", is_contrlbyplan=True)
    keeper.plan("B1", "10.00", month=12)
    assert keeper.refusal(payment("SQ-1", "B1", "0.01")) == "insufficient_plan"
    keeper.do(SetPlanPolicy(plan_control="total"), "admin")
    keeper.pay("SQ-2", "B1", "10.00")
    keeper.close()
    keeper.pool.close()


# ---- a plan is cut with its indicator


def test_a_cut_takes_the_last_months_with_it(keeper: BudgetKeeper) -> None:
    keeper.issue("B1", "1000.00", is_contrlbyplan=True)
    for month, amt in ((3, "300.00"), (6, "300.00"), (12, "300.00")):
        keeper.plan("B1", amt, month=month)
    keeper.adjust("B1", "-100.00")
    assert months(keeper, "B1") == {3: "300.00", 6: "300.00", 12: "300.00"}
    keeper.adjust("B1", "-350.00")
    assert months(keeper, "B1") == {3: "300.00", 6: "250.00"}
    assert keeper.figures("B1")["plan"] == "550.00"
    cut = keeper.events()[-1][2]
    assert (cut.TYPE, cut.cut_amt, cut.figures.plan_amt) == ("plan.cut", "350.00", "550.00")
    # raised again, it is planned again
    keeper.adjust("B1", "10.00")
    keeper.plan("B1", "10.00", month=7)


def test_a_recall_and_a_reallocation_do_too(keeper: BudgetKeeper) -> None:
    keeper.issue("B1", "1000.00", is_contrlbyplan=True)
    keeper.issue("B2", "1.00")
    keeper.plan("B1", "1000.00", month=8)
    keeper.pay("SQ-1", "B1", "200.00")
    moved = ReallocateIndicator(
        bgt_id="B1", to_bgt_id="B2", adj_no="TJ-1", amt="300.00", reason="调剂"
    )
    keeper.do(moved)
    assert months(keeper, "B1") == {8: "700.00"}
    keeper.do(RecallIndicator(bgt_id="B1"))
    assert months(keeper, "B1") == {8: "200.00"}
    left = keeper.figures("B1")
    assert (left["available"], left["paid"], left["plan"]) == ("0.00", "200.00", "200.00")


def test_a_cut_dated_back_leaves_what_was_used_of_the_plan_then(keeper: BudgetKeeper) -> None:
    keeper.issue("B1", "1000.00", is_contrlbyplan=True, effective_on=date(2026, 1, 1))
    keeper.plan("B1", "100.00", month=1, effective_on=date(2026, 1, 5))
    keeper.plan("B1", "900.00", month=3, effective_on=IN_MARCH)
    back = AdjustIndicator(
        bgt_id="B1", adj_no="TZ-1", adj_amt="-500.00", reason="追减", effective_on=IN_FEBRUARY
    )
    assert available(keeper, back) == ("insufficient_plan", "100.00")
    keeper.adjust("B1", "-500.00")
    assert months(keeper, "B1") == {1: "100.00", 3: "400.00"}


def test_in_an_older_ledger_plans_stay_until_a_policy_is_set(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = BudgetKeeper(database)
    with monkeypatch.context() as then:
        then.setattr(OpenLedger, "PLANS", False)
        then.setattr(OpenLedger, "PURCHASES", False)
        then.setattr(OpenLedger, "CARDS", False)
        then.setattr(OpenLedger, "SPECIAL", False)
        then.setattr(OpenLedger, "UNIT_FUNDS", False)
        then.setattr(OpenLedger, "TRANSFERS", False)
        then.setattr(OpenLedger, "FOLLOWS", False)
        keeper.open()
    keeper.issue("B1", "100.00", is_contrlbyplan=True)
    keeper.plan("B1", "60.00", month=2)
    keeper.plan("B1", "40.00", month=12)
    keeper.adjust("B1", "-20.00")
    assert keeper.figures("B1")["plan"] == "100.00"
    keeper.do(SetPlanPolicy(plan_control="monthly"), "admin")
    assert available(keeper, payment("SQ-1", "B1", "60.01")) == ("insufficient_plan", "60.00")
    keeper.adjust("B1", "-1.00")
    assert months(keeper, "B1") == {2: "60.00", 12: "39.00"}
    keeper.close()
    keeper.pool.close()


# ---- on paper


def test_a_month_cut_below_nothing_takes_of_those_before() -> None:
    """As a ledger may have it whose plans counted together before."""
    plan = Plan("B", (0, 10_00, 0, -4_00, *(0,) * 8), is_monthly=True)
    assert [plan.through(month) for month in (1, 2, 3, 4, 12)] == [0, 6_00, 6_00, 6_00, 6_00]
    told = last_months((5_00, 0, 7_00, *(0,) * 9), 9_00)
    assert [(each.plan_month, each.plan_amt) for each in told] == [(3, "7.00"), (1, "2.00")]


# ---- audited


def test_it_holds_under_audit_and_offline(
    monthly: BudgetKeeper, database: Database, tmp_path: Path
) -> None:
    monthly.issue("B1", "1000.00", is_contrlbyplan=True)
    monthly.plan("B1", "400.00", month=3)
    monthly.plan("B1", "600.00", month=11)
    monthly.apply("SQ-1", "B1", "300.00")
    monthly.adjust("B1", "-500.00")
    monthly.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="150.00"))
    assert months(monthly, "B1") == {3: "350.00"}
    assert found(database, monthly, tmp_path) == []
    audited = audited_as_it_stands(database, monthly)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output
