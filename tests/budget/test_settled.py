"""What is settled is not kept at hand, and is there again whenever somebody asks for it."""

from collections.abc import Iterator

import pytest

from budget.preparation.ceilings import CEILING
from budget.preparation.draft import APPROVED, BUDGET_DRAFT
from budget.rows import BUDGET_ROW
from ledger.deciding.cached_objects import CachedObject, CachedObjects
from ledger.deciding.objects import AnyKind
from ledger.postgres.database import Database
from tests.support.budgets import BudgetKeeper, approval, ceiling, row

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def at_hand(b: BudgetKeeper, kind: AnyKind, *numbers: str) -> set[str]:
    return set(b.sequencer.peek(b.ledger_id, kind, numbers))


def test_an_approved_draft_goes_and_its_rows_stay(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.ceiling("1000.00")
    budgets.draft("ES-1", row("R1", "600.00"))
    budgets.check("ES-1")
    assert at_hand(budgets, BUDGET_DRAFT, "ES-1") == {"ES-1"}

    budgets.do(approval("PF-1", "ES-1"), "treasury")
    assert at_hand(budgets, BUDGET_DRAFT, "ES-1") == set()
    assert at_hand(budgets, BUDGET_ROW, "R1") == {"R1"}
    assert budgets.refusal(approval("PF-2", "ES-1"), "treasury") == "invalid_state"
    draft = budgets.sequencer.peek(budgets.ledger_id, BUDGET_DRAFT, ["ES-1"])["ES-1"]
    assert (draft.state, draft.approve_doc_no) == (APPROVED, "PF-1")  # read again for it


def test_a_dry_run_settles_nothing(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.ceiling("1000.00")
    budgets.draft("ES-1", row("R1", "600.00"))
    budgets.check("ES-1")
    assert budgets.ask(approval("PF-1", "ES-1"), "treasury", dry_run=True).problem is None
    assert at_hand(budgets, BUDGET_DRAFT, "ES-1") == {"ES-1"}


def test_a_ceiling_that_is_set_answers_its_number_again(budgets: BudgetKeeper) -> None:
    """It holds as a row of a register; what was set is only asked for by whoever tells it again."""
    budgets.do(ceiling("KZ-1", "100.00"))
    assert at_hand(budgets, CEILING, "KZ-1") == set()
    assert budgets.do(ceiling("KZ-1", "100.00")).replayed
    assert budgets.refusal(ceiling("KZ-1", "100.01")) == "idempotency_conflict"


def test_what_goes_takes_its_cost_along() -> None:
    objects = CachedObjects()
    for number in ("ES-1", "ES-2"):
        objects.by_kind["draft"][number] = CachedObject(number, b"", 1, 1)
    objects.settled["draft", "ES-1"] = True
    objects.settled["draft", "ES-3"] = True  # one that is not at hand
    objects.trim()
    assert set(objects.by_kind["draft"]) == {"ES-2"}
    assert not objects.settled
