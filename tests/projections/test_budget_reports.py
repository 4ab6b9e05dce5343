"""预算报表: every total is the sum of its rows, and of what the events say one by one."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from budget.row_events import RowAdjusted, RowReplied
from ledger.money import AMOUNT_MAX_FEN, parse_yuan, yuan
from ledger.postgres.database import Database
from projections.core.moments import Moment, one_moment
from projections.core.runner import Runner
from projections.reports.budget import AMOUNTS, BY_CODE
from projections.reports.catalogue import OF_YEAR
from projections.reports.report import AskedReport, ReportScope, ReportTotals, shown
from tests.projections.test_budget_rows import IN_FEBRUARY, a_budget
from tests.support.budgets import HOSPITAL, PROJECT, SCHOOL, BudgetKeeper, approval, row


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """The school's budget, and an approved row of the hospital's."""
    keeper = BudgetKeeper(database)
    keeper.open()
    a_budget(keeper)
    other = "440000260000000000009"
    keeper.project(other, amt="40.00", agency_code=HOSPITAL)
    keeper.ceiling("40.00", agency_code=HOSPITAL)
    keeper.draft("ES-H", row("H1", "40.00", pro_code=other), agency_code=HOSPITAL)
    keeper.check("ES-H")
    keeper.do(approval("PF-H", "ES-H"), "treasury")
    Runner(keeper.pool).catch_up()
    yield keeper
    keeper.close()
    keeper.pool.close()


class WholeReport(NamedTuple):
    """A report as it is given out, all at once."""

    rows: list[dict[str, str]]
    totals: dict[str, str]


ADJUSTMENTS = "adjustments"
TODAY = date(2026, 6, 30)


def report(b: BudgetKeeper, name: str, scope: ReportScope = ReportScope(),  # noqa: B008
           **moment: Any) -> WholeReport:  # fmt: skip
    with b.pool.connection() as connection, one_moment(connection):
        asked = AskedReport(
            connection, b.ledger_id, Moment(**moment), scope, lambda _, code: f"《{code}》", TODAY
        )
        opened = OF_YEAR[name](asked, name)
        totals, rows = ReportTotals(opened), []
        for row in opened.rows:
            totals.add(row)
            rows.append(dict(zip(opened.columns, map(shown, row), strict=True)))
        return WholeReport(rows, totals.shown())


def fen(text: str) -> int:
    return parse_yuan(text, zero=True, signed=True)


# one has two sides, and this year has nothing of the others (api/test_http_distributions, flow 67)
ELSEWHERE = {
    *("income_expenditure", "distributions", "advance_limits"),
    *("debts", "debt_limits", "debt_schedule", "placements"),
}


@pytest.mark.parametrize("name", [name for name in OF_YEAR if name not in ELSEWHERE])
def test_totals_are_the_sums_of_the_rows(budgets: BudgetKeeper, name: str) -> None:
    found = report(budgets, name)
    assert found.rows
    for column, total in found.totals.items():
        assert fen(total) == sum(fen(each[column]) for each in found.rows), column


def test_ten_of_the_largest_rows_are_added_up(budgets: BudgetKeeper) -> None:
    """Their sum is more than a machine's integer holds: the reports failed."""
    largest = yuan(AMOUNT_MAX_FEN)
    for number in range(10, 20):
        agency, project = f"1010{number}", f"4400002600000000000{number}"
        budgets.project(project, amt=largest, agency_code=agency)
        budgets.ceiling(largest, agency_code=agency)
        budgets.draft(
            f"ES-{number}", row(f"L{number}", largest, pro_code=project), agency_code=agency
        )
        budgets.check(f"ES-{number}")
        budgets.do(approval(f"PF-{number}", f"ES-{number}"), "treasury")
    Runner(budgets.pool).catch_up()
    for name in ("by_function", "execution_by_function", "income_expenditure"):
        amounts = {text for each in report(budgets, name).rows for text in each.values()}
        assert any(Decimal(text) > 9 * Decimal(largest) for text in amounts if "." in text), name


def test_a_department_is_all_of_its_units(budgets: BudgetKeeper) -> None:
    of_department = report(budgets, "by_agency", ReportScope(dept_code="101"))
    assert [each["agency_code"] for each in of_department.rows] == [SCHOOL]
    assert report(budgets, "indicators", ReportScope(dept_code="102")).rows == []


@pytest.mark.parametrize("name", BY_CODE)
def test_totals_are_what_the_register_and_the_events_say(budgets: BudgetKeeper, name: str) -> None:
    """Two other ways to the same figures: the register that controls, and event by event."""
    found = report(budgets, name)
    kept = [budgets.amounts(number) for number in ("R1", "R2", "R4", "H1")]
    for column in AMOUNTS:
        assert found.totals[column] == yuan(sum(fen(each[column]) for each in kept)), column
    told = [event for _, _, event in budgets.events()]
    replied = sum(fen(each.reply_amt) for each in told if isinstance(each, RowReplied))
    adjusted = sum(fen(each.adj_amt) for each in told if isinstance(each, RowAdjusted))
    assert (fen(found.totals["reply_amt"]), fen(found.totals["adj_amt"])) == (replied, adjusted)


def test_a_report_is_by_its_code_with_its_name(budgets: BudgetKeeper) -> None:
    by_agency = report(budgets, "by_agency")
    assert [(each["agency_code"], each["cur_amt"]) for each in by_agency.rows] == [
        (SCHOOL, "1090.00"), (HOSPITAL, "40.00"),
    ]  # fmt: skip
    [school, _] = report(budgets, "by_project").rows
    assert (school["pro_code"], school["pro_name"]) == (PROJECT, "教学楼修缮")
    [function] = report(budgets, "by_function").rows
    assert function["exp_func_name"] == f"《{function['exp_func_code']}》"


def test_adjustments_are_told_with_document_and_reason(budgets: BudgetKeeper) -> None:
    found = report(budgets, ADJUSTMENTS)
    told = [(each["adj_no"], each["kind"], each["bgt_pman_id"], each["adj_amt"], each["dis_amt"])
            for each in found.rows]  # fmt: skip
    assert told == [
        ("TZ-1", "addition", "R1", "200.00", "0.00"),
        ("TJ-1", "within_unit", "R1", "0.00", "-150.00"),
        ("TJ-1", "within_unit", "R2", "0.00", "150.00"),
        ("TZ-2", "addition", "R4", "90.00", "0.00"),
    ]
    assert {each["reason"] for each in found.rows} == {"据实调整"}
    assert found.totals == {"adj_amt": "290.00", "dis_amt": "0.00"}, "dis moves, and adds nothing"


def test_a_report_of_a_moment_has_what_was_then(budgets: BudgetKeeper) -> None:
    january = report(budgets, "by_agency", effective=date(2026, 1, 31))
    assert january.totals["reply_amt"] == "840.00"
    assert (january.totals["adj_amt"], january.totals["issued_amt"]) == ("0.00", "0.00")
    assert report(budgets, "by_agency", effective=IN_FEBRUARY).totals["issued_amt"] == "410.00"
    assert report(budgets, "by_agency", position=1).rows == []


def test_a_report_is_of_a_unit(budgets: BudgetKeeper) -> None:
    assert report(budgets, "by_fund", ReportScope(HOSPITAL)).totals["cur_amt"] == "40.00"
    assert report(budgets, "by_fund", ReportScope(None, ("102",))).totals["cur_amt"] == "40.00"
    assert report(budgets, ADJUSTMENTS, ReportScope(HOSPITAL)).rows == []
