"""指标余额表 and 预算执行表: what indicators have, and have paid by month, at every moment."""

from collections.abc import Iterator
from datetime import date

import pytest

from budget.staging import EnableIndicator
from ledger.money import yuan
from ledger.postgres.database import Database
from projections.core import spans
from projections.core.runner import Runner
from projections.reports.indicators import BALANCES_BY
from tests.projections.test_budget_reports import TODAY, fen, report
from tests.support.budgets import BudgetKeeper, of_row

MARCH, APRIL, MAY = date(2026, 3, 10), date(2026, 4, 20), date(2026, 5, 5)


@pytest.fixture
def budgets(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[BudgetKeeper]:
    """Of R1 1,000.00: B1 has 700.00, of which 120.00 were paid in March, 50.00 in April and 20.00
    came back in May; 30.00 are applied for. Of R2 500.00: B2 has 80.00 that wait to be enabled."""
    monkeypatch.setattr(spans, "SPAN_EVENTS", 16)  # so that the past lies in spans, and behind them
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project(amt="1500.00")
    keeper.approved(("R1", "1000.00"), ("R2", "500.00"))
    keeper.do(of_row("B1", "R1", "700.00", effective_on=date(2026, 2, 1)))
    keeper.do(of_row("B2", "R2", "80.00", effective_on=MARCH, bgt_exe_flag=2))
    keeper.pay("SQ-1", "B1", "120.00", effective_on=MARCH)
    keeper.pay("SQ-2", "B1", "50.00", effective_on=APRIL)
    keeper.refund("SQ-1", "20.00", effective_on=MAY)
    keeper.apply("SQ-3", "B1", "30.00", effective_on=MAY)
    Runner(keeper.pool).catch_up()
    yield keeper
    keeper.close()
    keeper.pool.close()


def test_each_indicator_with_its_rest_and_age(budgets: BudgetKeeper) -> None:
    first, second = report(budgets, "indicators").rows
    assert (first["amount"], first["pay_amt"], first["pay_app_amt"]) == (
        "700.00",
        "150.00",
        "30.00",
    )
    assert (first["canuse_amt"], first["rest_amt"]) == ("520.00", "550.00")
    assert (first["age_days"], first["pending_days"]) == (str((TODAY - date(2026, 2, 1)).days), "")
    assert (second["amount"], second["pending_amt"], second["canuse_amt"]) == (
        "80.00", "80.00", "0.00",
    )  # fmt: skip
    assert second["pending_days"] == str((TODAY - MARCH).days)


@pytest.mark.parametrize("name", BALANCES_BY)
def test_balances_by_a_code_are_those_of_its_indicators(budgets: BudgetKeeper, name: str) -> None:
    [row] = report(budgets, name).rows
    assert (row["indicators"], row["amount"], row["pay_amt"]) == ("2", "780.00", "150.00")
    assert (row["pending_days"], row["age_days"]) == ("112", "149")


def test_every_moment_is_what_was_told_and_had_taken_effect(budgets: BudgetKeeper) -> None:
    """At every position the report has what single indicators have: in spans, and behind them."""
    from projections.core.moments import Moment
    from projections.indicator_past import past_indicator

    with budgets.pool.connection() as connection:
        [head] = connection.execute(
            "SELECT position FROM ledgers WHERE ledger_id = %s", (budgets.ledger_id,)
        ).fetchone()  # type: ignore[misc]
        for position in range(1, head + 1):
            rows = {
                row["bgt_id"]: row for row in report(budgets, "indicators", position=position).rows
            }
            for bgt_id in ("B1", "B2"):
                past = past_indicator(
                    connection, budgets.ledger_id, bgt_id, Moment(position=position)
                )
                assert (past is None) == (bgt_id not in rows), position
                if past is not None:
                    assert rows[bgt_id]["canuse_amt"] == yuan(past.balances.available), position
                    assert rows[bgt_id]["pay_amt"] == yuan(past.balances.paid), position
                    pending = past.indicator.pending_amt or "0.00"
                    assert rows[bgt_id]["pending_amt"] == pending, position


def test_as_of_a_day(budgets: BudgetKeeper) -> None:
    [first, second] = report(budgets, "indicators", effective=APRIL).rows
    assert (first["pay_amt"], first["pay_app_amt"]) == ("170.00", "0.00")
    assert second["pending_days"] == str((APRIL - MARCH).days)
    [only] = report(budgets, "indicators", effective=date(2026, 2, 28)).rows
    assert (only["bgt_id"], only["pay_amt"], only["age_days"]) == ("B1", "0.00", "27")


def test_what_is_enabled_waits_no_more(budgets: BudgetKeeper) -> None:
    budgets.do(EnableIndicator(bgt_id="B2", effective_on=MAY))
    Runner(budgets.pool).catch_up()
    second = report(budgets, "indicators").rows[1]
    assert (second["pending_amt"], second["canuse_amt"], second["pending_days"]) == (
        "0.00", "80.00", "",
    )  # fmt: skip
    then = report(budgets, "indicators", effective=APRIL).rows[1]
    assert then["pending_amt"] == "80.00"


def test_what_was_paid_by_month_against_the_row(budgets: BudgetKeeper) -> None:
    first, second = report(budgets, "execution_by_row").rows
    assert (first["bgt_pman_id"], first["cur_amt"], first["amount"]) == ("R1", "1000.00", "700.00")
    paid = {name: first[name] for name in first if name.startswith("paid_") and fen(first[name])}
    assert paid == {"paid_03": "120.00", "paid_04": "50.00", "paid_05": "-20.00"}
    assert (first["pay_amt"], first["rate"], first["rest_amt"]) == ("150.00", "15.00", "550.00")
    assert (second["cur_amt"], second["pay_amt"], second["rate"]) == ("500.00", "0.00", "0.00")


@pytest.mark.parametrize(
    "name", ["execution_by_agency", "execution_by_project", "execution_by_function"]
)
def test_execution_by_a_code(budgets: BudgetKeeper, name: str) -> None:
    rows = report(budgets, name).rows
    whole = {column: sum(fen(row[column]) for row in rows) for column in ("cur_amt", "pay_amt")}
    assert whole == {"cur_amt": 1500_00, "pay_amt": 150_00}
    assert report(budgets, name, effective=MARCH).totals["pay_amt"] == "120.00"
