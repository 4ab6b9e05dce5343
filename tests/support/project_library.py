"""The library of projects on a state built by hand, for tests: no database."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from budget.projects.checking import CheckProject, StoreProject
from budget.projects.events import GoalIndicator, ProjectGoal, ProjectYear
from budget.projects.project import PROJECT, Project
from budget.projects.reporting import ReportProject
from budget.projects.unspent import UNSPENT_YEARS
from ledger.account_set import standing_ledger
from ledger.books import load_charts
from ledger.deciding.command import Command
from ledger.deciding.dated import DatedRow
from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.opening import OpenStandingLedger
from ledger.deciding.registers import Register
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.errors import GuokuError
from ledger.integrity.chain import microseconds

ROAD = "440000260000000000001"
UNIT, DEPARTMENT, TREASURY = "unit.li", "checker.wang", "mof.zhao"
GOALS = (
    ProjectGoal(
        yearflag="1",
        kpi_target="三年内改造农村公路 120 公里",
        indicators=(GoalIndicator(name="改造里程", indexval="120", meterunit="公里"),),
    ),
)


class Library:
    """The standing ledger of Guangdong on a day, never written anywhere."""

    def __init__(self) -> None:
        # for whatever project, by its years' ledgers
        self.budgeted: tuple[ProjectYear, ...] = ()
        self.unspent: tuple[ProjectYear, ...] = ()
        self.state = LedgerState(standing_ledger("440000000"), load_charts())
        self.state.pass_over(1)
        self.on(date(2025, 9, 1))
        self.do(OpenStandingLedger(mof_div_code="440000000"), "guoku")

    def on(self, day: date) -> None:
        moment = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        self.state.begin(microseconds(moment), stored_code_sets.shipped())

    def do(self, command: Command, by: str = UNIT) -> None:
        if (check := getattr(command, "check", None)) is not None:
            check()
        for what, key in command.needs():
            if isinstance(what, Register) and not self.state.has_row(what, key):
                self.state.take_rows(what, {key: DatedRow(what.row())})
            elif isinstance(what, LockedFact):
                self.state.take_facts({(what.name, key): self._seen(what)})
        self.state.apply(command.decide(self.state, by))

    def _seen(self, fact: LockedFact[Any]) -> tuple[ProjectYear, ...]:
        return self.unspent if fact is UNSPENT_YEARS else self.budgeted

    def refused(self, command: Command, by: str = UNIT) -> tuple[str, str]:
        """Code and pointer of the refusal."""
        before = self.state.position
        with pytest.raises(GuokuError) as caught:
            self.do(command, by)
        assert self.state.position == before, "nothing else changes"
        return caught.value.code.text, str(caught.value.extra.get("pointer", ""))

    @property
    def road(self) -> Project:
        project = self.state.get(PROJECT, ROAD)
        assert project is not None
        return project

    def stored(self, **more: Any) -> Project:
        self.do(report(**more))
        self.do(CheckProject(pro_code=ROAD), DEPARTMENT)
        self.do(StoreProject(pro_code=ROAD), TREASURY)
        return self.road


def years(*amounts: str, first: int = 2026) -> tuple[ProjectYear, ...]:
    return tuple(ProjectYear(fiscal_year=first + n, amt=amt) for n, amt in enumerate(amounts))


def report(**more: Any) -> ReportProject:
    """Rural roads: 900.00 in three years."""
    fields: dict[str, Any] = {
        "pro_code": ROAD,
        "pro_name": "农村公路改造",
        "agency_code": "101001",
        "pro_cat_code": "3",
        "pro_total_amt": "900.00",
        "pro_start_year": 2026,
        "pro_term": 3,
        "years": years("300.00", "400.00", "200.00"),
        "goals": GOALS,
    }
    return ReportProject(**(fields | more))
