"""溯源 to the beginning: from a payment to its indicator, its row, its drafts and its project."""

from collections.abc import Iterator

import pytest

from budget.adjusting.adjusting import AdjustBudget
from budget.projects.ending import SuspendProject
from budget.row_events import AdjustmentPart
from ledger.postgres.database import Database
from projections.core.runner import Runner
from projections.tracing.indicator import trace_indicator
from projections.tracing.links import Link
from projections.tracing.payment import trace_payment
from tests.support.budgets import PROJECT, BudgetKeeper, approval, of_row, row

STANDING = "440000000-0000"


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def a_payment(b: BudgetKeeper) -> None:
    b.project(amt="1000.00")
    b.draft("YS-1", row("R1", "700.00"), of_round=1)
    b.ceiling("900.00")
    b.draft("ES-1", row("R1", "500.00"), row("R2", "100.00"))
    b.check("ES-1")
    b.do(approval("PF-1", "ES-1"), "treasury")
    part = AdjustmentPart(from_bgt_pman_id="R2", to_bgt_pman_id="R1", amt="20.00")
    b.do(AdjustBudget(adj_no="TJ-1", kind="within_unit", parts=(part,), reason="据实调剂"))
    b.do(of_row("B1", "R1", "520.00"))
    b.apply("P1", "B1", "30.00")
    # what comes afterwards is not behind the payment
    b.do(AdjustBudget(adj_no="TZ-9", kind="addition", reason="追加",
                      parts=(AdjustmentPart(to_bgt_pman_id="R1", amt="1.00"),)))  # fmt: skip
    b.in_division(SuspendProject(pro_code=PROJECT, change_no="1", reason="停工"), "unit")
    Runner(b.pool).catch_up()


def steps(links: list[Link]) -> dict[str, Link]:
    return {link.step: link for link in links}


def types(link: Link) -> list[str]:
    return [fact["type"] for fact in link.facts]


def test_a_payment_leads_back_to_its_project_with_every_number(budgets: BudgetKeeper) -> None:
    a_payment(budgets)
    with budgets.pool.connection() as connection:
        found = trace_payment(connection, budgets.ledger_id, "P1")
    assert [link.step for link in found.chain] == [
        "project", "draft", "budget", "indicator", "payment", "journals",
    ]  # fmt: skip
    assert [link.number for link in found.chain[:5]] == [PROJECT, "ES-1", "R1", "B1", "P1"]
    assert [link.previous for link in found.chain] == [
        None, "project", "draft", "budget", "indicator", "payment",
    ]  # fmt: skip
    project, drafts, budget, *_ = found.chain
    assert types(project) == ["project.reported", "project.checked", "project.stored"]
    assert project.ledger == STANDING
    drafted = [(fact["type"].removeprefix("budget_draft."), fact["draft_no"])
               for fact in drafts.facts]  # fmt: skip
    assert drafted == [
        ("entered", "YS-1"), ("submitted", "YS-1"),
        ("entered", "ES-1"), ("submitted", "ES-1"), ("checked", "ES-1"), ("checked", "ES-1"),
        ("approved", "ES-1"),
    ]  # fmt: skip
    assert all("rows" not in fact for fact in drafts.facts), "other rows are not its own"
    assert types(budget) == [
        "budget_row.asked", "budget_row.restated", "budget_row.replied", "budget_row.adjusted",
    ]  # fmt: skip
    *_, replied, adjusted = budget.facts
    assert (replied["approve_doc_no"], replied["reply_amt"]) == ("PF-1", "500.00")
    assert (adjusted["adj_no"], adjusted["dis_amt"]) == ("TJ-1", "20.00")
    kinds = {position: name for position, name, _ in budgets.events()}
    for link in (drafts, budget):
        assert [kinds[at] for at in link.positions] == types(link)


def test_an_indicator_tells_where_it_comes_from(budgets: BudgetKeeper) -> None:
    a_payment(budgets)
    with budgets.pool.connection() as connection:
        found = trace_indicator(connection, budgets.ledger_id, "B1")
    assert found.origin
    by_step = steps(found.origin)
    assert list(by_step) == ["project", "draft", "budget"]
    assert by_step["budget"].facts[-1]["adj_no"] == "TZ-9", "as the row is now"
    assert types(by_step["project"])[-1] == "project.stored", "as the year has noted it"
    assert by_step["budget"].next is None
    assert all(proof.holds for proof in found.proofs or ())


def test_an_indicator_beside_the_budget_has_its_issue_alone(budgets: BudgetKeeper) -> None:
    budgets.issue("B1", "10.00")
    Runner(budgets.pool).catch_up()
    with budgets.pool.connection() as connection:
        found = trace_indicator(connection, budgets.ledger_id, "B1")
    assert found.origin
    assert [(link.step, link.ledger or "") for link in found.origin] == [
        ("project", ""), ("budget", ""),
    ]  # fmt: skip
