"""批复下达 and its deadlines: 20 days to departments, 15 to units, as a treasurer counts them."""

from collections.abc import Iterator
from datetime import date

import pytest

from budget.preparation.replying import ReplyBudget
from ledger.postgres.database import Database
from projections.core.moments import Moment, one_moment
from projections.core.runner import Runner
from projections.reports.catalogue import OF_YEAR
from projections.reports.report import AskedReport, ReportScope
from tests.support.budgets import HOSPITAL, SCHOOL, BudgetKeeper, approval, row

pytestmark = pytest.mark.usefixtures("decided_again")

DEPARTMENT = SCHOOL[:3]


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """The school's and the hospital's budgets were approved on January 20; it is March 2."""
    keeper = BudgetKeeper(database)
    keeper.open()
    for agency_code, number in ((SCHOOL, 1), (HOSPITAL, 2)):
        pro_code = f"44000026000000000000{number}"
        keeper.project(pro_code, amt="40.00", agency_code=agency_code)
        keeper.ceiling("40.00", agency_code=agency_code)
        rows = row(f"R{number}", "40.00", pro_code=pro_code)
        keeper.draft(f"ES-{number}", rows, agency_code=agency_code)
        keeper.check(f"ES-{number}")
        keeper.do(approval(f"PF-{number}", f"ES-{number}"), "treasury")
    yield keeper
    keeper.close()
    keeper.pool.close()


def replied(doc_no: str, agency_code: str, on: date) -> ReplyBudget:
    return ReplyBudget(doc_no=doc_no, agency_code=agency_code, replied_on=on)


def report(
    keeper: BudgetKeeper, on: date, scope: ReportScope | None = None
) -> dict[str, tuple[str, ...]]:
    """By unit or department: due day, state and days late, as of a day."""
    Runner(keeper.pool).catch_up()
    with keeper.pool.connection() as connection, one_moment(connection):
        asked = AskedReport(
            connection, keeper.ledger_id, Moment(effective=on), scope or ReportScope(),
            lambda _element, code: code, on,
        )  # fmt: skip
        made = OF_YEAR["replies"](asked, "replies")
        rows = [dict(zip(made.columns, map(str, cells), strict=True)) for cells in made.rows]
    return {r["agency_code"]: (r["due_on"], r["state"], r["days_late"]) for r in rows}


def test_a_department_has_twenty_days_and_its_unit_fifteen_behind_them(
    budgets: BudgetKeeper,
) -> None:
    assert report(budgets, date(2026, 2, 9)) == {
        DEPARTMENT: ("2026-02-09", "due", "0"),
        SCHOOL: ("", "waiting", ""),
        HOSPITAL[:3]: ("2026-02-09", "due", "0"),
        HOSPITAL: ("", "waiting", ""),
    }
    budgets.do(replied("财预〔2026〕1号", DEPARTMENT, date(2026, 2, 9)))
    budgets.do(replied("教财〔2026〕1号", SCHOOL, date(2026, 2, 25)))
    found = report(budgets, date(2026, 3, 1))
    assert found[DEPARTMENT] == ("2026-02-09", "in_time", "0")
    assert found[SCHOOL] == ("2026-02-24", "late", "1")
    assert found[HOSPITAL[:3]] == ("2026-02-09", "overdue", "20")
    # as of the day before the unit's last day nobody there was late, and the reply not made
    assert report(budgets, date(2026, 2, 23))[SCHOOL] == ("2026-02-24", "due", "0")
    # a unit sees its own
    assert set(report(budgets, date(2026, 3, 1), ReportScope(SCHOOL))) == {DEPARTMENT, SCHOOL}


def test_the_first_reply_counts(budgets: BudgetKeeper) -> None:
    budgets.do(replied("财预〔2026〕2号", DEPARTMENT, date(2026, 2, 20)))
    assert report(budgets, date(2026, 3, 1))[DEPARTMENT] == ("2026-02-09", "late", "11")
    budgets.do(replied("财预〔2026〕1号", DEPARTMENT, date(2026, 2, 5)))
    assert report(budgets, date(2026, 3, 1))[DEPARTMENT] == ("2026-02-09", "in_time", "0")


def test_a_reply_dated_before_the_approval_told_of_no_budget(budgets: BudgetKeeper) -> None:
    """It counted as the first: the department was in time, and its unit's days began with it."""
    budgets.do(replied("财预〔2026〕1号", DEPARTMENT, date(2026, 1, 19)))
    budgets.do(replied("教财〔2026〕1号", SCHOOL, date(2026, 1, 19)))
    found = report(budgets, date(2026, 2, 10))
    assert found[DEPARTMENT] == ("2026-02-09", "overdue", "1")
    assert found[SCHOOL] == ("", "waiting", "")
    budgets.do(replied("财预〔2026〕2号", DEPARTMENT, date(2026, 2, 9)))
    found = report(budgets, date(2026, 2, 10))
    assert found[DEPARTMENT] == ("2026-02-09", "in_time", "0")
    assert found[SCHOOL] == ("2026-02-24", "due", "0")


def test_what_cannot_have_been_is_refused(budgets: BudgetKeeper) -> None:
    tomorrow = replied("财预〔2026〕3号", DEPARTMENT, date(2026, 3, 3))
    assert budgets.refusal(tomorrow) == "future_date"
    said = replied("财预〔2026〕3号", DEPARTMENT, date(2026, 2, 3))
    budgets.do(said)
    assert budgets.ask(said).replayed
    assert budgets.refusal(replied(said.doc_no, SCHOOL, date(2026, 2, 3))) == "idempotency_conflict"


def test_without_an_approved_budget_nobody_is_told(database: Database) -> None:
    keeper = BudgetKeeper(database)
    keeper.open()
    early = replied("财预〔2026〕1号", DEPARTMENT, date(2026, 1, 3))
    assert keeper.refusal(early) == "invalid_state"
    keeper.close()
    keeper.pool.close()
