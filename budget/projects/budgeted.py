"""已编预算: what the years' ledgers have budgeted for a project, as an amendment has to know it.

A year's ledger budgets by the plan that it knows; an amendment may not take from the plan what a
year has budgeted already. So it asks the years, and their heads stay locked until it is committed
(``budget.budgeted_years``): a batch that budgets comes before, and its rows are seen, or after.
"""

from budget.projects.events import ProjectAmended, ProjectYear
from budget.projects.project import Project
from ledger.deciding.locked_facts import LockedFact
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan


def _told_by(event: Event) -> tuple[ProjectYear, ...] | None:
    return event.budgeted if isinstance(event, ProjectAmended) else None


# by ``pro_code``: the years that have budgeted anything
BUDGETED_YEARS: LockedFact[tuple[ProjectYear, ...]] = LockedFact("budgeted_years", _told_by, ())


def require_budgeted(project: Project, budgeted: tuple[ProjectYear, ...]) -> None:
    """That each year of a project leaves what is budgeted in it.

    Raises:
        Refusal: ``insufficient_budget``, with the year.
    """
    for year in budgeted:
        planned_fen, budgeted_fen = project.year_amt_fen(year.fiscal_year), stored_fen(year.amt)
        if planned_fen < budgeted_fen:
            raise Refusal(
                Code.INSUFFICIENT_BUDGET,
                f"{year.fiscal_year} has budgeted {year.amt} for the project already",
                pointer="/years",
                fiscal_year=year.fiscal_year,
                available_amt=yuan(planned_fen),
                requested_amt=yuan(budgeted_fen),
            )
