"""先有预算: a division's units, their projects, drafts and approval, before anything is issued.

Each person does what is his: units report and plan, their department and the treasury check, and
what is done to the division, or gives authority to spend, a second person agrees to.
"""

from collections.abc import Sequence
from typing import NamedTuple

from api.demo.client import Json
from api.demo.stack import Stack
from ledger.money import parse_yuan, yuan

OTHER_RUNNING = "22"  # 其他运转类: a project's category that wants no performance goal
ITEMS = 5_000  # of a call


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


def approved_budget(
    stack: Stack, ledger: str, *, name: str, tier_code: str, rows: Sequence[PlannedRow]
) -> None:
    """Opens the division and makes these rows its approved budget for the ledger's year.

    Args:
        ledger: its path, ``/v1/ledgers/440823000-2026``, opened before.
        name: of the division.
        rows: each with a project of its own.
    """
    division, _, year = ledger.rpartition("/")[2].partition("-")
    standing = f"/v1/divisions/{division}"
    opening = {"mof_div_code": division, "name": name, "tier_code": tier_code}
    stack.agree(standing, stack.admin.post("/v1/divisions", opening))
    _register(stack, standing, rows)
    _store(stack, standing, int(year), rows)
    _plan(stack, ledger, rows)
    approval = stack.maker.post(
        f"{ledger}/budget-approvals",
        {
            "approve_doc_no": f"{name}人大〔{year}〕1号",
            "approved_on": f"{year}-01-20",
            "draft_nos": [f"ES-{code}" for code in _agencies(rows)],
        },
    )
    assert approval["rows_count"] == len(rows)


def _agencies(rows: Sequence[PlannedRow]) -> dict[str, str]:
    """The units, in their order, each with its type."""
    return {row.agency_code: row.agency_type_code for row in rows}


def _register(stack: Stack, standing: str, rows: Sequence[PlannedRow]) -> None:
    bodies = [
        {"agency_code": code, "agency_name": f"样例单位{code}", "agency_type_code": kind}
        for code, kind in _agencies(rows).items()
    ]
    waiting = stack.admin.bulk(f"{standing}/agencies:batch", bodies)
    stack.agree(standing, *(result["document"] for result in waiting))


def _store(stack: Stack, standing: str, year: int, rows: Sequence[PlannedRow]) -> None:
    """申报, 部门审核, 财政入库 of every row's project."""
    for start in range(0, len(rows), ITEMS):
        part = rows[start : start + ITEMS]
        stack.unit.bulk(
            f"{standing}/projects:batch",
            [
                {
                    "pro_code": row.pro_code,
                    "pro_name": row.pro_name,
                    "agency_code": row.agency_code,
                    "pro_cat_code": OTHER_RUNNING,
                    "pro_total_amt": row.amt,
                    "pro_start_year": year,
                    "pro_term": 1,
                    "years": [{"fiscal_year": year, "amt": row.amt}],
                }
                for row in part
            ],
        )
        numbers = {"pro_codes": [row.pro_code for row in part]}
        stack.department.bulk(f"{standing}/projects:check", numbers)
        stack.checker.bulk(f"{standing}/projects:store", numbers)


def _plan(stack: Stack, ledger: str, rows: Sequence[PlannedRow]) -> None:
    """控制数, 二上, 审核: a ceiling for each unit and fund, a draft for each unit."""
    waiting = stack.maker.bulk(f"{ledger}/ceilings:batch", _ceilings(rows))
    stack.agree(ledger, *(result["document"] for result in waiting))
    by_agency: dict[str, list[Json]] = {code: [] for code in _agencies(rows)}
    for row in rows:
        by_agency[row.agency_code].append(
            {
                "bgt_pman_id": row.bgt_pman_id,
                "pro_code": row.pro_code,
                "exp_func_code": row.exp_func_code,
                "gov_bgt_eco_code": row.gov_bgt_eco_code,
                "dep_bgt_eco_code": row.dep_bgt_eco_code,
                "fund_type_code": row.fund_type_code,
                "amt": row.amt,
            }
        )
    drafts = [
        {"draft_no": f"ES-{code}", "agency_code": code, "round": 2, "rows": planned}
        for code, planned in by_agency.items()
    ]
    numbers = {"draft_nos": [draft["draft_no"] for draft in drafts]}
    stack.unit.bulk(f"{ledger}/budget-drafts:batch", drafts)
    stack.unit.bulk(f"{ledger}/budget-drafts:submit", numbers)
    stack.department.bulk(f"{ledger}/budget-drafts:check", numbers)
    stack.checker.bulk(f"{ledger}/budget-drafts:check", numbers)


def _ceilings(rows: Sequence[PlannedRow]) -> list[Json]:
    totals_fen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row.agency_code, row.fund_type_code
        totals_fen[key] = totals_fen.get(key, 0) + parse_yuan(row.amt)
    return [
        {
            "ceiling_no": f"KZ-{agency_code}-{fund_type_code}",
            "agency_code": agency_code,
            "fund_type_code": fund_type_code,
            "pro_cat_code": OTHER_RUNNING,
            "amt": yuan(fen),
        }
        for (agency_code, fund_type_code), fen in totals_fen.items()
    ]
