"""先有预算: a division's units, their projects, drafts and approval, before anything is issued.

Each person does what is his: units report and plan, their department and the treasury check, and
what is done to the division, or gives authority to spend, a second person agrees to. What is asked
for is told in bulk calls, step by step; whoever sends them says how far it has come.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from api.demo.client import Json
from ledger.money import parse_yuan, yuan

T = TypeVar("T")

OTHER_RUNNING = "22"  # 其他运转类: a project's category that wants no performance goal
ADMINISTRATION, INSTITUTION = "1", "3"  # of a unit: 行政, 公益一类
DEPARTMENT_DIGITS = 3  # 一级预算单位: the first three digits of a unit's code
ITEMS = 5_000  # of a call


class Preparing(StrEnum):
    """What a budget goes through before its first indicator."""

    UNITS = "单位登记"
    PROJECTS = "项目入库"
    DRAFTS = "预算编报"
    APPROVAL = "预算批复"


class PlannedRow(NamedTuple):
    """A row of the budget before it is approved: what it is for, and how much it is in yuan."""

    bgt_pman_id: str
    agency_code: str
    agency_type_code: str
    pro_code: str
    pro_name: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: str
    use_agency_codes: tuple[str, ...] = ()  # who else may draw on its project


class BudgetCall(NamedTuple):
    """A call that brings a budget on.

    Attributes:
        moved: how many units, projects, drafts or rows have come to the end of the stage with it.
        person: who asks, a name of ``stack.PERSONS``.
    """

    stage: Preparing
    moved: int
    person: str
    path: str
    body: Any


class Budget(NamedTuple):
    """What is to be the approved budget of a division's year.

    Attributes:
        ledger: its path, ``/v1/ledgers/440823000-2026``, opened before.
        name: of the division, which is opened.
        approved_on: the first day on which indicators can be issued.
        rows: each with a project of its own; those of a unit stand together.
    """

    ledger: str
    name: str
    tier_code: str
    approved_on: str
    rows: Sequence[PlannedRow]

    @property
    def division(self) -> str:
        return self.ledger.rpartition("/")[2].partition("-")[0]

    @property
    def year(self) -> int:
        return int(self.ledger.rpartition("-")[2])

    @property
    def standing(self) -> str:
        return f"/v1/divisions/{self.division}"

    @property
    def agencies(self) -> dict[str, str]:
        """The units, in their order, each with its type."""
        return {row.agency_code: row.agency_type_code for row in self.rows}

    def steps(self) -> Iterator[BudgetCall]:
        """All that is to be asked for, in its order."""
        yield from self._units()
        yield from self._projects()
        yield from self._ceilings()
        yield from self._drafts()
        approval = {
            "approve_doc_no": f"{self.name}人大〔{self.year}〕1号",
            "approved_on": self.approved_on,
            "draft_nos": [f"ES-{code}" for code in self.agencies],
        }
        path = f"{self.ledger}/budget-approvals"
        yield BudgetCall(Preparing.APPROVAL, len(self.rows), "经办", path, approval)

    def _agreed(
        self, place: str, kind: str, numbers: Iterable[str], stage: Preparing
    ) -> BudgetCall:
        """Another person agrees to what was submitted, in one call."""
        documents = [{"kind": kind, "number": number} for number in numbers]
        body = {"documents": documents}
        return BudgetCall(stage, len(documents), "审核", f"{place}/documents:approve", body)

    def _units(self) -> Iterator[BudgetCall]:
        opening = {
            "mof_div_code": self.division,
            "name": self.name,
            "tier_code": self.tier_code,
        }
        yield BudgetCall(Preparing.UNITS, 0, "管理员", "/v1/divisions", opening)
        opened = self._agreed(self.standing, "division.open", [self.division], Preparing.UNITS)
        yield opened._replace(moved=0)
        departments = dict.fromkeys(code[:DEPARTMENT_DIGITS] for code in self.agencies)
        yield from self._registered([_agency(code, ADMINISTRATION) for code in departments])
        yield from self._registered(
            [
                {**_agency(code, kind), "parent_agency_code": code[:DEPARTMENT_DIGITS]}
                for code, kind in self.agencies.items()
            ]
        )

    def _registered(self, agencies: Sequence[Json]) -> Iterator[BudgetCall]:
        for part in parts(agencies):
            yield BudgetCall(Preparing.UNITS, 0, "管理员", f"{self.standing}/agencies:batch", part)
            codes = [agency["agency_code"] for agency in part]
            yield self._agreed(self.standing, "agency.register", codes, Preparing.UNITS)

    def _projects(self) -> Iterator[BudgetCall]:
        """申报, 部门审核, 财政入库 of every row's project."""
        place = f"{self.standing}/projects"
        for rows in parts(self.rows):
            numbers = {"pro_codes": [row.pro_code for row in rows]}
            reported = [self._project(row) for row in rows]
            yield BudgetCall(Preparing.PROJECTS, 0, "单位", f"{place}:batch", reported)
            yield BudgetCall(Preparing.PROJECTS, 0, "单位审核", f"{place}:check", numbers)
            yield BudgetCall(Preparing.PROJECTS, len(rows), "审核", f"{place}:store", numbers)

    def _project(self, row: PlannedRow) -> Json:
        return {
            "pro_code": row.pro_code,
            "pro_name": row.pro_name,
            "agency_code": row.agency_code,
            "pro_cat_code": OTHER_RUNNING,
            "pro_total_amt": row.amt,
            "pro_start_year": self.year,
            "pro_term": 1,
            "years": [{"fiscal_year": self.year, "amt": row.amt}],
            "use_agency_codes": list(row.use_agency_codes),
        }

    def _ceilings(self) -> Iterator[BudgetCall]:
        """控制数下达 for each unit and fund."""
        totals_fen: dict[tuple[str, str], int] = {}
        for row in self.rows:
            key = row.agency_code, row.fund_type_code
            totals_fen[key] = totals_fen.get(key, 0) + parse_yuan(row.amt)
        ceilings = [
            {
                "ceiling_no": f"KZ-{agency_code}-{fund_type_code}",
                "agency_code": agency_code,
                "fund_type_code": fund_type_code,
                "pro_cat_code": OTHER_RUNNING,
                "amt": yuan(fen),
            }
            for (agency_code, fund_type_code), fen in totals_fen.items()
        ]
        for part in parts(ceilings):
            yield BudgetCall(Preparing.DRAFTS, 0, "经办", f"{self.ledger}/ceilings:batch", part)
            numbers = [ceiling["ceiling_no"] for ceiling in part]
            agreed = self._agreed(self.ledger, "ceiling.set", numbers, Preparing.DRAFTS)
            yield agreed._replace(moved=0)

    def _drafts(self) -> Iterator[BudgetCall]:
        """二上, 送审, 审核: a draft for each unit."""
        planned: dict[str, list[Json]] = {code: [] for code in self.agencies}
        for row in self.rows:
            planned[row.agency_code].append({**_codes(row), "amt": row.amt})
        drafts = [
            {"draft_no": f"ES-{code}", "agency_code": code, "round": 2, "rows": rows}
            for code, rows in planned.items()
        ]
        place = f"{self.ledger}/budget-drafts"
        for part in parts(drafts):
            numbers = {"draft_nos": [draft["draft_no"] for draft in part]}
            yield BudgetCall(Preparing.DRAFTS, 0, "单位", f"{place}:batch", part)
            yield BudgetCall(Preparing.DRAFTS, 0, "单位", f"{place}:submit", numbers)
            yield BudgetCall(Preparing.DRAFTS, 0, "单位审核", f"{place}:check", numbers)
            yield BudgetCall(Preparing.DRAFTS, len(part), "审核", f"{place}:check", numbers)


def indicator_of(row: PlannedRow, bgt_id: str, effective_on: str) -> Json:
    """The whole of a row as one indicator, as it is posted."""
    return {
        "bgt_id": bgt_id,
        "agency_code": row.agency_code,
        **_codes(row),
        "bgt_type_code": "21",
        "amount": row.amt,
        "effective_on": effective_on,
    }


def _agency(code: str, kind: str) -> Json:
    return {"agency_code": code, "agency_name": f"样例单位{code}", "agency_type_code": kind}


def _codes(row: PlannedRow) -> Json:
    """What a draft's row and its indicator have in common."""
    return {
        "bgt_pman_id": row.bgt_pman_id,
        "pro_code": row.pro_code,
        "exp_func_code": row.exp_func_code,
        "gov_bgt_eco_code": row.gov_bgt_eco_code,
        "dep_bgt_eco_code": row.dep_bgt_eco_code,
        "fund_type_code": row.fund_type_code,
    }


def parts(items: Iterable[T], size: int = ITEMS) -> Iterator[list[T]]:
    """As many items as a request may hold, none of them kept longer."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
