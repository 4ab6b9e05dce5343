"""部门收支总表: income and expenditure of a unit, from its drafts to the approved budget."""

from collections.abc import Iterator
from datetime import date

import pytest

from budget.preparation.checking import ReturnDraft
from budget.preparation.entering import AskedIncome
from ledger.postgres.database import Database
from projections.core.runner import Runner
from projections.reports.report import ReportScope
from tests.projections.test_budget_reports import report
from tests.support.budgets import HOSPITAL, SCHOOL, BudgetKeeper, approval, row

NAME = "income_expenditure"


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """The school asks for 900.00, plans 700.00 of appropriation and 100.00 of fees, and has it
    approved; the hospital plans 40.00, which is not approved."""
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project(amt="5000.00")
    keeper.ceiling("800.00")
    keeper.draft("YS-0", row("R1", "1.00"), of_round=1)
    keeper.do(ReturnDraft(draft_no="YS-0", reason="漏报"), "department")
    keeper.draft("YS-1", row("R1", "600.00"), row("R2", "300.00"), of_round=1)
    income = (
        AskedIncome(inc_sort_code="appropriation", fund_type_code="111", amt="700.00"),
        AskedIncome(inc_sort_code="10304", fund_type_code="111", amt="100.00"),
    )
    keeper.draft("ES-1", row("R1", "550.00"), row("R2", "250.00"), income=income)
    keeper.check("ES-1")
    keeper.do(approval("PF-1", "ES-1"), "treasury")
    other = "440000260000000000009"
    keeper.project(other, amt="40.00", agency_code=HOSPITAL)
    keeper.ceiling("40.00", agency_code=HOSPITAL)
    keeper.draft("ES-H", row("H1", "40.00", pro_code=other), agency_code=HOSPITAL)
    Runner(keeper.pool).catch_up()
    yield keeper
    keeper.close()
    keeper.pool.close()


def test_both_sides_of_a_unit(budgets: BudgetKeeper) -> None:
    school = report(budgets, NAME, ReportScope(SCHOOL))
    appropriation, fees = school.rows
    assert (appropriation["inc_sort_name"], appropriation["income_apply_up"]) == (
        "财政拨款", "900.00",
    )  # fmt: skip
    assert (appropriation["income_fin_audit_money"], appropriation["income_reply_amt"]) == (
        "700.00", "700.00",
    )  # fmt: skip
    assert (fees["inc_sort_code"], fees["income_apply_up"]) == ("10304", "0.00")
    assert (fees["income_reply_amt"], fees["exp_func_code"], fees["expenditure_reply_amt"]) == (
        "100.00", "", "",
    )  # fmt: skip
    assert (appropriation["exp_func_code"], appropriation["exp_func_name"]) == ("201", "《201》")
    for stage in ("apply_up", "fin_audit_money", "reply_amt"):
        assert school.totals[f"income_{stage}"] == school.totals[f"expenditure_{stage}"], stage
    assert school.totals["expenditure_cur_amt"] == "800.00"


def test_what_is_not_approved_is_planned_alone(budgets: BudgetKeeper) -> None:
    hospital = report(budgets, NAME, ReportScope(dept_code="102"))
    stages = ("apply_up", "fin_audit_money", "reply_amt")
    assert [hospital.totals[f"income_{each}"] for each in stages] == ["0.00", "40.00", "0.00"]
    both = report(budgets, NAME)
    assert both.totals["income_fin_audit_money"] == "840.00"


def test_as_of_a_day_before_the_approval(budgets: BudgetKeeper) -> None:
    before = report(budgets, NAME, ReportScope(SCHOOL), effective=date(2026, 1, 19))
    assert (before.totals["income_reply_amt"], before.totals["expenditure_reply_amt"]) == (
        "0.00", "0.00",
    )  # fmt: skip
    assert before.totals["income_fin_audit_money"] == "800.00"
    assert report(budgets, NAME, position=1).rows == []
