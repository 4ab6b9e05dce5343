"""A budget budgets for tests: projects in the library, drafts, approvals, rows, over real books."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from typing import Any

from budget.issuing import IssueIndicator
from budget.preparation.approving import ApproveBudget
from budget.preparation.ceilings import SetCeiling
from budget.preparation.checking import CheckDraft, SubmitDraft
from budget.preparation.entering import AskedIncome, AskedRow, EnterDraft
from budget.projects.checking import CheckProject, StoreProject
from budget.projects.events import ProjectGoal, ProjectYear
from budget.projects.reporting import ReportProject
from budget.rows import BUDGET_ROW, ROWS, BudgetRow, RowAmounts
from division.recording import submit
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command, Submission
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.postgres.database import Database, connect
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import ELEMENTS

SCHOOL, HOSPITAL = "101001", "102001"
PROJECT = ELEMENTS["pro_code"]
IN_JANUARY = date(2026, 1, 20)
ROW = {name: ELEMENTS[name] for name in ("pro_code", "exp_func_code", "gov_bgt_eco_code",
                                         "dep_bgt_eco_code", "fund_type_code")}  # fmt: skip


class BudgetKeeper(KnowingBookkeeper):
    """Keeps a year's ledger and its division's standing data."""

    def __init__(
        self, database: Database, codes: Callable[[], CodeSets] = stored_code_sets.shipped
    ) -> None:
        super().__init__(database, codes)
        self._database = database
        self._numbers = count(1)

    # ---- the division

    def in_division(self, command: Command, by: str) -> None:
        """An act on the standing ledger, accepted."""
        with connect(self._database.app_conninfo) as connection:
            asked = [Submission(command=command, by=by)]
            [outcome] = submit(connection, standing_ledger(self.division), asked, FREELY)
        assert outcome.problem is None, str(outcome.problem)

    def project(
        self,
        pro_code: str = PROJECT,
        amt: str = "1000000.00",
        *,
        category: str = "22",
        agency_code: str = SCHOOL,
        years: Sequence[tuple[int, str]] = (),
        **more: Any,
    ) -> None:
        """A project in the library, planned for this year or for those given."""
        planned = years or [(self.year, amt)]
        goals = (ProjectGoal(yearflag="0", kpi_target="按期完成"),) if category == "3" else ()
        report = ReportProject(
            pro_code=pro_code,
            pro_name="教学楼修缮",
            agency_code=agency_code,
            pro_cat_code=category,
            pro_total_amt=amt,
            pro_start_year=planned[0][0],
            pro_term=len(planned),
            years=tuple(ProjectYear(fiscal_year=year, amt=each) for year, each in planned),
            goals=goals,
            **more,
        )
        self.in_division(report, "unit")
        self.in_division(CheckProject(pro_code=pro_code), "department")
        self.in_division(StoreProject(pro_code=pro_code), "treasury")

    # ---- the budget

    def ceiling(
        self, amt: str, fund: str = "111", category: str = "22", agency_code: str = SCHOOL
    ) -> None:
        self.do(ceiling(f"KZ-{next(self._numbers)}", amt, fund, category, agency_code))

    def draft(
        self, draft_no: str, *rows: AskedRow, of_round: int = 2, agency_code: str = SCHOOL,
        income: Sequence[AskedIncome] = (),
    ) -> None:  # fmt: skip
        """Entered and submitted."""
        self.do(
            draft(draft_no, *rows, of_round=of_round, agency_code=agency_code, income=income),
            "unit",
        )
        self.do(SubmitDraft(draft_no=draft_no), "unit")

    def check(self, draft_no: str) -> None:
        """By the department and the treasury."""
        self.do(CheckDraft(draft_no=draft_no, level="dept"), "department")
        self.do(CheckDraft(draft_no=draft_no, level="mof"), "treasury")

    def approved(self, *rows: tuple[str, str], **codes: Any) -> None:
        """A budget of these rows (number, amount), all of one project, as far as that goes."""
        number = next(self._numbers)
        self.ceiling("9999999.00")
        self.draft(f"ES-{number}", *(row(key, amt, **codes) for key, amt in rows))
        self.check(f"ES-{number}")
        self.do(approval(f"PF-{number}", f"ES-{number}"), "treasury")

    def amounts(self, bgt_pman_id: str) -> dict[str, str]:
        """What the register has of a row."""
        with self.pool.connection() as connection:
            rows: dict[str, RowAmounts] = read_rows(connection, self.ledger_id, ROWS, [bgt_pman_id])
        figures = rows.get(bgt_pman_id, RowAmounts()).figures()
        return {name: getattr(figures, name) for name in figures.__struct_fields__}

    def row(self, bgt_pman_id: str) -> BudgetRow:
        with self.pool.connection() as connection:
            found = read_objects(connection, self.ledger_id, BUDGET_ROW, [bgt_pman_id])
        row: BudgetRow = found[bgt_pman_id]
        return row


def ceiling(
    ceiling_no: str,
    amt: str,
    fund: str = "111",
    category: str = "22",
    agency_code: str = SCHOOL,
) -> SetCeiling:
    return SetCeiling(
        ceiling_no=ceiling_no,
        agency_code=agency_code,
        fund_type_code=fund,
        pro_cat_code=category,
        amt=amt,
    )


def row(bgt_pman_id: str, amt: str, **codes: Any) -> AskedRow:
    return AskedRow(bgt_pman_id=bgt_pman_id, amt=amt, **{**ROW, **codes})


def draft(
    draft_no: str,
    *rows: AskedRow,
    of_round: int = 2,
    agency_code: str = SCHOOL,
    income: Sequence[AskedIncome] = (),
) -> EnterDraft:
    return EnterDraft(
        draft_no=draft_no, agency_code=agency_code, round=of_round, rows=rows, income=tuple(income)
    )


def approval(approve_doc_no: str, *draft_nos: str) -> ApproveBudget:
    return ApproveBudget(approve_doc_no=approve_doc_no, approved_on=IN_JANUARY, draft_nos=draft_nos)


def of_row(bgt_id: str, bgt_pman_id: str, amount: str, **codes: Any) -> IssueIndicator:
    elements = {**ELEMENTS, **codes}
    return IssueIndicator(bgt_id=bgt_id, bgt_pman_id=bgt_pman_id, amount=amount, **elements)
