"""预算调整和调剂: what each kind may do, and that no row falls below what indicators have of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from budget.adjusting.adjusting import AdjustBudget
from budget.row_events import AdjustmentPart, NewRow
from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS
from tests.support.budgets import HOSPITAL, ROW, SCHOOL, BudgetKeeper, approval, of_row, row

pytestmark = pytest.mark.usefixtures("decided_again")

ANOTHER = "440000260000000000002"
RESERVE = {"exp_func_code": "227", "gov_bgt_eco_code": "51401", "dep_bgt_eco_code": "39999"}


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def part(amt: str, giving: str = "", taking: str = "") -> AdjustmentPart:
    return AdjustmentPart(from_bgt_pman_id=giving, to_bgt_pman_id=taking, amt=amt)


def adjusting(
    kind: str, *parts: AdjustmentPart, adj_no: str = "TZ-1", doc: str = "", **more: Any
) -> AdjustBudget:
    return AdjustBudget(
        adj_no=adj_no, kind=kind, parts=parts, approval_doc_no=doc, reason="据实调整", **more
    )


def test_reply_adj_and_dis_make_up_cur(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.approved(("R1", "500.00"), ("R2", "300.00"))
    budgets.do(adjusting("addition", part("200.00", taking="R1"), adj_no="TZ-1"))
    budgets.do(adjusting("within_unit", part("150.00", "R1", "R2"), adj_no="TJ-1"))
    budgets.do(adjusting("cut", part("50.00", "R2"), adj_no="TZ-2"))
    first, second = budgets.amounts("R1"), budgets.amounts("R2")
    assert (first["reply_amt"], first["adj_amt"], first["dis_amt"]) == (
        "500.00",
        "200.00",
        "-150.00",
    )
    assert first["cur_amt"] == first["rest_amt"] == "550.00"
    assert (second["adj_amt"], second["dis_amt"], second["cur_amt"]) == (
        "-50.00", "150.00", "400.00",
    )  # fmt: skip


def test_a_row_is_not_cut_below_what_indicators_have(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.approved(("R1", "500.00"), ("R2", "1.00"))
    budgets.do(of_row("B1", "R1", "400.00"))
    assert budgets.refusal(adjusting("cut", part("100.01", "R1"))) == "insufficient_budget"
    moving = adjusting("within_unit", part("100.01", "R1", "R2"), adj_no="TJ-1")
    assert budgets.refusal(moving) == "insufficient_budget"
    assert budgets.amounts("R2")["cur_amt"] == "1.00", "nothing else has changed"
    budgets.do(adjusting("cut", part("100.00", "R1"), adj_no="TZ-2"))


def test_an_addition_keeps_to_the_projects_plan(budgets: BudgetKeeper) -> None:
    budgets.project(amt="500.00")
    budgets.approved(("R1", "400.00"))
    assert budgets.refusal(adjusting("addition", part("100.01", taking="R1"))) == (
        "insufficient_budget"
    )
    budgets.do(adjusting("addition", part("100.00", taking="R1"), adj_no="TZ-2"))


def test_within_a_unit_is_within_it_and_across_units_is_approved(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.project(ANOTHER, "1000.00", agency_code=HOSPITAL)
    budgets.approved(("R1", "500.00"))
    budgets.ceiling("300.00", agency_code=HOSPITAL)
    budgets.draft("ES-H", row("H1", "300.00", pro_code=ANOTHER), agency_code=HOSPITAL)
    budgets.check("ES-H")
    budgets.do(approval("PF-H", "ES-H"), "treasury")
    over = part("100.00", "R1", "H1")
    assert budgets.refusal(adjusting("within_unit", over)) == "element_mismatch"
    assert budgets.refusal(adjusting("across_units", over, adj_no="2")) == "element_invalid"
    budgets.do(adjusting("across_units", over, adj_no="3", doc="财预〔2026〕3号"))
    within = part("1.00", "R1", "H1")
    assert budgets.refusal(adjusting("within_unit", within, adj_no="4")) == "element_mismatch"


def test_running_costs_become_wages_only_by_a_document(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00", category="21")
    budgets.ceiling("900.00", category="21")
    goods = {"gov_bgt_eco_code": "50201", "dep_bgt_eco_code": "30201"}
    wages = {"gov_bgt_eco_code": "50101", "dep_bgt_eco_code": "30101"}
    budgets.draft("ES-1", row("GY", "500.00", **goods), row("RY", "100.00", **wages))
    budgets.check("ES-1")
    budgets.do(approval("PF-1", "ES-1"), "treasury")
    over = part("100.00", "GY", "RY")
    assert budgets.refusal(adjusting("within_unit", over)) == "element_invalid"
    budgets.do(adjusting("within_unit", over, adj_no="2", doc="财预〔2026〕5号"))


def test_the_reserve_is_not_paid_from_but_moved_by_the_government(budgets: BudgetKeeper) -> None:
    budgets.project(amt="3000000.00")
    budgets.approved(("YBF", "3000000.00"), **RESERVE)
    assert budgets.refusal(of_row("B1", "YBF", "1.00", **RESERVE)) == "element_invalid"
    relief = NewRow(bgt_pman_id="JZ", agency_code=SCHOOL, **{**ROW, "exp_func_code": "22407"})
    asked = part("500000.00", "YBF", "JZ")
    assert budgets.refusal(adjusting("reserve", asked, new_rows=(relief,))) == "element_invalid"
    budgets.do(
        adjusting("reserve", asked, adj_no="DZ-1", doc="府函〔2026〕7号", new_rows=(relief,))
    )
    assert budgets.amounts("YBF")["rest_amt"] == "2500000.00"
    assert budgets.amounts("JZ")["rest_amt"] == "500000.00"
    budgets.do(of_row("B1", "JZ", "500000.00", **{**ELEMENTS, "exp_func_code": "22407"}))


def test_what_is_unknown_or_not_approved_is_not_adjusted(budgets: BudgetKeeper) -> None:
    budgets.project(amt="100.00")
    assert budgets.refusal(adjusting("cut", part("1.00", "R9"))) == "not_found"
