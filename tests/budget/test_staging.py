"""待下达 → 可执行, and 收回, as an accountant would try them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from budget.indicators import AdjustIndicator, FreezeIndicator, ReallocateIndicator, SetPlan
from budget.staging import EnableIndicator, RecallIndicator
from ledger.deciding.opening import OpenLedger
from ledger.postgres.database import Database
from tests.budget.test_verifying import found
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import payment
from tests.support.budgets import BudgetKeeper, of_row
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

pytestmark = pytest.mark.usefixtures("decided_again")

IN_MARCH, IN_APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def pending(budgets: BudgetKeeper, bgt_id: str) -> int:
    [(amounts,)] = budgets.sql(
        "SELECT amounts FROM registers WHERE ledger_id = %s AND register = 'indicator_pending'"
        " AND key = %s",
        bgt_id,
    )
    return int(amounts[0])


# ---- two stages


def test_what_is_pending_counts_against_its_row_and_is_not_paid(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    budgets.do(of_row("B1", "R1", "60.00", bgt_exe_flag=2))
    assert budgets.amounts("R1")["rest_amt"] == "40.00"
    assert budgets.books() == {"指标来源": "100.00", "支出预算": "40.00", "待下达指标": "60.00"}
    assert pending(budgets, "B1") == 60_00
    assert budgets.refusal(of_row("B2", "R1", "40.01")) == "insufficient_budget"
    assert budgets.refusal(payment("SQ-1", "B1", "0.01")) == "indicator_not_executable"

    budgets.do(EnableIndicator(bgt_id="B1"))
    assert budgets.books() == {"指标来源": "100.00", "支出预算": "40.00", "支出指标": "60.00"}
    assert budgets.refusal(payment("SQ-2", "B1", "60.01")) == "insufficient_indicator"
    budgets.pay("SQ-3", "B1", "60.00")


@pytest.mark.parametrize(
    "act",
    [
        AdjustIndicator(bgt_id="B1", adj_no="T1", adj_amt="1.00", reason="追加"),
        ReallocateIndicator(bgt_id="B1", to_bgt_id="B2", adj_no="T2", amt="1.00", reason="调剂"),
        ReallocateIndicator(bgt_id="B2", to_bgt_id="B1", adj_no="T3", amt="1.00", reason="调剂"),
        FreezeIndicator(bgt_id="B1", freeze_no="D1", amt="1.00"),
        SetPlan(bgt_id="B1", plan_voucher_no="J1", plan_month=3, plan_amt="1.00"),
    ],
    ids=lambda act: f"{act.OPERATION} of {act.bgt_id}",
)
def test_nothing_else_is_done_to_what_is_pending(
    budgets: BudgetKeeper, act: msgspec.Struct
) -> None:
    budgets.issue("B1", "10.00", bgt_exe_flag=2)
    budgets.issue("B2", "10.00")
    assert budgets.refusal(act) == "indicator_not_executable"


def test_an_indicator_is_enabled_once(budgets: BudgetKeeper) -> None:
    budgets.issue("B1", "10.00", bgt_exe_flag=2)
    first = budgets.do(EnableIndicator(bgt_id="B1"))
    again = budgets.do(EnableIndicator(bgt_id="B1"))
    assert (again.replayed, again.commit) == (True, first.commit)
    budgets.issue("B2", "10.00")
    assert budgets.refusal(EnableIndicator(bgt_id="B2")) == "invalid_state", "it always was"
    assert budgets.refusal(EnableIndicator(bgt_id="B3")) == "indicator_not_found"


def test_it_can_be_paid_from_the_day_on_which_it_is_enabled(budgets: BudgetKeeper) -> None:
    budgets.issue("B1", "10.00", bgt_exe_flag=2, effective_on=date(2026, 1, 20))
    early = EnableIndicator(bgt_id="B1", effective_on=date(2026, 1, 19))
    assert budgets.refusal(early) == "indicator_not_executable"
    budgets.do(EnableIndicator(bgt_id="B1", effective_on=IN_MARCH))
    before = payment("SQ-1", "B1", "0.01", effective_on=date(2026, 2, 28))
    assert budgets.refusal(before) == "insufficient_indicator"
    budgets.do(payment("SQ-2", "B1", "10.00", effective_on=IN_MARCH))


# ---- recall


def test_a_recall_gives_back_to_the_row_and_it_is_issued_again(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    budgets.do(of_row("B1", "R1", "100.00"))
    budgets.pay("SQ-1", "B1", "30.00")
    budgets.apply("SQ-2", "B1", "20.00")
    budgets.do(FreezeIndicator(bgt_id="B1", freeze_no="D1", amt="10.00"))

    one_fen_more = RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="40.01")
    assert budgets.refusal(one_fen_more) == "insufficient_indicator"
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-2"))
    assert budgets.amounts("R1")["rest_amt"] == "40.00"
    assert budgets.figures("B1") == {
        "available": "0.00", "frozen": "10.00", "occupied": "20.00", "paid": "30.00",
        "plan": "0.00",
    }  # fmt: skip
    nothing = RecallIndicator(bgt_id="B1", recall_no="SH-3")
    assert budgets.refusal(nothing) == "insufficient_indicator"
    budgets.do(of_row("B2", "R1", "40.00"))


def test_what_is_pending_is_recalled_in_parts(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    budgets.do(of_row("B1", "R1", "100.00", bgt_exe_flag=2))
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="30.00"))
    assert (pending(budgets, "B1"), budgets.amounts("R1")["rest_amt"]) == (70_00, "30.00")
    more = RecallIndicator(bgt_id="B1", recall_no="SH-2", amt="70.01")
    assert budgets.refusal(more) == "insufficient_indicator"
    budgets.do(EnableIndicator(bgt_id="B1"))
    assert (pending(budgets, "B1"), budgets.figures("B1")["available"]) == (0, "70.00")


def test_without_a_row_it_goes_back_to_where_it_came_from(budgets: BudgetKeeper) -> None:
    budgets.issue("B1", "10.00")
    budgets.issue("B2", "10.00", bgt_exe_flag=2)
    budgets.do(RecallIndicator(bgt_id="B1"))
    budgets.do(RecallIndicator(bgt_id="B2"))
    assert budgets.books() == {}


def test_a_recall_without_a_number_is_done_once(budgets: BudgetKeeper) -> None:
    budgets.issue("B1", "10.00")
    budgets.do(RecallIndicator(bgt_id="B1", amt="1.00"))
    assert budgets.do(RecallIndicator(bgt_id="B1", amt="1.00")).replayed
    assert budgets.refusal(RecallIndicator(bgt_id="B1", amt="2.00")) == "idempotency_conflict"


def test_a_recall_leaves_what_a_later_day_needs(budgets: BudgetKeeper) -> None:
    """What is dated ahead is promised: 4.00 of it go in April."""
    budgets.issue("B1", "10.00")
    budgets.adjust("B1", "-4.00", effective_on=IN_APRIL)
    budgets.do(RecallIndicator(bgt_id="B1"))
    assert budgets.figures("B1")["available"] == "0.00"


# ---- ledgers of earlier releases


def opened_before(budgets: BudgetKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a release did that knew no stages, and one chart."""
    with monkeypatch.context() as then:
        then.setattr(OpenLedger, "STAGES", False)
        then.setattr(OpenLedger, "CHARTS", 1)
        then.setattr(OpenLedger, "PLANS", False)
        then.setattr(OpenLedger, "PURCHASES", False)
        then.setattr(OpenLedger, "CARDS", False)
        then.setattr(OpenLedger, "SPECIAL", False)
        then.setattr(OpenLedger, "UNIT_FUNDS", False)
        then.setattr(OpenLedger, "TRANSFERS", False)
        then.setattr(OpenLedger, "FOLLOWS", False)
        budgets.open()


def test_in_an_older_ledger_the_flag_alone_is_lifted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = BudgetKeeper(database)
    opened_before(budgets, monkeypatch)
    budgets.issue("B1", "10.00", bgt_exe_flag=2)
    budgets.adjust("B1", "1.00")
    assert budgets.figures("B1")["available"] == "11.00"
    assert budgets.refusal(payment("SQ-1", "B1", "1.00")) == "indicator_not_executable"
    booked = len(budgets.journals())
    budgets.do(EnableIndicator(bgt_id="B1"))
    assert len(budgets.journals()) == booked
    budgets.pay("SQ-2", "B1", "11.00")
    budgets.close()
    budgets.pool.close()


# ---- audited


def test_both_stages_hold_under_audit_and_offline(
    budgets: BudgetKeeper, database: Database, tmp_path: Path
) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    budgets.do(of_row("B1", "R1", "60.00", bgt_exe_flag=2))
    budgets.do(of_row("B2", "R1", "40.00", bgt_exe_flag=2, effective_on=IN_APRIL))
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="10.00"))
    budgets.do(EnableIndicator(bgt_id="B1"))
    budgets.apply("SQ-1", "B1", "20.00")
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-2"))
    assert found(database, budgets, tmp_path) == []
    audited = audited_as_it_stands(database, budgets)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output
