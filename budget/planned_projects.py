"""先入库、再安排预算: projects of the division's library, as a year's budget draws on them."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from budget.projects.project import PROJECT, Project
from ledger.account_set import fiscal_year_of
from ledger.deciding.of_division import OfDivision
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.money import yuan

PROJECT_OF_DIVISION: OfDivision[Project] = OfDivision(PROJECT)


class HasPlan(Protocol):
    """A project, or what is kept of it."""

    def budgetable_fen(self, fiscal_year: int) -> int: ...


class ProjectPlan(msgspec.Struct, frozen=True, gc=False):
    """What a project is to cost, by year, in fen, no year of one that is suspended or over: all
    that approvals look at, of the projects of a whole division at once."""

    years: tuple[tuple[int, int], ...]

    def budgetable_fen(self, fiscal_year: int) -> int:
        """0 where it has no such year."""
        return sum(fen for year, fen in self.years if year == fiscal_year)


def _plan(project: Project) -> ProjectPlan:
    years = () if project.is_plan_stopped else project.last.years
    return ProjectPlan(tuple((year.fiscal_year, year.amt_fen) for year in years))


PLAN_OF_DIVISION: OfDivision[ProjectPlan] = OfDivision(PROJECT, _plan, "plan")


def require_stored(state: LedgerState, pro_code: str, agency_code: str, pointer: str) -> Project:
    """The project, in the library, for the unit to draw on.

    Raises:
        Refusal: ``element_invalid`` for one that is not there, ``element_mismatch`` for one that
            others draw on.
    """
    project = state.of_division(PROJECT_OF_DIVISION, pro_code)
    if project is None or not project.is_in_library:
        said = "is not in the project library" if project is None else f"is {project.state}"
        raise Refusal(
            Code.ELEMENT_INVALID, f"项目 {pro_code} {said}", pointer=f"{pointer}/pro_code"
        )
    if not project.on(state.today).is_for(agency_code):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"项目 {pro_code} is not for unit {agency_code} to draw on",
            pointer=f"{pointer}/pro_code",
        )
    return project


def require_planned(
    state: LedgerState,
    asked_fen: Mapping[str, int],
    of: OfDivision[Any] = PLAN_OF_DIVISION,
    *,
    code: Code = Code.BUDGET_MISMATCH,
) -> None:
    """Whether each project's plan has so much for this year.

    Args:
        asked_fen: by project.
        of: as what projects are at hand.

    Raises:
        Refusal: ``budget_mismatch``, or what ``code`` says.
    """
    year = fiscal_year_of(state.ledger_id)
    for pro_code, fen in asked_fen.items():
        project: HasPlan | None = state.of_division(of, pro_code)
        planned_fen = project.budgetable_fen(year) if project is not None else 0
        if fen > planned_fen:
            raise Refusal(
                code,
                f"项目 {pro_code} has {yuan(planned_fen)} planned for {year}",
                pro_code=pro_code,
                available_amt=yuan(planned_fen),
                requested_amt=yuan(fen),
            )
